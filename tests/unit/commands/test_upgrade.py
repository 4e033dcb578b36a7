"""`rolewarden upgrade portal-roles`: shown first, done on request, and proved."""

from pathlib import Path

import pytest

from service.commands import upgrade as command
from service.proof import Proof
from tests.unit.commands.line import CommandLine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Who had it."""
    path = tmp_path / "had.csv"
    path.write_text("practice,user,had\nriverside,ann,yes\nriverside,cam,yes\nriverside,ben,no\nlakeside,ann,0\n")
    return path


def test_shown_first(demo: CommandLine, file: Path) -> None:
    """Without `--yes` it says what would be done, and changes nothing."""
    before = demo("log", "--format", "json").stdout
    said = demo("upgrade", "portal-roles", "--legacy", str(file)).stdout
    assert "2 practices and 4 users: 2 had it, 2 had not" in said
    assert "1 user who had it would gain it anew; nobody else gains anything, and nobody loses anything" in said
    assert demo("log", "--format", "json").stdout == before


def test_done_and_proved(demo: CommandLine, file: Path) -> None:
    """With `--yes` it is done, and ends with the proof; a second time there is nothing to do."""
    said = demo("upgrade", "portal-roles", "--legacy", str(file), "--yes").stdout
    assert "proof: 2 of 2 people who had it have it (6 questions to the engine)" in said
    assert "proof: nobody else gained or lost anything" in said
    assert "proof: stock Casbin says the same (" in said
    assert demo("ask", "riverside", "cam", "open_queue", "Task - Patient Portal - List").exit_code == 0
    again = demo("upgrade", "portal-roles", "--legacy", str(file), "--yes").stdout
    assert "Nothing to do" in again
    assert "proof: 2 of 2" in again


@pytest.mark.parametrize(
    ("proof", "found"),
    [
        (Proof(without=[("riverside", "cam")], people=2), ["1 of 2 people", "`cam` of `riverside` has it not"]),
        (Proof(gained=[("riverside", "eve")]), ["1 user beside them gained or lost by it", "`eve` of `riverside`"]),
        (Proof(differ=[("riverside", "ann")]), ["stock Casbin differs on 1 user", "`ann` of `riverside`"]),
        (Proof(unheard=["riverside"]), ["stock Casbin could not be heard about 1 practice", "`riverside`"]),
        (
            Proof(unheard=[f"p{number}" for number in range(30)]),
            ["stock Casbin could not be heard about 30 practices", "`p19`", "and 10 more"],
        ),
    ],
)
def test_a_proof_that_does_not_hold(
    demo: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch, proof: Proof, found: list[str]
) -> None:
    """What is not as it should be is told, with how much of it there is, and the command ends with 1."""
    monkeypatch.setattr(command, "proved", lambda *_: proof)
    said = demo("upgrade", "portal-roles", "--legacy", str(file), "--yes", code=1).stdout
    assert [words for words in found if words not in said] == []
    assert ("says the same" in said) == (not proof.differ and not proof.unheard)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("practice,user,had\nriverside,ann,maybe\n", "had.csv:2: `had` is `maybe`"),
        ("practice,user,had\nriverside,zoe,yes\n", "had.csv:2: no user `zoe` in `riverside`"),
        ("nonsense", "had.csv:1: the first line must name the columns"),
    ],
)
def test_a_line_that_cannot_be_followed(demo: CommandLine, file: Path, content: str, found: str) -> None:
    """A line that cannot be followed is told with its number, and then nothing is done."""
    before = demo("log", "--format", "json").stdout
    file.write_text(content)
    said = demo("upgrade", "portal-roles", "--legacy", str(file), "--yes", code=1).output
    assert found in said
    assert demo("log", "--format", "json").stdout == before
