import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from service.errors import StoreUnavailable
from service.store import migrate, tables
from service.store.base import RequestKey
from service.store.sql import Store
from tests.contract.store.builders import everything, practice, publish


def test_migrated_schema_equals_the_declared_one(store: Store, by_hand: Engine) -> None:
    """What the migrations make is what `tables.py` declares: comparing the two finds nothing to do."""
    with by_hand.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_every_constraint_has_a_name(store: Store, by_hand: Engine) -> None:
    """So that a later migration, on any database, can name what it changes."""
    found = inspect(by_hand)
    for table in tables.metadata.tables:
        named = [found.get_pk_constraint(table), *found.get_foreign_keys(table), *found.get_check_constraints(table)]
        named += [*found.get_unique_constraints(table), *found.get_indexes(table)]
        assert all(constraint["name"] for constraint in named), table


def test_the_newest_migration_is_known() -> None:
    """The number that a store is asked for is that of the newest script, and the scripts have one line."""
    assert ScriptDirectory(str(migrate._SCRIPTS)).get_heads() == [migrate.NEWEST]  # noqa: SLF001 - no user needs it


def test_opening_twice_changes_nothing(store: Store, url: str) -> None:
    """Creating a store that exists opens it as it is."""
    publish(store, add=[practice()])
    again = Store.open(url, create=True)
    assert everything(again) == {practice()}
    again.close()


@pytest.mark.parametrize("create", [False, True])
def test_a_store_of_a_newer_release_is_refused(store: Store, url: str, by_hand: Engine, create: bool) -> None:
    """A schema that this program does not know is left alone, and the message says which it is."""
    with by_hand.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="9999"):
        Store.open(url, create=create)


def test_a_store_without_a_version_is_refused(store: Store, url: str, by_hand: Engine) -> None:
    """Tables that nobody vouches for are not read."""
    with by_hand.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    with pytest.raises(StoreUnavailable, match="no tables yet"):
        Store.open(url)


def read_all(store: Store) -> None:
    """Ask a view everything that it can be asked."""
    with store.reading() as view:
        view.head(), view.rows(""), view.rows("riverside"), view.files(), view.practice_ids()
        view.revisions(), view.tokens(), view.marked("demo"), view.folder_status(), view.effects(1), view.events()
        view.session("5f"), view.draft("riverside", "pat"), view.unfinished("5f"), view.answered(RequestKey("k7", "1"))


@pytest.mark.parametrize("table", sorted(tables.metadata.tables))
def test_a_lost_table_is_an_error(store: Store, by_hand: Engine, table: str) -> None:
    """With any of its tables gone, the store says that it does not answer; it never answers with less."""
    publish(store, add=[practice()])
    with by_hand.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {table} {'' if by_hand.dialect.name == 'sqlite' else 'CASCADE'}")
    with pytest.raises(StoreUnavailable) as unavailable:
        read_all(store)
    assert unavailable.value.__cause__ is not None
