"""One request to the admin API, read strictly: its parameters, its body, and the change that it started from.

An `Operation` says what may stand in a request and what comes back; it is the only description there is, of which the
OpenAPI document is made. What it does not name is refused, so that a mistyped filter is never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from service.access.permissions import ADMIN, Endpoint, Scope
from service.access.person import Visit
from service.api import strictjson
from service.api.paging import DEFAULT, MOST
from service.api.wire import JSON
from service.changes import Author
from service.errors import Declined, TooLarge
from service.exchange import Reply
from service.policy.rows import LONGEST_NAME, name_problem
from service.publish import Press
from service.store.base import Token
from service.values import USER_PREFIX, How

MOST_BYTES = 1 << 20
"""Of a body. More at once is for `rolewarden import`."""

_ETAG = re.compile('"([0-9]{1,15})"')
_NUMBER = re.compile("[0-9]{1,15}")
_MEDIA = re.compile(r"application/json[ \t]*(?:;[ \t]*charset=(?:utf-8|\"utf-8\")[ \t]*)?", re.IGNORECASE)


class Parameter(NamedTuple):
    """Something that may stand in the query. `read` takes its text, or raises ValueError with what was expected."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    required: bool = False


Handler = Callable[["Request"], Reply]


@dataclass(frozen=True, slots=True)
class Operation:
    """What one endpoint takes and gives. `answers`: what the body of each good status holds.

    `fresh`: it has an `ETag`, and 304 for who has it. `conditional`: it needs `If-Match`. `once`: it takes an
    `Idempotency-Key`. `refusals`: kinds of problem that it has, beside those that follow from the rest.
    """

    endpoint: Endpoint
    handler: Handler
    answers: Mapping[int, Any]
    query: tuple[Parameter, ...] = ()
    body: Any = None
    fresh: bool = False
    conditional: bool = False
    once: bool = False
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A request that holds. `base` is the change that it started from; 0 where none is asked for."""

    visit: Visit
    operation: Operation
    press: Press
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    base: int = 0

    @property
    def practice(self) -> str:
        """The practice that the path names."""
        return self.visit.practice

    @property
    def token(self) -> Token:
        """What was shown."""
        if self.visit.token is None:
            raise LookupError("no token was shown, and the endpoint let the request in")
        return self.visit.token

    @property
    def place(self) -> str:
        """The path, with every character in place that a path may not have."""
        return self.visit.asked.path

    def author(self) -> Author:
        """On whose word it is: the user for whom it was sent, or the token."""
        why = self.body if hasattr(self.body, "on_behalf_of") else msgspec.UNSET
        told = {
            name: getattr(why, name, self.query.get(name) or "") for name in ("reason", "reference", "on_behalf_of")
        }
        for name, text in told.items():
            if text and (problem := name_problem(text)):
                raise Declined("body-invalid", f"`{name}`: {problem[1]}", "write it on one line, in visible characters")
        person = told["on_behalf_of"]
        actor = f"{USER_PREFIX}{person}" if person else f"token:{self.token.name}"
        return Author(actor, How.API, told["reason"], told["reference"])


def read(operation: Operation, visit: Visit) -> Request:
    """The request, or `Declined` with what does not hold."""
    _require_accepted(visit.asked.headers.get("accept", ""))
    query = _query(operation, visit)
    body = _body(operation, visit)
    base = _base(visit.asked.headers.get("if-match")) if operation.conditional else 0
    return Request(visit, operation, visit.office.press, query, body, base)


def number(text: str) -> int:
    """The number of a change, from a path. Raises `Declined` where there is none."""
    if not _NUMBER.fullmatch(text):
        raise Declined("not-found", f"there is no change `{text[:40]}`")
    return int(text)


# --- parameters ---------------------------------------------------------------------------------------------


def a_name(name: str, meaning: str, *, required: bool = False) -> Parameter:
    """A parameter that holds a name."""
    return Parameter(name, meaning, {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}, _name, required)


def a_moment(name: str, meaning: str) -> Parameter:
    """A parameter that holds a time with its zone."""
    return Parameter(name, meaning, {"type": "string", "format": "date-time"}, _moment)


def _name(text: str) -> str:
    if not 0 < len(text) <= LONGEST_NAME:
        raise ValueError(f"1 to {LONGEST_NAME} characters")
    if problem := name_problem(text):
        raise ValueError(f"a name, and there is {problem[1]}")
    return text


def _cursor(text: str) -> str:
    if not text:
        raise ValueError("the `next` of the part before")
    return text


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text) or not 0 < int(text) <= MOST:
        raise ValueError(f"a number from 1 to {MOST}")
    return int(text)


def _moment(text: str) -> str:
    """A time as the store compares it."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise ValueError("a time with its zone, such as `2026-01-31T08:00:00Z`") from error


