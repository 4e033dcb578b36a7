"""Readiness and numbers, over a real store that is taken away, altered and annotated."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from service import folder
from service.api import health
from service.config import LogDecisions
from service.live import Live
from service.observe import Recorder
from service.policy import bundle
from service.store.base import FolderStatus
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Finding, Position, Severity
from tests.contract.endpoint.demonstration import NOW, POLICIES, Demonstration, publish

BROKEN = (
    Finding("screen-unknown", Severity.ERROR, Position("demo/riverside.csv", 7, 3), "screen `Hush`", "mend"),
    Finding("queue-only", Severity.WARNING, Position("demo/riverside.csv", 9, 3), "a warning"),
)


class Place:
    """A published demonstration with its store, and a clock that stands still until it is put forward."""

    def __init__(self, published: Demonstration, root: Path) -> None:
        self.settings = published.settings
        self.now = 1000.0
        self.store = Store.open(self.settings.store_url)
        self.counter = Counter.open(self.settings.counter)
        self.live = Live(self.store, self.counter, max_policy_age=100, keep_practices=100, clock=lambda: self.now)
        self.folder = root / "policies"
        shutil.copytree(POLICIES, self.folder)
        self.glance = folder.Glance(self.folder, bundle.published)

    def ready(self) -> tuple[int, Any]:
        """The status of `/readyz`, and what it tells."""
        reply = health.readyz(self.live, self.glance)
        return reply.status, json.loads(reply.body)

    def note(self, digest: str, *, holds: bool) -> None:
        """What a watcher of the folder notes."""
        with self.counter.changing():
            self.store.note_folder(FolderStatus(NOW, digest, holds, () if holds else BROKEN))

    def take_the_store_away(self) -> None:
        """From now on there is no database where it should be."""
        Path(self.settings.home / "rolewarden.db").rename(self.settings.home / "elsewhere.db")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place that a test may do with as it likes."""
    place = Place(publish(tmp_path), tmp_path)
    yield place
    place.store.close()


def test_ready(place: Place) -> None:
    """With policy in hand it may be routed to, and says what it serves."""
    status, told = place.ready()
    assert (status, told["ready"], told["reasons"]) == (200, True, [])
    assert (told["revision"], told["practices"], told["practices_altered"]) == (1, 2, 0)
    assert told["age_seconds"] == 0
    assert told["folder"] == {"state": "published"}


def test_nothing_published(tmp_path: Path) -> None:
    """Before anything is published nothing may be routed here; it lives all the same."""
    url = f"sqlite:///{tmp_path}/rolewarden.db"
    live = Live(Store.open(url, create=True), Counter.create(tmp_path / "counter"), max_policy_age=9, keep_practices=9)
    reply = health.readyz(live, folder.Glance(tmp_path / "policies", bundle.published))
    assert reply.status == 503
    assert json.loads(reply.body)["reasons"] == ["store_unavailable"]
    assert "revision" not in json.loads(reply.body)
    assert health.livez().status == 200


def test_the_store_is_away(place: Place) -> None:
    """Without the store it stays ready until the policy is too old; then nothing may be routed here."""
    place.ready()
    place.take_the_store_away()
    place.now += 100
    assert place.ready()[0] == 200
    place.now += 1
    status, told = place.ready()
    assert (status, told["reasons"], told["age_seconds"]) == (503, ["policy_too_old"], 101)


def test_a_change_that_cannot_be_read(place: Place) -> None:
    """When something is known to have changed and cannot be read, every check would be refused: not ready."""
    place.ready()
    with place.counter.changing():
        place.take_the_store_away()
    status, told = place.ready()
    assert (status, told["reasons"]) == (503, ["policy_unavailable"])


def test_no_folder(place: Place) -> None:
    """A host without the folder says so, and answers all the same."""
    shutil.rmtree(place.folder)
    status, told = place.ready()
    assert (status, told["folder"]) == (200, {"state": "absent"})


def test_a_folder_that_differs(place: Place) -> None:
    """A folder that is not what is served is said to differ, whether anybody watches it or not."""
    assert place.ready()[1]["folder"] == {"state": "published"}
    screens = place.folder / "screens.csv"
    screens.write_text(screens.read_text() + "# one more line\n")
    status, told = place.ready()
    assert (status, told["folder"]) == (200, {"state": "differs"})


def test_a_folder_that_was_refused(place: Place) -> None:
    """A refused policy is told with file and line of its errors, not with its words; the last good one is ready."""
    place.note(place.glance.digest() or "", holds=False)
    status, told = place.ready()
    assert status == 200
    assert told["folder"]["state"] == "refused"
    assert told["folder"]["errors"] == [{"file": "demo/riverside.csv", "line": 7, "rule": "screen-unknown"}]
    assert "Hush" not in json.dumps(told)
    place.note(place.glance.digest() or "", holds=True)
    assert place.ready()[1]["folder"] == {"state": "published"}


def test_altered_rows(place: Place) -> None:
    """Practices whose rows are not what was published are counted; the others are served, so it is ready."""
    engine = create_engine(place.settings.store_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM casbin_rule WHERE v0 = 'user:ann' AND v2 = 'riverside'")
    engine.dispose()
    place.live.load("riverside")
    status, told = place.ready()
    assert (status, told["practices_altered"]) == (200, 1)


def test_the_numbers_of_a_policy(place: Place) -> None:
    """Revision, age and practices are numbers for Prometheus, as the worker last saw them."""
    place.ready()
    place.now += 61
    recorder = Recorder(LogDecisions.DENIALS)
    recorder.watched(place.live.health())
    told = health.metrics(recorder).body.decode()
    assert "\nrolewarden_policy_revision 1.0\n" in told
    assert "\nrolewarden_policy_age_seconds 61.0\n" in told
    assert "\nrolewarden_practices_altered 0.0\n" in told
    assert 'rolewarden_decisions_total{reason="policy_too_old"} 0.0\n' in told
