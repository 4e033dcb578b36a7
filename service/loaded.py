"""Loaded: what one reading of the store gives, built aside and then never changed.

The functions take a view and what was read before; nothing here waits, locks or knows what time it is (`live` does).

INVARIANT: rows that are not those of their revisions are never compiled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from service.audit.chain import rows_digest
from service.decision import trial
from service.decision.engine import Division, Snapshot
from service.decision.rulebook import Answering, Rulebook
from service.errors import InvalidPolicy, StoreUnavailable
from service.folder import digest as folder_digest
from service.policy import bundle
from service.policy.baremap import BareMap
from service.policy.catalog import Catalog
from service.policy.paths import Paths
from service.policy.request import RequestMap
from service.store.base import Token
from service.store.view import View
from service.values import Reason, Row

AT_ONCE = 8
"""Practices that are read again together with the change that touched them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one reading of the store gave. `refused`: practices that may not be served, and why."""

    snapshot: Answering
    request_map: RequestMap | BareMap
    catalog: Catalog
    paths: Paths
    tokens: Mapping[str, Token]
    practices: frozenset[str]
    digest: str
    folder_digest: str
    refused: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        """The revision that everything here was read at."""
        return self.snapshot.revision

    def has(self, practice: str) -> bool:
        """Whether this practice was read: its rows are compiled, or refused."""
        return practice in self.snapshot.divisions or practice in self.refused


def newest(view: View, old: Loaded | None) -> Loaded:
    """What the store gives now, keeping of what was read before all that has not changed since."""
    head = view.head()
    if old is not None and (head.number, head.digest) == (old.revision, old.digest):
        return old
    grown = old is not None and head.number > old.revision and _continues(view, old)
    touched = view.touched_since(old.revision) if old is not None and grown else frozenset({""})
    if old is None or "" in touched:
        return _read_shared(view)
    divisions = old.snapshot.divisions
    loaded = replace(
        old,
        snapshot=_with_divisions(old.snapshot, _without(divisions, touched), head.number),
        practices=old.practices - touched | view.existing(touched),
        digest=head.digest,
        refused=_without(old.refused, touched),
    )
    # A practice that is being asked about is read here and now; of many, each waits until it is asked about.
    again = touched & divisions.keys() & loaded.practices
    for practice in again if len(again) <= AT_ONCE else ():
        loaded = with_practice(view, loaded, practice)
    return loaded


def _with_divisions(old: Answering, divisions: Mapping[str, Division], revision: int) -> Answering:
    return old.at(revision) if isinstance(old, Rulebook) else Snapshot(old.ruleset, divisions, revision)


def _without(named: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: value for name, value in named.items() if name not in names}


def _continues(view: View, old: Loaded) -> bool:
    """Whether the store's history still contains what we answered from: it may have been replaced by a copy."""
    return view.digest_at(old.revision) == old.digest


def _read_shared(view: View) -> Loaded:
    """What all practices share, read and compiled anew; practices follow when they are asked about."""
    head = view.head()
    rows = view.rows("")
    if head.number == 0:
        raise StoreUnavailable("nothing is published yet", "run `rolewarden init`")
    texts = view.files()
    if rows_digest(rows) != view.recorded_digest(""):
        raise StoreUnavailable("the published files or screens were altered in the store", "restore the store")
    files = {path: text.encode() for path, text in texts.items()}
    read, findings = bundle.load(files)
    if read is None:
        raise InvalidPolicy(findings)
    if set(read.shared.rows) != {row for row in rows if row.kind == "g2"}:
        raise StoreUnavailable("the screens in the store differ from its published files", "restore the store")
    return Loaded(
        trial.unloaded(read, head.number),
        read.request_map,
        read.catalog,
        read.paths,
        {},
        view.practice_ids() if read.bare is None else frozenset(),
        head.digest,
        folder_digest(files),
    )


def with_practice(view: View, loaded: Loaded, practice: str) -> Loaded:
    """The same with this practice read and compiled, or refused for what its rows are."""
    old = loaded.snapshot
    if isinstance(old, Rulebook):
        return loaded
    refused = {name: why for name, why in loaded.refused.items() if name != practice}
    rows = _intact_rows(view, practice)
    if rows is None:
        divisions = {name: division for name, division in old.divisions.items() if name != practice}
        refused[practice] = Reason.ROWS_ALTERED
    else:
        divisions = {**old.divisions, practice: old.ruleset.compile(rows)}
    return replace(loaded, snapshot=Snapshot(old.ruleset, divisions, old.revision), refused=refused)


def _intact_rows(view: View, practice: str) -> tuple[Row, ...] | None:
    """The rows of a practice; None where they are not those of its revisions."""
    try:
        rows = view.rows(practice)
        return rows if rows_digest(rows) == view.recorded_digest(practice) else None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - bytes where text belongs, a kind that there is not, or a store that is going away
        view.head()  # raises where it is the store that fails, and not these rows
        return None
