"""The upgrade as an operator runs it: over many practices, killed and begun again, on both databases.

`UPGRADE_PRACTICES=5000 python -m pytest --timeout 0 -n0 -rP tests/flow/test_upgrade.py` is the large run, of 50 users a
practice, and shows what it counted.
"""

import csv
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from service.policy.rows import dump_row
from service.store.view import View
from service.upgrade import ROLE
from service.values import How
from tests import postgresql
from tests.flow.harness import ROOT, Home, measured, repeated

PRACTICES = repeated("UPGRADE_PRACTICES", 60)
KILLS = repeated("UPGRADE_KILLS", 3)
USERS = 50
SCREENS = ("Task - Orders", "Task - Communication", "Task - Patient Portal", "Task - Patient Portal - List")
PORTAL = SCREENS[2:]
ROLES = ("Front Desk", "Nurse", "Biller", "Clinician")

Held = tuple[str, str]

YES, NO = ("yes", "true", "1"), ("no", "false", "0")


def world(seed: int = 7) -> Iterator[tuple[str, list[str], dict[str, bool]]]:
    """Practices, their rows, and who had it: everybody, nobody or some, inactive users and administrators too."""
    rnd = random.Random(seed)  # noqa: S311 - made-up rows
    for number in range(PRACTICES):
        practice = f"p{number:04}"
        rows = [f"practice, {practice}, Practice {number}"]
        rows += [f"p, role:Administrator, {practice}, Setup - {what}, Write" for what in ("Roles", "Users")]
        rows += [f"g, user:u0, role:Administrator, {practice}"]
        for role in ROLES:
            rows += [
                f"p, role:{role}, {practice}, {screen}, Write" for screen in rnd.sample(SCREENS, rnd.choice((1, 2)))
            ]
        share, had = rnd.choice((0.0, 0.2, 0.6, 0.6, 0.6, 1.0)), {}
        for user in (f"u{each}" for each in range(USERS)):
            state = "inactive" if user != "u0" and rnd.random() < 0.05 else "active"
            rows += [f"user, {practice}, {user}, {user.upper()} of {number}, {state}"]
            rows += [f"g, user:{user}, role:{role}, {practice}" for role in rnd.sample(ROLES, rnd.choice((0, 1, 1, 2)))]
            had[user] = rnd.random() < share
        yield practice, rows, had


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """A home on each database."""
    if request.param == "sqlite":
        yield Home.make(tmp_path)
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    with server.database() as url:
        yield Home.make(tmp_path, url)


def opened(rows: list[str]) -> set[Held]:
    """What a practice gives, read off its rows without any code of ours: (user, screen) by a Write of their roles."""
    fields = [row.split(", ") for row in rows]
    held = {(row[1], row[3]) for row in fields if row[0] == "p" and row[4] == "Write"}
    roles = {(row[1].removeprefix("user:"), row[2]) for row in fields if row[0] == "g"}
    return {(user, screen) for user, role in roles for name, screen in held if name == role}


def begun(home: Home, *command: str) -> subprocess.Popen[str]:
    """A command, begun."""
    arguments = [sys.executable, "-m", "service", *command]
    return subprocess.Popen(
        arguments, env=home.environ(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(home: Home, *command: str) -> str:
    """A command to its end, however long that takes."""
    process = begun(home, *command)
    out, errors = process.communicate()
    assert process.returncode == 0, out + errors
    return out


def timed(home: Home, *command: str) -> tuple[float, str]:
    """A command to its end, and the seconds that it took."""
    began = time.monotonic()
    out = run(home, *command)
    return time.monotonic() - began, out


def upgraded(view: View) -> list[str]:
    """The practices that have been upgraded, in order; each once."""
    found = [name for change in view.changes(how=How.UPGRADE, limit=PRACTICES + 1) for name in change.practices]
    assert len(found) == len(set(found))
    return sorted(found)


def head(home: Home) -> int:
    """The number of the newest change."""
    with home.view() as view:
        return view.head().number


def wait_for_changes(home: Home, process: subprocess.Popen[str], number: int) -> None:
    """Until there is a change of this number, and then a moment that nobody chose."""
    rnd = random.Random(number)  # noqa: S311 - no secret
    while process.poll() is None and head(home) < number:
        time.sleep(0.05)
    time.sleep(rnd.random() / 10)


@dataclass
class Practices:
    """What stands in the store and in the EHR's file. `before`: who had which portal screen; `said`: who had it."""

    before: dict[str, set[Held]] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def put(cls, home: Home, legacy: Path, rows: Path) -> Self:
        """Write both files, and import the practices."""
        put = cls()
        with legacy.open("w", encoding="utf-8") as had_file, rows.open("w", encoding="utf-8") as row_file:
            write = csv.writer(had_file)
            write.writerow(["practice", "user", "had"])
            for practice, lines, had in world():
                row_file.writelines(f"{line}\n" for line in lines)
                write.writerows((practice, user, (YES if yes else NO)[len(user) % 3]) for user, yes in had.items())
                put.before[practice] = opened(lines)
                put.said[practice] = {user for user, yes in had.items() if yes}
        assert home.run("init").returncode == 0
        run(home, "import", str(rows))
        return put

    def are_upgraded(self, home: Home) -> None:
        """Every practice is, once; who had it is in the role and nobody else, and nobody else gained or lost."""
        with home.view() as view:
            assert upgraded(view) == sorted(self.said)
        for practice, who in self.said.items():
            with home.view() as view:
                rows = [dump_row(row) for row in view.rows(practice)]
            members = {row.split(", ")[1] for row in rows if row.startswith("g,") and f", role:{ROLE}, " in row}
            assert members == {f"user:{user}" for user in who}
            assert opened(rows) == self.before[practice] | {(user, screen) for user in who for screen in PORTAL}


@pytest.mark.serial
def test_killed_and_begun_again(place: Home, tmp_path: Path) -> None:
    """Killed at any moment and begun again, each practice is one change; the plan is shown, and the proof holds."""
    legacy = tmp_path / "legacy.csv"
    practices = Practices.put(place, legacy, tmp_path / "rows.csv")
    command = ["upgrade", "portal-roles", "--legacy", str(legacy)]
    planning, plan = timed(place, *command)
    assert f"{PRACTICES:,} practices would change" in plan, plan
    with place.view() as view:
        assert upgraded(view) == []
    at, first = [], head(place)
    for number in range(1, KILLS + 1):
        process = begun(place, *command, "--yes")
        wait_for_changes(place, process, first + PRACTICES * number // (KILLS + 1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with place.view() as view:
            at.append(len(upgraded(view)))
    assert at == sorted(at), "what was done stays"
    assert all(0 < done < PRACTICES for done in at), "it was killed in the middle"
    rest, out = timed(place, *command, "--yes")
    measured(f"planned in {planning:.1f} s; killed after {at} practices; {rest:.1f} s for the rest\n{out}")
    practices.are_upgraded(place)
    for line in ("nobody else gained or lost anything", "stock Casbin says the same"):
        assert f"proof: {line}" in out
    again, out = timed(place, *command, "--yes")
    measured(f"{again:.1f} s a second time, proof and all")
    assert "Nothing to do" in out
    practices.are_upgraded(place)
