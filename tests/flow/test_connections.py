"""What an answer says of its connection is true: who is told that it stays can use it again."""

import socket
from collections.abc import Iterator

import pytest

from tests.flow.harness import EVALUATION, Home, Service, serving

KEPT, CLOSED = b"connection: keep-alive", b"connection: close"


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    """A check part of its own."""
    with serving(home, "check", "--demo") as service:
        yield service


def answer(service: Service, head: str) -> tuple[bytes, bytes]:
    """Send only the head of a request: what is told of the connection, and all that comes until it ends or rests."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as client:
        client.sendall((head + "\r\nHost: x\r\n\r\n").encode())
        told = client.recv(65536).lower()
        said = KEPT if KEPT in told else CLOSED if CLOSED in told else b""
        if said == CLOSED:
            client.shutdown(socket.SHUT_WR)
            while more := client.recv(65536):
                told += more
        return said, told


@pytest.mark.parametrize(
    ("head", "status", "said"),
    [
        (f"POST {EVALUATION} HTTP/1.1\r\nContent-Length: 20", b"401", CLOSED),
        (f"POST {EVALUATION} HTTP/1.1\r\nTransfer-Encoding: chunked", b"401", CLOSED),
        ("POST /nowhere HTTP/1.1\r\nContent-Length: 20", b"404", CLOSED),
        ("POST /livez HTTP/1.1\r\nContent-Length: 20", b"405", CLOSED),
        ("GET /livez HTTP/1.1\r\nContent-Length: 20", b"200", CLOSED),
        ("GET /livez HTTP/1.1\r\nContent-Length: 0", b"200", KEPT),
        ("GET /livez HTTP/1.1", b"200", KEPT),
        ("GET /nowhere HTTP/1.1", b"404", KEPT),
    ],
)
def test_what_is_said_of_the_connection(service: Service, head: str, status: bytes, said: bytes) -> None:
    """An answer that comes before the body says that the connection ends; one that leaves nothing behind keeps it."""
    told, text = answer(service, head)
    assert text.startswith(b"http/1.1 " + status)
    assert told == said
