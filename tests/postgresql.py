"""A PostgreSQL of the tests' own: one server for a whole test run, reached by a socket in a temporary folder.

`server` gives it to every worker of the run; whoever asks first starts it. A keeper, a process of its own, ends it and
removes its folder when the run is over, however the run ended. `start` makes a server for one test, for those that
kill it. Nothing here touches a server that the machine has.
"""

import fcntl
import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from service.audit.chain import GENESIS
from service.store import tables
from service.store.sql import Store

PATIENCE = 60.0
SUPERUSER = "superuser"
TEMPLATE = "template_of_tests"
"""A database with the newest schema, which others are copied from."""

_KEEPER = """
import os, pwd, shutil, signal, subprocess, sys, time
folder, run, user, *start = sys.argv[1:]
def began(pid):
    try:
        state, *numbers = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        return "" if state in "ZX" else numbers[18]
    except OSError:
        return ""
same = began(run)
other = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
server = subprocess.Popen(start, stdin=subprocess.DEVNULL, **other)
while same and began(run) == same and os.path.exists(folder):
    server.poll()
    time.sleep(0.2)
try:
    os.kill(int(open(f"{folder}/data/postmaster.pid").readline()), signal.SIGINT)
    while os.path.exists(f"{folder}/data/postmaster.pid"):
        server.poll()
        time.sleep(0.02)
except OSError:
    pass
shutil.rmtree(folder, ignore_errors=True)
"""

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}
_SCHEMA = """
SELECT version_num FROM alembic_version
UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1"""

_UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""Quicker; what is lost is lost only with the machine."""


@dataclass
class Server:
    """A running server. `folder` holds its data and its socket."""

    folder: Path
    _names: Iterator[int] = field(default_factory=itertools.count)
    _free: list[str] = field(default_factory=list)

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """The URL of a database on it."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the superuser, which commits each statement."""
        return psycopg.connect(host=str(self.folder), user=SUPERUSER, dbname=database, autocommit=True)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The URL of a database of one's own: quite empty, or an empty store with the newest schema."""
        name = self._free.pop() if self._free and not empty else self._new("template0" if empty else TEMPLATE)
        try:
            yield self.url(name)
        finally:
            if not empty and self._cleaned(name):
                self._free.append(name)
            else:
                self.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _new(self, template: str) -> str:
        name = f"test_{os.getpid()}_{next(self._names)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE {template}')
        return name

    def _cleaned(self, name: str) -> bool:
        """Whether the database is as new again: making another one takes ten times as long."""
        with self.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        if self._schema(name) != self._schema(TEMPLATE):
            return False
        with self.connect(name) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # past the triggers
            for table in tables.metadata.tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute("INSERT INTO head VALUES (1, 0, %s)", [GENESIS])
        return True

    def _schema(self, name: str) -> object:
        with self.connect(name) as connection:
            return connection.execute(_SCHEMA).fetchall()

    def postmaster(self) -> int:
        """The process that holds all others."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def restart(self) -> None:
        """Stop it at once and start it again, as a host does that is updated."""
        log = str(self.folder / "data" / "log")
        program("pg_ctl", "restart", "-w", "-m", "fast", "-D", str(self.folder / "data"), "-l", log)


def found(name: str) -> str | None:
    """Where a program of the server is: Debian keeps them off the path."""
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(there[-1]) if there else shutil.which(name)


def require() -> None:
    """Skip aloud where there is no PostgreSQL, and fail where nothing may be skipped."""
    if found("initdb") is None:
        assert os.environ.get("CI") != "true", "PostgreSQL is missing"
        pytest.skip("PostgreSQL is missing (Debian package postgresql)")


def _unprivileged() -> str:
    """Who runs the server, which refuses root; "" where we are somebody else already."""
    if os.geteuid() != 0:
        return ""
    return "postgres" if "postgres" in [entry.pw_name for entry in pwd.getpwall()] else "nobody"


def program(name: str, *arguments: str) -> None:
    """Run a program of the server to its end."""
    path = found(name)
    assert path is not None
    user = _unprivileged() or None
    done = subprocess.run(
        [path, *arguments],
        user=user,
        group=user and pwd.getpwnam(user).pw_gid,
        extra_groups=user and [],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def start(run: int | None = None, *, safe: bool = False) -> Server:
    """Start a server that ends with the process `run` (this one unless told). `safe`: it syncs what it writes."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user := _unprivileged():
        shutil.chown(folder, user)
    data, server = folder / "data", Server(folder)
    try:
        program(
            "initdb", "--no-sync", "--encoding=UTF8", "--locale-provider=libc", "--locale=C.UTF-8", "--auth=trust",
            f"--username={SUPERUSER}", "-D", str(data),
        )  # fmt: skip
        settings = _SETTINGS | ({} if safe else _UNSAFE) | {"unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        path = found("postgres")
        with (folder / "log").open("ab") as log:
            keeper = [sys.executable, "-c", _KEEPER, str(folder), str(run or os.getpid()), user]
            command = ["setsid", "--fork", *keeper, str(path), "-D", str(data), *options]
            subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        _wait_for(server)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return server


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise AssertionError((server.folder / "log").read_text()) from error
            time.sleep(0.02)
        else:
            return


def shared(folder: Path, run: int) -> Server:
    """The server of this run, whose workers share `folder`; whoever comes first starts it."""
    note = folder / "postgresql"
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            server = start(run)
            server.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            Store.open(server.url(TEMPLATE), create=True).close()
            note.write_text(str(server.folder))
    return Server(Path(note.read_text()))


def stop(server: Server) -> None:
    """End a server that was started for one test."""
    program("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(server.folder / "data"))
    shutil.rmtree(server.folder)
