"""What goes into the store and comes out of it, beside the values that everybody knows.

Rows, changes and revisions are in `service.values`. These are only of interest to those who open a store. Every time
is UTC, ISO 8601 with microseconds, and is handed in: the store has no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.audit.events import AuditEvent
from service.values import Change, Evidence, Finding, How, Row


class Head(NamedTuple):
    """The newest revision. Number 0 with the digest `service.audit.chain.GENESIS` is a store without any."""

    number: int
    digest: str


class Affected(NamedTuple):
    """On one screen, how many actions a user gains and loses by a change."""

    practice: str
    user: str
    screen: str
    gained: int
    lost: int


class Fared(NamedTuple):
    """How many people of a practice gained, and how many lost, by a change; `first` are the ids of some of them."""

    people: int
    gained: int
    lost: int
    first: tuple[str, ...]


class Some(NamedTuple):
    """Rows of a change that belong to one practice or to all, unless there are very many, and how many there are.

    `counts` maps (kind, whether it was added) to the number of such rows.
    """

    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    counts: Mapping[tuple[str, bool], int]

    @property
    def whole(self) -> bool:
        """Whether these are all of them."""
        return len(self.added) + len(self.removed) == sum(self.counts.values())


class RequestKey(NamedTuple):
    """The `Idempotency-Key` that a token sent with a request: the same key means the same request."""

    token: str
    key: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that has passed every check and lacks only its number.

    `practices` has, for each practice that the change touches ("" for what all share), the digest that its rows have
    afterwards, sorted by practice. `affected` is the effect as lists and filters need it. `request`: the reserved key
    of the request that this change answers.
    """

    change: Change
    time: str
    practices: tuple[tuple[str, str], ...]
    evidence: Evidence | None = None
    affected: tuple[Affected, ...] = ()
    request: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One revision as a list shows it, without its rows: how many were added and removed, and of how many people access
    changed."""

    number: int
    time: str
    actor: str
    how: How
    reason: str
    reference: str
    practices: tuple[str, ...]
    added: int
    removed: int
    people: int
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Token:
    """What a caller shows. Only the hash of its secret is kept; `practices` None means: all of them.

    `scopes` says what it is good for; a scope is one word. A revoked token is kept, so that the log can still name it.
    """

    id: str
    name: str
    secret_hash: str
    practices: frozenset[str] | None
    created: str
    revoked: str | None = None
    scopes: frozenset[str] = frozenset({"check"})


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """What became of the policy folder when it was last read: its digest, and whether it holds."""

    time: str
    digest: str
    holds: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. Only the hash of its cookie is kept.

    `practices`: those that the person may work in. `provider`: what the one who vouched for the person calls the
    session, so that it can be ended there, too. `seen` moves; `created` does not.
    """

    id_hash: str
    user: str
    name: str
    practices: frozenset[str]
    created: str
    seen: str
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A session that ended by time, and what its person was about to send then: `form` (JSON) to the path `place`.

    Both are empty where nothing was sent since.
    """

    id_hash: str
    user: str
    ended: str
    place: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """What a person has typed in a practice and not saved. `edits` is JSON, in the vocabulary of `policy.edits`.

    `base`: the newest revision that had touched the practice when the draft was begun.
    """

    practice: str
    user: str
    base: int
    edits: str
    reason: str
    note: str
    reference: str
    updated: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and is no change of policy. `number` is given by the store; 0 until then.

    `actor` as in a change; "" where nobody is known. `practice` "" where it is about none.
    """

    time: str
    name: AuditEvent
    actor: str = ""
    practice: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a request that came with a key. `request` is the digest of what was asked.

    `status` 0: not answered yet. Then `revision` says whether its change was published all the same (0: it was not), as
    when the process was killed before it could answer.
    """

    key: RequestKey
    request: str
    created: str
    revision: int = 0
    status: int = 0
    body: str = ""


def is_text(value: str) -> bool:
    """Whether a store can hold this: no NUL, and no half of a surrogate pair."""
    if "\0" in value:
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
