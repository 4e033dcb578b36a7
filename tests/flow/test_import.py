"""A hundred thousand rows in one change, killed in the middle and carried out."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.flow.harness import ROOT, Home, measured

PRACTICES, PEOPLE, ROLES = 20, 1_660, 20
SCREENS = ("Task - Orders", "Task - Communication", "Task - Patient Portal", "Task - Patient Portal - List")
BOUND = 30.0
"""Seconds of work: what others do on the machine meanwhile is not counted."""


def rows(seed: int = 1) -> Iterator[str]:
    """Practices with people in two roles each."""
    rnd = random.Random(seed)  # noqa: S311 - made-up rows
    for practice in (f"p{number:02}" for number in range(PRACTICES)):
        yield f"practice, {practice}, Practice {practice}"
        yield from (f"p, role:Admin, {practice}, Setup - {what}, Write" for what in ("Roles", "Users"))
        yield f"g, user:u0, role:Admin, {practice}"
        for role in range(ROLES):
            yield from (f"p, role:R{role}, {practice}, {screen}, Write" for screen in rnd.sample(SCREENS, 2))
        for user in range(PEOPLE):
            yield f"user, {practice}, u{user}, User {user}, active"
            yield from (f"g, user:u{user}, role:R{role}, {practice}" for role in rnd.sample(range(ROLES), 2))


def run(home: Home, *command: str) -> str:
    """Run a command to its end, however long that takes."""
    arguments = [sys.executable, "-m", "service", *command]
    done = subprocess.run(arguments, env=home.environ(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.serial
def test_a_hundred_thousand_rows(home: Home, tmp_path: Path) -> None:
    """They take less than 30 seconds; killed in between they leave nothing; exported, they are what is there."""
    file = tmp_path / "rows.csv"
    file.write_text("".join(f"{row}\n" for row in rows()), "utf-8")
    before = run(home, "export", "--directory")
    arguments = [sys.executable, "-m", "service", "import", str(file)]
    killed = subprocess.Popen(arguments, env=home.environ(), cwd=ROOT)
    time.sleep(4)
    killed.kill()
    killed.wait()
    assert run(home, "export", "--directory") == before
    used, began = getrusage(RUSAGE_CHILDREN), time.monotonic()
    told = run(home, "import", str(file))
    work = getrusage(RUSAGE_CHILDREN)
    seconds = work.ru_utime + work.ru_stime - used.ru_utime - used.ru_stime
    measured(f"{told.strip()} in {seconds:.1f} s of work, {time.monotonic() - began:.1f} s by the clock")
    assert seconds < BOUND
    exported = tmp_path / "exported.csv"
    run(home, "export", "--directory", "-o", str(exported))
    assert run(home, "import", str(exported), "--whole", "--plan") == "nothing to do: all is so already\n"
