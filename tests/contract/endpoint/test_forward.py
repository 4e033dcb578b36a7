"""Forward authentication: what a proxy is told about the request that it has in hand."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from service.config import Settings
from tests.contract.endpoint import demonstration
from tests.contract.endpoint.demonstration import Demonstration
from tests.contract.endpoint.doors import Door, Got, flask_door

BELIEVED = "user=X-Auth-User practice=X-Auth-Practice method=X-Original-Method uri=X-Original-URI"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """The demonstration, with a proxy that is believed."""
    return demonstration.publish(tmp_path_factory.mktemp("home"), {"ROLEWARDEN_FORWARD_AUTH": BELIEVED})


@pytest.fixture(scope="module")
def door(shown: Demonstration) -> Iterator[Door]:
    """Flask's routes."""
    with flask_door(shown.settings) as opened:
        yield opened


def ask(door: Door, shown: Demonstration, uri: str, user: str = "ann", method: str = "GET", **others: str) -> Got:
    """The answer to a proxy."""
    headers = {
        "Authorization": f"Bearer {shown.token}",
        "X-Auth-User": user,
        "X-Auth-Practice": "riverside",
        "X-Original-Method": method,
        "X-Original-URI": uri,
        **others,
    }
    return door.ask("GET", "/forward-auth", {name: value for name, value in headers.items() if value}, b"")


@pytest.mark.parametrize(
    ("user", "method", "uri", "status", "reason"),
    [
        ("ann", "GET", "/tasks/portal", 200, "allowed"),
        ("ben", "GET", "/tasks/portal", 403, "no_level"),
        ("ben", "GET", "/tasks//portal/", 403, "no_level"),
        ("ben", "GET", "/static/../tasks/portal", 403, "no_level"),
        ("ben", "GET", "/message/1041", 200, "allowed"),
        ("ben", "POST", "/message/1041", 200, "allowed"),
        ("eve", "GET", "/tasks/portal", 200, "allowed"),
        ("eve", "GET", "/tasks/portal/1041", 403, "no_level"),
        ("lou", "GET", "/message/1041", 403, "inactive_user"),
        ("zoe", "GET", "/message/1041", 403, "unknown_user"),
        ("ann,ben", "GET", "/message/1041", 403, "unknown_user"),
        ("role:Front Desk", "GET", "/message/1041", 403, "unknown_user"),
        ("", "GET", "/static/ehr.css", 200, "public"),
        ("", "GET", "/message/1041", 403, "header_missing"),
        ("ann", "GET", "/elsewhere", 403, "path_refused"),
        ("ann", "DELETE", "/tasks/portal/1041", 403, "path_refused"),
        ("ann", "GET", "/static/..%2ftasks/portal", 403, "path_refused"),
        ("ann", "GET", "/Tasks/Portal", 403, "path_refused"),
        ("ann", "", "/tasks/portal", 403, "header_missing"),
        ("ann", "GET", "", 403, "header_missing"),
    ],
)
def test_what_a_proxy_is_told(
    door: Door, shown: Demonstration, user: str, method: str, uri: str, status: int, reason: str
) -> None:
    """200 where all that the path asks is allowed, else 403, and why in a header."""
    got = ask(door, shown, uri, user, method)
    assert (got.status, got.headers["x-rolewarden-reason"]) == (status, reason)


def test_the_security_message(door: Door, shown: Demonstration) -> None:
    """A refusal has the security message as its body, for a proxy that shows it."""
    assert "You can still open messages forwarded to you" in unquote(
        ask(door, shown, "/tasks/portal", "ben").body.decode()
    )


def test_another_practice(door: Door, shown: Demonstration) -> None:
    """What the proxy says of the practice counts, and a token asks only about its own."""
    got = ask(door, shown, "/tasks/portal", **{"X-Auth-Practice": "lakeside"})
    assert got.headers["x-rolewarden-reason"] == "no_level"
    mine = {"Authorization": f"Bearer {shown.lakeside_token}"}
    assert ask(door, shown, "/tasks/portal", **mine).status == 403


@pytest.mark.parametrize("authorization", ["", "Bearer rw_000000000000_" + "0" * 64])
def test_a_proxy_without_a_token(door: Door, shown: Demonstration, authorization: str) -> None:
    """Without a token of ours nothing goes through."""
    assert ask(door, shown, "/static/ehr.css", Authorization=authorization).status == 401


def test_no_proxy_is_believed_unless_set(tmp_path: Path) -> None:
    """Without the setting there is no such endpoint, whatever headers say."""
    plain = demonstration.publish(tmp_path)
    with flask_door(plain.settings) as opened:
        assert ask(opened, plain, "/static/ehr.css").status == 404


@pytest.mark.parametrize(
    "text",
    [
        "user=X-User",
        "user=X-User practice=X-Practice method=X-Method",
        "user=X-A practice=X-A method=X-B uri=X-C",
        "user=X-A practice=X-B method=X-C uri=X_D",
        "user=X-A practice=X-B method=X-C uri=X-D path=X-E",
        "user=X-A, practice=X-B, method=X-C, uri=X-D",
        "user: X-A practice=X-B method=X-C uri=X-D",
    ],
)
def test_half_a_setting(text: str) -> None:
    """All four headers are named, each another one, or the service does not start."""
    with pytest.raises(Exception, match="ROLEWARDEN_FORWARD_AUTH"):
        Settings.from_environ({"ROLEWARDEN_FORWARD_AUTH": text})
