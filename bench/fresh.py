"""What a check pays to know that nothing is new: comparing the counter of the host with the number that it had.

Compared with the decision itself, and with asking the store instead (its head, by one select), which would tell the
same. Target: under 0.5 us.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Report, Target, apart, each, interleaved, seconds
from bench.publish import fill
from bench.worlds import World
from service.live import Live
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from service.witness import Witness

ASKED, REPEATS, LIMIT = 100_000, 7, 500


def run(sizes: Mapping[str, int]) -> Report:
    """Measure with the smallest world: what is asked here does not depend on it."""
    least = min(sizes.values())
    nothing_new, decision, select = apart(_size, least)
    report = Report("Finding nothing new", ("", "time", "ratio to the counter"))
    for what, found in (
        ("the counter is as it was", nothing_new),
        ("the decision that follows", decision),
        ("asking the store instead", select),
    ):
        report.lines.append((what, f"{found:,.0f} ns", f"{found / nothing_new:,.1f}"))
    report.targets.append(
        Target(
            "a check that finds nothing new pays under 0.5 us",
            f"{nothing_new:.0f} ns, {nothing_new / decision:.2f} x the decision",
            nothing_new < LIMIT,
        )
    )
    return report


def _size(size: int) -> tuple[float, float, float]:
    """Nanoseconds of `Live.state` with nothing new, of one decision, and of reading the head."""
    with TemporaryDirectory(prefix="rolewarden-bench-") as place:
        file, counts = Path(place) / "store.db", Path(place) / "counter"
        Counter.create(counts).close()
        with (
            closing(Store.open(f"sqlite:///{file}", create=True)) as store,
            closing(Counter.open(counts)) as counter,
            closing(Witness()) as witness,
        ):
            fill(Press(store, counter, opinion=witness.hear), Path(place) / "files", 1)
            live = Live(store, counter, max_policy_age=3600, keep_practices=3600)
            live.state()
            snapshot, questions = World(size).snapshot(), World(size).questions(ASKED)

            def head() -> None:
                with store.reading() as view:
                    view.head()

            found = interleaved(
                REPEATS,
                lambda: each(live.state, [0] * ASKED),
                lambda: each(snapshot.decide, questions),
                lambda: seconds(head) * 1e9,
            )
            return found[0], found[1], found[2]
