"""A policy folder with a million rows: read from disk, checked and compiled.

The folder is as a person would keep it: the shipped model and request map, screens and catalog for 42
screens, and a world of one CSV file a practice and one directory for all. Writing it is not counted. In a
fresh process, the time is taken of the steps of `rolewarden check`: reading the files, parsing and linting
everything, running the cases, and compiling the world. The comparison is stock Casbin reading the same rows
from one CSV file (its only layout), which checks nothing.

Target, at 1M rows: under 30 seconds in all.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import casbin

from bench.measure import Report, Target, apart, seconds
from bench.worlds import POLICIES, write
from service import folder
from service.decision import trial
from service.policy import bundle
from service.policy.findings import errors

LIMIT = 30.0


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size in a process of its own."""
    head = ("rows", "files", "read", "check", "compile", "in all", "notices", "pycasbin", "ratio")
    report = Report("Rows from files", head)
    for name, size in sizes.items():
        with TemporaryDirectory(prefix="rolewarden-bench-") as place:
            rows = write(Path(place), size)
            files, steps, notices = apart(_ours, place)
            stock = apart(_casbins, place)
        total = sum(steps)
        report.lines.append(
            (
                *(f"{rows:,}", f"{files:,}", *(f"{step:.2f} s" for step in steps), f"{total:.2f} s"),
                *(f"{notices:,}", f"{stock:.2f} s", f"{total / stock:.2f}"),
            )
        )
        if name == "1M":
            report.targets.append(Target("1M rows from files in under 30 s", f"{total:.1f} s", total < LIMIT))
    return report


def _ours(place: str) -> tuple[int, tuple[float, float, float], int]:
    """How many files; the seconds of reading, checking and compiling; how many notices."""
    start = perf_counter()
    files = folder.read(Path(place))
    read = perf_counter()
    gc.disable()  # as the command does
    loaded, found = bundle.load(files)
    assert loaded is not None, found[:3]
    assert not errors(found), errors(found)[:3]
    assert not trial.run_cases(loaded)
    checked = perf_counter()
    snapshots = trial.compile_worlds(loaded)
    compiled = perf_counter()
    assert all(snapshot.divisions for snapshot in snapshots)
    return len(files), (read - start, checked - read, compiled - checked), len(found)


def _casbins(place: str) -> float:
    """The seconds that stock Casbin takes to load the same rows."""
    logging.getLogger("casbin").setLevel(logging.ERROR)
    together = Path(place) / "together.csv"
    with together.open("wb") as out:
        for file in (Path(place) / "screens.csv", *sorted((Path(place) / "world").glob("*.csv"))):
            out.write(file.read_bytes())
    return seconds(lambda: casbin.Enforcer(str(POLICIES / "model.conf"), str(together)))
