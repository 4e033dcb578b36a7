"""A change of 100,000 rows, committed to SQLite: rows, revision and whom it is about, in one transaction.

The rows are those of an import: practices of 500 users with six roles each, 60 roles and their levels. Compared with
the least that keeping them can cost: the same rows written once by plain `sqlite3`, where none can stand twice, without
a revision. Target: under 10 s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from bench.measure import Report, Target, apart
from service.audit.chain import rows_digest
from service.store.base import Draft
from service.store.sql import Store
from service.values import Change, How, Row

ROWS, USERS, HELD, ROLES, SCREENS, LIMIT = 100_000, 500, 6, 60, 25, 10.0
TIME = "2026-01-02T03:04:05.000006+00:00"


def run(_sizes: Mapping[str, int]) -> Report:
    """Measure once, in a process of its own."""
    count, took, worked, plain = apart(_commit)
    report = Report("A large change", ("rows", "commit", "of it CPU", "plain SQLite", "ratio"))
    report.lines.append((f"{count:,}", f"{took:.1f} s", f"{worked:.1f} s", f"{plain:.1f} s", f"{took / plain:.1f}"))
    report.targets.append(Target("100,000 rows are committed in under 10 s", f"{took:.1f} s", took < LIMIT))
    return report


def _practice(number: int) -> Iterator[Row]:
    name = f"practice-{number:04}"
    yield Row("practice", (name, name.title()))
    for role in range(ROLES):
        yield Row("role", (name, f"role:Role {role}"))
        yield from (Row("p", (f"role:Role {role}", name, f"Screen - {screen}", "Write")) for screen in range(SCREENS))
    for user in range(USERS):
        yield Row("user", (name, f"user{user:05}", f"User Number {user}", "active"))
        held = (f"role:Role {(user + 7 * turn) % ROLES}" for turn in range(HELD))
        yield from (Row("g", (f"user:user{user:05}", role, name)) for role in held)


def _commit() -> tuple[int, float, float, float]:
    """Rows, seconds and CPU seconds of the commit, and seconds of the plain writing."""
    owned: dict[str, frozenset[Row]] = {}
    while sum(map(len, owned.values())) < ROWS:
        rows = frozenset(_practice(len(owned)))
        owned[next(iter(rows)).practice] = rows
    change = Change(frozenset().union(*owned.values()), frozenset(), "operator:bench", How.COMMAND, 0)
    draft = Draft(change, TIME, tuple((name, rows_digest(rows)) for name, rows in owned.items()))
    with TemporaryDirectory(prefix="rolewarden-bench-") as place:
        with closing(Store.open(f"sqlite:///{place}/store.db", create=True)) as store:
            start, worked = perf_counter(), process_time()
            store.commit(draft, {})
            took, worked = perf_counter() - start, process_time() - worked
            with store.reading() as view:
                [listed] = view.changes()
            assert listed.added == len(change.added)
        return len(change.added), took, worked, _plain(Path(place) / "plain.db", change.added)


def _plain(file: Path, rows: frozenset[Row]) -> float:
    """The rows alone, once, on disk when it returns."""
    spread = [(row.kind, *row.fields, *[None] * (4 - len(row.fields))) for row in rows]
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE row (kind, a, b, c, d)")
        connection.execute("CREATE UNIQUE INDEX row_once ON row (kind, a, b, c, d)")
        start = perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?)", spread)
        connection.execute("COMMIT")
        return perf_counter() - start
