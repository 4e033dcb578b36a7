"""Clients that take their time: none holds a thread for longer than the deadline of a request."""

import contextlib
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.contract.endpoint.demonstration import Demonstration, publish
from tests.contract.endpoint.doors import PATIENCE, ServerDoor, certificate, server_door
from tests.flow.harness import measured

PATH = "/access/v1/evaluation"
DEADLINE = 10  # seconds, as in the reference
SLOW = 12  # clients: more than there are threads
POST = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """A published demonstration, served by one worker with two threads."""
    return publish(tmp_path_factory.mktemp("home"), {"ROLEWARDEN_THREADS": "2"})


@pytest.fixture(scope="module")
def plain(demonstration: Demonstration) -> Iterator[ServerDoor]:
    """It answers without TLS."""
    with server_door(demonstration.settings, workers=1) as door:
        yield door


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """It answers over TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, to make a certificate, is not installed")
    own = publish(tmp_path_factory.mktemp("tls"), {"ROLEWARDEN_THREADS": "2"})
    cert, key = certificate(own.settings.home)
    trust = ssl.create_default_context(cafile=str(cert))
    with server_door(own.having(tls_cert=cert, tls_key=key), trust=trust, workers=1) as door:
        yield door


@contextmanager
def held(server: ServerDoor, first: bytes, *, secure: bool = False, drip: bytes = b"") -> Iterator[None]:
    """Slow clients: each sends `first`, over TLS where `secure`, and then `drip` again and again."""
    ended = threading.Event()
    with ExitStack() as stack:
        clients = []
        for _ in range(SLOW):
            client = stack.enter_context(socket.create_connection(("localhost", server.port), 2))
            if secure and server.trust is not None:
                with contextlib.suppress(TimeoutError, OSError):  # no thread may be left that shakes hands
                    client = stack.enter_context(server.trust.wrap_socket(client, server_hostname="localhost"))
            with contextlib.suppress(OSError):
                client.sendall(first)
            clients.append(client)

        def go_on() -> None:
            while drip and not ended.wait(0.5):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sendall(drip)

        dripping = threading.Thread(target=go_on)
        dripping.start()
        try:
            yield
        finally:
            ended.set()
            dripping.join()


def seconds_to_answer(server: ServerDoor) -> float:
    """How long `/livez` takes, asked anew until it answers."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with contextlib.suppress(OSError):
            if server.ask("GET", "/livez", {}, b"").status == 200:
                break
    return time.monotonic() - began


def bearing(demonstration: Demonstration) -> str:
    """The header of somebody who may ask."""
    return f"Authorization: Bearer {demonstration.token}\r\n"


class TestPlain:
    @pytest.mark.parametrize(
        ("rest", "drip"),
        [
            ("Content-Length: 60000\r\n\r\n", b" "),
            ("Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
            ("X-Request-ID: ", b"a"),
            ("", b""),
        ],
        ids=["body", "chunks", "headers", "silence"],
    )
    def test_who_trickles(self, plain: ServerDoor, demonstration: Demonstration, rest: str, drip: bytes) -> None:
        """A request that comes byte by byte is given up at the deadline, and others are answered at once again."""
        with held(plain, (POST + bearing(demonstration) + rest).encode(), drip=drip):
            took = seconds_to_answer(plain)
        measured(f"/livez answered after {took:.1f} s")
        assert took < DEADLINE + 8

    @pytest.mark.parametrize(
        "first",
        [
            f"{POST}Content-Length: 60000\r\n\r\n",
            f"{POST}Authorization: Bearer rw_{'0' * 12}_{'0' * 64}\r\nContent-Length: 60000\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n",
            "nonsense\r\n\r\n",
        ],
        ids=["no-token", "unknown-token", "get", "nonsense"],
    )
    def test_who_is_answered_before_the_body(self, plain: ServerDoor, first: str) -> None:
        """Where no body is needed for the answer, it is not waited for; and nobody waits for such a client to leave."""
        with socket.create_connection(("localhost", plain.port), PATIENCE) as client:
            began = time.monotonic()
            client.sendall(first.encode())
            assert client.recv(12) in (b"HTTP/1.1 401", b"HTTP/1.1 200", b"HTTP/1.1 400")
            assert time.monotonic() - began < 8
        with held(plain, first.encode(), drip=b" "):
            took = seconds_to_answer(plain)
        measured(f"/livez answered after {took:.1f} s")
        assert took < DEADLINE + 8

    def test_who_waited_is_answered(self, plain: ServerDoor) -> None:
        """A whole request that waited for a thread all the while is answered, not given up with those it waited for."""
        answers: list[float] = []
        with held(plain, b"GET /livez HTTP/1.1\r\nX: "):
            waiting = [
                threading.Thread(target=_ask_once, args=(plain, answers.append), name=f"waiting-{number}")
                for number in range(8)
            ]
            for thread in waiting:
                thread.start()
            for thread in waiting:
                thread.join(PATIENCE)
        assert len(answers) == 8


def _ask_once(server: ServerDoor, done: Callable[[float], None]) -> None:
    began = time.monotonic()
    if server.ask("GET", "/livez", {}, b"").status == 200:
        done(time.monotonic() - began)


class TestTls:
    @pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01\x00", b"\x16"], ids=["client-hello", "one-byte"])
    def test_who_begins_to_shake_hands(self, tls: ServerDoor, first: bytes) -> None:
        """A handshake that does not go on is given up at the deadline."""
        with held(tls, first):
            took = seconds_to_answer(tls)
        measured(f"/livez answered after {took:.1f} s")
        assert took < DEADLINE + 8

    def test_who_trickles(self, tls: ServerDoor) -> None:
        """So is a request that comes byte by byte, and one that does not come after the handshake."""
        for first, drip in ((b"GET /livez HTTP/1.1\r\nX: ", b"a"), (b"", b"")):
            with held(tls, first, secure=True, drip=drip):
                took = seconds_to_answer(tls)
            measured(f"/livez answered after {took:.1f} s")
            assert took < DEADLINE + 8

    def test_what_the_client_sees(self, tls: ServerDoor) -> None:
        """What is given up over TLS ends without a byte in plain text."""
        assert tls.trust is not None
        with (
            socket.create_connection(("localhost", tls.port), PATIENCE) as bare,
            tls.trust.wrap_socket(bare, server_hostname="localhost") as client,
        ):
            client.sendall(b"POST /access/v1/evaluation HTTP/1.1\r\nContent-Length: 9\r\nX: ")
            with contextlib.suppress(ssl.SSLError, ConnectionResetError):  # an alert, that is
                assert client.recv(99) == b""


def test_who_does_not_read(plain: ServerDoor) -> None:
    """A client that asks and asks and takes no answer is given up."""
    with held(plain, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 2000):
        took = seconds_to_answer(plain)
    measured(f"/livez answered after {took:.1f} s")
    assert took < DEADLINE + 8


def test_where_it_listens(tmp_path: Path) -> None:
    """A server with slow clients ends when it is told to, within its grace."""
    own = publish(tmp_path)
    with server_door(own.settings) as server, held(server, POST.encode(), drip=b"X"):
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < DEADLINE + 10
