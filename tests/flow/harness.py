"""The service as it is run: homes of their own, real processes, HTTP over real sockets.

A `Home` is a temporary `ROLEWARDEN_HOME` with a policy folder beside it. A `Service` is what one `rolewarden serve`
started in it, down to the last worker. Processes are found by the home in their environment, so that none is left
behind when a test fails, and none is ended that a test did not start.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from service import changes, folder
from service.changes import Author
from service.config import Settings
from service.policy import bundle
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from service.store.view import View
from service.values import Change, Revision
from tests.witness import WITNESS

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which something that must come has not come."""

EVALUATION = "/access/v1/evaluation"
TOKEN = "rw_00000000f10a_" + "5" * 64
"""The token of the demonstration in these tests: given to it, so that every test knows it."""

LIST, TASK = "Task - Patient Portal - List", "Task - Patient Portal"
ORDERS, ROLES = "Task - Orders", "Setup - Roles"
UNAVAILABLE = "We can't check your access right now. Try again in a minute."
OPERATOR = Author("operator:test")


def repeated(name: str, default: int) -> int:
    """How often a test does what it does: as the variable of this name says, or as often as time allows each day."""
    return int(os.environ.get(name, default))


# The kernel ends what we start when we are killed ourselves, before anything of ours could.
LAUNCH = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


def measured(text: str) -> None:
    """Say what a test counted; `-rP` shows it."""
    sys.stdout.write(f"measured: {text}\n")


def wait_until(true: Callable[[], object], patience: float = PATIENCE) -> float:
    """Wait for something that must come; returns the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience, f"it did not come within {patience:g} seconds"
        time.sleep(0.01)
    return time.monotonic() - began


# --- homes --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Home:
    """A `ROLEWARDEN_HOME` in `root`, with a copy of `policies/` that a test may change.

    `url`: the database, where it is another than the embedded one.
    """

    root: Path
    url: str = ""

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def policies(self) -> Path:
        return self.root / "policies"

    @property
    def database(self) -> Path:
        return self.var / "rolewarden.db"

    @classmethod
    def make(cls, root: Path, url: str = "") -> Self:
        """A home with the shipped policies and no store yet."""
        shutil.copytree(ROOT / "policies", root / "policies")
        return cls(root, url)

    def copy(self, root: Path) -> Self:
        """The same home at another place, with its store, while nobody uses it."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return type(self)(root)

    def environ(self, **settings: str) -> dict[str, str]:
        """The environment of a command: nothing of ours from outside, and `ROLEWARDEN_<name>` for each setting."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROLEWARDEN_", "PROMETHEUS"))}
        own = {"HOME": str(self.var), "POLICIES": str(self.policies), "DATABASE_URL": self.url, **settings}
        return kept | {f"ROLEWARDEN_{name}": value for name, value in own.items()}

    def settings(self, **settings: str) -> Settings:
        """The settings that a command has here."""
        return Settings.from_environ(self.environ(**settings))

    def run(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one command of `rolewarden` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "service", *command],
            env=self.environ(**settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def processes(self) -> dict[int, list[str]]:
        """Every process that has this home in its environment, with its command line."""
        mark = f"ROLEWARDEN_HOME={self.var}".encode()
        found = {}
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0") and not _is_dead(int(process.name)):
                    found[int(process.name)] = (process / "cmdline").read_text().split("\0")[:-1]
        return found

    def end_all(self) -> None:
        """End every process of this home, at once."""
        deadline = time.monotonic() + PATIENCE
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.01)

    # -- changes, made as Setup and commands make them --

    @contextmanager
    def press(self) -> Iterator[Press]:
        """What publishing needs."""
        settings = self.settings()
        store, counter = Store.open(settings.store_url), Counter.open(settings.counter)
        try:
            yield Press(store, counter, opinion=WITNESS.hear)
        finally:
            store.close()
            counter.close()

    @contextmanager
    def view(self) -> Iterator[View]:
        """One look into the store."""
        with self.press() as press, press.store.reading() as view:
            yield view

    def change(self, find: Callable[[View], Change], files: Mapping[str, str] | None = None) -> Revision:
        """Publish what `find` finds; there must be something to change."""
        with self.press() as press:
            revision = changes.carry_out(press, find, files)
        assert revision is not None
        return revision

    def publish_files(self, **texts: str) -> Revision:
        """Publish the policy folder with some files having other texts than on disk: `screens` for `screens.csv`."""
        files = folder.read(self.policies) | {f"{name}.csv": text.encode() for name, text in texts.items()}
        read, _ = bundle.load(files)
        assert read is not None
        return self.change(lambda view: changes.of_files(view, OPERATOR, read), read.texts)

    def set_active(self, user: str, active: bool, practice: str = "riverside") -> Revision:
        """Disable or enable a user."""
        return self.change(lambda view: changes.of_user(view, OPERATOR, practice, user, name=None, active=active))

    def is_active(self, user: str, practice: str = "riverside") -> bool:
        """Whether a user is active, as the store says."""
        with self.view() as view:
            return any(row.kind == "user" and row.fields[1::2] == (user, "active") for row in view.rows(practice))

    def rewrite(self, name: str, text: str) -> None:
        """Replace a policy file by one rename, as careful editors do."""
        new = self.policies / f".{name}.new"
        new.write_text(text)
        new.replace(self.policies / name)


def _is_dead(pid: int) -> bool:
    return _stat(pid)[0] in "ZX"


def _stat(pid: int) -> list[str]:
    """The fields of a process from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def children(pid: int) -> set[int]:
    """The living children of a process."""
    found = set()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and (stat := _stat(int(process.name)))[1] == str(pid) and stat[0] not in "ZX":
                found.add(int(process.name))
    return found


