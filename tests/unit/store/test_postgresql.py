"""PostgreSQL: what can happen to a server, and that each of it becomes StoreUnavailable."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from service.errors import ChangeRefused, ConfigError, StoreUnavailable, UsageError
from service.store.sql import Store
from service.values import Row
from tests import postgresql
from tests.contract.store.builders import draft, everything, practice, publish, row

LONG = "".join(chr(0x4E00 + number * 7) for number in range(250))
"""A name that cannot be written shorter: 750 bytes."""


@pytest.fixture
def url(postgres: postgresql.Server) -> Iterator[str]:
    """A database with the newest schema."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with one practice, that waits for locks no longer than a test can."""
    store = Store.open(url, patience=0.2)
    publish(store, add=[practice()])
    yield store
    store.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[postgresql.Server]:
    """A server that may be ended."""
    postgresql.require()
    server = postgresql.start()
    yield server
    postgresql.stop(server)


@pytest.fixture
def own_store(own_server: postgresql.Server) -> Iterator[Store]:
    """A store on a server that may be ended."""
    own_server.run("DROP DATABASE IF EXISTS own WITH (FORCE)", "CREATE DATABASE own")
    store = Store.open(own_server.url("own"), create=True, patience=0.2)
    publish(store, add=[practice()])
    yield store
    store.close()


# --- URLs ---


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://rolewarden:hunter2@127.0.0.1:1/rolewarden",
        "postgresql+psycopg://rolewarden:hunter2@127.0.0.1:1/rolewarden?sslmode=hunter3&password=hunter2",
        "postgresql+psycopg://rolewarden:hunter2@127.0.0.1:1/rolewarden?nonsense=hunter2",
    ],
)
def test_a_password_is_never_told(url: str) -> None:
    """Whatever is wrong with a URL or the server behind it, no message and no cause repeats a password."""
    with pytest.raises(StoreUnavailable) as unavailable:
        Store.open(url)
    error: BaseException | None = unavailable.value
    while error is not None:
        assert "hunter2" not in f"{error}{error!r}"
        error = error.__cause__


def test_a_wrong_password(own_server: postgresql.Server) -> None:
    """The server refuses it, and what it refused is not repeated."""
    hba = own_server.folder / "data" / "pg_hba.conf"
    before = hba.read_text()
    own_server.run("DROP ROLE IF EXISTS careful", "CREATE ROLE careful LOGIN PASSWORD 'right'")
    hba.write_text(f"local all careful scram-sha-256\n{before}")
    own_server.run("SELECT pg_reload_conf()")
    time.sleep(0.3)
    with pytest.raises(StoreUnavailable, match="password authentication failed") as unavailable:
        Store.open(own_server.url("postgres", user="careful:hunter2"))
    assert "hunter2" not in unavailable.value.message


@pytest.mark.parametrize("url", ["postgresql+psycopg://", "postgresql+psycopg://db", "postgresql+asyncpg://db/name"])
def test_other_urls_are_refused(url: str) -> None:
    """A URL names a database, and the one driver that we know."""
    with pytest.raises(ConfigError, match="not the URL of a store"):
        Store.open(url)


def test_it_needs_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where psycopg is not installed, it is said what to install."""
    monkeypatch.delitem(sys.modules, "service.store.postgresql", raising=False)
    monkeypatch.delattr("service.store.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="without psycopg") as refused:
        Store.open("postgresql+psycopg://db/rolewarden")
    assert "rolewarden[postgresql]" in refused.value.mend


def test_a_missing_database_is_not_created(postgres: postgresql.Server) -> None:
    """Making a database is a matter of the server's administrator."""
    for create in (False, True):
        with pytest.raises(StoreUnavailable, match='database "none" does not exist'):
            Store.open(postgres.url("none"), create=create)


def test_a_database_of_another_encoding_is_refused(postgres: postgresql.Server) -> None:
    """Where names would not come back as they were written, none is written."""
    postgres.run(
        "DROP DATABASE IF EXISTS latin",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    )
    with pytest.raises(StoreUnavailable, match="LATIN1"):
        Store.open(postgres.url("latin"), create=True)


def test_only_the_first_of_several_servers_is_asked(postgres: postgresql.Server, url: str) -> None:
    """A server that follows another one lags behind it, so a connection to one is never made."""
    store = Store.open(url)
    with store.reading() as view:
        driver = view._connection.connection.driver_connection  # noqa: SLF001 - no user sees the connection
        assert driver is not None
        assert driver.info.get_parameters()["target_session_attrs"] == "primary"
    store.close()


# --- texts ---


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800"])
def test_what_is_no_text_is_refused(store: Store, text: str) -> None:
    """A NUL, or half of a surrogate pair, is an error of whoever wrote it, and not of the store."""
    with pytest.raises(UsageError, match="no character"):
        store.mark("demo", text)
    with pytest.raises(UsageError), store.reading() as view:
        view.changes(person=text)
    with store.reading() as view:
        assert (view.rows(text), view.existing([text]), view.recorded_digest(text)) == ((), frozenset(), None)


def test_names_that_are_too_long_together(store: Store) -> None:
    """A row that no index could hold is refused by name, and nothing of its change happens."""
    levels = [Row("p", (f"role:{LONG}"[:250], "riverside", "Task - Orders", "Read")), Row("p", (LONG,) * 4)]
    with pytest.raises(ChangeRefused) as refused:
        publish(store, add=[practice(LONG), *levels])
    assert refused.value.rule == "names-too-long"
    assert everything(store) == {practice()}


