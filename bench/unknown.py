"""What is left in memory after a million user ids that nobody knows, and after unknown names of every other
kind.

Each id is made anew and asked about once, so that nothing but the engine could keep it. Memory is taken
before and after in two ways: what the process holds (RSS), and what Python allocated and did not free
(tracemalloc, which costs time and is therefore a second run). Both in fresh processes, after a collection.
The comparison is stock Casbin, which keeps every name it is asked about; 2,000 show what one costs.

Target: memory stays where it was. As memory is counted in pages and a few objects of the interpreter come and
go, that is taken to mean less than one byte an id by tracemalloc, and less than four by RSS.
"""

from __future__ import annotations

import gc
import logging
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping

import casbin

from bench.measure import Report, Target, apart, resident
from bench.worlds import POLICIES, World, practice_id
from service.values import Request

ASKED, CASBIN_ASKED, SIZE = 1_000_000, 2_000, 1_000
TRACED, RESIDENT = 1.0, 4.0
"""Bytes an id that may be left."""


def run(sizes: Mapping[str, int]) -> Report:  # noqa: ARG001 (the size of the world plays no part)
    """Measure each way of asking in a process of its own."""
    report = Report(
        "Memory after names that nobody knows", ("asked about", "names", "RSS", "tracemalloc", "bytes a name")
    )
    for kind in ("user", "practice", "screen", "action"):
        grown, traced = (apart(_engine, kind, ASKED, how) for how in (False, True))
        report.lines.append(_line(f"engine, {kind}", ASKED, grown, traced))
        if kind == "user":
            met = traced / ASKED < TRACED and grown / ASKED < RESIDENT
            found = f"RSS {grown / 1024:+,.0f} KiB, tracemalloc {traced / 1024:+,.1f} KiB"
            report.targets.append(Target("a million unknown users leave memory where it was", found, met))
    grown, traced = (apart(_casbin, CASBIN_ASKED, how) for how in (False, True))
    report.lines.append(_line("pycasbin, user", CASBIN_ASKED, grown, traced))
    return report


def _line(name: str, count: int, grown: int, traced: int) -> tuple[str, ...]:
    return name, f"{count:,}", f"{grown / 1024:+,.0f} KiB", f"{traced / 1024:+,.1f} KiB", f"{traced / count:,.2f}"


def _unknown(kind: str, count: int) -> Iterator[Request]:
    """Questions with one name that nobody knows, each made anew."""
    known = World(1)
    user, practice, screen, action = known.questions(1)[0]
    assert practice == practice_id(1)
    for number in range(count):
        name = f"user:nobody-{number}" if kind == "user" else f"nothing-{number}"
        yield {
            "user": (name, practice, screen, action),
            "practice": (user, name, screen, action),
            "screen": (user, practice, name, action),
            "action": (user, practice, screen, name),
        }[kind]


def _kept(ask: Callable[[Request], object], warm: Iterable[Request], questions: Iterable[Request], traced: bool) -> int:
    """The bytes by which memory grew while the questions were asked."""
    for question in warm:
        assert not ask(question)
    if traced:
        tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0] if traced else resident()
    for question in questions:
        ask(question)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] if traced else resident()) - before


def _engine(kind: str, count: int, traced: bool) -> int:
    snapshot = World(SIZE).snapshot()
    warm = [tuple(f"{name}?" for name in question) for question in _unknown(kind, 1_000)]
    return _kept(lambda question: snapshot.decide(question).allowed, warm, _unknown(kind, count), traced)


def _casbin(count: int, traced: bool) -> int:
    logging.getLogger("casbin").setLevel(logging.ERROR)
    world = World(1)
    stock = casbin.Enforcer(str(POLICIES / "model.conf"))
    for row in (*world.screens, *world.policy):
        stock.model.model[row.kind[0]][row.kind].policy.append(list(row.fields))
    stock.build_role_links()
    warm = [tuple(f"{name}?" for name in question) for question in _unknown("user", 100)]
    return _kept(lambda question: stock.enforce(*question), warm, _unknown("user", count), traced)
