"""A publisher that is killed in the middle leaves the store whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.audit.chain import GENESIS, revision_digest, rows_digest
from tests.flow.harness import LAUNCH, ROOT, TASK, Home, measured, serving, wait_until

ROUNDS = 40

# Forks one publisher for each line that it reads: starting an interpreter for each would take most of the time.
PUBLISHERS = """
import os, sys
from pathlib import Path
from tests.flow.harness import Home

home = Home(Path(sys.argv[1]))
for _ in sys.stdin:
    child = os.fork()
    if not child:
        active = False
        while True:
            number = home.set_active("ann", active).number
            os.write(1, b"%d\\n" % number)
            active = not active
    os.write(1, b"pid %d\\n" % child)
    os.waitpid(child, 0)
    home.set_active("ann", True) if not home.is_active("ann") else None
    os.write(1, b"ended\\n")
"""


@contextmanager
def publishers(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """The process that forks publishers."""
    command = [sys.executable, "-c", LAUNCH, sys.executable, "-c", PUBLISHERS, str(home.root)]
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


@pytest.mark.serial
def test_kill_in_the_middle(home: Home) -> None:
    """Killed at any moment, in its transaction above all: nothing that returned is lost, nothing half done is there.

    The digests still chain, the workers go on answering and know the head within the second of a poll, and the next
    publish works.
    """
    chance = random.Random(20261123)  # noqa: S311 - moments, not secrets
    journal = home.var / "rolewarden.db-journal"
    head, in_transaction, returned_total = 1, 0, 0
    with serving(home, "check", "--demo") as service, publishers(home) as forking:
        assert forking.stdin is not None
        assert forking.stdout is not None
        probes = service.clients_of_every_worker()
        for round_number in range(ROUNDS):
            forking.stdin.write("go\n")
            forking.stdin.flush()
            first = forking.stdout.readline()
            returned = [0]
            while not first.startswith("pid"):
                returned.append(int(first))
                first = forking.stdout.readline()
            pid = int(first.split()[1])
            deadline = time.monotonic() + chance.uniform(0.02, 0.25)
            while time.monotonic() < deadline:
                time.sleep(0.001)
            while round_number % 2 and not journal.exists():
                pass  # kill within a transaction
            os.kill(pid, signal.SIGKILL)
            in_transaction += journal.exists()
            for probe in probes.values():
                assert probe.ask("ben", "respond", TASK).allowed
                assert probe.ask("ann", "respond", TASK).code in ("allowed", "inactive_user")
            while (line := forking.stdout.readline()) != "ended\n":
                returned.append(int(line))
            returned_total += len(returned) - 1
            newest = check_whole(home, since=head)
            assert newest >= max(returned), "a change that had returned is lost"
            head = newest
            for probe in probes.values():
                assert (probe.ask("ann", "respond", TASK).code, head) == ("allowed", head)
        assert wait_until(lambda: all(p.ask("ann", "respond", TASK).revision == head for p in probes.values())) < 2.0
        assert not service.lines("internal_error")
    check_whole(home)
    measured(f"{ROUNDS} kills, {in_transaction} with a journal left, {returned_total} changes returned, head {head}")
    assert in_transaction >= ROUNDS // 10
