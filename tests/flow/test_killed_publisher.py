"""A publisher that is killed in the middle leaves the store whole."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from service.audit.chain import GENESIS, revision_digest, rows_digest
from tests import postgresql
from tests.flow.conftest import furnished
from tests.flow.harness import (
    LAUNCH,
    ROOT,
    TASK,
    Client,
    Home,
    Service,
    measured,
    repeated,
    serving,
    wait_until,
)

KILLS, KILLS_ON_POSTGRESQL = repeated("KILLS", 40), repeated("KILLS", 20)

# Forks one publisher for each line that it reads: starting an interpreter for each would take most of the time. What
# becomes of a change whose server is killed a publisher cannot know; it looks, and goes on.
PUBLISHERS = """
import os, sys, time
from pathlib import Path
from service import changes
from service.errors import StoreUnavailable
from tests.flow.harness import OPERATOR, Home

home = Home(Path(sys.argv[1]), sys.argv[2])
def patiently(work):
    while True:
        try:
            return work()
        except StoreUnavailable:
            if not home.url:
                raise
            time.sleep(0.02)
def turn(press, active=None):
    def find(view):
        now = any(row.kind == "user" and row.fields[1::2] == ("ann", "active") for row in view.rows("riverside"))
        wanted = not now if active is None else active
        return changes.of_user(view, OPERATOR, "riverside", "ann", name=None, active=wanted)
    return changes.carry_out(press, find)
def opened():
    return home.press().__enter__()
for _ in sys.stdin:
    child = os.fork()
    if not child:
        press = patiently(opened)
        while True:
            os.write(1, b"%d\\n" % patiently(lambda: turn(press)).number)
    os.write(1, b"pid %d\\n" % child)
    os.waitpid(child, 0)
    press = patiently(opened)
    patiently(lambda: turn(press, active=True))
    press.store.close()
    os.write(1, b"ended\\n")
