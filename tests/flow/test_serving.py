"""The check part as it is run: processes, sockets and signals."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from service.setting import Bind
from service.wsgi import METRICS_PREFIX, SHARED_MEMORY
from tests.contract.endpoint.demonstration import Demonstration, publish
from tests.contract.endpoint.doors import PATIENCE, SERVE, ServerDoor, certificate, server_door

PATH = "/access/v1/evaluation"
BODY = json.dumps(
    {
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "respond"},
        "resource": {"type": "screen", "id": "Task - Patient Portal"},
        "context": {"practice": "riverside"},
    }
).encode()

SLOW_TO_BEGIN = f"""
import time
from service import wsgi
options = wsgi.options
wsgi.options = lambda settings: options(settings) | {{"post_fork": lambda arbiter, worker: time.sleep(1)}}
{SERVE}
"""
"""A server whose workers take a second before they do anything."""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """A published demonstration for the tests that leave it as it is."""
    return publish(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(demonstration: Demonstration) -> Iterator[ServerDoor]:
    """A server for the tests that leave it as it is."""
    with server_door(demonstration.settings) as door:
        yield door


def headers(demonstration: Demonstration) -> dict[str, str]:
    """What a well-behaved client sends."""
    return {"Authorization": f"Bearer {demonstration.token}", "Content-Type": "application/json"}


def workers(server: ServerDoor) -> list[int]:
    """The worker processes that are there now."""
    return [
        int(pid) for pid in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    ]


class Load:
    """Clients that ask without pause, each on one connection as long as it is kept.

    `outcomes` counts answers, connections refused (nothing was asked), and requests that were sent and not answered.
    """

    def __init__(self, port: int, sent: dict[str, str], *, clients: int, keep: bool) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port, self._headers, self._keep = port, sent, keep
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._stop.is_set():
            try:
                if connection.sock is None:
                    connection.connect()
            except OSError:
                self.outcomes["refused"] += 1
                time.sleep(0.01)
                continue
            self.outcomes[self._ask(connection)] += 1
            if not self._keep:
                connection.close()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> str:
        try:
            connection.request("POST", PATH, BODY, self._headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return "lost"
        return "answered" if (answer.status, body) == (200, b'{"decision":true}') else "wrong"

    def wait_for(self, answers: int) -> None:
        """Until there are so many answers."""
        deadline = time.monotonic() + PATIENCE
        while self.outcomes["answered"] < answers and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.outcomes["answered"] >= answers


class TestStopping:
    @pytest.mark.parametrize("keep", [True, False], ids=["kept-alive", "new-connections"])
    def test_no_answer_is_lost(self, tmp_path: Path, keep: bool) -> None:
        """On SIGTERM every request that was sent is answered, then connections are refused, and the exit code is 0."""
        own = publish(tmp_path)
        with server_door(own.settings) as server, Load(server.port, headers(own), clients=6, keep=keep) as load:
            load.wait_for(200)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
        assert (load.outcomes["lost"], load.outcomes["wrong"]) == (0, 0), load.outcomes

    def test_silent_clients_do_not_hold_it_up(self, tmp_path: Path) -> None:
        """Connections on which nothing is said do not keep the service from ending."""
        own = publish(tmp_path)
        with server_door(own.settings) as server, contextlib.ExitStack() as silent:
            for _ in range(20):
                silent.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
            assert time.monotonic() - began < 20

    def test_told_while_its_workers_begin(self, tmp_path: Path) -> None:
        """A worker that was told to end before it could listen to that ends all the same."""
        own = publish(tmp_path)
        with server_door(own.settings, script=SLOW_TO_BEGIN) as server:
            wait_until(lambda: len(workers(server)) == 2)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0

    def test_a_killed_worker(self, tmp_path: Path) -> None:
        """`kill -9` of a worker costs at most the connections that it held, and the worker is replaced."""
        own = publish(tmp_path)
        with server_door(own.settings) as server, Load(server.port, headers(own), clients=6, keep=True) as load:
            load.wait_for(200)
            before = workers(server)
            os.kill(before[0], signal.SIGKILL)
            load.wait_for(load.outcomes["answered"] + 500)
            wait_until(lambda: len(workers(server)) == len(before) and before[0] not in workers(server))
        assert load.outcomes["lost"] <= 6
        assert load.outcomes["wrong"] == 0

    def test_a_worker_that_finds_the_store_away(self, tmp_path: Path) -> None:
        """While the store is away a new worker waits for it, and the others answer; then it is there again."""
        own = publish(tmp_path)
        with server_door(own.settings) as server:
            for _ in range(20):  # so that each worker has the practice
                assert server.ask("POST", PATH, headers(own), BODY).status == 200
            database = own.settings.home / "rolewarden.db"
            database.rename(tmp_path / "away.db")
            old, killed = workers(server)
            os.kill(killed, signal.SIGKILL)
            time.sleep(2.5)
            assert old in workers(server)
            assert server.ask("POST", PATH, headers(own), BODY).status == 200
            (tmp_path / "away.db").rename(database)
            wait_until(lambda: len(workers(server)) == 2)
            for _ in range(20):
                assert server.ask("POST", PATH, headers(own), BODY).status == 200
            assert "worker cannot start" in log_of(own)


def wait_until(true: Callable[[], object]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def log_of(demonstration: Demonstration) -> str:
    """What a server has written."""
    return (demonstration.settings.home / "server.log").read_text()


class TestNumbers:
    def test_summed_over_workers(self, tmp_path: Path) -> None:
        """Whichever worker is asked, the numbers are those of all; what a killed worker counted is not lost."""
        own = publish(tmp_path)
        with server_door(own.settings) as server:
            for _ in range(40):
                server.ask("POST", PATH, headers(own), BODY)
                server.ask("POST", PATH, {}, BODY)
            for _ in range(6):
                told = server.ask("GET", "/metrics", {}, b"").body.decode()
                assert 'rolewarden_decisions_total{reason="allowed"} 40.0\n' in told
                assert 'rolewarden_errors_total{status="401"} 40.0\n' in told
                assert "rolewarden_check_seconds_count 40.0\n" in told
            wait_until(lambda: revision_of(server) == 1.0)
            before = workers(server)
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: len(workers(server)) == 2 and before[0] not in workers(server))
            told = server.ask("GET", "/metrics", {}, b"").body.decode()
            assert 'rolewarden_decisions_total{reason="allowed"} 40.0\n' in told
            [folder] = {file.parent for file in SHARED_MEMORY.glob(f"{METRICS_PREFIX}*/*_{workers(server)[0]}.db")}
            left = [file.name for file in folder.glob("gauge_live*.db")]
            assert not [name for name in left if str(before[0]) in name]

    def test_they_are_kept_in_memory(self, tmp_path: Path) -> None:
        """What workers share is in memory, where a full disk is no matter, for our account alone, and goes with us."""
        own = publish(tmp_path)
        with server_door(own.settings) as server:
            server.ask("POST", PATH, headers(own), BODY)
            [folder] = {file.parent for file in SHARED_MEMORY.glob(f"{METRICS_PREFIX}*/*_{workers(server)[0]}.db")}
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert not own.settings.metrics.exists()
        assert not folder.exists()

    def test_a_new_start_begins_at_nought(self, tmp_path: Path) -> None:
        """Counters do not outlive the service, as Prometheus expects."""
        own = publish(tmp_path)
        for _ in range(2):
            with server_door(own.settings) as server:
                server.ask("POST", PATH, headers(own), BODY)
                told = server.ask("GET", "/metrics", {}, b"").body.decode()
                assert 'rolewarden_decisions_total{reason="allowed"} 1.0\n' in told


def revision_of(server: ServerDoor) -> float:
    """The policy revision that the metrics tell."""
    told = server.ask("GET", "/metrics", {}, b"").body.decode()
    found = re.search(r"^rolewarden_policy_revision (\S+)$", told, re.MULTILINE)
    return float(found[1]) if found else -1.0


class TestLog:
    def test_every_line_is_json(self, tmp_path: Path) -> None:
        """Lines of the server and of ours are JSON, one object a line, and hold no token."""
        own = publish(tmp_path)
        with server_door(own.settings) as server:
            server.ask("POST", PATH, headers(own), BODY.replace(b"ann", b"eve"))
            server.ask("POST", PATH, {**headers(own), "X-Request-ID": "a b"}, BODY)
            raw(server, b"GET / HTTP/1.1\r\nAuthorization Bearer " + own.token.encode() + b"\r\n\r\n")
        lines = [json.loads(line) for line in log_of(own).splitlines()]
        [refusal] = [line for line in lines if line["event"] == "decision"]
        assert (refusal["user"], refusal["reason"], refusal["caller"]) == ("eve", "no_level", "ehr")
        assert own.token not in log_of(own)
        assert BODY.decode()[:20] not in log_of(own)

    def test_it_is_full(self, tmp_path: Path) -> None:
        """With a log that takes nothing, from the first line on, all is answered, refusals and errors too."""
        own = publish(tmp_path)
        with server_door(own.settings, log=Path("/dev/full")) as server:
            for _ in range(10):
                assert server.ask("POST", PATH, headers(own), BODY.replace(b"ann", b"eve")).status == 200
                assert server.ask("POST", PATH, {}, BODY).status == 401
            os.kill(workers(server)[0], signal.SIGKILL)
            wait_until(lambda: len(workers(server)) == 2)
            assert server.ask("POST", PATH, headers(own), BODY).status == 200
            wait_until(lambda: revision_of(server) == 1.0)
            told = server.ask("GET", "/metrics", {}, b"").body.decode()
            lost = re.search(r"^rolewarden_log_failures_total (\S+)$", told, re.MULTILINE)
            assert lost is not None
            assert float(lost[1]) >= 20


def raw(server: ServerDoor, sent: bytes, *, end: bool = False) -> bytes:
    """Send bytes, and read until the server closes or says nothing more."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(65536):
                found += part
                connection.settimeout(1)  # what there is more of comes at once
        return found


