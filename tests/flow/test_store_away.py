"""The store removed, replaced, locked or altered while the service answers from it."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from service import changes, folder
from service.policy import bundle
from service.store.counter import Counter
from tests.flow.harness import (
    LIST,
    OPERATOR,
    ORDERS,
    ROLES,
    TASK,
    UNAVAILABLE,
    Client,
    Home,
    Service,
    measured,
    serving,
    wait_until,
)

# A practice of its own for each way of harm: none of the workers has loaded it before.
HARMS = ["removed", "garbage", "empty", "cut", "folder", "locked", "other"]
if os.geteuid() != 0:
    HARMS.append("unreadable")  # which nothing is to root


@pytest.fixture(scope="module")
def service(seed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that each test harms and mends, with a practice for each harm."""
    home = seed.copy(tmp_path_factory.mktemp("harmed"))
    for harm in HARMS:
        make_practice(home, harm)
    with serving(home, "check", "--demo") as service:
        yield service


def make_practice(home: Home, practice: str) -> None:
    """A practice in which `pat` may edit roles."""
    read, _ = bundle.load(folder.read(home.policies))
    assert read is not None
    home.change(lambda view: changes.of_new_practice(view, OPERATOR, practice, practice, "pat", read.templates.rows))


@contextmanager
def harmed(database: Path, harm: str) -> Iterator[None]:
    """Harm the database in one way, and put it back afterwards."""
    if harm == "locked":
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    if harm == "unreadable":
        database.chmod(0)
        yield
        database.chmod(0o600)
        return
    good = database.with_name("good.db")
    database.rename(good)
    content = good.read_bytes()
    if harm == "folder":
        database.mkdir()
    elif harm == "other":
        with closing(sqlite3.connect(database)) as other:
            other.execute("CREATE TABLE casbin_rule (id INTEGER PRIMARY KEY)")
    elif harm != "removed":
        database.write_bytes(
            {"garbage": os.urandom(len(content)), "empty": b"", "cut": content[: len(content) // 2]}[harm]
        )
    yield
    if harm == "folder":
        database.rmdir()
    good.replace(database)


def is_whole(client: Client) -> None:
    """The practice that was loaded is answered as the policy says, yes and no."""
    told = [
        client.ask("ann", "respond", TASK),
        client.ask("ben", "open_queue", LIST),
        client.ask("zed", "respond", TASK),
    ]
    assert [answer.code for answer in told] == ["allowed", "no_level", "unknown_user"]


def settled(service: Service) -> dict[int, Client]:
    """A client of every worker, once each is over what the test before did to the store."""
    probes = service.clients_of_every_worker()
    for probe in probes.values():
        wait_until(lambda probe=probe: probe.ask("ann", "respond", TASK).allowed, 5)
        is_whole(probe)
    return probes


class TestAway:
    @pytest.mark.parametrize("harm", HARMS)
    def test_loaded_practices_are_answered(self, service: Service, harm: str) -> None:
        """Without its store, every worker answers loaded practices and refuses others for now; then all is well.

        Nothing is an error of ours, nothing is allowed that the policy does not allow, and nobody waits for long.
        """
        probes = settled(service)
        with harmed(service.home.database, harm):
            for probe in probes.values():
                for _ in range(2):
                    began = time.monotonic()
                    refused = probe.ask("pat", "edit", ROLES, harm)
                    assert (refused.code, refused.reason["retryable"]) == ("policy_unavailable", True)
                    assert refused.reason["user_message"] == UNAVAILABLE
                    assert time.monotonic() - began < 3.0
                    is_whole(probe)
                assert probe.ask("pat", "edit", ROLES, "nowhere").code == "unknown_practice"
                assert probe.get("/livez").status == 200
        for probe in probes.values():
            assert wait_until(lambda probe=probe: probe.ask("pat", "edit", ROLES, harm).code == "allowed") < 3.0
            is_whole(probe)
        assert service.workers() == probes.keys()
        assert not service.lines("internal_error")

    @pytest.mark.serial
    def test_a_crowd_at_a_locked_store(self, service: Service) -> None:
        """Any number who ask for practices that cannot be read do not keep those waiting whose practice is there."""
        for number in range(40):
            make_practice(service.home, f"crowd{number}")
        probes = settled(service)
        codes: list[str] = []
        crowd = [
            threading.Thread(
                target=lambda number=number: codes.append(
                    service.client().ask("pat", "edit", ROLES, f"crowd{number}").code
                )
            )
            for number in range(40)
        ]
        with harmed(service.home.database, "locked"):
            for thread in crowd:
                thread.start()
            slowest, until = 0.0, time.monotonic() + 4
            while time.monotonic() < until:
                for probe in probes.values():
                    began = time.monotonic()
                    is_whole(probe)
                    slowest = max(slowest, time.monotonic() - began)
            for thread in crowd:
                thread.join(30)
        measured(f"slowest three answers {slowest:.2f} s")
        assert codes == ["policy_unavailable"] * 40
        assert slowest < 3.0

    def test_a_change_that_cannot_be_read(self, service: Service) -> None:
        """A change that is known of and cannot be read makes refusals, never answers from before it."""
        probes = settled(service)
        with harmed(service.home.database, "removed"):
            with Counter.open(service.home.var / "counter").changing():
                pass  # as a publisher leaves it, whose commit we then cannot see
            for probe in probes.values():
                answer = probe.ask("ann", "respond", TASK)
                assert (answer.code, answer.reason["retryable"]) == ("policy_unavailable", True)
                ready = probe.get("/readyz")
                assert (ready.status, ready.told["reasons"]) == (503, ["policy_unavailable"])
        for probe in probes.values():
            wait_until(lambda probe=probe: probe.get("/readyz").status == 200, 3)
            is_whole(probe)
        assert service.workers() == probes.keys()


def test_the_counter_is_gone(home: Home) -> None:
    """Without the counter nothing can be changed, and all is answered; once made anew, changes are live again."""
    with serving(home, "--demo") as service:
        probes = service.clients_of_every_worker()
        counter = home.var / "counter"
        counter.unlink()
        for probe in probes.values():
            is_whole(probe)
        refused = home.run("user", "disable", "riverside", "ann")
        assert (refused.returncode, "counter" in refused.stderr) == (1, True)
        for probe in probes.values():
            is_whole(probe)
        made = home.run("init", "--demo")
        assert made.returncode == 0, made.stderr
        time.sleep(1.5)  # the workers look for it once a second
        for active in (False, True, False):
            home.set_active("ann", active=active)
            for probe in probes.values():
                assert probe.ask("ann", "respond", TASK).code == ("allowed" if active else "inactive_user")
        assert service.workers() == probes.keys()


def test_too_old(home: Home) -> None:
    """Policy that was not confirmed for longer than the setting allows answers nobody, until it is confirmed."""
    with serving(home, "check", "--demo", MAX_POLICY_AGE="3") as service:
        probes = settled(service)
        with harmed(home.database, "removed"):
            began = time.monotonic()
            for probe in probes.values():
                wait_until(lambda probe=probe: probe.ask("ann", "respond", TASK).code == "policy_too_old")
            assert 1.0 < time.monotonic() - began < 6.0
            for probe in probes.values():
                answer = probe.ask("zed", "respond", TASK)
                assert (answer.code, answer.reason["retryable"]) == ("policy_too_old", True)
                assert answer.reason["user_message"] == UNAVAILABLE
                assert probe.get("/readyz").told["reasons"] == ["policy_too_old"]
        for probe in probes.values():
            wait_until(lambda probe=probe: probe.ask("ann", "respond", TASK).code == "allowed", 3)


# Each is done to a practice of its own, named like it.
ALTERATIONS = {
    "level": "UPDATE casbin_rule SET v3 = 'Read' WHERE v1 = 'level'",
    "link": "INSERT INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g', 'user:zed', 'role:Anything', 'link')",
    "deleted": "DELETE FROM casbin_rule WHERE v2 = 'deleted'",
    "directory": "UPDATE directory_user SET name = 'Somebody' WHERE practice = 'directory'",
    "bytes": "UPDATE casbin_rule SET v3 = x'ff00' WHERE v1 = 'bytes'",
    "not-utf8": "UPDATE casbin_rule SET v3 = CAST(x'ff' AS TEXT) WHERE v1 = 'not-utf8'",
}


class TestAltered:
    ALTERED = "UPDATE casbin_rule SET v3 = 'Write' WHERE v0 = 'role:Biller' AND v1 = 'lakeside'"
    RESTORED = "UPDATE casbin_rule SET v3 = 'Read' WHERE v0 = 'role:Biller' AND v1 = 'lakeside'"

    def test_practices(self, home: Home) -> None:
        """Rows altered beneath their revisions: those practices are refused and counted, and cannot be changed.

        Whatever the alteration is. All others are answered.
        """
        for practice, statement in ALTERATIONS.items():
            make_practice(home, practice)
            alter(home, statement)
        with serving(home, "check", "--demo") as service:
            for probe in service.clients_of_every_worker().values():
                for practice in ALTERATIONS:
                    answer = probe.ask("pat", "edit", ROLES, practice)
                    assert (practice, answer.code, answer.reason["retryable"]) == (practice, "rows_altered", True)
                    assert answer.reason["user_message"] == UNAVAILABLE
                    is_whole(probe)
                assert probe.ask("ann", "view", ORDERS, "lakeside").allowed
                told = probe.get("/readyz")
                assert (told.status, told.told["practices_altered"]) == (200, len(ALTERATIONS))
            assert not service.lines("internal_error")
        for practice in ("level", "bytes"):
            assert home.run("user", "add", practice, "zoe", "--name", "Zoe Zander").returncode == 1

    def test_restored(self, home: Home) -> None:
        """Once the rows are again those of their revisions, the practice is answered within seconds."""
        alter(home, self.ALTERED)
        with serving(home, "check", "--demo") as service:
            probes = service.clients_of_every_worker()
            for probe in probes.values():
                assert probe.ask("ann", "add", ORDERS, "lakeside").code == "rows_altered"
            alter(home, self.RESTORED)
            for probe in probes.values():
                wait_until(lambda probe=probe: probe.ask("ann", "view", ORDERS, "lakeside").code == "allowed", 3)
                assert probe.ask("ann", "add", ORDERS, "lakeside").code == "no_level"

    @pytest.mark.parametrize(
        "altered",
        [
            "UPDATE casbin_rule SET v1 = 'Update' WHERE ptype = 'g2' AND v0 = 'add' AND v2 = 'Task - Orders'",
            "UPDATE file_text SET text = text || ' '",
            "UPDATE head SET number = 'x'",
            "UPDATE token SET practices = 'x'",
            "DELETE FROM head",
        ],
        ids=["screens", "files", "head", "tokens", "no-head"],
    )
    def test_what_all_share(self, home: Home, altered: str) -> None:
        """Where what all practices share was altered, nothing is answered from it: not ready, no decision, no crash."""
        with serving(home, "check", "--demo") as service:
            probes = service.clients_of_every_worker()
            for probe in probes.values():
                is_whole(probe)
            alter(home, altered)
            time.sleep(1.1)  # so that the poll has seen it
            for probe in probes.values():
                assert probe.ask("max", "add", ORDERS).code == "allowed", "as it was read before"
                assert probe.ask("max", "add", ORDERS, "lakeside").code in ("policy_unavailable", "unknown_user")
            # A worker that begins now has nothing to answer from.
            os.kill(min(probes), 9)
            wait_until(lambda: service.workers() != probes.keys() and len(service.workers()) == 2)
            told = set()
            for _ in range(40):
                with closing(service.client()) as client:
                    answer = client.ask("cam", "add", ORDERS)
                told.add((answer.status, answer.status == 200 and answer.allowed))
            assert told <= {(200, False), (503, False)}
            assert not service.lines("internal_error")


def alter(home: Home, statement: str) -> None:
    """Change the database behind our back."""
    with closing(sqlite3.connect(home.database, isolation_level=None)) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(statement)
