"""Clocks, memory and tables, so that every benchmark measures in the same way and says its result in the same
words.
"""

from __future__ import annotations

import gc
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

MIB = 1 << 20
T = TypeVar("T")


@dataclass
class Target:
    """What was hoped for, what was found, and whether that is enough."""

    claim: str
    found: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'missed'}: {self.claim}; found {self.found}"


@dataclass
class Report:
    """The result of one benchmark: a table, and how it compares with what was hoped for."""

    title: str
    head: Sequence[str]
    lines: list[Sequence[str]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, *, markdown: bool = False) -> str:
        """The report as text, or as a section of a Markdown page."""
        cells = [list(self.head), *map(list, self.lines)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(self.head))]
        bar, rule = ("| ", "-") if markdown else ("", "-")
        out = [f"### {self.title}" if markdown else self.title, ""]
        for number, line in enumerate(cells):
            padded = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
            out.append(f"| {' | '.join(padded)} |" if markdown else "  ".join(padded).rstrip())
            if number == 0:
                rules = [rule * width for width in widths]
                ends = [rules[0], *(r[:-1] + ":" for r in rules[1:])]
                out.append(f"{bar}{' | '.join(ends)} |" if markdown else "  ".join(rules))
        mark = "- " if markdown else ""
        said = [f"{mark}{line}" for line in (*map(str, self.targets), *self.notes)]
        return "\n".join([*out, *([""] if said else []), *said, ""])


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection while something is timed; what lives now is left out of later collections."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def each(function: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Nanoseconds for one call, by calling it for every argument in a loop that runs in C."""
    drain: Callable[[Iterable[object]], object] = deque[object](maxlen=0).extend
    start = time.perf_counter_ns()
    drain(map(function, arguments))
    return (time.perf_counter_ns() - start) / len(arguments)


def interleaved(repeats: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken in turn, so that a busy moment of the machine falls on all of them.

    Garbage collection is off during all of it; one round goes before to warm up.
    """
    found: list[list[float]] = [[] for _ in measures]
    with quiet():
        for turn in range(repeats + 1):
            order = list(enumerate(measures))
            for place, measure in order if turn % 2 else reversed(order):
                value = measure()
                if turn:
                    found[place].append(value)
    return [median(values) for values in found]


def resident() -> int:
    """The bytes of memory that this process holds now (RSS), after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a fresh process, so that no measurement lives on another's heap."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
