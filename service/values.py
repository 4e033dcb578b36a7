"""The vocabulary: the values that every other module passes around.

All of them are immutable and know nothing of files, SQL, HTTP or the clock. A dictionary becomes one of these at the
edge where it enters, and one of these becomes a dictionary only at the edge where it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

USER_PREFIX = "user:"
ROLE_PREFIX = "role:"
TEMPLATE_PRACTICE = "template"
"""The practice that role templates are written under. Its rows are never live."""

Request = tuple[str, ...]
"""One question in the order of the model's `[request_definition]`, prefixes included.

For the shipped model: `("user:ann", "riverside", "Task - Patient Portal", "respond")`.
"""


class Row(NamedTuple):
    """One row of policy, or of the directory that policy is about; equal rows are the same row.

    `p role practice screen level`, `g user role practice` and `g2 X Y screen` are Casbin's. The store keeps four
    kinds more, so that a revision is always "rows added, rows removed": `practice id name`,
    `user practice id name active|inactive`, `role practice role:name`, `file path sha256`.
    """

    kind: str
    fields: tuple[str, ...]

    @property
    def practice(self) -> str:
        """The practice that the row belongs to; empty for what all practices share (`g2`, `file`)."""
        column = _PRACTICE_COLUMN.get(self.kind)
        return "" if column is None else self.fields[column]

    @property
    def denies(self) -> bool:
        """Whether this is a `p` row of a practice that takes its level away, whoever gives it."""
        return self.kind == "p" and self.fields[4:] == ("deny",)


_PRACTICE_COLUMN = {"p": 1, "g": 2, "practice": 0, "user": 0, "role": 0}


class Position(NamedTuple):
    """A place in a policy file. Lines and columns count from 1; line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Severity(StrEnum):
    """How much a finding weighs: only an error keeps a policy from being published."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found in a policy, where, and what to write instead.

    `rule` is the stable id under which the reference explains it; `found` and `mend` are one line each.
    """

    rule: str
    severity: Severity
    position: Position
    found: str
    mend: str = ""


class Reason(StrEnum):
    """Why a decision is what it is. The values are part of the HTTP interface and never change their meaning."""

    ALLOWED = "allowed"
    NO_LEVEL = "no_level"
    UNKNOWN_PRACTICE = "unknown_practice"
    UNKNOWN_USER = "unknown_user"
    INACTIVE_USER = "inactive_user"
    UNKNOWN_SCREEN = "unknown_screen"
    UNKNOWN_ACTION = "unknown_action"
    NO_RULE = "no_rule"
    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_TYPE = "unknown_type"
    PRACTICE_MISSING = "practice_missing"
    VALUE_TOO_LONG = "value_too_long"
    POLICY_UNAVAILABLE = "policy_unavailable"
    POLICY_TOO_OLD = "policy_too_old"
    ROWS_ALTERED = "rows_altered"

    @property
    def retryable(self) -> bool:
        """Whether the same question may be answered otherwise in a moment, without anybody changing policy."""
        return self in (Reason.POLICY_UNAVAILABLE, Reason.POLICY_TOO_OLD, Reason.ROWS_ALTERED)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request: whether, why, and by which revision of the policy.

    A refusal is a value like any other, never an exception. The rows behind a decision are worked out when somebody
    asks for them (`service.decision.engine.explain`), because most callers do not.
    """

    reason: Reason
    revision: int

    @property
    def allowed(self) -> bool:
        """True for exactly one reason, so that no new reason can become an allow by omission."""
        return self.reason is Reason.ALLOWED


@dataclass(frozen=True, slots=True)
class Explanation:
    """What stands behind a decision, for people and for `decision_context=all`.

    `rows`: the policy rows that decided, sorted; empty when no row applied. `links`: the `g` rows that lead from the
    user to the roles in `rows`. `would_allow`: roles of this practice that allow the request. `actions`: where a
    screen lacks the action asked for, the screens that have it. `similar`: known names close to an unknown one.
    """

    decision: Decision
    rows: tuple[Row, ...] = ()
    links: tuple[Row, ...] = ()
    would_allow: tuple[str, ...] = ()
    screens_with_action: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


NOTHING: Mapping[str, object] = MappingProxyType({})
"""No properties."""


class Question(NamedTuple):
    """What a caller asks, as AuthZEN spells it, read strictly. `at_least`: the revision that must have been seen.

    Properties are as they were sent: values of JSON, by name.
    """

    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str
    context: Mapping[str, object]
    at_least: int = 0
    subject_properties: Mapping[str, object] = NOTHING
    resource_properties: Mapping[str, object] = NOTHING
    action_properties: Mapping[str, object] = NOTHING


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks over HTTP, as its token says. `practices` None means: all of them."""

    name: str
    practices: frozenset[str] | None

    def may_ask(self, practice: str) -> bool:
        """Whether this caller may ask about the practice, existing or not."""
        return self.practices is None or practice in self.practices


class How(StrEnum):
    """The way by which a change came."""

    SETUP = "setup"
    API = "api"
    UPGRADE = "upgrade"
    COMMAND = "command"
    FILES = "files"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants to be different: rows to add and rows to remove, and on whose word.

    `actor` is `user:<id>`, `token:<name>` or `operator:<account>`; `base` is the revision that the author looked at.
    """

    added: frozenset[Row]
    removed: frozenset[Row]
    actor: str
    how: How
    base: int
    reason: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was known of a change when it was published, kept with it.

    `effect` is the digest of the effect diff; `gained` and `lost` count its flips of (user, screen, action). Stock
    Casbin was asked `asked` of the `of` questions that the change can reach. `flags`: what reviewers should see.
    """

    effect: str
    gained: int
    lost: int
    asked: int
    of: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """One published change, as it is kept for ever. Numbers have no gaps; number 0 is the empty store.

    `time` is UTC, ISO 8601 with microseconds; digests are SHA-256 in hexadecimal; `previous` is the digest of the
    revision before. `practices` maps each practice that the change touched ("" for what all share) to the digest of
    its rows afterwards, so that rows altered beneath the revisions are noticed. `evidence` is None for a change that
    was published before such was kept.
    """

    number: int
    time: str
    actor: str
    how: How
    reason: str
    reference: str
    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    practices: tuple[tuple[str, str], ...]
    previous: str
    digest: str
    evidence: Evidence | None = None
