"""What is being answered from, now: built aside, swapped in by one assignment, the last good one kept.

A request takes one `State` and looks at nothing else. Nothing is stale on one host: before a state is handed out, the
counter that every writer raises (`store.counter`) is compared with its value when the state was read.

INVARIANT: the counter is read before the rows, so that a change in between is noticed by the next request.
INVARIANT: a change that is known of and cannot be read makes refusals, never answers from before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from service.audit.chain import rows_digest
from service.decision import trial
from service.decision.engine import Snapshot
from service.errors import InvalidPolicy, RolewardenError, StoreUnavailable
from service.folder import digest as folder_digest
from service.policy import bundle
from service.policy.catalog import Catalog
from service.policy.request import RequestMap
from service.store.base import FolderStatus, Token
from service.store.counter import Counter
from service.store.sql import Store
from service.store.view import View
from service.values import Reason, Row

POLL_SECONDS = 1.0
"""How often the store is asked for its head: finds the change of a writer that was killed before it could tell."""

RETRY_SECONDS = 0.1
"""The same while the store cannot be read."""

READ_PATIENCE = 1.0
"""Seconds that one reading waits while others hold the store locked."""

AT_ONCE = 8
"""Practices that are read again together with the change that touched them."""

T = TypeVar("T")


def steady_clock() -> float:
    """Seconds that pass while the machine sleeps, too, and never jump with the time of day."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one reading of the store gave. `refused`: practices that may not be served, and why."""

    snapshot: Snapshot
    request_map: RequestMap
    catalog: Catalog
    tokens: Mapping[str, Token]
    practices: frozenset[str]
    digest: str
    folder_digest: str
    refused: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        """The revision that everything here was read at."""
        return self.snapshot.revision


