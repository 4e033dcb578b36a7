"""Once a change has returned, no worker of the host answers from before it."""

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from service import changes
from service.errors import StoreUnavailable
from service.publish import Press
from tests.flow.harness import LIST, OPERATOR, ORDERS, TASK, Client, Home, Service, measured, repeated, serving

SAVES = repeated("STALE_SAVES", 300)


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    """The check part alone: what is changed here comes from other processes."""
    with serving(home, "check", "--demo") as service:
        yield service


def test_a_user_disabled_by_command(home: Home, service: Service) -> None:
    """A user disabled by command is refused at the very next check of every worker, and allowed again when enabled."""
    probes = service.clients_of_every_worker()
    assert [probe.ask("ann", "respond", TASK).code for probe in probes.values()] == ["allowed"] * 2
    for command, code in (("disable", "inactive_user"), ("enable", "allowed"), ("disable", "inactive_user")):
        done = home.run("user", command, "riverside", "ann")
        assert done.returncode == 0, done.stderr
        assert [probe.ask("ann", "respond", TASK).code for probe in probes.values()] == [code] * 2
        assert [probe.ask("ben", "respond", TASK).code for probe in probes.values()] == ["allowed"] * 2
    assert [probe.ask("ann", "view", ORDERS, "lakeside").code for probe in probes.values()] == ["allowed"] * 2


def test_a_user_disabled_many_times(home: Home, service: Service) -> None:
    """However often a user is disabled and enabled, the very next check of every worker knows."""
    probes = service.clients_of_every_worker()
    for turn in range(30):
        revision = home.set_active("ann", active=bool(turn % 2))
        for probe in probes.values():
            answer = probe.ask("ann", "open_queue", LIST)
            assert (answer.code, answer.revision) == ("allowed" if turn % 2 else "inactive_user", revision.number)


def test_a_new_practice(home: Home, service: Service) -> None:
    """A practice made by command, and a user added to it, are known to every worker at once."""
    probes = service.clients_of_every_worker()
    assert [ask(probe, "zed") for probe in probes.values()] == ["unknown_practice"] * 2
    assert home.run("practice", "create", "hilltop", "--admin", "zed").returncode == 0
    assert [ask(probe, "zed") for probe in probes.values()] == ["allowed"] * 2
    assert [ask(probe, "zoe") for probe in probes.values()] == ["unknown_user"] * 2
    assert home.run("user", "add", "hilltop", "zoe", "--name", "Zoe Zander").returncode == 0
    assert [ask(probe, "zoe") for probe in probes.values()] == ["no_level"] * 2


def ask(probe: Client, user: str) -> str:
    """Whether a user may change roles in the new practice."""
    return probe.ask(user, "edit", "Setup - Roles", "hilltop").code


def test_tokens(home: Home, service: Service) -> None:
    """A token made by command works at the next request of every worker, and is refused at the next once revoked."""
    made = home.run("token", "create", "--name", "second", "--practice", "riverside")
    assert made.returncode == 0, made.stderr
    [token] = [word for word in made.stdout.split() if word.startswith("rw_")]
    probes = service.clients_of_every_worker(token)
    assert [probe.ask("ann", "respond", TASK).code for probe in probes.values()] == ["allowed"] * 2
    assert [probe.ask("ann", "view", ORDERS, "lakeside").status for probe in probes.values()] == [403] * 2
    assert home.run("token", "revoke", "second").returncode == 0
    for probe in probes.values():
        refused = probe.ask("ann", "respond", TASK)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Bearer realm="rolewarden"')
    assert token not in home.database.read_bytes().decode("latin-1")


def test_files_applied_by_command(home: Home, service: Service) -> None:
    """When `rolewarden apply` returns, every worker answers from what it published."""
    probes = service.clients_of_every_worker()
    catalog = (home.policies / "catalog.yaml").read_text()
    home.rewrite("catalog.yaml", catalog.replace("Questions? Ask", "Ask"))
    done = home.run("apply", "--reason", "shorter")
    assert done.returncode == 0, done.stderr
    for probe in probes.values():
        assert "messages. Ask your" in probe.ask("eve", "respond", TASK).reason["user_message"]


def test_at_least(home: Home, service: Service) -> None:
    """A caller that names a revision gets it or a newer one; for one that does not exist, a refusal to retry."""
    probes = service.clients_of_every_worker()
    newest = home.set_active("ann", active=False).number
    for probe in probes.values():
        seen = {"X-Policy-Revision-At-Least": str(newest)}
        answer = probe.ask("ann", "respond", TASK, **seen)
        assert (answer.code, answer.revision) == ("inactive_user", newest)
        ahead = probe.ask("ben", "respond", TASK, **{"X-Policy-Revision-At-Least": str(newest + 1)})
        assert (ahead.code, ahead.reason["retryable"]) == ("policy_unavailable", True)
        assert probe.ask("ben", "respond", TASK, **seen).allowed


def save(press: Press, active: bool) -> int:
    """Disable or enable Ann; the number of the revision that did it."""
    revision = changes.carry_out(
        press, lambda view: changes.of_user(view, OPERATOR, "riverside", "ann", name=None, active=active)
    )
    assert revision is not None
    return revision.number


@pytest.mark.serial
def test_nothing_stale_in_many_saves(either_home: Home) -> None:
    """After each of many saves, every one of four workers answers from it, one that was stopped meanwhile among them.

    Every seventh save is made while one worker is stopped; its question waits until it goes on. A stopped worker that
    was reading just then may hold SQLite's lock: then the save says so, and is made again.
    """
    counted: Counter[str] = Counter()
    with serving(either_home, "check", "--demo", WORKERS="4") as service, either_home.press() as press:
        probes = service.clients_of_every_worker()
        for turn in range(SAVES):
            active = bool(turn % 2)
            expected = "allowed" if active else "inactive_user"
            stopped = list(probes)[turn // 7 % 4] if turn % 7 == 3 else 0
            later = None
            if stopped:
                os.kill(stopped, signal.SIGSTOP)
            try:
                number = save(press, active)
                if stopped:
                    later = probes[stopped].ask_now_and_read_later("ann", "respond", TASK)
                answers = [probe.ask("ann", "respond", TASK) for worker, probe in probes.items() if worker != stopped]
            except StoreUnavailable:
                assert stopped, "a save failed though nobody was stopped"
                os.kill(stopped, signal.SIGCONT)
                counted["saves made again"] += 1
                number = save(press, active)
                answers = [probe.ask("ann", "respond", TASK) for probe in probes.values()]
            finally:
                if stopped:
                    os.kill(stopped, signal.SIGCONT)
            if later is not None:
                answers.append(later())
                counted["answers of a worker that had been stopped"] += 1
            counted["saves"] += 1
            counted["answers"] += len(answers)
            counted["stale"] += sum((answer.code, answer.revision) != (expected, number) for answer in answers)
        assert not service.lines("internal_error")
    measured(f"on {either_home.url.partition('+')[0] or 'sqlite'}: {dict(counted)}")
    assert counted["stale"] == 0
    assert counted["answers"] == 4 * SAVES
