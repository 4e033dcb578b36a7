"""The way to the database: from a URL to an engine, and from what a driver raises to `StoreUnavailable`.

The rule it keeps: no answer is better than a wrong one. A database that is missing, locked, moved, damaged or
not ours is an error of ours with the driver's as its cause; nothing is created unless asked for, and nothing
is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from service.errors import ChangeRefused, ConfigError, StoreUnavailable, UsageError
from service.store import sqlite
from service.store.base import is_text

WRITING = "rolewarden_writing"
"""The execution option of a connection that is going to write. Whoever writes is alone, on every database."""


_TOO_LONG_FOR_AN_INDEX = "54000"
"""By which PostgreSQL says that a row has more than 2,700 bytes where its names must be found."""

POSTGRESQL = "postgresql+psycopg"


def connect(url: str, *, create: bool, patience: float) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql+psycopg://...`. With `create`, a file is made where there is none.

    `patience`: seconds to wait for a lock. Raises ConfigError for a URL that is not one of these.
    """
    parsed = _parsed(url)
    if parsed.drivername in sqlite.SCHEMES and sqlite.names_a_file(parsed):
        engine = sqlite.engine(parsed, writing=WRITING, create=create, patience=patience)
    elif parsed.drivername == POSTGRESQL and parsed.database:
        engine = _postgresql(parsed, patience)
    else:
        raise ConfigError(
            f"`{_shown(parsed)}` is not the URL of a store",
            "write sqlite:///PATH, with a fourth slash for an absolute path, or postgresql+psycopg://USER@HOST/DATABASE",
        )
    event.listen(engine, "before_cursor_execute", _refuse_what_is_no_text)
    return engine


def _postgresql(url: URL, patience: float) -> Engine:
    try:
        from service.store import postgresql  # noqa: PLC0415 - psycopg is installed only where it is needed
    except ImportError as error:
        mend = "install `rolewarden[postgresql]`"
        raise ConfigError("a store on PostgreSQL cannot be opened without psycopg", mend) from error
    return postgresql.engine(url, writing=WRITING, patience=patience)


@contextmanager
def translated() -> Iterator[None]:
    """Within, whatever the database or its driver raises becomes StoreUnavailable."""
    try:
        yield
    except SQLAlchemyError as error:
        driver = error.orig if isinstance(error, DBAPIError) else error
        if getattr(driver, "sqlstate", "") == _TOO_LONG_FOR_AN_INDEX:
            raise ChangeRefused(
                "names-too-long", "the names of one row are too long together for this database", "shorten one of them"
            ) from error
        raise StoreUnavailable(
            f"the store did not answer: {' '.join(str(driver).split())}",
            "see that the database exists, can be written, has room, and is not held by another program",
        ) from error


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return URL.create("unknown")  # the text itself may hold a password, so it is not repeated


def _shown(url: URL) -> str:
    """A URL as it may stand in a message: a password may also stand in its query."""
    return url.set(query={}).render_as_string(hide_password=True)


def _refuse_what_is_no_text(
    _connection: Connection, _cursor: object, _statement: str, parameters: Any, _context: object, many: bool
) -> None:
    # SQLite would keep a NUL and PostgreSQL does not; neither keeps half a surrogate pair. Each says so in its own way,
    # and in the middle of a transaction.
    records: Sequence[Any] = parameters if many else (parameters,)
    values = chain.from_iterable(some.values() if isinstance(some, Mapping) else some for some in records)
    if not is_text("".join([value for value in values if isinstance(value, str)])):
        raise UsageError("a text holds what is no character", "type it anew, without copying it")
