"""What goes into the store and comes out of it, beside the values that everybody knows.

Rows, changes and revisions are in `service.values`. These few are only of interest to those who open a store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from service.values import Change, Finding


class Head(NamedTuple):
    """The newest revision. Number 0 with the digest `service.audit.chain.GENESIS` is a store without any."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that has passed every check and lacks only its number.

    `time` is UTC, ISO 8601 with microseconds. `practices` has, for each practice that the change touches (""
    for what all share), the digest that its rows have afterwards, sorted by practice.
    """

    change: Change
    time: str
    practices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """What a caller shows. Only the hash of its secret is kept; `practices` None means: all of them.

    `created` and `revoked` are times as in a `Draft`; a revoked token is kept, so that the log can still name
    it.
    """

    id: str
    name: str
    secret_hash: str
    practices: frozenset[str] | None
    created: str
    revoked: str | None = None


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """What became of the policy folder when it was last read: its digest, and whether it holds."""

    time: str
    digest: str
    holds: bool
    findings: tuple[Finding, ...] = ()
