"""The whole product on PostgreSQL, set up as the page says: one database user writes, another can only read."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from service.store import tables
from tests import postgresql
from tests.docs.pages import ROOT, blocks
from tests.flow.conftest import furnished
from tests.flow.harness import TASK, Home, serving, wait_until

PAGE = ROOT / "docs" / "how-to" / "use-postgresql.md"
READ = {
    *("head", "practice", "directory_user", "role", "casbin_rule", "policy_file", "file_text", "revision_practice"),
    *("token", "mark", "folder_status"),
}


def shown(mark: str) -> str:
    """The statements on the page under this mark."""
    [block] = [block.text for block in blocks(PAGE) if block.mark == mark]
    return block


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose store was made as the page says, with the rights that the page gives."""
    postgresql.require()
    server = postgresql.start()
    server.run(*shown("database").split(";\n"))
    home = furnished(Home.make(tmp_path_factory.mktemp("home"), server.url("rolewarden", user="rolewarden")))
    server.run(*shown("grants").split(";\n"), database="rolewarden")
    yield home
    postgresql.stop(server)


@pytest.fixture
def reader(home: Home) -> str:
    """The URL of the one who can only read."""
    return make_url(home.url).set(username="policy_reader").render_as_string()


def test_the_reader_is_enough_for_the_check_part(home: Home, reader: str) -> None:
    """Checks are answered, changes of the other user are seen at once, and health and readiness are as ever."""
    with serving(home, "check", "--demo", DATABASE_URL=reader) as service:
        probes = service.clients_of_every_worker()
        assert [probe.ask("ann", "respond", TASK).code for probe in probes.values()] == ["allowed"] * 2
        for active, code in ((False, "inactive_user"), (True, "allowed")):
            number = home.set_active("ann", active).number
            answers = [probe.ask("ann", "respond", TASK) for probe in probes.values()]
            assert [(answer.code, answer.revision) for answer in answers] == [(code, number)] * 2
        assert home.run("health", BIND=service.bind).returncode == 0
        assert not service.lines("internal_error")


def test_the_reader_reads_nothing_more(home: Home, reader: str) -> None:
    """Tables that checks are not answered from are closed to it, and reasons of changes, too; nothing is writable."""
    engine = create_engine(reader, poolclass=NullPool)
    for table in sorted(tables.metadata.tables):
        statements = [f"{start} {table}" for start in ("DELETE FROM", "TRUNCATE", "LOCK")]
        statements += [] if table in READ else [f"TABLE {table}"]
        for statement in statements:
            with pytest.raises(DBAPIError) as refused, engine.begin() as connection:
                connection.exec_driver_sql(statement)
            assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement
    engine.dispose()


def test_rows_altered_beneath_revisions_are_not_served(home: Home) -> None:
    """Somebody who writes past Rolewarden gains nothing: the practice is refused, others are answered."""
    engine = create_engine(home.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO casbin_rule (ptype, v0, v1, v2) SELECT 'g', 'user:mallory', v1, v2 FROM casbin_rule"
            " WHERE ptype = 'g' AND v0 = 'user:ann' AND v2 = 'riverside' LIMIT 1"
        )
    try:
        with serving(home, "check", "--demo") as service:
            probe = service.client()
            assert probe.ask("mallory", "respond", TASK).code == "rows_altered"
            assert probe.ask("mallory", "respond", TASK, "lakeside").code != "rows_altered"
            with engine.begin() as connection:
                connection.exec_driver_sql("DELETE FROM casbin_rule WHERE ptype = 'g' AND v0 = 'user:mallory'")
            wait_until(lambda: probe.ask("ann", "respond", TASK).code == "allowed")
    finally:
        engine.dispose()


def test_commands(home: Home) -> None:
    """Commands that read and write work as on SQLite, and an export is the same text."""
    for command in (("practice", "list"), ("user", "list", "riverside"), ("log",), ("token", "list"), ("plan",)):
        done = home.run(*command)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
    again = home.run("init", "--demo")
    assert "nothing to change" in again.stdout


def test_a_server_that_is_away(home: Home, tmp_path: Path) -> None:
    """Without its server the service does not start, and says why without the password."""
    gone = Home.make(tmp_path, "postgresql+psycopg://rolewarden:hunter2@127.0.0.1:1/rolewarden")
    done = gone.run("serve", "check")
    assert done.returncode == 1
    assert "the store did not answer" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