"""


@contextmanager
def publishers(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """The process that forks publishers."""
    command = [sys.executable, "-c", LAUNCH, sys.executable, "-c", PUBLISHERS, str(home.root), home.url]
    with subprocess.Popen(
        command, cwd=ROOT, env=home.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def check_whole(home: Home, since: int = 0) -> int:
    """Every revision after `since` names the one before and its own digest, and the rows are those of the revisions."""
    with home.view() as view:
        head = view.head()
        digest = GENESIS if since == 0 else view.digest_at(since)
        for number in range(since + 1, head.number + 1):
            revision = view.revision(number)
            assert revision is not None, f"a gap at {number}"
            assert revision.previous == digest
            assert revision.digest == revision_digest(revision)
            digest = revision.digest
        assert digest == head.digest
        for practice in ("", *view.practice_ids()):
            rows = view.rows(practice)
            assert rows_digest(rows) == view.recorded_digest(practice)
            if since == 0:
                assert set(rows) == view.rows_at(head.number, practice)
    return head.number


@dataclass
class Round:
    """One publisher at work: its process, and the numbers of the changes that it was told are published."""

    process: int
    returned: list[int]


def begin(forking: "subprocess.Popen[str]") -> Round:
    """Let a publisher begin."""
    assert forking.stdin is not None
    assert forking.stdout is not None
    forking.stdin.write("go\n")
    forking.stdin.flush()
    returned = []
    while not (line := forking.stdout.readline()).startswith("pid"):
        returned.append(int(line))
    return Round(int(line.split()[1]), returned)


def end(forking: "subprocess.Popen[str]", current: Round) -> None:
    """Kill the publisher, and hear what it had been told."""
    assert forking.stdout is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(current.process, signal.SIGKILL)
    while (line := forking.stdout.readline()) != "ended\n":
        current.returned.append(int(line))


def require_same_answers(home: Home, service: Service, head: int) -> None:
    """Every worker answers from the newest revision within the second of a poll; afterwards nothing is wrong."""
    probes = service.clients_of_every_worker()
    assert wait_until(lambda: all(p.ask("ann", "respond", TASK).revision == head for p in probes.values())) < 3.0
    assert [probe.ask("ann", "respond", TASK).code for probe in probes.values()] == ["allowed"] * len(probes)
    assert not service.lines("internal_error")


def pace(home: Home) -> float:
    """Seconds that a change takes here and now."""
    began = time.monotonic()
    for active in (False, True, False, True):
        home.set_active("ann", active)
    return (time.monotonic() - began) / 4


@pytest.mark.serial
def test_kill_in_the_middle(home: Home) -> None:
    """Killed at any moment, in its transaction above all: nothing that returned is lost, nothing half done is there.

    The digests still chain, the workers go on answering and know the head within the second of a poll, and the next
    publish works. In every tenth round a worker of the check part is killed, too.
    """
    chance = random.Random(20261123)  # noqa: S311 - moments, not secrets
    journal = home.var / "rolewarden.db-journal"
    head, in_transaction, returned, latest = 1, 0, 0, 0.1 + 8 * pace(home)
    with serving(home, "check", "--demo") as service, publishers(home) as forking:
        probes = service.clients_of_every_worker()
        for number in range(KILLS):
            current = begin(forking)
            deadline = time.monotonic() + chance.uniform(0.02, latest)
            while time.monotonic() < deadline:
                time.sleep(0.001)
            while number % 2 and not journal.exists():
                pass  # kill within a transaction
            os.kill(current.process, signal.SIGKILL)
            in_transaction += journal.exists()
            for probe in probes.values():
                assert probe.ask("ben", "respond", TASK).allowed
                assert probe.ask("ann", "respond", TASK).code in ("allowed", "inactive_user")
            end(forking, current)
            returned += len(current.returned)
            newest = check_whole(home, since=head)
            assert newest >= max(current.returned, default=0), "a change that had returned is lost"
            head = newest
            for probe in probes.values():
                assert (probe.ask("ann", "respond", TASK).code, head) == ("allowed", head)
            if number % 10 == 9:
                probes = with_a_worker_killed(service, chance)
        require_same_answers(home, service, head)
    check_whole(home)
    measured(f"{KILLS} kills, {in_transaction} with a journal left, {returned} changes returned, head {head}")
    assert in_transaction >= KILLS // 10


def with_a_worker_killed(service: Service, chance: random.Random) -> dict[int, Client]:
    """Kill one worker; clients of all of them, once another has taken its place."""
    victim = chance.choice(sorted(service.workers()))
    os.kill(victim, signal.SIGKILL)
    service.close_clients()
    wait_until(lambda: victim not in service.workers() and len(service.workers()) == service.count)
    return service.clients_of_every_worker()


@pytest.fixture
def served_home(killable: postgresql.Server, tmp_path: Path) -> Iterator[Home]:
    """A home with the published demonstration on a server that may be killed."""
    with killable.database(empty=True) as url:
        yield furnished(Home.make(tmp_path, url))


def backend_at_work(server: postgresql.Server, home: Home) -> int:
    """A process of the server in the middle of somebody's transaction, or any that somebody talks to."""
    asked = (
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        " ORDER BY xact_start IS NULL, random() LIMIT 1"
    )
    with server.connect() as connection:
        found = connection.execute(asked, [make_url(home.url).database]).fetchone()
    return int(str(found[0])) if found else 0


@pytest.mark.serial
@pytest.mark.parametrize("victim", ["publisher", "server process"])
def test_kill_in_the_middle_on_postgresql(killable: postgresql.Server, served_home: Home, victim: str) -> None:
    """The same on PostgreSQL, where either end of a publisher's connection is killed at any moment.

    A server that loses a process ends all others and recovers; the workers answer meanwhile from what they have.
    """
    chance = random.Random(20261128)  # noqa: S311 - moments, not secrets
    home, head, returned, killed, latest = served_home, 1, 0, 0, 0.2 + 8 * pace(served_home)
    with serving(home, "check", "--demo") as service, publishers(home) as forking:
        probes = service.clients_of_every_worker()
        for _ in range(KILLS_ON_POSTGRESQL):
            current = begin(forking)
            time.sleep(chance.uniform(0.02, latest))
            if victim == "server process" and (process := backend_at_work(killable, home)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed += 1
                for probe in probes.values():
                    assert probe.ask("ben", "respond", TASK).code in ("allowed", "policy_unavailable")
                wait_until(lambda: recovered(killable))
            killed += victim == "publisher"
            end(forking, current)
            returned += len(current.returned)
            newest = check_whole(home, since=head)
            assert newest >= max(current.returned, default=0), "a change that had returned is lost"
            head = newest
        require_same_answers(home, service, head)
    check_whole(home)
    measured(f"{killed} kills of a {victim}, {returned} changes returned, head {head}")
    assert killed >= KILLS_ON_POSTGRESQL * 0.9


def recovered(server: postgresql.Server) -> bool:
    """Whether the server takes connections."""
    try:
        server.run("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
