"""Which version of the schema a store has, and how it gets the newest.

Alembic is needed only by whoever creates or upgrades a store, and is imported only then; every other process
asks Alembic's version table with plain SQL.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from service.errors import ConfigError, StoreUnavailable

NEWEST = "0003"
"""The newest migration; a test compares it with the folder."""

_SCRIPTS = Path(__file__).parent / "migrations"


def version(connection: Connection) -> str | None:
    """The migration that the store is at; None where there is no schema at all."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def require_newest(connection: Connection) -> None:
    """Refuse a store that is at any other version than the newest."""
    found = version(connection)
    if found is None:
        raise StoreUnavailable("the store is empty: it has no tables yet", "run `rolewarden init`")
    if found != NEWEST:
        raise StoreUnavailable(
            f"the store is at schema {found}, and this program needs {NEWEST}",
            "run `rolewarden init` with the newest release; it brings an older store up to date",
        )


def upgrade(connection: Connection) -> None:
    """Create the schema or bring it up to date within the connection's transaction, wholly or not at all."""
    if version(connection) != NEWEST:
        _run(connection, "upgrade", "head")


def downgrade(connection: Connection, to: str) -> None:
    """Take the schema back to an earlier version, giving up what is newer. StoreUnavailable where it would lie."""
    _run(connection, "downgrade", to)


def _run(connection: Connection, direction: str, to: str) -> None:
    try:
        from alembic import command  # noqa: PLC0415 - the check part is installed without Alembic
        from alembic.config import Config  # noqa: PLC0415 - the same
        from alembic.util import CommandError  # noqa: PLC0415 - the same
    except ImportError as error:
        raise ConfigError(
            "a store cannot be created or upgraded without Alembic", "install `rolewarden[setup]`"
        ) from error
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    try:
        getattr(command, direction)(config, to)
    except CommandError as error:
        raise StoreUnavailable(
            f"the store cannot be brought to schema {NEWEST if to == 'head' else to}: {error}",
            "it may be from a newer release: use that one",
        ) from error
