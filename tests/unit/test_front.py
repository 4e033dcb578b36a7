from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client

from service.exchange import Reply
from service.front import Body, before

PATH = "/access/v1/evaluation"
KNOWN = ("authorization", "content-type", "x-request-id")


def behind(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """The application behind: says that it was asked."""
    start("418 I'm a Teapot", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


def told(headers: Mapping[str, str], body: Body) -> Reply:
    """Tells what it was given."""
    given = [*(f"{name}: {value}" for name, value in sorted(headers.items())), body(100).decode()]
    return Reply(403, {"Content-Type": "text/plain", "X-Kind": "told"}, "\n".join(given).encode())


@pytest.fixture
def client() -> Client:
    """A client of the front. Both sides of it are held to WSGI."""
    return Client(validator(before(validator(behind), {("POST", PATH): told}, KNOWN)))


def test_what_it_knows(client: Client) -> None:
    """The headers that are read, and those alone; the body; and what the answer says goes back."""
    sent = {"Authorization": "Bearer x", "X-Request-ID": "7", "X-Other": "1", "Cookie": "a=b"}
    got = client.post(PATH, data="abc", headers=sent, content_type="application/json", buffered=True)
    assert (got.status, got.headers["X-Kind"], got.headers["Content-Length"]) == ("403 Forbidden", "told", "74")
    assert got.text == "authorization: Bearer x\ncontent-type: application/json\nx-request-id: 7\nabc"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("HEAD", PATH),
        ("OPTIONS", PATH),
        ("POST", f"{PATH}/"),
        ("POST", PATH.upper()),
        ("POST", "/"),
    ],
)
def test_what_it_does_not_know(client: Client, method: str, path: str) -> None:
    """Anything else is for the application behind, as it came."""
    got = client.open(path, method=method, buffered=True)
    assert got.status_code == 418
    assert got.text in (path, "")