class TestHostileBytes:
    @pytest.fixture
    def head(self, demonstration: Demonstration) -> bytes:
        """The beginning of a good request, to which a test adds how its body is framed."""
        lines = [f"POST {PATH} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers(demonstration).items())]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def test_chunks(self, server: ServerDoor, head: bytes) -> None:
        """A body may come in chunks."""
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:])) + b"0\r\n\r\n"
        got = raw(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert got.startswith(b"HTTP/1.1 200")
        assert got.endswith(b'{"decision":true}')

    def test_chunks_that_never_end(self, server: ServerDoor, head: bytes, demonstration: Demonstration) -> None:
        """A body in chunks is given up when it is longer than the setting allows."""
        chunk = b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"
        enough = demonstration.settings.max_body // 0xFFFF + 1
        got = raw(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * enough)
        assert got.startswith(b"HTTP/1.1 413")

    def test_no_body(self, server: ServerDoor, head: bytes) -> None:
        """Without a length and without chunks there is no body, which is no JSON."""
        assert raw(server, head + b"\r\n").startswith(b"HTTP/1.1 400")

    @pytest.mark.parametrize(
        "framing",
        [
            b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n",
            b"Content-Length: %d\r\nContent-Length: 5\r\n",
            b"Content-Length: %d, 5\r\n",
            b"Content-Length: +%d\r\n",
            b"Content-Length: -%d\r\n",
            b"Content-Length: 0x%d\r\n",
            b"Content-Length : %d\r\n",
            b"Content-Length: %d\r\nTransfer-Encoding: xchunked\r\n",
            b"Content-Length: %d\r\nTransfer-Encoding: chunked, identity\r\n",
            b"Content-Length: %d\r\nTransfer_Encoding : chunked\r\n",
            b"Content-Length: %d\r\nX-Request-ID: a\r\n b\r\n",
            b"Content-Length: %d\r\nX-Request-ID: a\rb\r\n",
            b"Content-Length: %d\r\nX-Request-ID: a\x00b\r\n",
            b"Content-Length: %d\r\nX Y: a\r\n",
        ],
    )
    def test_framing_that_two_servers_read_differently(self, server: ServerDoor, head: bytes, framing: bytes) -> None:
        """What could be taken for two different requests is refused, and never answered with a decision."""
        got = raw(server, head + framing % len(BODY) + b"\r\n" + BODY)
        assert re.match(rb"HTTP/1\.1 (400|501) ", got), got
        assert b"decision" not in got

    @pytest.mark.parametrize(
        "chunks",
        [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}}\r\n0\r\n\r\n", b"2;\x00\r\n{}\r\n0\r\n\r\n"],
    )
    def test_broken_chunks(self, server: ServerDoor, head: bytes, chunks: bytes) -> None:
        """Chunks that are not what they say get an error of the caller's, not one of ours."""
        got = raw(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert got.startswith(b"HTTP/1.1 400"), got

    def test_a_body_that_breaks_off(self, server: ServerDoor, head: bytes) -> None:
        """Who ends before the announced end of the body gets no decision, whatever has arrived."""
        got = raw(server, head + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 9) + BODY, end=True)
        assert b"decision" not in got

    def test_two_requests_at_once(self, server: ServerDoor, head: bytes) -> None:
        """Requests sent one behind the other are answered one behind the other."""
        one = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        assert raw(server, one + one).count(b'{"decision":true}') == 2

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n\r\n", b"414"),
            (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
            (b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 100 + b"\r\n", b"431"),
            (b"GET /livez HTTP/9.9\r\n\r\n", b"400"),
            (b"nonsense\r\n\r\n", b"400"),
        ],
        ids=["path", "header", "headers", "version", "nonsense"],
    )
    def test_what_is_too_much(self, server: ServerDoor, sent: bytes, status: bytes) -> None:
        """Lines and headers have bounds, and a server that is sent nonsense says so."""
        assert raw(server, sent).startswith(b"HTTP/1.1 " + status), raw(server, sent)

    @pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nowhere"])
    def test_an_answer_is_one_packet(self, server: ServerDoor, path: str) -> None:
        """Headers and body are sent together: whoever waits for an answer is not woken twice."""
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head, _, body = connection.recv(1 << 20).partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: ([0-9]+)", head)
            assert length is not None
            assert len(body) == int(length[1]) > 0

    def test_silent_clients(self, server: ServerDoor, demonstration: Demonstration) -> None:
        """Connections on which nothing is said, more than there are threads, keep nobody waiting."""
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        try:
            began = time.monotonic()
            assert server.ask("POST", PATH, headers(demonstration), BODY).body == b'{"decision":true}'
            assert time.monotonic() - began < 8
        finally:
            for connection in silent:
                connection.close()

    def test_stalled_clients(self, server: ServerDoor, demonstration: Demonstration) -> None:
        """Clients that stop in the middle of a request, one for each thread, are given up after some seconds."""
        stalled = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
        try:
            for connection in stalled:
                connection.sendall(b"GET /livez HTTP/1.1\r\nX: ")
            assert server.ask("POST", PATH, headers(demonstration), BODY).body == b'{"decision":true}'
        finally:
            for connection in stalled:
                connection.close()


class TestOtherAddresses:
    def test_a_unix_socket(self, tmp_path: Path) -> None:
        """On a Unix socket its owner and group may ask; it is gone when the service is."""
        own = publish(tmp_path)
        path = tmp_path / "rw.sock"
        with server_door(own.having(bind=Bind(str(path), None))):
            assert stat.S_IMODE(path.stat().st_mode) == 0o770
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(str(path))
                connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
                assert connection.recv(99).startswith(b"HTTP/1.0 200")
        assert not path.exists()

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, to make a certificate, is not installed")
    def test_tls(self, tmp_path: Path) -> None:
        """With a certificate it answers over TLS 1.2 or newer, and to nobody without (A-70)."""
        own = publish(tmp_path)
        cert, key = certificate(tmp_path)
        trust = ssl.create_default_context(cafile=str(cert))
        with server_door(own.having(tls_cert=cert, tls_key=key), trust=trust) as server:
            assert server.ask("POST", PATH, headers(own), BODY).body == b'{"decision":true}'
            assert b" 200 " not in raw(server, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            old = ssl.create_default_context(cafile=str(cert))
            with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(ssl.SSLError):
                ServerDoor(server.port, server.process, old).ask("GET", "/livez", {}, b"")
