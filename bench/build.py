"""A million parsed rows to an engine: how long it takes, and how much memory it needs beyond the rows.

In a fresh process, each practice is written as CSV and parsed by the product's parser, so that the rows share
no more text than rows from files do. Then the time from the list of rows to a snapshot that answers is taken,
with garbage collection on as in the service, and what the process holds (RSS) before and after, each time
after a collection; the rows live on throughout. `peak` is the highest that RSS went meanwhile. The
comparison, in a process of its own, is the pair of plain dictionaries of `bench.decide` from the same rows:
the least that anything could do.

Targets, at 1M rows: under 5 seconds and under 250 MiB beyond the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from bench.decide import plain
from bench.measure import MIB, Report, Target, apart, resident
from bench.worlds import World, compiled, practice, screens, vocabulary
from bench.worlds import model as shipped
from service.policy import rows as texts
from service.policy.model import Model
from service.values import Row

SECONDS, MEMORY = 5.0, 250


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size, engine and dictionaries, in a process of its own."""
    head = (
        "rows",
        "with directory",
        "rows alone",
        "engine",
        "beyond rows",
        "peak",
        "dictionary",
        "beyond rows",
        "time ratio",
    )
    report = Report("Parsed rows to an engine", head)
    for name, size in sizes.items():
        rows, total, alone, took, grown, peak = apart(_build, size, True)
        _, _, _, plain_took, plain_grown, _ = apart(_build, size, False)
        report.lines.append(
            (
                *(
                    f"{rows:,}",
                    f"{total:,}",
                    f"{alone:.0f} MiB",
                    f"{took:.2f} s",
                    f"{grown:.0f} MiB",
                    f"{peak:.0f} MiB",
                ),
                *(f"{plain_took:.2f} s", f"{plain_grown:.0f} MiB", f"{took / plain_took:.2f}"),
            )
        )
        if name == "1M":
            report.targets.append(Target("1M rows to an engine in under 5 s", f"{took:.2f} s", took < SECONDS))
            met = grown < MEMORY
            report.targets.append(Target(f"and in under {MEMORY} MiB beyond the rows", f"{grown:.0f} MiB", met))
    return report


def parsed(count: int, model: Model) -> list[Row]:
    """The rows of this many practices as they come from files: one CSV file each, and the directory."""
    rows = screens()
    for number in range(1, count + 1):
        directory, policy = practice(number)
        rows += [Row(row.kind, tuple(row.fields)) for row in directory]
        file, found = texts.parse("", texts.dump(policy), model.widths)
        assert not found, found
        rows += file.rows
    return rows


def _build(size: int, engine: bool) -> tuple[int, int, float, float, float, float]:
    """Rows, all rows, MiB of them, seconds, MiB beyond them, and MiB at the peak."""
    model, words = shipped(), vocabulary()
    empty = resident()
    rows = parsed(World.count(size), model)
    before = resident()
    _forget_peak()
    start = perf_counter()
    built = compiled(model, rows, words) if engine else plain(rows)
    took = perf_counter() - start
    peak = _peak() - before
    grown = resident() - before
    assert built is not None
    of_casbin = sum(row.kind in model.widths for row in rows)
    return of_casbin, len(rows), (before - empty) / MIB, took, grown / MIB, peak / MIB


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _peak() -> int:
    """The highest resident size since it was forgotten, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel reports no VmHWM")
