"""Policy files that change while the service is asked without pause."""

import itertools
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.flow.harness import LIST, TASK, Client, Home, Load, Service, measured, serving, wait_until

GRANT = "g2, respond, Write, Task - Patient Portal\n"
"""The row that is taken out of `screens.csv` and put back: without it nobody may respond."""

# What is asked under load, and who may with the row; without it nobody may `respond`, and all else stays.
ASKED = [
    ("ann", "respond", TASK, True),
    ("ben", "respond", TASK, True),
    ("dee", "respond", TASK, True),
    ("eve", "respond", TASK, False),
    ("ben", "open_message", TASK, True),
    ("eve", "open_queue", LIST, True),
    ("cam", "open_queue", LIST, False),
]
BY_FILE, BY_COMMAND = 16, 184


class Toggle:
    """Takes the row out of `screens.csv` and puts it back. No case holds for both, so the home has none of them."""

    def __init__(self, home: Home) -> None:
        shutil.rmtree(home.policies / "cases")
        self.home = home
        self.text = (home.policies / "screens.csv").read_text()
        assert self.text.count(GRANT) == 1
        self.granted = True

    def turn(self) -> str:
        """The text of the other policy."""
        self.granted = not self.granted
        return self.text if self.granted else self.text.replace(GRANT, "")


@pytest.mark.serial
def test_two_hundred_changes_under_load(home: Home) -> None:
    """A screen's rows change 200 times under load: every answer is what the policy of its revision says.

    Most changes are published as a command does, and are seen by the very next check of every worker; the others are
    written into the folder and are live in every worker within a second of being published. No request fails, no
    answer comes from before a change that was published before it was asked, and no connection ever goes back.
    """
    toggle = Toggle(home)
    policy = {home.publish_files().number: True}
    published = max(policy)
    told: Counter[tuple[int, int, str]] = Counter()
    latest = [0] * 6
    guard, turns = threading.Lock(), itertools.count()

    def work(number: int, client: Client) -> None:
        since = published
        which = next(turns) % len(ASKED)
        answer = client.ask(*ASKED[which][:3])
        assert answer.revision >= since, "an answer from before a change that was published before it was asked"
        assert answer.revision >= latest[number], "a connection that went back"
        latest[number] = answer.revision
        with guard:
            told[which, answer.revision, answer.code] += 1

    with serving(home, "--demo") as service:
        probes = service.clients_of_every_worker()
        with Load([service.client() for _ in latest], work):
            for _ in range(BY_COMMAND):
                revision = home.publish_files(screens=toggle.turn()).number
                policy[revision] = toggle.granted
                published = revision
                for probe in probes.values():
                    answer = probe.ask("ann", "respond", TASK)
                    assert (answer.revision, answer.allowed) == (revision, toggle.granted)
            assert toggle.granted, "as it still is in the folder"
            slowest = 0.0
            for _ in range(BY_FILE):
                home.rewrite("screens.csv", toggle.turn())
                written = time.monotonic()
                revision = published + 1
                policy[revision] = toggle.granted
                wait_until(lambda wanted=revision: head(home) == wanted)
                assert wait_until(lambda wanted=revision: live(probes, wanted)) < 1.0
                slowest = max(slowest, time.monotonic() - written)
                published = revision
                assert [probe.ask("ann", "respond", TASK).allowed for probe in probes.values()] == [toggle.granted] * 2
        assert service.workers() == probes.keys(), "no worker ended"
        assert not service.lines("internal_error")

    assert len(policy) == 1 + BY_FILE + BY_COMMAND
    measured(f"from a file written to live in every worker: {slowest:.2f} s at most")
    judge(told, policy)


def judge(told: Counter[tuple[int, int, str]], policy: dict[int, bool]) -> None:
    """Each answer is the one that the policy of its revision gives; and there were enough to say so."""
    for which, revision, code in told:
        user, action, screen, allowed = ASKED[which]
        right = allowed and (action != "respond" or policy[revision])
        assert code == ("allowed" if right else "no_level"), (user, action, screen, revision)
    answered, revisions = sum(told.values()), {revision for _, revision, _ in told}
    measured(f"{answered} answers over {len(revisions)} of {len(policy)} revisions")
    assert answered > 1000
    assert len(revisions) > 100


def head(home: Home) -> int:
    """The newest revision in the store."""
    with home.view() as view:
        return view.head().number


def live(probes: dict[int, Client], revision: int) -> bool:
    """Whether every worker answers from a revision."""
    return all(probe.ask("ann", "respond", TASK).revision == revision for probe in probes.values())


def folder_state(service: Service) -> dict[str, object]:
    """What `/readyz` says of the policy folder."""
    told = service.client().get("/readyz")
    assert told.status == 200
    state: dict[str, object] = told.told["folder"]
    return state


