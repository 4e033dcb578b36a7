"""PostgreSQL: a server that may be far away, restarted, frozen or replaced by another while we run.

What is said here is how a server is reached and how a transaction begins; all that the store asks of it is in `sql` and
`view`, in words that every database knows. psycopg is imported here alone, and this module only where it is needed.

INVARIANT: nothing waits without end, neither for a lock nor for a server that says nothing more.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import StoreUnavailable

OLDEST = 14
"""The oldest release that is taken: the first that says of itself whether it follows another server."""

_WRITER = text("SELECT pg_advisory_xact_lock(8181000001)")
"""Whoever writes holds this to the end of the transaction, and so is alone, as a writer of SQLite is."""


def engine(url: URL, *, writing: str, patience: float) -> Engine:
    """An engine for the server of this URL; what stands behind its `?` goes to libpq (`sslmode`, `host` and so on).

    `writing`: the execution option of a connection that is going to write. A lock is waited for `patience` seconds, an
    answer ten times as long.
    """
    made = create_engine(
        url.difference_update_query(["options"]),
        connect_args=_arguments(url, patience),
        hide_parameters=True,
        pool_size=2,
        max_overflow=8,
        pool_timeout=patience,
        pool_pre_ping=True,  # a server that was restarted is noticed before a transaction, and not within one
        pool_recycle=600,
        pool_use_lifo=True,
    )
    kind = _bounded(11 * patience)

    def connected(_dialect: object, _entry: object, arguments: list[Any], named: dict[str, Any]) -> Any:
        return kind.connect(*arguments, **named)

    def begin(connection: Connection) -> None:
        _begin(connection, writing=connection.get_execution_options().get(writing, False))

    event.listen(made, "do_connect", connected)
    event.listen(made, "connect", _require_fit)
    event.listen(made, "checkout", _require_own)
    event.listen(made, "begin", begin)
    return made


def _arguments(url: URL, patience: float) -> dict[str, Any]:
    """What libpq is told: what the URL says goes before what is only our wish."""
    wait, seconds = int(1000 * patience), max(2, round(patience))  # libpq waits for two seconds at least
    limits = {
        "lock_timeout": wait,
        "statement_timeout": 10 * wait,
        "idle_in_transaction_session_timeout": 10 * wait,  # a writer that is stopped lets go in the end
        "synchronous_commit": "on",  # what is acknowledged is on the disk, whatever the server is set to
    }
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    wishes = {"application_name": "rolewarden", "connect_timeout": seconds, "tcp_user_timeout": 1000 * seconds}
    return {name: value for name, value in wishes.items() if name not in url.query} | {
        "options": " ".join([*options, *(f"-c {name}={value}" for name, value in limits.items())]),
        "client_encoding": "utf8",
        # A server that follows another one lags behind it: whoever read there would take old rows for new.
        "target_session_attrs": "primary",
    }


def _bounded(seconds: float) -> type[psycopg.Connection[Any]]:
    """Connections that give up a server which says nothing for so long: one that is frozen, or cut off."""

    class Bounded(psycopg.Connection[Any]):
        def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
            try:
                return super().wait(gen, interval, seconds if timeout is None else timeout)
            except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - psycopg documents it by this name
                self.pgconn.finish()
                raise psycopg.OperationalError(f"the server said nothing for {seconds:g} seconds") from error

    return Bounded


def _require_fit(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
    """Refuse a server that is too old, or whose texts are not those that we mean."""
    entry.info["process"] = os.getpid()
    encoding, release = driver.info.parameter_status("server_encoding"), driver.info.server_version // 10_000
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"the database has the encoding {encoding}, and names need UTF8", "make one with `ENCODING 'UTF8'`"
        )
    if release < OLDEST:
        raise StoreUnavailable(f"the server is PostgreSQL {release}", f"use PostgreSQL {OLDEST} or newer")


def _require_own(_driver: object, entry: Any, proxy: Any) -> None:
    """A connection that was open when this process was forked belongs to the other one."""
    if entry.info["process"] != os.getpid():
        entry.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError("the connection belongs to another process")


def _begin(connection: Connection, *, writing: bool) -> None:
    driver: Any = connection.connection.driver_connection
    # A reader sees one state however often it asks. A writer must see what the writer before it has committed while it
    # waited for its turn, so each of its statements sees the newest.
    level = psycopg.IsolationLevel.READ_COMMITTED if writing else psycopg.IsolationLevel.REPEATABLE_READ
    driver.isolation_level, driver.read_only = level, not writing
    if writing:
        connection.execute(_WRITER)