LIMIT = Parameter(
    "limit",
    "Entries of one part of the list.",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT},
    _limit,
)
CURSOR = Parameter("cursor", "`next` of the part before.", {"type": "string", "minLength": 1}, _cursor)
PAGED = (LIMIT, CURSOR)
WHY = (
    a_name("reason", "Why, for the record."),
    a_name("reference", "Where more about it stands."),
    a_name("on_behalf_of", "The user who does it; their rights then count, and not the token's."),
)


def _query(operation: Operation, visit: Visit) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in operation.query}
    asked: dict[str, Any] = {}
    for name, text in visit.asked.query:
        if name not in known:
            raise _parameter(name, "nothing here is called that")
        if name in asked:
            raise _parameter(name, "it stands there twice")
        try:
            asked[name] = known[name].read(text)
        except ValueError as error:
            raise _parameter(name, f"it must be {error}") from error
    for parameter in operation.query:
        if parameter.required and parameter.name not in asked:
            raise _parameter(parameter.name, "it is missing")
    return asked


def _parameter(name: str, problem: str) -> Declined:
    return Declined(
        "parameter-invalid", f"`{name[:60]}` in the query: {problem}", f"see `{ADMIN}` in the documentation"
    )


# --- headers and body ---------------------------------------------------------------------------------------


def _require_accepted(accept: str) -> None:
    """`Accept`, as far as it matters to somebody who has one kind of answer."""
    if not accept.strip():
        return
    for choice in accept.split(","):
        media, *parameters = (part.strip().lower() for part in choice.split(";"))
        refused = any(re.fullmatch(r"q=0(\.0{0,3})?", parameter) for parameter in parameters)
        if media in ("*/*", "application/*", JSON) and not refused:
            return
    raise Declined("not-acceptable", "answers are `application/json`", "send `Accept: application/json`, or none")


def _base(if_match: str | None) -> int:
    """The change in `If-Match`. One alone: whoever accepts any state has not looked at it."""
    if if_match is None or not if_match.strip() or if_match.strip() == "*":
        raise Declined("if-match-missing", "this needs `If-Match` with the change that you started from", _SEE_ETAG)
    found = _ETAG.fullmatch(if_match.strip())
    if not found:
        raise Declined("parameter-invalid", '`If-Match` must be one `ETag` of ours, such as `"41"`', _SEE_ETAG)
    return int(found[1])


_SEE_ETAG = "send the `ETag` of what you read"


def _body(operation: Operation, visit: Visit) -> Any:
    """The body as the type of the operation, or None where none belongs."""
    if operation.body is None:
        return None
    if not _MEDIA.fullmatch(visit.asked.headers.get("content-type", "")):
        raise Declined("media-type", "the body must be `Content-Type: application/json`, in UTF-8")
    if len(visit.asked.body) > MOST_BYTES:
        raise TooLarge(f"the body is longer than {MOST_BYTES} bytes")
    value = strictjson.read(visit.asked.body)
    try:
        return msgspec.convert(value, operation.body)
    except msgspec.ValidationError as error:
        raise Declined("body-invalid", _as_ours(str(error)), "see the schema of this operation") from error


def _as_ours(message: str) -> str:
    """A message of msgspec, written as ours are."""
    return message[:1].lower() + message[1:].replace("\n", " ")[:300]


def require_scope(request: Request, scope: Scope) -> None:
    """Raise `Declined` where an operation does more than its row of the table asks for."""
    if scope not in request.token.scopes:
        raise Declined("forbidden", f"this token is not good for `{scope}`", "use a token that was made for it")