@pytest.fixture(scope="module")
def service(seed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of whose folder each test makes something bad, and which it leaves mended."""
    with serving(seed.copy(tmp_path_factory.mktemp("mended")), "--demo") as service:
        yield service


class TestFilesThatDoNotHold:
    @pytest.fixture
    def undisturbed(self, service: Service) -> Iterator[None]:
        """Around a test: somebody asks all the while, and is answered as before by the same revision."""
        revision = service.client().ask("ann", "respond", TASK).revision
        texts = {path: path.read_text() for path in service.home.policies.rglob("*.*") if path.is_file()}

        def work(_number: int, client: Client) -> None:
            answer = client.ask("ann", "respond", TASK)
            assert (answer.code, answer.revision) == ("allowed", revision)
            time.sleep(0.002)

        with Load([service.client(), service.client()], work):
            yield
            for path, text in texts.items():  # mended already, unless the test has failed
                if not path.exists() or path.read_text() != text:
                    path.write_text(text)
            wait_until(lambda: folder_state(service)["state"] == "published")

    @pytest.mark.parametrize(
        ("file", "old", "new", "line", "rule"),
        [
            ("screens.csv", "g2, open_queue, Write", "g2, open_queue, Wirte", 11, "level-unknown"),
            ("screens.csv", "g2, open_queue, Write, Task", "g2, open_queue, Write Task", 11, ""),
            ("catalog.yaml", "    group: My Tasks", "    grupo: My Tasks", 0, ""),
            ("cases/portal.yaml", "may:", "may_not_:", 0, ""),
            ("model.conf", "some(where (p.eft == allow))", "some(where (p.eft != deny))", 0, ""),
        ],
    )
    def test_a_bad_file(
        self, service: Service, undisturbed: None, file: str, old: str, new: str, line: int, rule: str
    ) -> None:
        """A file that does not hold leaves the last good policy answering; `/readyz` names file, line and rule."""
        path = service.home.policies / file
        good = path.read_text()
        bad = good.replace(old, new, 1)
        assert bad != good
        path.write_text(bad)
        wait_until(lambda: folder_state(service)["state"] == "refused")
        errors = folder_state(service)["errors"]
        assert isinstance(errors, list)
        place = errors[0]
        assert place["file"] == file
        assert place["line"] == (line or place["line"])
        assert place["line"] > 0
        assert place["rule"] == (rule or place["rule"])
        [*_, refused] = service.lines("policy_refused")
        assert f"{file}:{place['line']}" in str(refused["findings"])
        path.write_text(good)

    def test_half_a_file(self, service: Service, undisturbed: None) -> None:
        """A file that is written slowly is refused while it is half, and accepted when it is whole."""
        path = service.home.policies / "screens.csv"
        good = path.read_text()
        half = good.index("Audit - Policy Changes") - 5
        with path.open("w") as file:
            file.write(good[:half])
            file.flush()
            wait_until(lambda: folder_state(service)["state"] == "refused")
            file.write(good[half:])

    def test_a_file_that_is_gone(self, service: Service, undisturbed: None) -> None:
        """A file that is deleted is missed by name, and the policy goes on answering."""
        path = service.home.policies / "catalog.yaml"
        away = service.home.root / "catalog.yaml"
        path.rename(away)
        wait_until(lambda: folder_state(service)["state"] == "refused")
        assert folder_state(service)["errors"] == [{"file": "catalog.yaml", "line": 0, "rule": "file-missing"}]
        away.rename(path)

    def test_a_folder_that_is_gone(self, service: Service, undisturbed: None) -> None:
        """A folder that is deleted, and put back as it was, costs nothing."""
        away = service.home.root / "away"
        service.home.policies.rename(away)
        wait_until(lambda: folder_state(service)["state"] == "absent")
        away.rename(service.home.policies)

    def test_mended_otherwise(self, service: Service) -> None:
        """What is mended into another policy than before is live at once in every worker."""
        path = service.home.policies / "catalog.yaml"
        good = path.read_text()
        path.write_text(good.replace("closing:", "closing"))
        wait_until(lambda: folder_state(service)["state"] == "refused")
        path.write_text(good.replace("Questions? Ask", "Ask"))
        wait_until(lambda: folder_state(service)["state"] == "published")
        for client in service.clients_of_every_worker().values():
            assert " Ask your practice administrator" in client.ask("eve", "respond", TASK).reason["user_message"]
        path.write_text(good)
        wait_until(lambda: "Questions?" in service.client().ask("eve", "respond", TASK).reason["user_message"])


def test_a_folder_that_nobody_publishes(home: Home) -> None:
    """The check part alone publishes nothing: the folder may change as it likes."""
    with serving(home, "check", "--demo") as service:
        home.rewrite("screens.csv", Toggle(home).turn())
        time.sleep(1.0)
        assert service.client().ask("ann", "respond", TASK).allowed
        assert service.client().ask("ann", "respond", TASK).revision == 1
