"""What the admin API says when it does not do what was asked: problem details (RFC 9457).

Each kind of problem has a row in `KINDS`: a stable name, its HTTP status and a title. The `type` of an answer is a
link to that name on the page that the Setup part itself serves, so that it can be followed. `of` is the one place
where an error becomes such an answer; the detail of a bug stays with us.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from service.access.tokens import CHALLENGE
from service.errors import (
    BadRequest,
    BaseMoved,
    ChangeRefused,
    Declined,
    Forbidden,
    InvalidPolicy,
    NotFound,
    PracticeMoved,
    RequestError,
    RolewardenError,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
    UsageError,
)
from service.exchange import Reply
from service.values import Severity

MEDIA = "application/problem+json"
PAGE = "/docs/api"
"""Where the kinds of problem are explained."""

RETRY = "1"
"""Seconds after which it is worth trying again where trying again may help."""

_MOST_FINDINGS = 20


class Kind(NamedTuple):
    """One kind of problem."""

    status: int
    title: str
    meaning: str


KINDS: Mapping[str, Kind] = {
    "body-unreadable": Kind(400, "the body is not strict JSON", "It is no JSON, has a name twice, or is not UTF-8."),
    "parameter-invalid": Kind(
        400, "a parameter does not hold", "A parameter or a header is unknown, missing or malformed."
    ),
    "cursor-invalid": Kind(
        400, "the cursor is not one of this list", "Take `next` from the answer, for the same filters."
    ),
    "unauthenticated": Kind(401, "who asks is not known", "No token, one that is not known, was revoked or is wrong."),
    "forbidden": Kind(
        403,
        "this may not be done",
        "The token lacks the scope or is for some practices alone, or the request comes from elsewhere.",
    ),
    "not-found": Kind(404, "there is no such thing", "Not there, or not for this token: the two look alike."),
    "method-unknown": Kind(405, "another method", "`Allow` says which there are."),
    "not-acceptable": Kind(406, "only JSON is answered", "`Accept` must let `application/json` through."),
    "change-refused": Kind(409, "the change may not be", "A guard rail, or the practice as it is; `rule` says which."),
    "key-busy": Kind(409, "the same request is being answered", "Try again after `Retry-After`."),
    "list-moved": Kind(410, "the list changed while it was read", "Begin again without a cursor."),
    "practice-moved": Kind(
        412, "somebody else changed the practice", "`theirs` are the changes since the one in `If-Match`."
    ),
    "too-large": Kind(
        413, "the body is too long", "A body has a bound; send less at once, or use `rolewarden import`."
    ),
    "media-type": Kind(415, "the body is of another type", "Send `Content-Type: application/json`."),
    "body-invalid": Kind(422, "the body has another shape", "A member is missing, unknown or of another kind."),
    "policy-invalid": Kind(422, "the policy would not hold", "`findings` says why: a name or a level that cannot be."),
    "key-reused": Kind(422, "the key belongs to another request", "Send a new `Idempotency-Key` with a new request."),
    "if-match-missing": Kind(
        428, "the change must say what it started from", "Send the `ETag` of what you read in `If-Match`."
    ),
    "internal": Kind(500, "an error of ours", "Its detail is in the log, under the request id."),
    "rows-altered": Kind(503, "the rows are not those that were published", "Somebody changed the database itself."),
    "store-unavailable": Kind(503, "the store does not answer", "Nothing was changed. Try again after `Retry-After`."),
}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that does not hold, under the rule by which the reference explains it."""

    rule: str
    found: str
    mend: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was not done. `detail` is for people; programs look at `code`, and at `rule` where there is one."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    mend: str = ""
    request_id: str = ""
    rule: str = ""
    change: int = 0
    findings: tuple[Finding, ...] = ()
    theirs: tuple[Any, ...] = ()


def of(error: Exception, request_id: str = "") -> Reply:
    """The answer that an error becomes."""
    kind, told = _kind(error), _told(error)
    row = KINDS[kind]
    link = f"{PAGE}#{kind}"
    body = Problem(link, row.title, row.status, kind, request_id=request_id, **told)
    headers = {"Content-Type": MEDIA}
    if kind == "unauthenticated":
        headers["WWW-Authenticate"] = CHALLENGE
    if kind in ("key-busy", "store-unavailable") or type(error) is BaseMoved:
        headers["Retry-After"] = RETRY
    return Reply(row.status, headers, msgspec.json.encode(body))


def _kind(error: Exception) -> str:
    match error:
        case Declined():
            return error.kind
        case PracticeMoved():
            return "practice-moved"
        case ChangeRefused() | UsageError():
            return "change-refused"
        case InvalidPolicy():
            return "policy-invalid"
        case StoreUnavailable():
            return "store-unavailable"
        case RequestError():
            return next((kind for of, kind in _OF_REQUESTS.items() if isinstance(error, of)), "internal")
        case _:
            return "internal"


_OF_REQUESTS: Mapping[type, str] = {
    BadRequest: "body-unreadable",
    Unauthenticated: "unauthenticated",
    Forbidden: "forbidden",
    NotFound: "not-found",
    TooLarge: "too-large",
}


def _told(error: Exception) -> dict[str, Any]:
    """What may be said of an error, beside its kind. Of what is not in our tree, nothing."""
    match error:
        case InvalidPolicy():
            found = [problem for problem in error.findings if problem.severity is Severity.ERROR][:_MOST_FINDINGS]
            return {
                "detail": found[0].found if found else error.message,
                "findings": tuple(Finding(problem.rule, problem.found, problem.mend) for problem in found),
            }
        case Declined():
            return {"detail": error.message, "mend": error.mend, **error.more}
        case PracticeMoved():
            return {"detail": error.message, "mend": error.mend, "change": error.head}
        case ChangeRefused():
            return {"detail": error.message, "mend": error.mend, "rule": error.rule}
        case StoreUnavailable():
            return {}  # it may name a file of ours
        case RolewardenError():
            return {"detail": error.message, "mend": error.mend}
        case _:
            return {}