# --- locks ---


def test_a_lock_is_not_waited_for_without_end(store: Store, url: str, postgres: postgresql.Server) -> None:
    """While somebody else writes, readers go on, a second writer gives up, and afterwards all is as before."""
    other = Store.open(url, patience=0.2)
    with other._writing():  # noqa: SLF001 - the middle of a transaction is seen only from inside
        assert everything(store) == {practice()}
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            publish(store, add=[practice("lakeside")])
    other.close()
    assert publish(store, add=[practice("lakeside")]).number == 2


def test_somebody_who_locks_by_hand(store: Store, url: str, postgres: postgresql.Server) -> None:
    """A table that an administrator has locked keeps a reader no longer than its patience."""
    with postgres.connect(str(make_url(url).database)) as hand:
        hand.execute("BEGIN")
        hand.execute("LOCK TABLE practice")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            everything(store)
        hand.execute("ROLLBACK")
    assert everything(store) == {practice()}


def test_a_writer_that_stops_lets_go(store: Store, url: str) -> None:
    """A writer that does nothing for ten times its patience has lost its transaction; nothing of it is there."""
    other = Store.open(url, patience=0.1)

    def stop_in_the_middle() -> None:
        with other._writing() as connection:  # noqa: SLF001 - the middle of a transaction is seen only from inside
            connection.exec_driver_sql("INSERT INTO mark VALUES ('a', 'b')")
            time.sleep(1.5)
            connection.exec_driver_sql("INSERT INTO mark VALUES ('c', 'd')")

    with pytest.raises(StoreUnavailable):
        stop_in_the_middle()
    other.close()
    assert publish(store, add=[practice("lakeside")]).number == 2
    with store.reading() as view:
        assert view.marked("a") is None


# --- a server that goes ---


def everyone_is_gone(server: postgresql.Server) -> None:
    """End every connection but one's own, as an administrator may."""
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


@pytest.mark.parametrize("how", [postgresql.Server.restart, everyone_is_gone], ids=["restarted", "ended"])
def test_a_server_that_was_restarted_is_reached_again(
    own_server: postgresql.Server, own_store: Store, how: Callable[[postgresql.Server], None]
) -> None:
    """Connections that were open are made anew, and whoever asks next notices nothing."""
    assert everything(own_store) == {practice()}
    how(own_server)
    assert everything(own_store) == {practice()}
    assert publish(own_store, add=[practice("lakeside")]).number == 2


def test_a_connection_that_ends_in_the_middle(own_server: postgresql.Server, own_store: Store) -> None:
    """A transaction whose connection ended is an error, and nothing of it happened; the next one works."""
    late = draft(own_store, [practice("lakeside")])

    def lose_the_connection() -> None:
        with own_store.reading() as view:
            view.head()
            everyone_is_gone(own_server)
            view.head()

    with pytest.raises(StoreUnavailable, match="terminating connection"):
        lose_the_connection()
    assert own_store.commit(late, {}).number == 2


@contextmanager
def frozen(*processes: int) -> Iterator[None]:
    """Within, these processes do nothing."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def test_a_server_that_says_nothing(own_server: postgresql.Server, own_store: Store) -> None:
    """A frozen server costs a reader some seconds, and not for ever; once it goes on, so do we."""
    with own_store.reading() as view:
        driver = view._connection.connection.driver_connection  # noqa: SLF001 - to know whom to freeze
        assert driver is not None
        backend = driver.info.backend_pid
    began = time.monotonic()
    with frozen(backend, own_server.postmaster()), pytest.raises(StoreUnavailable, match="timeout"):
        everything(own_store)
    assert 2 < time.monotonic() - began < 15
    assert everything(own_store) == {practice()}


def test_threads_share_a_store(store: Store) -> None:
    """Any number of threads may ask one store at once."""
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(20):
                assert everything(store) == {practice()}
        except BaseException as error:  # noqa: BLE001 - handed on to the thread of the test
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_forked_process_has_connections_of_its_own(store: Store) -> None:
    """A child that uses its parent's store talks to the server by itself, and the parent's connection stays good."""
    assert everything(store) == {practice()}
    child = os.fork()
    if not child:
        try:
            fine = everything(store) == {practice()}
        except BaseException:  # noqa: BLE001 - a child must not run the rest of the tests
            fine = False
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert everything(store) == {practice()}


# --- what the server is set to ---


def test_what_is_acknowledged_is_on_the_disk(store: Store, postgres: postgresql.Server) -> None:
    """Although this server is set to answer before it has written, it does not do so to us."""
    with store._writing() as connection:  # noqa: SLF001 - no user sees the connection
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
    with postgres.connect() as other:
        assert other.execute("SHOW synchronous_commit").fetchone() == ("off",)


def test_a_reader_cannot_write(store: Store) -> None:
    """Not even by a mistake of ours, and whatever the database user may do."""
    with pytest.raises(StoreUnavailable, match="read-only") as refused, store.reading() as view:
        view._connection.exec_driver_sql("DELETE FROM mark")  # noqa: SLF001 - no method of a view would
    assert isinstance(refused.value.__cause__.orig, psycopg.errors.ReadOnlySqlTransaction)  # type: ignore[union-attr]


def test_rows_of_a_longer_name_are_refused(store: Store) -> None:
    """A name of 256 characters is refused before anything is written, as on every database."""
    with pytest.raises(ValueError, match="no known shape"):
        publish(store, add=[row(f"role, riverside, role:{'n' * 251}")])
