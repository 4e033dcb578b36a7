"""One decision of the engine against stock pycasbin, over the same files.

`casbin.Enforcer` scans all rows for each question. `casbin.FastEnforcer` scans those that share the fields it
is told to index: practice and screen, the two that stand at the same place in request and row, which leaves
at most ten rows. Both load the model that we ship and one CSV file; the fast one of release 2.8 forgets every
role definition but the first (its `FastModel.add_def` does not say that it succeeded), so `g2` is added by
hand. Fifty questions go to the first, 1,000 to the second, and 20,000 to the engine, each list the beginning
of the next; the answers must be equal. A number is the median of three passes, taken in turn, in a fresh
process. Sizes above 10k are left out: Casbin would take minutes and the ratio only grows.

Targets, at 10k rows: 1,000 times faster than `Enforcer`, and 20 times faster than `FastEnforcer`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import casbin
from casbin.model import FastModel

from bench.measure import Report, Target, apart, each, interleaved
from bench.worlds import POLICIES, World
from service.policy import rows as texts
from service.values import Request

LARGEST, TIMES, FAST_TIMES = 10_000, 1_000, 20
ORDER = (1, 2)
"""Practice and screen: the fields, alike in request and row, by which `FastEnforcer` finds its candidates."""


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size that Casbin can bear, in a process of its own."""
    head = ("rows", "engine", "FastEnforcer", "ratio", "Enforcer", "ratio")
    report = Report(f"One decision against pycasbin {version('pycasbin')}", head)
    for size in sizes.values():
        if size > LARGEST:
            continue
        rows, engine, fast, stock = apart(_size, size)
        report.lines.append(
            (
                *(f"{rows:,}", f"{engine:.0f} ns", f"{fast / 1e3:,.0f} us", f"{fast / engine:,.0f}"),
                *(f"{stock / 1e6:,.1f} ms", f"{stock / engine:,.0f}"),
            )
        )
        if size == LARGEST:
            for name, times, hoped in (
                ("Enforcer", stock / engine, TIMES),
                ("FastEnforcer", fast / engine, FAST_TIMES),
            ):
                claim = f"at least {hoped:,} x faster than `{name}` at 10k rows"
                report.targets.append(Target(claim, f"{times:,.0f} x", times >= hoped))
    if not report.lines:
        report.notes.append("Nothing was measured: ask for 1k or 10k.")
    return report


def _size(size: int) -> tuple[int, float, float, float]:
    """Rows, and nanoseconds a decision of engine, `FastEnforcer` and `Enforcer`."""
    logging.getLogger("casbin").setLevel(logging.ERROR)
    world = World(size)
    snapshot = world.snapshot()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "policy.csv"
        file.write_text(texts.dump([*world.screens, *world.policy]), "utf-8")
        stock = casbin.Enforcer(str(POLICIES / "model.conf"), str(file))
        fast_model = FastModel(ORDER)
        fast_model.load_model(str(POLICIES / "model.conf"))
        fast_model.add_def("g", "g2", "_, _, _")
        fast = casbin.FastEnforcer(fast_model, casbin.FileAdapter(str(file)), cache_key_order=ORDER)

    def ask_stock(question: Request) -> object:
        return stock.enforce(*question)

    def ask_fast(question: Request) -> object:
        return fast.enforce(*question)

    questions = world.questions(20_000)
    some, few = questions[:1_000], questions[:50]
    assert [snapshot.decide(question).allowed for question in some] == [ask_fast(question) for question in some]
    assert [snapshot.decide(question).allowed for question in few] == [ask_stock(question) for question in few]
    engine, quick, slow = interleaved(
        3,
        lambda: each(snapshot.decide, questions),
        lambda: each(ask_fast, some),
        lambda: each(ask_stock, few),
    )
    return len(world), engine, quick, slow
