"""The schema in every detail that a database can tell, which is more than Alembic compares."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect

from service.store import tables
from service.store.sql import Store
from tests import postgresql


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Engine]]:
    """The schema as it is migrated, and as it is declared."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            folder = tmp_path_factory.mktemp("schema")
            urls = [f"sqlite:///{folder}/{name}.db" for name in ("migrated", "declared")]
        else:
            server: postgresql.Server = request.getfixturevalue("postgres")
            urls = [stack.enter_context(server.database(empty=True)) for _ in range(2)]
        Store.open(urls[0], create=True).close()
        engines = [create_engine(url) for url in urls]
        tables.metadata.create_all(engines[1])
        yield engines
        for engine in engines:
            engine.dispose()


def described(engine: Engine, table: str) -> dict[str, Any]:
    """All that the database says about a table, in words that can be compared."""
    found = inspect(engine)
    return {
        "columns": [{**column, "type": repr(column["type"])} for column in found.get_columns(table)],
        "primary key": found.get_pk_constraint(table),
        "foreign keys": found.get_foreign_keys(table),
        "unique": found.get_unique_constraints(table),
        "checks": found.get_check_constraints(table),
        "indexes": [
            {**index, "dialect_options": {key: str(value) for key, value in index["dialect_options"].items()}}
            for index in found.get_indexes(table)
        ],
        "collations": _collations(engine, table),
    }


def _collations(engine: Engine, table: str) -> list[Any]:
    """By what the texts of each column are compared, where a database knows of more than bytes."""
    if engine.dialect.name == "sqlite":
        return []
    columns = "SELECT column_name, collation_name FROM information_schema.columns WHERE table_name = %s ORDER BY 1"
    with engine.connect() as connection:
        return list(map(tuple, connection.exec_driver_sql(columns, (table,))))


@pytest.mark.parametrize("table", sorted(tables.metadata.tables))
def test_migrated_equals_declared(engines: list[Engine], table: str) -> None:
    """Keys, checks, what foreign keys do, and where partial indexes apply are the same."""
    migrated, declared = engines
    assert described(migrated, table) == described(declared, table)


def test_texts_are_compared_by_their_bytes(engines: list[Engine]) -> None:
    """No column has the order of a language, nor takes from one what is the same."""
    for table in tables.metadata.tables:
        assert {collation for _, collation in _collations(engines[0], table)} <= {None, "C"}


def test_replacing_does_not_get_round_the_triggers(tmp_path: Path) -> None:
    """`INSERT OR REPLACE` removes a row without asking the trigger on DELETE; other triggers stop it."""
    Store.open(f"sqlite:///{tmp_path}/store.db", create=True).close()
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO revision VALUES (1, 't', 'a', 'command', '', '', 'p', 'd', NULL)")
        connection.exec_driver_sql("INSERT INTO file_text VALUES ('s', 't')")
        connection.exec_driver_sql("UPDATE head SET number = 1")
    for statement in (
        "INSERT OR REPLACE INTO revision VALUES (1, 't', 'mallory', 'command', '', '', 'p', 'd', NULL)",
        "INSERT OR REPLACE INTO file_text VALUES ('s', 'another')",
        "INSERT OR REPLACE INTO head VALUES (1, 0, '')",
    ):
        with pytest.raises(Exception, match=r"nothing more|stands already|there is one"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()
