"""Shadow: what is taken down of an EHR that still decides by itself, and what is made of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from service import shadow
from service.decide import Answer
from service.shadow import Difference, Ledger, Report
from service.values import Decision, Reason
from tests.unit.site import LIST, TASK, question


def answer(user: str = "ann", allowed: bool = True, practice: str = "riverside", **context: object) -> Answer:
    """A decision on `respond`, with what the EHR sent along."""
    asked = question(user, "respond", TASK, practice)
    asked = asked._replace(context={**asked.context, **context})
    return Answer(Decision(Reason.ALLOWED if allowed else Reason.NO_LEVEL, 1), asked, practice)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where it is taken down."""
    return tmp_path / "shadow"


def test_both_say_the_same(path: Path) -> None:
    """Answers that agree are counted, by practice, and nobody is named."""
    ledger = Ledger(path)
    assert [ledger.note(answer(legacy_decision=True)), ledger.note(answer("ben", False, legacy_decision=False))] == [
        "same",
        "same",
    ]
    ledger.write()
    assert shadow.read(path) == Report({"riverside": 2}, {}, 0)
    assert b"ann" not in path.read_bytes()


def test_they_differ(path: Path) -> None:
    """What we allow and the EHR refused is gained, what it allowed and we refuse is lost; each is counted by name."""
    ledger = Ledger(path)
    assert ledger.note(answer(legacy_decision=False)) == "gained"
    assert ledger.note(answer("ben", False, legacy_decision=True)) == "lost"
    ledger.write()
    ledger.note(answer("ben", False, legacy_decision=True))
    ledger.write()
    found = shadow.read(path)
    assert found.differ == {
        Difference("riverside", "ann", TASK, "respond", gained=True): 1,
        Difference("riverside", "ben", TASK, "respond", gained=False): 2,
    }
    assert (found.asked, found.same) == (3, {})


@pytest.mark.parametrize("said", ["true", 1, 0, None, [], {}, "no"])
def test_what_is_no_decision(path: Path, said: object) -> None:
    """What is neither true nor false is nothing that the EHR decided, and is not compared."""
    ledger = Ledger(path)
    assert (ledger.note(answer(legacy_decision=said)), ledger.note(answer())) == (None, None)
    ledger.write()
    assert not path.exists()
    assert shadow.read(path) == Report({}, {}, 0)


def test_one_practice(path: Path) -> None:
    """A report of one practice has nothing of another."""
    ledger = Ledger(path)
    ledger.note(answer(legacy_decision=False))
    ledger.note(answer(legacy_decision=False, practice="lakeside"))
    ledger.write()
    assert {entry.practice for entry in shadow.read(path, "lakeside").differ} == {"lakeside"}
    assert shadow.read(path, "hilltop").asked == 0


def test_strange_names(path: Path) -> None:
    """Line breaks, quotes and other scripts in a name come back as they were, and make no further lines."""
    strange = 'a\n[1,"riverside"]\n"\u0639\ud800'
    ledger = Ledger(path)
    ledger.note(answer(strange, legacy_decision=False))
    ledger.write()
    assert [entry.user for entry in shadow.read(path).differ] == [strange]
    assert path.read_bytes().count(b"\n") == 1


def test_more_names_than_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of names between two writings, further ones are counted as lost; those known go on."""
    monkeypatch.setattr(shadow, "MOST", 10)
    lost: list[int] = []
    ledger = Ledger(path, lost.append)
    for number in range(25):
        ledger.note(answer(f"user{number}", legacy_decision=False))
        ledger.note(answer("user0", legacy_decision=False))
    ledger.write()
    found = shadow.read(path)
    assert (len(found.differ), sum(lost)) == (10, 15)
    assert found.differ[Difference("riverside", "user0", TASK, "respond", gained=True)] == 26


def test_a_name_too_long(path: Path) -> None:
    """A name that no line could hold is lost and counted, and its neighbours are kept."""
    lost: list[int] = []
    ledger = Ledger(path, lost.append)
    ledger.note(answer("x" * 60_000, legacy_decision=False))
    ledger.note(answer(legacy_decision=False))
    ledger.write()
    assert ([entry.user for entry in shadow.read(path).differ], lost) == (["ann"], [1])


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be written, it is counted, and nobody notices."""
    lost: list[int] = []
    ledger = Ledger(tmp_path / "no" / "shadow", lost.append)
    ledger.note(answer(legacy_decision=False))
    ledger.write()
    assert lost == [1]


def test_a_file_that_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its size nothing more is written."""
    monkeypatch.setattr(shadow, "LARGEST", 100)
    lost: list[int] = []
    ledger = Ledger(path, lost.append)
    for number in range(50):
        ledger.note(answer(f"user{number}", legacy_decision=False))
    ledger.write()
    assert path.stat().st_size < 300
    assert len(shadow.read(path).differ) + sum(lost) == 50


@pytest.mark.parametrize(
    "line",
    [b"", b"nonsense", b"{}", b"[]", b"[1]", b'["1","riverside"]', b'[1,"r","u","s","a",1]', b'[1,"r","u"]', b"\xff"],
)
def test_lines_that_are_not_ours(path: Path, line: bytes) -> None:
    """A line that broke off, or is somebody else's, is counted and passed over."""
    ledger = Ledger(path)
    ledger.note(answer(legacy_decision=False))
    ledger.write()
    path.write_bytes(path.read_bytes() + line + b"\n")
    found = shadow.read(path)
    assert (found.asked, found.unreadable) == (1, 1)


def test_several_processes(path: Path) -> None:
    """Lines of several writers come whole, whoever is first."""
    ledgers = [Ledger(path) for _ in range(4)]

    def work(ledger: Ledger, name: str) -> None:
        for number in range(200):
            ledger.note(answer(f"{name}{number}", legacy_decision=False))
            ledger.write()

    threads = [threading.Thread(target=work, args=(ledger, f"u{at}-")) for at, ledger in enumerate(ledgers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = shadow.read(path)
    assert (len(found.differ), found.unreadable) == (800, 0)


def test_nobody_else_reads_it(path: Path) -> None:
    """The file is for its owner alone."""
    ledger = Ledger(path)
    ledger.note(answer(legacy_decision=False))
    ledger.write()
    assert path.stat().st_mode & 0o777 == 0o600
    assert LIST not in path.read_text()
