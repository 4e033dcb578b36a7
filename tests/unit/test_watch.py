import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from service import changes, folder
from service import watch as module
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy, StoreUnavailable, UsageError
from service.policy import bundle
from service.store.base import FolderStatus
from service.values import How, Revision
from service.watch import DEMO_MARK, Watcher
from tests.unit.site import OPERATOR, TASK, Site, reason, some

Event = tuple[str, dict[str, object]]


@dataclass
class Watched:
    """A site with somebody who watches its folder, and what they told."""

    site: Site
    demo: bool = False
    told: list[Event] = field(default_factory=list)
    now: Callable[[], str] | None = None

    @property
    def watcher(self) -> Watcher:
        press = self.site.press if self.now is None else replace(self.site.press, now=self.now)
        return Watcher(self.site.policies, press, demo=self.demo, tell=lambda *event: self.told.append(event))

    def events(self) -> list[str]:
        return [event for event, _ in self.told]

    def publish(self) -> Revision | None:
        return self.watcher.publish()

    def edit(self, old: str, new: str, path: str = "catalog.yaml") -> None:
        """Change a file by one rename, as careful editors do."""
        text = (self.site.policies / path).read_text()
        assert old in text
        new_file = self.site.policies / ".new"
        new_file.write_text(text.replace(old, new))
        new_file.replace(self.site.policies / path)

    def status(self) -> FolderStatus:
        with self.site.view() as view:
            status = view.folder_status()
        assert status is not None
        return status

    def mark(self) -> str | None:
        with self.site.view() as view:
            return view.marked(DEMO_MARK)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch in a thread, until the end of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self.watcher.run, args=(stop,))
        thread.start()
        try:
            yield
            assert thread.is_alive(), "the watcher ended by itself"
        finally:
            stop.set()
            thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def watched(site: Site) -> Watched:
    """A folder that is published already."""
    return Watched(site)


@pytest.fixture
def demo(unpublished: Site, site: Site) -> Watched:
    """A demonstration that was published from its folder."""
    site.policies.rename(unpublished.policies)
    watched = Watched(unpublished, demo=True)
    watched.publish()
    watched.told.clear()
    return watched


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that do not let a test wait."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


