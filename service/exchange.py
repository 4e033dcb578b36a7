"""An HTTP request and the answer to it, as the Setup part passes them around: values that know no server.

`Asked` is what came, `Reply` what goes back. The rule kept here: a body is taken whole or not at all, and what is
repeated in a form is never merged silently (`Fields` keeps all of it, in order).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from service.errors import BadRequest, TooLarge

HTML = "text/html; charset=utf-8"


class Reply(NamedTuple):
    """An HTTP response before any server has seen it. Header names are written as they are sent.

    `cookies` are whole values of `Set-Cookie`, of which an answer may have several.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """What a query or a form holds: names and values in the order in which they came."""

    pairs: tuple[tuple[str, str], ...] = ()

    def __contains__(self, name: str) -> bool:
        return any(name == known for known, _ in self.pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def one(self, name: str, default: str = "") -> str:
        """The value of a field that may stand there once. Raises BadRequest where it stands there more often."""
        found = self.every(name)
        if len(found) > 1:
            raise BadRequest(f"`{name}` stands there {len(found)} times")
        return found[0] if found else default

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a field, such as the ticked boxes of one name."""
        return tuple(value for known, value in self.pairs if known == name)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `names`: the parts of the path that its row of the table names, such as `practice`.

    Header names are in lower case. `form` and `files` are empty unless the body is a form; `files` are those that were
    sent with one, by the name of their field.
    """

    method: str
    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    query: Fields = Fields()
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    form: Fields = Fields()
    files: Mapping[str, bytes] = field(default_factory=dict)
    body: bytes = b""
    id: str = ""

    @property
    def place(self) -> str:
        """The path with its query, by which the same page can be asked for again."""
        path = quote(self.path, safe="/:@!$&'()*+,;=")
        return f"{path}?{urlencode(self.query.pairs)}" if self.query.pairs else path


def see_other(place: str, *cookies: str) -> Reply:
    """Go on with a GET of this place (POST, then redirect, then GET)."""
    return Reply(303, {"Location": place}, b"", cookies)


def read_body(environ: Mapping[str, Any], most: int) -> bytes:
    """The body, whole. One that is longer, breaks off or arrives as nonsense is an error, never a part of it.

    Flask's own reader takes a body that breaks off for a shorter one wherever the server ends the stream.
    """
    announced: str | None = environ.get("CONTENT_LENGTH")
    if not announced and not environ.get("wsgi.input_terminated"):
        return b""  # without either, reading might wait for ever
    if announced and int(announced) > most:
        raise TooLarge(f"the body is longer than {most} bytes")
    try:
        body: bytes = environ["wsgi.input"].read(int(announced) if announced else most + 1)
    except Exception as error:
        raise BadRequest("the body did not arrive whole") from error  # each server has errors of its own
    if announced and len(body) < int(announced):
        raise BadRequest("the body did not arrive whole")
    if len(body) > most:
        raise TooLarge(f"the body is longer than {most} bytes")
    return body
