"""Everything that can go wrong on purpose, in one tree.

    RolewardenError                     has a stable `code`, a one-line message, and a `mend`: what to do about it
    ├── InvalidPolicy                   policy files or rows that do not hold; carries the findings        exit 3
    ├── ChangeRefused                   a guard rail or a moved base stopped a change                      exit 1
    │   └── BaseMoved                   somebody else's change came first
    │       └── PracticeMoved           and it was of the same practice
    ├── StoreUnavailable                the store cannot be reached, is locked, or is of another version   exit 1
    ├── ConfigError                     a setting is missing, malformed, or two settings contradict        exit 1
    ├── UsageError                      a command was asked for something that is not there                exit 1
    ├── ProviderAway                    the sign-in provider cannot be asked, or answers nonsense          HTTP 503
    ├── Declined                        the admin API does not do what was asked; `kind` has the status
    └── RequestError                    an HTTP request is not answered with a decision; has a status
        ├── BadRequest                  400
        │   ├── PageInvalid             400; the token of a page is not for this request
        │   └── PageExpired             400; the policy has changed since the first page
        ├── Unauthenticated             401
        ├── Forbidden                   403
        │   └── AccessRefused           by our own policy; carries what the person is shown
        ├── SignInFailed                403, somebody came back from the sign-in provider and is not let in
        ├── NotFound                    404
        ├── TooLarge                    413
        └── SearchUnavailable           503

Anything that is not in this tree is a bug of ours: its detail goes to the log, never to the caller. A refusal of
access is not an error at all: it is a `Decision`. Only two functions turn an error into an outcome:
`service.web.error_response` (an HTTP status) and `service.cli.exit_code` (an exit code). Within a batch, where one
item must not fail the others, `service.api.batch` turns it into a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from service.values import Finding


class RolewardenError(Exception):
    """The root: one line for people, lower case, no full stop; what they typed stands in backticks."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


class InvalidPolicy(RolewardenError):
    """The policy does not hold. `findings` has at least one error, in the order of the files."""

    code = "invalid_policy"

    def __init__(self, findings: Sequence[Finding]) -> None:
        errors = [f for f in findings if f.severity == "error"]
        first = f": {errors[0].position}: {errors[0].found}" if errors else ""
        super().__init__(f"the policy does not hold{first}", "run `rolewarden check` on the folder")
        self.findings = tuple(findings)


class ChangeRefused(RolewardenError):
    """A guard rail stopped the change. `rule` is its stable id; `for_people` says it in the words of a practice."""

    code = "change_refused"

    def __init__(self, rule: str, message: str, mend: str = "", for_people: str = "") -> None:
        super().__init__(message, mend)
        self.rule = rule
        self.for_people = for_people or _in_sentences(message, mend)


class BaseMoved(ChangeRefused):
    """The change was made from a revision that is no longer the newest."""

    code = "base_moved"

    def __init__(self, base: int, head: int) -> None:
        super().__init__(
            "base-moved",
            f"this change was made from revision {base}, and the newest is now {head}",
            "look at what changed and try again",
            "Something else changed since you looked. Please look again.",
        )


class PracticeMoved(BaseMoved):
    """The practice was changed since its author looked at it. `base` and `head` are revisions that touched it."""

    code = "practice_moved"

    def __init__(self, practice: str, base: int, head: int) -> None:
        super().__init__(base, head)
        self.message = f"`{practice}` was changed since revision {base}, by revision {head}"
        self.for_people = f"Something else changed since you looked (change no. {head}). Please look again."
        self.practice, self.base, self.head = practice, base, head


class StoreUnavailable(RolewardenError):
    """The store did not answer as it should. Whatever the driver raised is the cause."""

    code = "store_unavailable"


class ProviderAway(RolewardenError):
    """The sign-in provider did not answer as it should. Whoever has signed in already goes on."""

    code = "provider_away"


class ConfigError(RolewardenError):
    """The service cannot start as configured."""

    code = "config"


class UsageError(RolewardenError):
    """A command named something that does not exist, or that exists already."""

    code = "usage"


class Declined(RolewardenError):
    """The admin API does not do what was asked. `kind` is a row of `service.api.problem.KINDS`, which has the status.

    `more`: further members of the answer.
    """

    code = "declined"

    def __init__(self, kind: str, message: str, mend: str = "", **more: object) -> None:
        super().__init__(message, mend)
        self.kind, self.more = kind, more


class RequestError(RolewardenError):
    """An HTTP request that gets no decision. `status` is the HTTP status."""

    status: ClassVar[int] = 400


class BadRequest(RequestError):
    """The request is not what the standard asks for (AuthZEN s.10, A-14, A-17, A-18)."""

    code = "bad_request"


class PageInvalid(BadRequest):
    """A page token that is none of ours, or was made for another request or another caller (A-53)."""

    code = "page_invalid"


class PageExpired(BadRequest):
    """A page token from before a change of the policy: the pages would not fit together."""

    code = "page_expired"


class Unauthenticated(RequestError):
    """No token, or none that we know (A-72)."""

    code = "unauthenticated"
    status = 401


class Forbidden(RequestError):
    """The caller is known and may not ask about this practice (A-19), whether it exists or not."""

    code = "forbidden"
    status = 403


class AccessRefused(Forbidden):
    """Somebody who has signed in asked for what our own policy does not let them do.

    The message is the security message of the screen, as its user reads it. The rest is for the record: `sign` is the
    code at the end of the message.
    """

    code = "access_refused"

    def __init__(self, message: str, *, actor: str, reason: str, right: str, sign: str) -> None:
        super().__init__(message)
        self.actor, self.reason, self.right, self.sign = actor, reason, right, sign


class SignInFailed(RequestError):
    """Somebody came back from the sign-in provider, and something does not fit. `why` is for the log alone."""

    code = "sign_in_failed"
    status = 403

    def __init__(self, message: str, mend: str = "sign in again", *, why: str = "") -> None:
        super().__init__(message, mend)
        self.why = why


class NotFound(RequestError):
    """There is nothing under this path, or nothing for this person or token."""

    code = "not_found"
    status = 404


class TooLarge(RequestError):
    """The body is longer, or a batch has more items, than a setting allows (A-75)."""

    code = "too_large"
    status = 413


class SearchUnavailable(RequestError):
    """A search that cannot be complete is not answered: an answer that leaves somebody out looks like a whole one."""

    code = "search_unavailable"
    status = 503


def _in_sentences(*texts: str) -> str:
    """Messages as sentences: with a capital and a full stop, and without the marks around what was typed."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in (part.replace("`", "") for part in texts) if text)