def until(true: Callable[[], object]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def looks() -> None:
    """Time for several looks, for what must not come."""
    time.sleep(0.2)


class TestPublish:
    def test_what_is_published_already(self, watched: Watched) -> None:
        """A folder that is published gives no revision; that it holds is noted, under the digest of its files."""
        head = watched.site.head()
        assert watched.publish() is None
        assert (watched.site.head(), watched.told) == (head, [])
        files = folder.read(watched.site.policies)
        assert watched.status().holds
        assert watched.status().digest == folder.digest({path: files[path] for path in bundle.published(files)})

    def test_what_changed(self, watched: Watched) -> None:
        """An edited file becomes a revision that says how it came, and is told."""
        watched.edit("Try again in a minute", "Try again soon")
        revision = watched.publish()
        assert revision is not None
        assert (revision.how, revision.actor) == (How.FILES, "operator:rolewarden")
        assert watched.told == [("policy_published", {"revision": revision.number})]
        assert watched.site.live().state().loaded.catalog.unavailable.endswith("soon.")
        assert watched.publish() is None

    def test_practices_are_nobodys_business(self, watched: Watched) -> None:
        """Without `--demo`, the worlds of a folder are checked and never published."""
        watched.edit("user:ben", "user:cam", "demo/riverside.csv")
        before = watched.site.rows("riverside")
        assert watched.publish() is None
        assert watched.site.rows("riverside") == before
        assert watched.mark() is None

    @pytest.mark.parametrize(
        ("path", "old", "new", "rule"),
        [
            ("catalog.yaml", "levels: [", "levels: [[", "yaml-syntax"),
            ("screens.csv", "g2, view, Read, Task - Orders\n", "g2, view, Reed, Task - Orders\n", "level-unknown"),
            ("screens.csv", "g2, edit, Update, Task - Orders\n", "g2, edit, Read, Task - Orders\n", "case-failed"),
            ("demo/riverside.csv", "user:ben", "user:bne", "user-unknown"),
        ],
    )
    def test_a_folder_that_does_not_hold(self, watched: Watched, path: str, old: str, new: str, rule: str) -> None:
        """A refusal is noted and told with file and line, and the last good policy goes on answering."""
        head = watched.site.head()
        watched.edit(old, new, path)
        with pytest.raises(InvalidPolicy):
            watched.publish()
        status = watched.status()
        assert not status.holds
        noted = next(found for found in status.findings if found.rule == rule)
        assert noted.position.line
        assert path in noted.position.file or rule == "case-failed"
        ((event, details),) = watched.told
        assert event == "policy_refused"
        assert any(f"{noted.position} {rule}: " in place for place in details["findings"])  # type: ignore[attr-defined]
        assert watched.site.head() == head
        watched.edit(new, old, path)
        assert watched.publish() is None
        assert watched.status().holds

    def test_a_folder_that_is_gone(self, watched: Watched) -> None:
        """That there is no folder is noted as one thing that does not hold."""
        watched.site.policies.rename(watched.site.root / "elsewhere")
        with pytest.raises(UsageError):
            watched.publish()
        assert [(found.rule, found.position.file) for found in watched.status().findings] == [("usage", "policies")]

    def test_a_guard_rail(self, watched: Watched) -> None:
        """A refusal by a guard rail is noted under its id."""
        watched.edit("in a minute", "soon")
        watched.site.sql("DELETE FROM casbin_rule WHERE ptype = 'g2' AND v0 = 'add' AND v2 = 'Task - Orders'")
        with pytest.raises(ChangeRefused):
            watched.publish()
        assert [found.rule for found in watched.status().findings] == ["rows-altered"]

    def test_all_workers_are_told(self, watched: Watched) -> None:
        """What became of the folder is known with the next state of every worker, whether it holds or not."""
        live = watched.site.live()
        live.state()
        watched.edit("levels: [", "levels: [[")
        with pytest.raises(InvalidPolicy):
            watched.publish()
        live.state()
        status = live.health().folder_status
        assert status is not None
        assert not status.holds

    def test_many_mistakes(self, watched: Watched) -> None:
        """Of very many mistakes those are noted that fit on a page: every worker reads them, each second."""
        rows = "".join(f"p, role:R{number}, riverside, Task - Oders, Read\n" for number in range(500))
        (watched.site.policies / "demo" / "riverside.csv").write_text(rows)
        with pytest.raises(InvalidPolicy):
            watched.publish()
        assert len(watched.status().findings) == module.MOST_FINDINGS

    def test_a_name_that_is_no_text(self, watched: Watched) -> None:
        """A file whose name is no UTF-8 is refused like any other that nothing reads."""
        (watched.site.policies / os.fsdecode(b"cases/\xff.yaml")).write_text("[]\n")
        with pytest.raises(InvalidPolicy):
            watched.publish()
        assert [found.rule for found in watched.status().findings if found.severity == "error"] == ["file-unknown"]


class TestDemonstration:
    def test_files_and_worlds(self, demo: Watched) -> None:
        """With `--demo`, the practices of the folder are published with its files, and a mark says of what."""
        assert demo.site.head() == 1
        with demo.site.view() as view:
            revision = view.revision(1)
        assert revision is not None
        assert revision.how is How.DEMO
        assert reason(demo.site.live(), "ben", "respond", TASK) == "allowed"
        assert demo.mark()
        assert demo.publish() is None

    def test_what_a_command_did_stays(self, demo: Watched) -> None:
        """A practice that was changed by a command is left alone until the demonstration's own files change."""
        demo.site.set_active("ben", False)
        assert demo.publish() is None
        demo.edit("in a minute", "soon")
        assert demo.publish() is not None
        assert reason(demo.site.live(), "ben", "respond", TASK) == "inactive_user"
        demo.edit("cam: Cam Cole", "cam: Cam Cold", "demo/directory.yaml")
        revision = demo.publish()
        assert revision is not None
        assert some("user, riverside, cam, Cam Cold, active") <= set(revision.added)
        assert reason(demo.site.live(), "ben", "respond", TASK) == "allowed"

    def test_a_refusal_leaves_the_mark(self, demo: Watched) -> None:
        """The mark names what was published: an edit that does not hold is published once it does."""
        mark = demo.mark()
        demo.edit("user:ben", "user:bne", "demo/riverside.csv")
        with pytest.raises(InvalidPolicy):
            demo.publish()
        assert demo.mark() == mark
        demo.edit("user:bne", "user:cam", "demo/riverside.csv")
        assert demo.publish() is not None
        assert demo.mark() != mark

    def test_the_last_administrators(self, demo: Watched) -> None:
        """The files of a demonstration meet the guard rails of any other change."""
        demo.edit("g, user:pat, role:Practice Administrator, riverside", "", "demo/riverside.csv")
        demo.edit("g, user:sam, role:Practice Administrator, riverside", "", "demo/riverside.csv")
        with pytest.raises(ChangeRefused):
            demo.publish()
        assert [found.rule for found in demo.status().findings] == ["last-administrator"]


class TestRun:
    def test_publishes_what_changes(self, watched: Watched) -> None:
        """Each edit is published while it runs, and nothing else is done."""
        with watched.running():
            for number in range(2):
                watched.edit("in a minute" if number == 0 else "soon", "soon" if number == 0 else "later")
                until(lambda number=number: watched.events() == ["policy_published"] * (number + 1))
            looks()
        assert watched.events() == ["policy_published"] * 2

    @pytest.mark.serial
    def test_a_file_that_is_being_written(self, watched: Watched) -> None:
        """While a file is different at each look it is not read: half a file is never judged."""
        path = watched.site.policies / "catalog.yaml"
        text = path.read_text().replace("in a minute", "soon")
        with watched.running():
            with path.open("w") as file:
                for start in range(0, len(text), len(text) // 40):
                    file.write(text[start : start + len(text) // 40])
                    file.flush()
                    time.sleep(0.005)
            until(lambda: watched.told)
        assert watched.events() == ["policy_published"]

    def test_a_refusal_is_told_once(self, watched: Watched) -> None:
        """A folder that does not hold is not tried again until it changes; then it is."""
        with watched.running():
            watched.edit("levels: [", "levels: [[")
            until(lambda: watched.told)
            looks()
            assert watched.events() == ["policy_refused"]
            watched.edit("levels: [[", "levels: [")
            until(lambda: watched.status().holds)

    def test_the_store_away_and_back(self, watched: Watched) -> None:
        """What could not be published while the store was away is published when it is back."""
        press = watched.site.press
        head = watched.site.head()
        with watched.running():
            with watched.site.away():
                watched.edit("in a minute", "soon")
                until(lambda: watched.told)
                assert set(watched.events()) == {"store_unavailable"}
            until(lambda: "policy_published" in watched.events())
        with press.store.reading() as view:
            assert view.head().number == head + 1

    def test_what_the_store_refused(self, watched: Watched) -> None:
        """What was refused because of what the store holds is tried again once the store has changed."""
        row = "INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g2', 'add', 'Write', 'Task - Orders')"
        watched.site.sql("DELETE FROM casbin_rule WHERE ptype = 'g2' AND v0 = 'add' AND v2 = 'Task - Orders'")
        with watched.running():
            watched.edit("in a minute", "soon")
            until(lambda: watched.events() == ["policy_refused"])
            watched.site.sql(f"INSERT {row}")
            watched.site.publish("user, riverside, zoe, Zoe, active")
            until(lambda: watched.events() == ["policy_refused", "policy_published"])

    def test_an_error_of_ours(self, site: Site) -> None:
        """An error that nobody thought of is told; the watcher goes on, and publishes the next edit."""
        times = iter(["", "2024-05-06T07:08:09.000010+00:00", "2024-05-06T07:08:09.000011+00:00"])

        def now() -> str:
            time = next(times)
            if not time:
                raise RuntimeError("no thought was given to this")
            return time

        watched = Watched(site, now=now)
        with watched.running():
            watched.edit("in a minute", "soon")
            until(lambda: watched.events() == ["policy_refused"])
            assert "no thought was given" in str(watched.told[0][1]["problem"])
            watched.edit("soon", "later")
            until(lambda: watched.events() == ["policy_refused", "policy_published"])

    def test_overtaken_again_and_again(self, site: Site) -> None:
        """A folder that was overtaken by other changes, however often, is published all the same."""
        others = []

        def now() -> str:
            if len(others) < 12:
                others.append(site.publish(f"user, riverside, k{len(others)}, K, active"))
            return "2024-05-06T07:08:09.000010+00:00"

        watched = Watched(site)
        watcher = Watcher(site.policies, replace(site.press, now=now), demo=False, tell=lambda *_: None)
        watched.edit("in a minute", "soon")
        stop = threading.Event()
        thread = threading.Thread(target=watcher.run, args=(stop,))
        thread.start()
        try:
            until(lambda: site.head() == 2 + 12 + 1)
        finally:
            stop.set()
            thread.join(10)
        assert watched.status().holds

    def test_the_folder_away_and_back(self, watched: Watched) -> None:
        """A folder that is moved away is noted as gone, and as holding when it is back."""
        watched.publish()
        with watched.running():
            watched.site.policies.rename(watched.site.root / "elsewhere")
            until(lambda: not watched.status().holds)
            (watched.site.root / "elsewhere").rename(watched.site.policies)
            until(lambda: watched.status().holds)

    def test_two_edits_before_a_look(self, watched: Watched) -> None:
        """Whatever happens between two looks, what stands there in the end is published."""
        with watched.running():
            for number in range(20):
                watched.edit("in a minute" if number == 0 else f"soon {number - 1}!", f"soon {number}!")
            until(lambda: watched.site.live().state().loaded.catalog.unavailable.endswith("soon 19!."))


def test_a_store_away_is_not_noted_as_a_fault_of_the_folder(watched: Watched) -> None:
    """Without a store nothing can be noted; who publishes by hand is told."""
    press = watched.site.press
    with watched.site.away(), pytest.raises(StoreUnavailable):
        Watcher(watched.site.policies, press, demo=False, tell=lambda *_: None).publish()


def test_being_overtaken_is_not_a_fault_of_the_folder(site: Site) -> None:
    """A folder that lost every race is neither refused nor noted as one that does not hold."""

    def now() -> str:
        site.publish(f"user, riverside, k{site.head()}, K, active")
        return "2024-05-06T07:08:09.000010+00:00"

    watched = Watched(site)
    watched.edit("in a minute", "soon")
    told: list[Event] = []
    watcher = Watcher(site.policies, replace(site.press, now=now), demo=False, tell=lambda *event: told.append(event))
    with pytest.raises(BaseMoved):
        watcher.publish()
    with site.view() as view:
        assert view.folder_status() is None
    assert told == []
    assert (
        changes.carry_out(
            site.press, lambda view: changes.of_user(view, OPERATOR, "riverside", "ann", name=None, active=True)
        )
        is None
    )
