"""A page of My Tasks over HTTP: thirteen questions of one user at once, as an EHR asks them when the page is opened.

The service and a plain Flask application stand side by side, as for checks. One connection asks for a page of a user of
each practice in turn: the first page of a practice after a start, which has to be read from the store; and, once every
worker has read them all, pages of known practices. The services are started anew for each of several rounds. Every
answer is compared with what the engine says. The store has 100,000 rows in 333 practices; 100 are asked about.

Targets: 99 of 100 pages in under 3 ms, and 99 of 100 first ones of a practice in under 20 ms.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from bench.measure import Report, Target, quiet
from bench.served import HOST, request_of, served, stored, whole
from bench.worlds import World, practice_id, users

ROWS, PRACTICES, ROUNDS, WARM = 100_000, 100, 3, 2_000
CONNECTIONS = 8
"""Further ones, of which each worker gets some."""

LIMIT, FIRST_LIMIT = 3e-3, 20e-3
PATH = "/access/v1/evaluations"
QUEUES = (
    *("Communication", "Orders", "Results", "Superbill", "SOAP Notes", "eDocuments", "Prescription", "Reminder"),
    *("Patient Portal - List", "Fax", "Fax Updocx", "Case Mgmt.", "NYSED"),
)


class Page(NamedTuple):
    """A request for a page as bytes, and the decisions that must come."""

    request: bytes
    expected: tuple[bool, ...]


def run(sizes: Mapping[str, int]) -> Report:  # noqa: ARG001 (the size of the world plays no part)
    """Measure both services, in turn."""
    head = ("asked", "pages", "median", "99 in 100", "plain Flask", "99 in 100", "ratio")
    report = Report("A page of thirteen questions over HTTP", head)
    first: list[list[float]] = [[], []]
    known: list[list[float]] = [[], []]
    with TemporaryDirectory(prefix="rolewarden-bench-") as place:
        home = Path(place)
        token = stored(home, ROWS)
        pages = _pages(token)
        for _ in range(ROUNDS):
            for side, kind in enumerate(("service", "plain")):
                with served(home, kind) as port:
                    first[side] += _asked(port, pages, compared=kind == "service")
                    for _ in range(CONNECTIONS):
                        _asked(port, pages, compared=False)
                    more = [pages[number % len(pages)] for number in range(WARM)]
                    known[side] += _asked(port, more, compared=kind == "service")
    late = [_line(report, "first of its practice", *first), _line(report, "known practice", *known)]
    for claim, limit, found in (("first", FIRST_LIMIT, late[0]), ("known", LIMIT, late[1])):
        said = f"99 of 100 pages, {claim}, in under {limit * 1e3:.0f} ms"
        report.targets.append(Target(said, f"{found * 1e3:.1f} ms", found < limit))
    report.notes.append(f"{ROUNDS} starts; one caller, {os.cpu_count()} cores, which the caller shares.")
    return report


def _line(report: Report, name: str, ours: Sequence[float], plain: Sequence[float]) -> float:
    """Add a line; how long 99 of 100 of ours took at most."""
    late, other = (quantiles(taken, n=100)[-1] for taken in (ours, plain))
    cells = [f"{seconds * 1e3:.1f} ms" for seconds in (median(ours), late, median(plain), other)]
    report.lines.append((name, f"{len(ours):,}", *cells, f"{median(ours) / median(plain):.1f}"))
    return late


def _pages(token: str) -> list[Page]:
    """A page of one user of each practice."""
    decide = World(ROWS).snapshot().decide
    found = []
    for number in range(1, PRACTICES + 1):
        practice, user = practice_id(number), users(number)[0]
        asked = [("open_queue" if "Portal" in queue else "view", f"Task - {queue}") for queue in QUEUES]
        body = {
            "subject": {"type": "user", "id": user},
            "context": {"practice": practice},
            "evaluations": [
                {"action": {"name": action}, "resource": {"type": "screen", "id": screen}} for action, screen in asked
            ],
        }
        expected = tuple(decide((f"user:{user}", practice, screen, action)).allowed for action, screen in asked)
        found.append(Page(request_of(PATH, token, json.dumps(body).encode()), expected))
    return found


def _asked(port: int, pages: Iterable[Page], *, compared: bool) -> list[float]:
    """Ask for one page after the other; the seconds that each took."""
    taken = []
    with socket.create_connection((HOST, port), 10) as connection, quiet():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for page in pages:
            began, received = perf_counter(), b""
            connection.sendall(page.request)
            while not whole(received):
                part = connection.recv(65536)
                assert part, "the service closed the connection"
                received += part
            taken.append(perf_counter() - began)
            if compared:
                told = json.loads(received.partition(b"\r\n\r\n")[2])["evaluations"]
                assert tuple(each["decision"] for each in told) == page.expected, received
    return taken
