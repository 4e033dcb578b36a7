"""Checks a second through the real service, over connections that stay open, and how long one takes.

The service of `rolewarden serve check` and a Flask application that only says yes stand side by side under
the same gunicorn settings. A load generator of this module keeps 16 connections busy, each with one question
at a time, for some seconds at each of them in turn; it runs on the same machine and takes its share of it,
from both alike. Every answer is compared with what the engine says. The store has 10,000 rows; the service
writes its log, a line for each refusal, to a file.

No target; the ratio says what the check adds to what Flask and gunicorn take.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from bench.measure import Report
from bench.served import HOST, request_of, served, stored, whole
from bench.worlds import World
from service.values import Request

SIZE, CONNECTIONS, SECONDS, ROUNDS, QUESTIONS = 10_000, 16, 2.0, 3, 4_000


class Exchange(NamedTuple):
    """A request as bytes, and what must stand in its answer."""

    request: bytes
    expected: bytes


def run(sizes: Mapping[str, int]) -> Report:  # noqa: ARG001 (the size of the world plays no part)
    """Measure both services, in turn."""
    head = ("asked", "checks a second", "median", "99 in 100", "plain Flask", "median", "99 in 100", "ratio")
    report = Report("Checks over HTTP", head)
    with TemporaryDirectory(prefix="rolewarden-bench-") as place:
        home, world = Path(place), World(SIZE)
        token = stored(home, SIZE)
        with served(home, "service") as ours, served(home, "plain") as plain:
            for name, exchanges in _exchanges(world, token).items():
                anything = [Exchange(each.request, b'"decision":') for each in exchanges]
                rounds = [(_load(ours, exchanges), _load(plain, anything)) for _ in range(ROUNDS)]
                report.lines.append(_line(name, [one for one, _ in rounds], [other for _, other in rounds]))
        report.notes.append(f"{CONNECTIONS} connections, {os.cpu_count()} cores, which the load generator shares.")
    return report


def _line(name: str, ours: Sequence[list[float]], plain: Sequence[list[float]]) -> tuple[str, ...]:
    cells, rates = [name], []
    for rounds in (ours, plain):
        taken = [time for each in rounds for time in each]
        rates.append(median(len(each) for each in rounds) / SECONDS)
        late = quantiles(taken, n=100)[-1]
        cells += [f"{rates[-1]:,.0f}", f"{median(taken) * 1e3:.1f} ms", f"{late * 1e3:.1f} ms"]
    return (*cells, f"{rates[0] / rates[1]:.2f}")


def _exchanges(world: World, token: str) -> dict[str, list[Exchange]]:
    """Questions as a caller sends them: any, and such that are allowed."""
    decide = world.snapshot().decide
    asked = [(question, decide(question).allowed) for question in world.questions(QUESTIONS)]
    mixed = [_exchange(question, allowed, token) for question, allowed in asked]
    return {
        "half allowed": mixed,
        "all allowed": [each for each, (_, allowed) in zip(mixed, asked, strict=True) if allowed],
    }


def _exchange(question: Request, allowed: bool, token: str) -> Exchange:
    user, practice, screen, action = question
    body = json.dumps(
        {
            "subject": {"type": "user", "id": user.removeprefix("user:")},
            "action": {"name": action},
            "resource": {"type": "screen", "id": screen},
            "context": {"practice": practice},
        }
    ).encode()
    return Exchange(
        request_of("/access/v1/evaluation", token, body), b'"decision":true' if allowed else b'"decision":false'
    )


# --- the load ---


class _Connection:
    """One caller, who asks the next question when the last is answered."""

    def __init__(self, port: int, exchanges: Sequence[Exchange], first: int) -> None:
        self.socket = socket.create_connection((HOST, port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._exchanges, self._next = exchanges, first
        self.ask()

    def ask(self) -> None:
        """Send the next question."""
        self._exchange = self._exchanges[self._next % len(self._exchanges)]
        self._next += CONNECTIONS
        self._received = b""
        self.since = perf_counter()
        self.socket.sendall(self._exchange.request)

    def hear(self) -> bool:
        """Read what has come; whether the answer is complete."""
        part = self.socket.recv(65536)
        assert part, "the service closed a connection"
        self._received += part
        if not whole(self._received):
            return False
        assert self._received.startswith(b"HTTP/1.1 200 "), self._received
        assert self._exchange.expected in self._received, self._received
        return True


def _load(port: int, exchanges: Sequence[Exchange]) -> list[float]:
    """Keep the connections busy for some seconds; the seconds that each answer took."""
    taken: list[float] = []
    with selectors.DefaultSelector() as selector:
        for number in range(CONNECTIONS):
            connection = _Connection(port, exchanges, number)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        end = perf_counter() + SECONDS
        while perf_counter() < end:
            for key, _ in selector.select(1):
                if key.data.hear():
                    taken.append(perf_counter() - key.data.since)
                    key.data.ask()
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return taken
