"""What is unknown is not remembered."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.flow.harness import EVALUATION, ORDERS, TASK, TOKEN, Home, measured, memory, metric, question, serving

REQUESTS, AT_ONCE, ROUNDS = 50_000, 50, 5
MIB = 2**20


def questions() -> Iterator[bytes]:
    """Questions about names that nobody has, never twice the same; some as long as a body may be."""
    for number in range(REQUESTS):
        name = f"nobody-{number}" + ("x" * 20_000 if number % 20 == 0 else "")
        kind = number % 4
        yield question(
            name if kind == 0 else "ann",
            name if kind == 1 else "respond",
            name if kind == 2 else TASK if kind == 1 else ORDERS,
            name if kind == 3 else "riverside",
        )


def send(connection: socket.socket, bodies: list[bytes]) -> None:
    """Send requests one behind the other, and read as many answers, each a refusal."""
    head = (
        f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    )
    connection.sendall(b"".join(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies))
    found = b""
    while found.count(b'{"decision":false') < len(bodies) or not found.endswith(b"}}}"):
        part = connection.recv(1 << 20)
        assert part, found[-300:]
        found += part
    assert found.count(b"HTTP/1.1 200 ") == len(bodies)


def send_all(connection: socket.socket, bodies: list[bytes]) -> None:
    """Send them all, some at a time."""
    for start in range(0, len(bodies), AT_ONCE):
        send(connection, bodies[start : start + AT_ONCE])


@pytest.mark.serial
def test_unknown_names(home: Home) -> None:
    """50,000 questions about names that nobody has leave the memory of the workers about where it was."""
    with serving(home, "check", "--demo") as service:
        connections = []
        for client in service.clients_of_every_worker().values():
            connection = client._connection.sock  # noqa: SLF001 - the harness's own
            assert connection is not None
            connections.append(connection)
        asked = questions()
        taken = []
        for _ in range(ROUNDS):
            parts = [[next(asked) for _ in range(REQUESTS // ROUNDS // 2)] for _ in connections]
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(send_all, connections, parts))
            taken.append([memory(pid) for pid in sorted(service.workers())])
        measured(f"MiB of each worker: {[[round(each / MIB, 1) for each in row] for row in taken]}")
        told = service.client().get("/metrics").body.decode()
        assert metric(told, "rolewarden_decisions_total") == REQUESTS
        # What the first questions leave behind is allocated once; from then on it stays.
        for before, after in zip(taken[0], taken[-1], strict=True):
            assert after - before < 4 * MIB
        # The number of series does not grow with what is asked.
        assert len(told.splitlines()) < 120
        assert "nobody-" not in told
