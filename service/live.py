"""What is being answered from, now: built aside, swapped in by one assignment, the last good one kept.

A request takes one `State` and looks at nothing else. Nothing is stale on one host: before a state is handed out, the
counter that every writer raises (`store.counter`) is compared with its value when the state was read.

INVARIANT: the counter is read before the rows, so that a change in between is noticed by the next request.
INVARIANT: a change that is known of and cannot be read makes refusals, never answers from before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from service.decision.engine import Snapshot
from service.errors import RolewardenError, StoreUnavailable
from service.loaded import Loaded, newest, with_practice
from service.store.base import FolderStatus
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Reason

POLL_SECONDS = 1.0
"""How often the store is asked for its head: finds the change of a writer that was killed before it could tell."""

RETRY_SECONDS = 0.1
"""The same while the store cannot be read."""

READ_PATIENCE = 1.0
"""Seconds that one reading waits while others hold the store locked."""


steady_clock: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""Seconds that pass while the machine sleeps, too, and never jump with the time of day."""


class Source(Protocol):
    """Where a state gets what it has not loaded: a `Live`, or a folder that somebody tries out."""

    def load(self, *practices: str) -> State:
        """A state in which each of these practices is loaded, or refused."""
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

    def having(self, *practices: str) -> State:
        """A state in which each of these practices is loaded, or refused, or unknown."""
        loaded = self.loaded
        for practice in practices:
            if practice in loaded.practices and not loaded.has(practice):
                return self.live.load(*practices)
        return self


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
        # The state that most requests get: making one takes longer than finding that nothing is new.
        self._answering: State | None = None
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
        """The newest state; StoreUnavailable while none could ever be read. Takes under 0.5 us when nothing changed."""
        fresh = self._counter.value() == self._seen or self._catch_up()
        answering, loaded = self._answering, self._current()
        if (
            fresh
            and answering is not None
            and answering.loaded is loaded
            and loaded.revision >= at_least
            and self._clock() - self._confirmed <= self._max_age
        ):
            return answering
        if at_least > loaded.revision:
            # The store has it already, or nobody has: one reading tells.
            with self._lock:
                fresh = self._try() and self._current().revision >= at_least
            loaded = self._current()
        refusal = self._too_old() if fresh else Reason.POLICY_UNAVAILABLE
        state = State(loaded, refusal, self)
        if refusal is None:
            self._answering = state
        return state

    def load(self, *practices: str) -> State:
        """The newest state with these practices read and compiled, or with the reason for which they are not."""
        if self._left_to_poll():
            return State(self._current(), Reason.POLICY_UNAVAILABLE, self)
        with self._lock:
            read = self._has(practices) or self._try(*practices)
            return State(self._current(), self._too_old() if read else Reason.POLICY_UNAVAILABLE, self)

    def use(self, practice: str) -> None:
        """Note that a practice was asked about, so that it stays loaded."""
        # Names that nobody has are not kept: a caller may send any number of them.
        if self._loaded is not None and practice in self._loaded.practices:
            self._used.add(practice)

    def _has(self, practices: Collection[str]) -> bool:
        """Whether other requests have loaded the practices meanwhile, and nothing was changed since."""
        loaded = self._loaded
        if loaded is None or self._counter.value() != self._seen:
            return False
        return all(map(loaded.has, loaded.practices.intersection(practices)))

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
            loaded = newest(view, self._loaded)
            for practice in loaded.practices.intersection(practices) - loaded.snapshot.divisions.keys():
                loaded = with_practice(view, loaded, practice)
            loaded = replace(loaded, tokens={token.id: token for token in view.tokens() if token.revoked is None})
            self._folder_status = view.folder_status()
        self._loaded, self._seen, self._confirmed = loaded, seen, self._clock()

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
            snapshot = self._loaded.snapshot if self._loaded is not None else None
            if self._loaded is not None and isinstance(snapshot, Snapshot):
                kept = {name: division for name, division in snapshot.divisions.items() if name in self._used}
                self._loaded = replace(
                    self._loaded, snapshot=Snapshot(snapshot.ruleset, kept, snapshot.revision), refused={}
                )
            self._used, self._swept, self._answering = set(), self._clock(), None

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
