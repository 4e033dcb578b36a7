"""SQLite: what can happen to a file, and that each of it becomes StoreUnavailable."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from service.errors import ChangeRefused, ConfigError, StoreUnavailable
from service.store.base import Token
from service.store.sql import Store
from service.values import Row
from tests.contract.store.builders import TIME, draft, everything, practice, publish, row

ROOT = Path(__file__).parents[3]
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where no database is yet."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store with one practice, that waits for locks no longer than a test can."""
    store = Store.open(f"sqlite:///{path}", create=True, patience=0.1)
    publish(store, add=[practice()])
    yield store
    store.close()


@contextmanager
def on_each_connection(pragma: str) -> Iterator[None]:
    """Within, every connection that is opened begins with this setting."""

    def apply(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(Pool, "connect", apply)
    try:
        yield
    finally:
        event.remove(Pool, "connect", apply)


def assert_nothing_answers(store: Store) -> None:
    """Every way in says that the store is away, and what the driver said is the cause."""
    ways: list[Callable[[], object]] = [
        lambda: everything(store),
        lambda: publish(store, add=[row("role, riverside, role:Nurse")]),
        lambda: store.mark("demo", "yes"),
        lambda: store.revoke_token("ehr", TIME),
        lambda: store.add_token(Token("k7", "ehr", "", None, TIME)),
    ]
    for way in ways:
        with pytest.raises(StoreUnavailable) as unavailable:
            way()
        assert "\n" not in unavailable.value.message
        assert unavailable.value.__cause__ is not None


# --- the file ---


def test_a_missing_file_is_not_created(path: Path) -> None:
    """Opening a store that is not there is an error, and leaves nothing behind that could be opened next time."""
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        Store.open(f"sqlite:///{path}")
    assert not path.exists()


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    """Creating needs the folder to be there."""
    with pytest.raises(StoreUnavailable, match="cannot be created"):
        Store.open(f"sqlite:///{tmp_path}/none/store.db", create=True)


def test_a_file_that_vanishes_is_noticed(store: Store, path: Path) -> None:
    """An open store does not go on answering from a file that has been removed."""
    path.unlink()
    assert_nothing_answers(store)
    assert not path.exists()


def test_a_file_that_is_replaced_is_read(store: Store, path: Path, tmp_path: Path) -> None:
    """When a backup is put in its place, it is the backup that answers."""
    shutil.copy(path, tmp_path / "backup")
    publish(store, add=[practice("lakeside")])
    (tmp_path / "backup").replace(path)
    assert everything(store) == {practice()}


@pytest.mark.parametrize("content", [b"not a database at all, and longer than a header", os.urandom(4096)])
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    """Something else under that name is neither read nor overwritten."""
    path.write_bytes(content)
    for create in (False, True):
        with pytest.raises(StoreUnavailable, match="not a database"):
            Store.open(f"sqlite:///{path}", create=create)
    assert path.read_bytes() == content


def test_an_empty_file_is_an_empty_store(path: Path) -> None:
    """What a creation that was interrupted leaves is refused, and creating again completes it."""
    path.touch()
    with pytest.raises(StoreUnavailable, match="no tables yet"):
        Store.open(f"sqlite:///{path}")
    Store.open(f"sqlite:///{path}", create=True).close()
    Store.open(f"sqlite:///{path}").close()


def test_a_damaged_file(store: Store, path: Path) -> None:
    """Pages that are overwritten give an error and no fewer rows."""
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    path.write_bytes(damaged)
    assert_nothing_answers(store)


def test_only_its_owner_reads_it(path: Path) -> None:
    """The database is made with mode 0600, whatever the umask, and its journal has the same."""
    before = os.umask(0)
    try:
        store = Store.open(f"sqlite:///{path}", create=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with store._writing() as connection:  # noqa: SLF001 - the journal exists only within a transaction
        connection.exec_driver_sql("INSERT INTO mark VALUES ('a', 'b')")
        assert stat.S_IMODE(path.with_name("store.db-journal").stat().st_mode) == 0o600
    store.close()


def test_names_of_files(tmp_path: Path) -> None:
    """A path may have blanks, marks that mean something in a URL, and letters of any script."""
    Store.open(f"sqlite:///{tmp_path}/a b%3F%25&#c 'é'.db", create=True).close()
    assert [path.name for path in tmp_path.iterdir()] == ["a b?%&#c 'é'.db"]


@pytest.mark.parametrize(
    "url",
    [
        "store.db",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///store.db?mode=memory",
        "sqlite+aiosqlite:///store.db",
        "postgresql://rolewarden:hunter2@db/rolewarden",
        "postgresql+asyncpg://rolewarden@db/rolewarden?password=hunter2",
        "postgresql+psycopg://rolewarden:hunter2@db:none/rolewarden",
        "nonsense://rolewarden:hunter2@db/rolewarden",
    ],
)
def test_other_urls_are_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that is not a file of SQLite is a mistake in a setting; a password in it is not repeated."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="not the URL of a store") as refused:
        Store.open(url, create=True)
    assert "hunter2" not in refused.value.message
    assert list(tmp_path.iterdir()) == []


# --- the disk and the folder ---


def test_a_full_disk(store: Store) -> None:
    """When there is no room the change is not made, and reading goes on."""
    many = draft(store, [Row("role", ("riverside", f"role:{number:0200}")) for number in range(2_000)])
    with (
        on_each_connection("max_page_count = 60"),
        pytest.raises(StoreUnavailable, match="full") as unavailable,
    ):
        store.commit(many, {})
    assert unavailable.value.__cause__ is not None
    assert everything(store) == {practice()}
    assert store.commit(many, {}).number == 2


@pytest.fixture
def foreign_folder() -> Iterator[Path]:
    """A folder that we may read and may not write: for root, because we are somebody else for a while."""
    folder = Path(tempfile.mkdtemp())
    Store.open(f"sqlite:///{folder}/store.db", create=True).close()
    (folder / "store.db").chmod(0o666)
    folder.chmod(0o555)
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(before)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_is_read_only(foreign_folder: Path) -> None:
    """Without a place for its journal SQLite cannot write: nothing changes, and reading goes on."""
    store = Store.open(f"sqlite:///{foreign_folder}/store.db")
    with pytest.raises(StoreUnavailable):
        publish(store, add=[practice()])
    assert everything(store) == frozenset()
    store.close()


# --- locks ---


@contextmanager
def held(path: Path, lock: str) -> Iterator[None]:
    """Within, somebody else holds the database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        yield


def test_a_locked_database(store: Store, path: Path) -> None:
    """A lock that outlasts our patience is an error, for readers and writers; afterwards all is as before."""
    with held(path, "EXCLUSIVE"):
        assert_nothing_answers(store)
    assert everything(store) == {practice()}


def test_readers_do_not_wait_for_a_writer_at_work(store: Store, path: Path) -> None:
    """Until it commits, a writer keeps readers from nothing; a second writer waits, and in the end gives up."""
    with held(path, "IMMEDIATE"):
        assert everything(store) == {practice()}
        with pytest.raises(StoreUnavailable, match="locked"):
            publish(store, add=[practice("lakeside")])


def test_a_large_change_keeps_readers_from_nothing(store: Store) -> None:
    """What does not fit into SQLite's cache stays in memory until the commit, so that others can read meanwhile."""
    with store._writing() as connection:  # noqa: SLF001 - the middle of a transaction is seen only from inside
        marks = [(f"{number}", "x" * 1_000) for number in range(5_000)]
        connection.exec_driver_sql("INSERT INTO mark VALUES (?, ?)", marks)
        assert everything(store) == {practice()}


def test_a_commit_waits_for_readers_and_then_gives_up(store: Store) -> None:
    """A view that is kept open too long stops a change; nothing of the change is there afterwards."""
    late = draft(store, [practice("lakeside")])
    with store.reading() as view:
        view.head()
        with pytest.raises(StoreUnavailable, match="locked"):
            store.commit(late, {})
    assert everything(store) == {practice()}
    assert store.commit(late, {}).number == 2


def test_it_never_becomes_a_write_ahead_log(store: Store, path: Path) -> None:
    """A database that somebody switched is switched back; while it is in use by them, it is not opened."""
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        other.execute("SELECT * FROM head").fetchall()
        assert_nothing_answers(store)
    assert everything(store) == {practice()}
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


# --- a writer that is killed while its pages are on the disk ---

_SPILLING = """
import sys
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

@event.listens_for(Pool, "connect")
def spill(connection, record):
    connection.execute("PRAGMA cache_size = 10")
    connection.execute("PRAGMA cache_spill = ON")

from tests.contract.store.writer import main
main(sys.argv[1], "stop")
"""


def test_a_half_written_file_is_mended(store: Store, path: Path) -> None:
    """Killed with changed pages in the file, a writer leaves a journal, and the next to come puts the pages back."""
    before = path.stat().st_size
    victim = subprocess.Popen(
        [sys.executable, "-c", _SPILLING, f"sqlite:///{path}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == "halfway\n"
    victim.kill()
    victim.communicate()
    assert path.stat().st_size > before
    assert path.with_name("store.db-journal").stat().st_size > 0
    assert everything(store) == {practice()}
    assert path.stat().st_size == before
    assert publish(store, add=[practice("lakeside")]).number == 2


# --- speed ---


def test_rows_are_found_by_index(store: Store, path: Path) -> None:
    """Reading a practice, and adding and removing its rows, never walks through a whole table."""
    executed: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        executed.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        rows = [row("p, role:Nurse, riverside, Task - Orders, Write"), row("g, user:ann, role:Nurse, riverside")]
        publish(store, add=[*rows, row("user, riverside, ann, Ann, active"), row("role, riverside, role:Nurse")])
        publish(store, remove=rows)
        with pytest.raises(ChangeRefused):
            publish(store, remove=[practice()])
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(path)) as connection:
        plans = {
            (statement, step[3])
            for statement, parameters in executed
            if not statement.startswith(("BEGIN", "PRAGMA"))
            for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        }
    assert any("uq_casbin_rule_p" in step for _, step in plans)
    walks = [plan for plan in plans if plan[1].startswith("SCAN")]
    assert [plan for plan in walks if plan[1] != "SCAN head"] == []