class Source(Protocol):
    """Where a state gets what it has not loaded: a `Live`, or a folder that somebody tries out."""

    def load(self, practice: str) -> State:
        """A state in which the practice is loaded, or refused."""
        ...

    def use(self, practice: str) -> None:
        """Note that a practice was asked about."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """What one request answers from. `refusal`: why nothing may be answered from it, although it is there."""

    loaded: Loaded
    refusal: Reason | None
    live: Source

    def having(self, practice: str) -> State:
        """A state in which the practice is loaded, or refused, or unknown."""
        loaded = self.loaded
        if practice in loaded.snapshot.divisions or practice in loaded.refused or practice not in loaded.practices:
            return self
        return self.live.load(practice)


@dataclass(frozen=True, slots=True)
class Health:
    """How the answering goes. `age`: seconds since the store was last confirmed; None while nothing was ever read."""

    revision: int | None
    practices: int
    loaded: int
    age: float | None
    too_old: bool
    problem: str
    folder_digest: str
    folder_status: FolderStatus | None
    altered: tuple[str, ...]


class Live:
    """Keeps the newest state of one process. Thread-safe; make it after the fork."""

    def __init__(
        self,
        store: Store,
        counter: Counter,
        *,
        max_policy_age: float,
        keep_practices: float,
        clock: Callable[[], float] = steady_clock,
    ) -> None:
        self._store, self._counter, self._clock = store, counter, clock
        self._max_age, self._keep = max_policy_age, keep_practices
        self._loaded: Loaded | None = None
        self._seen = -1
        self._confirmed = clock()
        self._problem = "nothing was read yet"
        self._failing = False
        self._folder_status: FolderStatus | None = None
        self._used: set[str] = set()
        self._swept = clock()
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._poll: threading.Thread | None = None

    # -- what a request takes ------------------------------------------------------------------------------------

    def state(self, at_least: int = 0) -> State:
        """The newest state; StoreUnavailable while none could ever be read. Costs 0.2 us when nothing changed."""
        fresh = self._counter.value() == self._seen or self._catch_up()
        loaded = self._current()
        if at_least > loaded.revision:
            # The store has it already, or nobody has: one reading tells.
            with self._lock:
                fresh = self._try() and self._current().revision >= at_least
            loaded = self._current()
        return State(loaded, self._too_old() if fresh else Reason.POLICY_UNAVAILABLE, self)

    def load(self, practice: str) -> State:
        """The newest state with this practice read and compiled, or with the reason for which it is not."""
        if self._left_to_poll():
            return State(self._current(), Reason.POLICY_UNAVAILABLE, self)
        with self._lock:
            read = self._has(practice) or self._try(practice)
            return State(self._current(), self._too_old() if read else Reason.POLICY_UNAVAILABLE, self)

    def use(self, practice: str) -> None:
        """Note that a practice was asked about, so that it stays loaded."""
        # Names that nobody has are not kept: a caller may send any number of them.
        if self._loaded is not None and practice in self._loaded.practices:
            self._used.add(practice)

    def _has(self, practice: str) -> bool:
        """Whether another request has loaded the practice meanwhile, and nothing was changed since."""
        loaded = self._loaded
        if loaded is None or self._counter.value() != self._seen:
            return False
        return practice in loaded.snapshot.divisions or practice in loaded.refused

    def _too_old(self) -> Reason | None:
        return Reason.POLICY_TOO_OLD if self._clock() - self._confirmed > self._max_age else None

    def _current(self) -> Loaded:
        if self._loaded is None:
            raise StoreUnavailable(f"no policy could be read: {self._problem}", "see /readyz")
        return self._loaded

    # -- reading the store ---------------------------------------------------------------------------------------

    def _catch_up(self) -> bool:
        """Read what changed; False where that failed: the last good state stays, and `_seen` says that it is old."""
        if self._left_to_poll():
            return False
        with self._lock:
            return self._counter.value() == self._seen or self._try()

    def _left_to_poll(self) -> bool:
        """Whether the store cannot be read and the poll finds out when it can.

        INVARIANT: requests do not wait for a store that is known to be away. Those whose practice is not loaded
        would take every thread from those whose practice is.
        """
        return self._failing and self._poll is not None

    def _try(self, *practices: str, polling: bool = False) -> bool:
        """Read the store, holding the lock; False where that failed, or is left to the poll."""
        if self._left_to_poll() and not polling:
            return False
        try:
            self._read(*practices)
        except RolewardenError as error:
            self._failing, self._problem = True, error.message
        except Exception as error:  # noqa: BLE001 - INVARIANT: nothing that a store holds can end the poll
            self._failing, self._problem = True, f"the store holds what cannot be read: {error!r}"
        else:
            self._failing, self._problem = False, ""
        return not self._failing

    def _read(self, *practices: str) -> None:
        """One reading of the store: what changed since the last one, and the rows of these practices."""
        seen = self._counter.value()
        with self._store.reading() as view:
            loaded = self._newest(view)
            for practice in loaded.practices.intersection(practices):
                loaded = _with_practice(view, loaded, practice)
            loaded = replace(loaded, tokens={token.id: token for token in view.tokens() if token.revoked is None})
            self._folder_status = view.folder_status()
        self._loaded, self._seen, self._confirmed = loaded, seen, self._clock()

    def _newest(self, view: View) -> Loaded:
        head, old = view.head(), self._loaded
        if old is not None and (head.number, head.digest) == (old.revision, old.digest):
            return old
        grown = old is not None and head.number > old.revision and _continues(view, old)
        touched = view.touched_since(old.revision) if old is not None and grown else frozenset({""})
        if old is None or "" in touched:
            return _read_shared(view)
        divisions = old.snapshot.divisions
        loaded = replace(
            old,
            snapshot=Snapshot(old.snapshot.ruleset, _without(divisions, touched), head.number),
            practices=old.practices - touched | view.existing(touched),
            digest=head.digest,
            refused=_without(old.refused, touched),
        )
        # A practice that is being asked about is read here and now; of many, each waits until it is asked about.
        again = touched & divisions.keys() & loaded.practices
        for practice in again if len(again) <= AT_ONCE else ():
            loaded = _with_practice(view, loaded, practice)
        return loaded

    # -- in the background ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read for the first time and begin to poll."""
        self._catch_up()
        self._poll = threading.Thread(target=self._run, name="rolewarden-poll", daemon=True)
        self._poll.start()

    def stop(self) -> None:
        """End the polling."""
        self._stopped.set()
        if self._poll is not None:
            self._poll.join()

    def _run(self) -> None:
        while not self._stopped.wait(RETRY_SECONDS if self._failing else POLL_SECONDS):
            self._counter.follow()
            with self._lock:
                # Refused practices are looked at anew: their rows may have been put right.
                self._try(*(self._loaded.refused if self._loaded else ()), polling=True)
            if self._clock() - self._swept > self._keep:
                self.sweep()

    def sweep(self) -> None:
        """Let go of practices that nobody asked about since the last sweep."""
        with self._lock:
            if self._loaded is not None:
                snapshot = self._loaded.snapshot
                kept = {name: division for name, division in snapshot.divisions.items() if name in self._used}
                self._loaded = replace(
                    self._loaded, snapshot=Snapshot(snapshot.ruleset, kept, snapshot.revision), refused={}
                )
            self._used, self._swept = set(), self._clock()

    def health(self) -> Health:
        """For readiness and metrics."""
        loaded = self._loaded
        age = None if loaded is None else self._clock() - self._confirmed
        return Health(
            revision=loaded.revision if loaded else None,
            practices=len(loaded.practices) if loaded else 0,
            loaded=len(loaded.snapshot.divisions) if loaded else 0,
            age=age,
            too_old=age is not None and age > self._max_age,
            problem=self._problem,
            folder_digest=loaded.folder_digest if loaded else "",
            folder_status=self._folder_status,
            altered=tuple(sorted(loaded.refused)) if loaded else (),
        )


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
        Snapshot(trial.ruleset(read), {}, head.number),
        read.request_map,
        read.catalog,
        {},
        view.practice_ids(),
        head.digest,
        folder_digest(files),
    )


def _with_practice(view: View, loaded: Loaded, practice: str) -> Loaded:
    old, refused = loaded.snapshot, {name: why for name, why in loaded.refused.items() if name != practice}
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
    except (ValueError, KeyError, TypeError):  # rows that cannot even be read as such
        return None
    return rows if rows_digest(rows) == view.recorded_digest(practice) else None
