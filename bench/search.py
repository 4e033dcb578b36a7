"""A search for everyone who may, from the bytes of the request to the bytes of the answer.

A practice of so many users, who all have the one role that opens a screen, is asked who may answer messages on it:
the longest answer that there can be. Everything but the socket is timed: strict reading, the decision about each
user, the page, the log line, the writing. 30 rounds; what is answered is held against what is known of the practice.

Target: 5,000 users found in under 20 ms of one core. The wall clock stands beside it: on a machine that is busy with
other work, work waits for its turn.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bench.measure import Report, Target, apart, quiet
from bench.worlds import POLICIES
from service import folder
from service.access.permissions import Admitted
from service.access.tokens import mint
from service.api import search
from service.config import Settings
from service.decision import trial
from service.exchange import Reply
from service.live import State
from service.loaded import Loaded
from service.log import configure_log
from service.observe import Recorder
from service.policy import bundle
from service.values import Caller, Row

USERS, ROUNDS, LIMIT = (50, 500, 5_000), 30, 20e-3
SCREEN, ACTION, ROLE, PRACTICE = "Task - Patient Portal", "respond", "role:Front Desk", "big"


def run(sizes: Mapping[str, int]) -> Report:  # noqa: ARG001 (the size of the world plays no part)
    """Measure each number of users in a process of its own."""
    head = ("users", "answer", "of one core", "wall clock", "slowest")
    report = Report("A search", head)
    slowest = 0.0
    for users in USERS:
        size, cpu, wall = apart(_size, users)
        slowest = max(slowest, median(cpu))
        times = [f"{seconds * 1e3:.2f} ms" for seconds in (median(cpu), median(wall), max(wall))]
        report.lines.append((f"{users:,}", f"{size / 1024:,.1f} KiB", *times))
    found = f"{slowest * 1e3:.1f} ms"
    report.targets.append(Target(f"{USERS[-1]:,} users found in under {LIMIT * 1e3:.0f} ms", found, slowest < LIMIT))
    return report


class _Nothing:
    """Where everything is loaded."""

    def load(self, *practices: str) -> State:
        raise AssertionError(practices)

    def use(self, practice: str) -> None:
        """Nobody forgets it."""


def _size(users: int) -> tuple[int, list[float], list[float]]:
    """Bytes of the answer, CPU seconds and seconds of each round."""
    configure_log(io.BytesIO())
    state, names = _state(users)
    token, text = mint("bench", None, "")
    settings = Settings.from_environ({})
    admitted = Admitted(Caller(token.name, None), state)
    headers = {"authorization": f"Bearer {text}", "content-type": "application/json"}
    given: Any = {"live": None, "settings": settings, "recorder": Recorder(settings.log_decisions)}
    everyone = partial(search.find, "subject", headers, admitted=admitted, **given)
    resource, action = {"type": "screen", "id": SCREEN}, {"name": ACTION}
    sought = {"subject": {"type": "user"}, "resource": resource, "action": action, "context": {"practice": PRACTICE}}
    told = json.loads(everyone(body=json.dumps(sought).encode()).body)
    assert [each["id"] for each in told["results"]] == names
    return _timed(lambda: everyone(body=json.dumps(sought).encode()))


def _state(users: int) -> tuple[State, list[str]]:
    """A practice in which every user has the role, and the ids of its users."""
    read, findings = bundle.load(folder.read(POLICIES))
    assert read is not None, findings
    names = [f"user-{number:05}" for number in range(users)]
    rows = [Row("practice", (PRACTICE, "Big")), Row("p", (ROLE, PRACTICE, SCREEN, "Write"))]
    rows += [Row("user", (PRACTICE, name, name, "active")) for name in names]
    rows += [Row("g", (f"user:{name}", ROLE, PRACTICE)) for name in names]
    snapshot = trial.snapshot(trial.ruleset(read), rows, 1)
    loaded = Loaded(snapshot, read.request_map, read.catalog, read.paths, {}, frozenset({PRACTICE}), "", "")
    return State(loaded, None, _Nothing()), names


def _timed(work: Callable[[], Reply]) -> tuple[int, list[float], list[float]]:
    size, cpu, wall = 0, list[float](), list[float]()
    with quiet():
        for _ in range(ROUNDS):
            began, worked = perf_counter(), process_time()
            size = len(work().body)
            cpu.append(process_time() - worked)
            wall.append(perf_counter() - began)
    return size, cpu, wall
