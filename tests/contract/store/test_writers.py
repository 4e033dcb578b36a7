import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from service.errors import BaseMoved, StoreUnavailable
from service.store.sql import Store
from service.values import Revision
from tests.contract.store.builders import draft, everything, practice, publish, row
from tests.contract.store.writer import RACE, race

ROOT = Path(__file__).parents[3]


def writer(*arguments: str) -> subprocess.Popen[str]:
    """Another process at work; see writer.py."""
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("writer.py"), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> None:
    """Wait for a writer that must succeed."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def unbroken(store: Store, count: int) -> bool:
    """Whether there are so many revisions, numbered without gaps and each linked to the one before."""
    with store.reading() as view:
        revisions = view.revisions(limit=1_000)[::-1]
    return [revision.number for revision in revisions] == list(range(1, count + 1)) and all(
        later.previous == earlier.digest for earlier, later in pairwise(revisions)
    )


def test_of_two_writers_one_comes_too_late(store: Store) -> None:
    """Two changes from the same base at the same moment: one is published, the other is told that it moved."""
    start = threading.Barrier(2)
    drafts = [draft(store, [practice(name)]) for name in ("riverside", "lakeside")]

    def commit(index: int) -> Revision | BaseMoved:
        start.wait()
        try:
            return store.commit(drafts[index], {})
        except BaseMoved as moved:
            return moved

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(commit, range(2)))
    assert Counter(type(outcome) for outcome in outcomes) == {Revision: 1, BaseMoved: 1}
    assert len(everything(store)) == 1


def test_a_base_ahead_of_the_store_is_moved_too(store: Store) -> None:
    """A change from a revision that this store does not have (it was restored, say) is refused."""
    ahead = draft(store, [practice()], base=7)
    with pytest.raises(BaseMoved, match="from revision 7, and the newest is now 0"):
        store.commit(ahead, {})
    assert everything(store) == frozenset()


def test_threads_leave_no_gap(store: Store) -> None:
    """Several threads that publish at once, each until it worked: every change is there, numbered in one row."""
    publish(store, add=[practice()])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: race(store, name), "abcd"))
    assert unbroken(store, 1 + 4 * RACE)
    assert len(everything(store)) == 1 + 4 * RACE


def test_processes_leave_no_gap(store: Store, url: str) -> None:
    """The same for processes that know nothing of each other."""
    publish(store, add=[practice()])
    racers = [writer(url, "race", name) for name in "ab"]
    for racer in racers:
        finished(racer)
    assert unbroken(store, 1 + 2 * RACE)
    assert len(everything(store)) == 1 + 2 * RACE


def test_processes_create_one_store(url: str) -> None:
    """When several processes create the store at once, one does, and all find it."""
    for creator in [writer(url, "create") for _ in range(3)]:
        finished(creator)
    store = Store.open(url)
    assert everything(store) == frozenset()
    store.close()


def test_a_killed_writer_leaves_nothing(store: Store, url: str) -> None:
    """A writer is killed in the middle of its transaction: nothing of it is there, and the next one goes ahead."""
    first = publish(store, add=[practice()])
    victim = writer(url, "stop")
    assert victim.stdout is not None
    assert victim.stdout.readline() == "halfway\n"
    victim.kill()
    victim.communicate()
    with store.reading() as view:
        assert view.head().digest == first.digest
    assert everything(store) == {practice()}
    assert publish(store, add=[row("role, riverside, role:Nurse")]).number == 2
    assert unbroken(store, 2)


def test_a_view_stands_still(store: Store) -> None:
    """A view that has begun sees one state to its end, while a writer is at the door."""
    publish(store, add=[practice()])
    nurse = row("role, riverside, role:Nurse")
    late = draft(store, [nurse])
    with ThreadPoolExecutor(1) as pool:
        with store.reading() as view:
            assert view.head().number == 1
            committed = pool.submit(store.commit, late, {})
            threading.Event().wait(0.1)
            assert view.rows("riverside") == (practice(),)
            assert view.revision(2) is None
            assert view.head().number == 1
        assert committed.result(timeout=10).number == 2
    assert everything(store) == {practice(), nurse}


def test_a_view_cannot_write(store: Store) -> None:
    """Who reads cannot write, whatever statement there might be."""
    with pytest.raises(StoreUnavailable, match=r"read-?only"), store.reading() as view:
        view._connection.exec_driver_sql("DELETE FROM casbin_rule")  # noqa: SLF001 - the way around the promise