def memory(pid: int) -> int:
    """Bytes of a process that are in memory and its own."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


# --- services -----------------------------------------------------------------------------------------------


@dataclass
class Service:
    """A running `rolewarden serve`, and all the processes that it consists of."""

    home: Home
    bind: str
    process: subprocess.Popen[bytes]
    log_file: Path
    pages: str = ""
    count: int = 2
    _held: list["Client"] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.bind.rpartition(":")[2])

    def log(self) -> str:
        """Everything that its processes wrote."""
        return self.log_file.read_text()

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of the log that are JSON; of one event, or of all."""
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in found if not event or line["event"] == event]

    def part(self, name: str) -> int:
        """The process that is `check`, `pages` or `watch`: of the first two, the one that holds the workers."""
        own = [
            pid for pid, command in self.home.processes().items() if command[1:5] == ["-m", "service", "serve", name]
        ]
        tops = [pid for pid in own if int(_stat(pid)[1]) not in own]
        assert len(tops) == 1, tops
        return tops[0]

    def workers(self) -> set[int]:
        """The worker processes that are there now."""
        return children(self.part("check"))

    def client(self, token: str = TOKEN) -> "Client":
        """A client with a connection of its own, closed with the service."""
        client = Client(self.bind, token)
        self._held.append(client)
        return client

    def worker_of(self, client: "Client") -> int | None:
        """Which worker holds the connection of a client; None where none has accepted it."""
        inode = _inode_of_server_side(self.port, client.local_port)
        link = f"socket:[{inode}]"
        for worker in self.workers():
            for descriptor in Path(f"/proc/{worker}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) == link:
                        return worker
        return None

    def clients_of_every_worker(self, token: str = TOKEN) -> dict[int, "Client"]:
        """For each worker a client whose connection it holds: asking them asks every worker."""
        found: dict[int, Client] = {}
        for _ in range(400):
            client = self.client(token)
            assert client.get("/livez").status == 200
            worker = self.worker_of(client)
            if worker is None or worker in found:
                client.close()
            else:
                found[worker] = client
            if len(found) == self.count and found.keys() == self.workers():
                return found
        raise AssertionError(f"connections reached {set(found)} of {self.workers()}")

    def stop(self) -> int:
        """Tell it to stop, and return its exit code."""
        self.close_clients()
        self.process.terminate()
        return self.ended()

    def ended(self, patience: float = 20.0) -> int:
        """Wait until it has ended, and return its exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            left = {pid: (_stat(pid)[:2], command) for pid, command in self.home.processes().items()}
            raise AssertionError(f"not ended after {patience:g} s: {left}\n{self.log()[-4000:]}") from None

    def close_clients(self) -> None:
        for client in self._held:
            client.close()
        self._held.clear()


def _inode_of_server_side(port: int, client_port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        if (local, remote) == (port, client_port):
            return fields[9]
    return ""


@contextmanager
def serving(
    home: Home, *parts: str, bind: str = "", ready: bool = True, log: str = "", **settings: str
) -> Iterator[Service]:
    """Run `rolewarden serve`, with two workers unless told otherwise, until the test is over; `parts`: its arguments.

    Its standard error goes to a file of the home, to the file `log`, or nowhere at all where that is `closed`.
    """
    bind = bind or f"127.0.0.1:{free_port()}"
    settings = {"BIND": bind, "SETUP_BIND": f"127.0.0.1:{free_port()}", "WORKERS": "2", **settings}
    if parts == ("--demo",):
        settings.setdefault("DEMO_TOKEN", TOKEN)
    log_file = home.root / "service.log"
    command = [sys.executable, "-c", LAUNCH, sys.executable, "-m", "service", "serve", *parts]
    if log == "closed":
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    # A file, so that a full pipe can never hold it up.
    with log_file.open("ab") as out, Path(log if log.startswith("/") else log_file).open("ab") as err:
        process = subprocess.Popen(
            command, env=home.environ(**settings), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
    service = Service(home, bind, process, log_file, settings["SETUP_BIND"], int(settings["WORKERS"]))
    try:
        if ready:
            _wait_until_ready(service, greets="--demo" in parts and "check" not in parts)
        yield service
    finally:
        service.close_clients()
        home.end_all()
        process.wait(PATIENCE)


def _wait_until_ready(service: Service, *, greets: bool) -> None:
    def answers() -> bool:
        assert service.process.poll() is None, service.log()
        client = Client(service.bind)
        try:
            return client.get("/readyz").status == 200
        except Lost:
            return False
        finally:
            client.close()

    # The demonstration makes its token once it listens, and then prints it.
    wait_until(
        lambda: (
            answers() and len(service.workers()) == service.count and (not greets or "DEMONSTRATION" in service.log())
        )
    )


def free_port() -> int:
    """A port that nobody uses now, below those that the kernel gives to clients."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


# --- clients ------------------------------------------------------------------------------------------------


class Lost(Exception):
    """A request got no whole answer. `sent`: whether there was a connection to send it on."""

    def __init__(self, sent: bool, cause: Exception) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.sent = sent


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def allowed(self) -> bool:
        """The decision; there must be one."""
        assert self.status == 200, (self.status, self.body)
        decision = self.told["decision"]
        assert isinstance(decision, bool)
        return decision

    @property
    def reason(self) -> dict[str, Any]:
        """Why not."""
        reason: dict[str, Any] = self.told["context"]["reason"]
        return reason

    @property
    def code(self) -> str:
        """`allowed`, or the code of the refusal: a whole answer in one word."""
        return "allowed" if self.allowed else self.reason["code"]

    @property
    def revision(self) -> int:
        return int(self.headers["x-policy-revision"])


class Client:
    """Asks on one connection that is kept, and never asks twice by itself."""

    def __init__(self, bind: str, token: str = TOKEN, timeout: float = PATIENCE) -> None:
        self._connection = (
            _UnixConnection(bind[5:], timeout) if bind.startswith("unix:") else _connection(bind, timeout)
        )
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    @property
    def local_port(self) -> int:
        assert self._connection.sock is not None
        port: int = self._connection.sock.getsockname()[1]
        return port

    def get(self, path: str) -> Answer:
        return self.send("GET", path, b"", {})

    def ask(self, user: str, action: str, screen: str, practice: str = "riverside", **headers: str) -> Answer:
        """May this user do this?"""
        return self.post(question(user, action, screen, practice), headers)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("POST", EVALUATION, body, {**self.headers, **(headers or {})})

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request and its whole answer. Raises Lost."""
        connected = False
        try:
            if self._connection.sock is None:
                self._connection.connect()
            connected = True
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Lost(connected, error) from error

    def ask_now_and_read_later(self, user: str, action: str, screen: str) -> Callable[[], Answer]:
        """Send a question on the open connection; what is returned waits for the answer."""
        self._connection.request("POST", EVALUATION, question(user, action, screen), self.headers)

        def read() -> Answer:
            answer = self._connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

        return read

    def close(self) -> None:
        self._connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(bind: str, timeout: float) -> http.client.HTTPConnection:
    host, _, port = bind.rpartition(":")
    return http.client.HTTPConnection(host, int(port), timeout=timeout)


def question(user: str, action: str, screen: str, practice: str = "riverside") -> bytes:
    """The body of an evaluation request."""
    asked = {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": "screen", "id": screen},
        "context": {"practice": practice},
    }
    return json.dumps(asked).encode()


class Load:
    """Clients that ask without pause, each on a connection of its own, until the `with` ends.

    `work` is called by each client again and again. What it raises ends that client and is raised at the end.
    """

    def __init__(self, clients: Sequence[Client], work: Callable[[int, Client], object]) -> None:
        self._stop, self._work = threading.Event(), work
        self._problems: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number, client)) for number, client in enumerate(clients)
        ]

    def _run(self, number: int, client: Client) -> None:
        try:
            while not self._stop.is_set():
                self._work(number, client)
        except BaseException as error:  # noqa: BLE001 - handed on to the thread of the test
            self._problems.append(error)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._problems:
            raise self._problems[0]


def metric(text: str, name: str, label: str = "") -> float:
    """The sum of a number of `/metrics` over its labels, or over those lines that have this label."""
    lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")) and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
