"""A change to one practice through the whole product: published to SQLite, and answered from by a worker.

The store is filled with the world first (not counted). Then, 40 times, a user of a practice drawn at random
loses one role by `publish`, and the same practice is asked about: `publish` is the time until it returns
(parsing, guard rails, the transaction on disk, the counter), `live` the time that a worker's next question
then takes longer: it reads what changed, reads and compiles that practice, swaps and answers. The practice
was loaded before, as it is where users work. The comparison is the least that a durable change can cost: one
row deleted and one inserted by plain `sqlite3`, in one transaction with the same settings, in a copy of the
same file.

Target: live in under 5 ms whatever the total, at the median.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from shutil import copyfile
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.measure import Report, Target, apart
from bench.worlds import World, practice, practice_id, write
from service import folder
from service.audit.chain import rows_digest
from service.changes import Author, carry_out, of_files
from service.live import Live
from service.policy import bundle
from service.publish import Press, publish
from service.store.base import Draft
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Change, How, Row
from service.witness import Witness

CHANGES, AT_ONCE, LIMIT = 40, 100, 5e-3
AUTHOR = "operator:bench"


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size in a process of its own."""
    head = ("rows", "store", "publish", "worst", "live", "worst", "plain SQLite", "worst", "publish ratio")
    report = Report("A change through the store", head)
    slowest = 0.0
    for size in sizes.values():
        rows, held, *times = apart(_size, size)
        published, live, plain = times
        slowest = max(slowest, median(live))
        shown = [f"{value * 1e3:.1f} ms" for each in times for value in (median(each), max(each))]
        report.lines.append(
            (f"{rows:,}", f"{held / 2**20:,.0f} MiB", *shown, f"{median(published) / median(plain):.1f}")
        )
    found = f"{slowest * 1e3:.1f} ms at most (median of a size)"
    report.targets.append(Target("live in under 5 ms whatever the total", found, slowest < LIMIT))
    return report


def _size(size: int) -> tuple[int, int, list[float], list[float], list[float]]:
    """Rows, bytes of the store, and the seconds of each publishing, of each first answer and of each plain write."""
    with TemporaryDirectory(prefix="rolewarden-bench-") as place:
        file, counts = Path(place) / "store.db", Path(place) / "counter"
        Counter.create(counts).close()
        with (
            closing(Store.open(f"sqlite:///{file}", create=True)) as store,
            closing(Counter.open(counts)) as counter,
            closing(Witness()) as witness,
        ):
            press = Press(store, counter, opinion=witness.hear)
            practices = World.count(size)
            rows = fill(press, Path(place) / "files", practices)
            copyfile(file, Path(place) / "copy.db")
            published, live = _changes(press, practices)
            plain = _plain(Path(place) / "copy.db", practices)
            return rows, file.stat().st_size, published, live, plain


def fill(press: Press, place: Path, practices: int) -> int:
    """Publish the files, and put the practices in beside them; returns the rows that a Casbin would load."""
    write(place, 1)
    read, found = bundle.load({path: text for path, text in folder.read(place).items() if "world/" not in path})
    assert read is not None, found
    first = carry_out(press, lambda view: of_files(view, Author(AUTHOR), read), read.texts)
    assert first is not None
    for number, start in enumerate(range(1, practices + 1, AT_ONCE), first.number):
        owned = {practice_id(n): _rows(n) for n in range(start, min(start + AT_ONCE, practices + 1))}
        digests = tuple((name, rows_digest(rows)) for name, rows in owned.items())
        change = Change(frozenset().union(*owned.values()), frozenset(), AUTHOR, How.DEMO, number)
        press.store.commit(Draft(change, press.now(), digests), {})
    return len(read.shared.rows) + practices * sum(row.kind in ("p", "g") for row in _rows(1))


def _rows(number: int) -> frozenset[Row]:
    directory, policy = practice(number)
    return frozenset((*directory, *policy))


def _drawn(practices: int) -> Iterator[tuple[str, Row]]:
    """A practice and one membership in it, each practice only once where there are enough."""
    chance = random.Random(1)
    numbers = chance.sample(range(1, practices + 1), min(CHANGES, practices))
    for turn in range(CHANGES):
        number = numbers[turn % len(numbers)]
        members = sorted(row for row in practice(number)[1] if row.kind == "g")
        yield practice_id(number), members[turn]


def _changes(press: Press, practices: int) -> tuple[list[float], list[float]]:
    live = Live(press.store, press.counter, max_policy_age=3600, keep_practices=3600)
    published, answered = [], []
    for name, row in _drawn(practices):
        state = live.state().having(name)
        change = Change(frozenset(), frozenset({row}), AUTHOR, How.COMMAND, state.loaded.revision)
        start = perf_counter()
        revision = publish(change, press)
        done = perf_counter()
        state = live.state().having(name)
        found = perf_counter()
        assert state.refusal is None
        assert state.loaded.revision == revision.number
        assert row not in state.loaded.snapshot.divisions[name].rows
        published.append(done - start)
        answered.append(found - done)
    return published, answered


def _plain(file: Path, practices: int) -> list[float]:
    """One row out and one row in, on disk when it returns."""
    times = []
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        for _, row in _drawn(practices):
            start = perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            where = "ptype = 'g' AND v0 = ? AND v1 = ? AND v2 = ?"
            gone = connection.execute(f"DELETE FROM casbin_rule WHERE {where}", row.fields)  # noqa: S608 - a constant
            member, _, name = row.fields
            connection.execute(
                "INSERT INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g', ?, ?, ?)", (member, "role:Other", name)
            )
            connection.execute("COMMIT")
            times.append(perf_counter() - start)
            assert gone.rowcount == 1
    return times
