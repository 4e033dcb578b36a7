"""Processes that are stopped and killed while the service is asked without pause."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.flow.harness import (
    TASK,
    Client,
    Home,
    Load,
    Lost,
    Service,
    free_port,
    measured,
    metric,
    serving,
    wait_until,
)


class Asked:
    """What became of numbered requests: `answered`, `lost` on the way, or `refused` before anything was sent."""

    def __init__(self) -> None:
        self.became: dict[str, str] = {}
        self.wrong: list[object] = []
        self._count = 0
        self._guard = threading.Lock()

    def once(self, client: Client) -> str:
        """Ask once, under an id that was never used, and note what became of it."""
        with self._guard:
            self._count += 1
            name = f"asked-{self._count}"
        try:
            answer = client.ask("ann", "respond", TASK, **{"X-Request-ID": name})
        except Lost as lost:
            self.became[name] = "lost" if lost.sent else "refused"
            return self.became[name]
        if (answer.status, answer.body, answer.headers["x-request-id"]) != (200, b'{"decision":true}', name):
            self.wrong.append((answer.status, answer.body))
        self.became[name] = "answered"
        return "answered"

    def count(self) -> Counter[str]:
        return Counter(self.became.copy().values())

    def more(self, answers: int) -> None:
        """Wait until so many more were answered."""
        wanted = self.count()["answered"] + answers
        wait_until(lambda: self.count()["answered"] >= wanted)


@pytest.mark.serial
class TestStopping:
    @pytest.mark.parametrize("keep", [True, False], ids=["kept-alive", "new-connections"])
    def test_no_answer_is_lost(self, home: Home, keep: bool) -> None:
        """On SIGTERM no answer that was begun is lost: each request that got a decision got it to its client, whole.

        On a kept connection nothing is lost at all. On a new one, a request may meet a socket that closes: then
        nothing of it was read and nothing decided, so that it may be asked again elsewhere. Exit code 0, and nothing
        is left.
        """
        asked = Asked()

        def work(_number: int, client: Client) -> None:
            if asked.once(client) != "answered":
                time.sleep(0.01)
            if not keep:
                client.close()

        with serving(home, "--demo", LOG_DECISIONS="all") as service:
            with Load([service.client() for _ in range(6)], work):
                wait_until(lambda: asked.count()["answered"] > 300)
                service.process.terminate()
                assert service.ended() == 0
                wait_until(lambda: asked.count()["refused"] > 0)
            assert not home.processes()
            decided = [line["request_id"] for line in service.lines("decision")]
            answered = [name for name, became in asked.became.items() if became == "answered"]
            measured(str(asked.count()))
            assert sorted(decided) == sorted(answered)
            assert not asked.wrong
            assert asked.count()["lost"] == 0 or not keep
            assert not service.lines("internal_error")

    def test_twice(self, home: Home) -> None:
        """An impatient second signal, or Ctrl-C after SIGTERM, changes nothing."""
        with serving(home, "--demo") as service:
            service.process.terminate()
            service.process.send_signal(signal.SIGINT)
            assert service.ended() == 0
            assert not home.processes()


@pytest.mark.serial
def test_a_killed_worker(home: Home) -> None:
    """`kill -9` of a worker under load costs only the connections it held; a new one comes, and counts go on."""
    asked, lost_by = Asked(), Counter[int]()

    def work(number: int, client: Client) -> None:
        if asked.once(client) == "lost":
            lost_by[number] += 1

    with serving(home, "check", "--demo") as service:
        clients = [service.client() for _ in range(6)]
        for client in clients:
            client.get("/livez")
        spare = service.clients_of_every_worker()
        kills = 0
        with Load(clients, work):
            for _ in range(3):
                asked.more(200)
                held = {number: service.worker_of(client) for number, client in enumerate(clients)}
                before = service.workers()
                victim = min(before)
                lost_by.clear()
                os.kill(victim, signal.SIGKILL)
                kills += 1
                wait_until(lambda gone=victim: gone not in service.workers() and len(service.workers()) == 2)
                asked.more(200)
                assert before - {victim} < service.workers(), "the other worker was not touched"
                assert set(lost_by) <= {number for number, worker in held.items() if worker == victim}
                assert max(lost_by.values(), default=0) <= 1
        assert not asked.wrong
        count = asked.count()
        measured(f"{count} with {kills} kills")
        assert count["refused"] == 0
        assert count["lost"] <= 3 * len(clients)
        # A request that was lost may have been counted before the kill, or not.
        told = service.client().get("/metrics").body.decode()
        allowed = metric(told, "rolewarden_decisions_total", 'reason="allowed"')
        assert count["answered"] <= allowed <= count["answered"] + count["lost"]
        assert metric(told, "rolewarden_decisions_total") == allowed
        assert len(spare) == 2


class TestHalfAServiceIsNone:
    @pytest.mark.parametrize("part", ["check", "pages", "watch"])
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_a_part_that_ends(self, home: Home, part: str, number: signal.Signals) -> None:
        """When one part ends, by whatever signal, so does the other; the exit code says so, and nothing is left."""
        with serving(home, "--demo") as service:
            os.kill(service.part(part), number)
            assert service.ended() == 1
            wait_until(lambda: not home.processes())
            assert is_free(service)

    def test_a_killed_supervisor(self, home: Home) -> None:
        """`kill -9` of what holds both parts leaves nothing that holds the port or publishes; it starts anew."""
        with serving(home, "--demo") as service:
            service.process.kill()
            wait_until(lambda: not home.processes(), 10)
            assert is_free(service)
            with serving(home, "--demo", bind=service.bind) as again:
                assert again.client().ask("ann", "respond", TASK).allowed

    def test_a_killed_arbiter(self, home: Home) -> None:
        """`kill -9` of the process that holds the workers ends the workers, and frees the port."""
        with serving(home, "check", "--demo") as service:
            service.process.kill()
            wait_until(lambda: not home.processes(), 10)
            assert is_free(service)


def is_free(service: Service) -> bool:
    """Whether nobody listens where the service did."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", service.port))
    return True


def test_an_address_that_is_taken(home: Home) -> None:
    """Where somebody else holds the address the service ends, and says which address it was."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with serving(home, "--demo", bind=bind, ready=False) as service:
            assert service.ended() == 1
            assert bind.split(":")[1] in service.log()
            assert not home.processes()


def test_ctrl_c(home: Home, tmp_path: Path) -> None:
    """Ctrl-C ends all of it with exit code 0 and without a traceback."""
    with serving(home, "--demo") as service:
        service.process.send_signal(signal.SIGINT)
        assert service.ended() == 0
        assert not home.processes()
        assert "Traceback" not in service.log()
