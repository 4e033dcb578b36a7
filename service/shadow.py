"""Shadow: where an EHR that still decides by itself decides otherwise than we do.

Such an EHR sends what it decided along with its question (`context.legacy_decision`), and goes by it; a practice goes
live when nothing differs any more. Kept are counts by user, screen and action, never a request: what differs, and how
often both said the same. Lines are appended to one file of the host, each second and off the way of the answer.

INVARIANT: nothing that goes wrong here is seen by whoever asked. What cannot be kept is counted as lost.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from service.asciijson import spelled
from service.decide import Answer

CONTEXT = "legacy_decision"
"""Where a request says what the EHR decided: `true` or `false`."""

COMPARED = ("same", "gained", "lost")
"""What `Ledger.note` says of an answer."""

MOST = 20_000
"""Different entries that are kept between two writings; a caller may send any number of names."""

LARGEST = 256 * 2**20
"""Bytes of the file. A larger one is nobody's to read: it takes a hundred thousand users with every action."""

_LONGEST_LINE = 4000
_FLUSH_SECONDS = 1.0


class Same(NamedTuple):
    """An answer in which both said the same."""

    practice: str


class Difference(NamedTuple):
    """An answer in which they did not: `gained` where we allow what the EHR refused, else the other way round."""

    practice: str
    user: str
    screen: str
    action: str
    gained: bool


Entry = Same | Difference


class Ledger:
    """Counts what one process is told, and appends it to the file. Thread-safe; make it after the fork."""

    def __init__(self, path: Path, lost: Callable[[int], object] = lambda _: None) -> None:
        self._path, self._lost = path, lost
        self._counts: Counter[Entry] = Counter()
        self._lock = threading.Lock()

    def start(self, pause: float = _FLUSH_SECONDS) -> None:
        """Write in the background from now on, and once more when the process ends."""
        atexit.register(self.write)
        waiting = threading.Event()

        def run() -> None:
            while not waiting.wait(pause):
                self.write()

        threading.Thread(target=run, name="rolewarden-shadow", daemon=True).start()

    def note(self, answer: Answer) -> str | None:
        """Take down one answer: `same`, `gained` or `lost`; None where the EHR said nothing that is a decision."""
        legacy, allowed = answer.question.context.get(CONTEXT), answer.decision.allowed
        if not isinstance(legacy, bool):
            return None
        entry: Entry = Same(answer.practice)
        if legacy is not allowed:
            question = answer.question
            entry = Difference(answer.practice, question.subject_id, question.resource_id, question.action, allowed)
        with self._lock:
            if entry in self._counts or len(self._counts) < MOST:
                self._counts[entry] += 1
            else:
                self._lost(1)
        return "same" if legacy is allowed else "gained" if allowed else "lost"

    def write(self) -> None:
        """Append what was taken down since the last time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        lines = [line for entry, number in counts.items() if len(line := _line(entry, number)) <= _LONGEST_LINE]
        kept = 0
        with suppress(OSError):  # a full disk, a home that is not ours to write: told by the count
            kept = _append(self._path, lines) if lines else 0
        if len(counts) > kept:
            self._lost(len(counts) - kept)


def _append(path: Path, lines: Iterable[bytes]) -> int:
    """Append whole lines; how many. One write for each: those of other processes come between, and not within."""
    file, kept = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), 0
    try:
        for line in lines:
            if os.fstat(file).st_size > LARGEST:
                break
            kept += os.write(file, line) == len(line)
    finally:
        os.close(file)
    return kept


def _line(entry: Entry, number: int) -> bytes:
    return spelled([number, *entry]) + b"\n"


@dataclass(frozen=True, slots=True)
class Report:
    """What was taken down, summed: how often both said the same, by practice, and how often they differed where.

    `unreadable`: lines that are none of ours, or that broke off.
    """

    same: Mapping[str, int]
    differ: Mapping[Difference, int]
    unreadable: int

    @property
    def asked(self) -> int:
        """Answers that were compared."""
        return sum(self.same.values()) + sum(self.differ.values())


def read(path: Path, practice: str | None = None) -> Report:
    """Sum up the file, of one practice or of all. A file that is not there has nothing in it."""
    same: Counter[str] = Counter()
    differ: Counter[Difference] = Counter()
    unreadable = 0
    for line in _lines(path):
        match _parsed(line):
            case None:
                unreadable += 1
            case number, entry if practice not in (None, entry.practice):
                pass
            case number, Same(name):
                same[name] += number
            case number, entry:
                differ[entry] += number
    return Report(dict(same), dict(differ), unreadable)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


def _parsed(line: bytes) -> tuple[int, Entry] | None:
    try:
        match json.loads(line):
            case [int(number), str(practice)]:
                return number, Same(practice)
            case [int(number), str(practice), str(user), str(screen), str(action), bool(gained)]:
                return number, Difference(practice, user, screen, action, gained)
    except ValueError:
        pass
    return None
