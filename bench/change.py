"""A change to one practice: from its changed rows to a snapshot in force, while a million rows answer.

The roles of one user are taken away, and then given back. Each time that practice alone is compiled anew, and
a new snapshot with the others as they were takes the place of the old one. Done 300 times in practices drawn
at random, with garbage collection on as in the service; what the user may do is asked after each. The
comparison is building everything anew.

Target: under 5 ms at every size, for 99 of 100 changes. On a machine that is busy with other work a change waits for
its turn; the CPU column tells that from work of ours.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from statistics import median, quantiles
from time import perf_counter, process_time

from bench.measure import Report, Target, apart
from bench.worlds import World
from service.decision.engine import Snapshot
from service.values import Row

CHANGES, LIMIT = 300, 5e-3


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size in a process of its own."""
    head = ("rows", "practices", "median", "99 in 100", "worst", "worst of CPU", "everything anew", "ratio")
    report = Report("A change to one practice", head)
    slowest = 0.0
    for size in sizes.values():
        rows, practices, times, cpu, whole = apart(_size, size)
        late = quantiles(times, n=100)[-1]
        slowest = max(slowest, late)
        report.lines.append(
            (
                *(f"{rows:,}", f"{practices:,}", f"{median(times) * 1e3:.2f} ms", f"{late * 1e3:.2f} ms"),
                *(
                    f"{max(times) * 1e3:.2f} ms",
                    f"{max(cpu) * 1e3:.2f} ms",
                    f"{whole * 1e3:,.0f} ms",
                    f"1 : {whole / median(times):,.0f}",
                ),
            )
        )
    found = f"{slowest * 1e3:.2f} ms for 99 of 100"
    report.targets.append(Target("live in under 5 ms whatever the total", found, slowest < LIMIT))
    return report


class _Live:
    """What a worker keeps: one snapshot, replaced by one assignment."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def change(self, practice: str, rows: list[Row]) -> None:
        old = self.snapshot
        changed = old.ruleset.compile(rows)
        self.snapshot = Snapshot(old.ruleset, {**old.divisions, practice: changed}, old.revision + 1)


def _size(size: int) -> tuple[int, int, list[float], list[float], float]:
    """Rows, practices, the seconds and CPU seconds of each change, and the seconds of building everything."""
    world = World(size)
    start = perf_counter()
    live = _Live(world.snapshot())
    whole = perf_counter() - start
    chance, names = random.Random(1), sorted(live.snapshot.divisions)
    times: list[float] = []
    cpu: list[float] = []
    for _ in range(CHANGES // 2):
        practice = chance.choice(names)
        rows = list(live.snapshot.divisions[practice].rows)
        user = chance.choice([row.fields[0] for row in rows if row.kind == "g"])
        without = [row for row in rows if row.kind != "g" or row.fields[0] != user]
        allowed = _allowed(live, user, practice, world)
        for changed, expected in ((without, 0), (rows, allowed)):
            start, worked = perf_counter(), process_time()
            live.change(practice, changed)
            cpu.append(process_time() - worked)
            times.append(perf_counter() - start)
            assert _allowed(live, user, practice, world) == expected
    return len(world), world.practices, times, cpu, whole


def _allowed(live: _Live, user: str, practice: str, world: World) -> int:
    """How much the user may do."""
    asked = [(screen, action) for screen, actions in world.vocabulary.items() for action in actions]
    return sum(live.snapshot.decide((user, practice, *question)).allowed for question in asked)
