"""SQLite: a file on this host, opened anew for each transaction.

What is said here is how a file is opened and how a transaction begins; all that the store asks of it is in `sql` and
`view`, in words that every database knows.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from service.errors import StoreUnavailable

SCHEMES = ("sqlite", "sqlite+pysqlite")

_PRAGMAS = (
    "foreign_keys = ON",
    "synchronous = FULL",
    # Keep what a large change has written in memory until it commits: SQLite would otherwise need the whole
    # database for itself as soon as its cache is full, and readers would wait for the rest of the change.
    "cache_spill = OFF",
)


def names_a_file(url: URL) -> bool:
    """Whether this is `sqlite:///PATH`, without anything more."""
    return not url.query and url.database not in (None, "", ":memory:")


def engine(url: URL, *, writing: str, create: bool, patience: float) -> Engine:
    """An engine for the file of this URL. With `create`, it is made where there is none (mode 0600).

    `writing`: the execution option of a connection that is going to write; see `begin`.
    """
    path = Path(str(url.database)).absolute()
    if create:
        _make_file(path)

    def opened() -> sqlite3.Connection:
        return _open(path, patience)

    def begin(connection: Connection) -> None:
        _begin(connection, writing=connection.get_execution_options().get(writing, False))

    # No pool: a connection is opened for each transaction (0.2 ms), so that a file that was replaced or
    # removed is noticed at once, and no connection is ever carried across a fork. Checks do not come here,
    # only changes do.
    made = create_engine("sqlite://", creator=opened, poolclass=NullPool, hide_parameters=True)
    event.listen(made, "begin", begin)
    return made


def _make_file(path: Path) -> None:
    # INVARIANT: an existing database is never opened here. Closing it again would drop the locks that this
    # process holds on it (POSIX locks belong to the process), in the middle of another thread's transaction.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreUnavailable(
            f"the store cannot be created at `{path}`: {error.strerror}", "make its folder, or choose another"
        ) from error


def _open(path: Path, patience: float) -> sqlite3.Connection:
    # mode=rw: a missing file is an error; SQLite would otherwise make an empty database and find no practice
    # in it. isolation_level=None: the driver begins no transaction by itself; `_begin` does.
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    with closing(connection.cursor()) as cursor:
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        # A rollback journal, never WAL: in the SQLite of Debian 12 (3.40) a write-ahead log can be reset
        # while another process still writes to it, and the database is damaged. Switching back is refused
        # while others have the database open, and then we do not answer either.
        mode = cursor.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise sqlite3.OperationalError(f"the journal mode is {mode} and cannot be changed")


def _begin(connection: Connection, *, writing: bool) -> None:
    # A reader's transaction takes its lock with its first select and keeps it to the end, so that all its
    # selects see one state. A writer takes its lock at once: with a deferred one, two writers that have both
    # read would deadlock.
    if not writing:
        # INVARIANT: who only answers cannot write, not even by a mistake of ours.
        connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
