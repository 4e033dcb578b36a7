"""`rolewarden shadow`: the list that must be empty before a practice goes live."""

import json

from service.shadow import Ledger
from tests.unit.commands.line import CommandLine
from tests.unit.test_shadow import answer


def noted(line: CommandLine) -> None:
    """Ben would lose, Cam would gain, Ann is the same."""
    line.home.mkdir(exist_ok=True)
    ledger = Ledger(line.home / "shadow")
    for _ in range(3):
        ledger.note(answer("ben", False, legacy_decision=True))
    ledger.note(answer("cam", legacy_decision=False))
    ledger.note(answer("ann", legacy_decision=True))
    ledger.write()


def test_nothing_yet(bare: CommandLine) -> None:
    """Where nothing was compared, that is no reason to go live: the command fails and says what to send."""
    said = bare("shadow", "report", code=1).stdout
    assert "nothing was compared yet" in said
    assert "context.legacy_decision" in said


def test_what_differs(bare: CommandLine) -> None:
    """Who would lose and who would gain is listed by name, with how often."""
    noted(bare)
    said = bare("shadow", "report", code=1).stdout.splitlines()
    assert said[0] == "5 answers compared, 4 differ"
    assert [line.split() for line in said if "ben" in line or "cam" in line] == [
        ["riverside", "Task", "-", "Patient", "Portal", "respond", "ben", "3"],
        ["riverside", "Task", "-", "Patient", "Portal", "respond", "cam", "1"],
    ]
    assert said.index("1 user would lose") < said.index("1 user would gain")


def test_summed_up(bare: CommandLine) -> None:
    """Summed up by action, users are not named."""
    noted(bare)
    said = bare("shadow", "report", "--by", "action", code=1).stdout
    assert "ben" not in said
    assert "respond" in said


def test_for_a_program(bare: CommandLine) -> None:
    """As JSON it has everything."""
    noted(bare)
    told = json.loads(bare("shadow", "report", "--format", "json", "--practice", "riverside", code=1).stdout)
    assert (told["compared"], told["same"], len(told["differ"])) == (5, {"riverside": 1}, 2)
    assert told["differ"][0] == {
        "practice": "riverside",
        "user": "ben",
        "screen": "Task - Patient Portal",
        "action": "respond",
        "gained": False,
        "times": 3,
    }


def test_nothing_differs(bare: CommandLine) -> None:
    """When something was compared and nothing differs, the command ends with 0."""
    bare.home.mkdir(exist_ok=True)
    ledger = Ledger(bare.home / "shadow")
    ledger.note(answer(legacy_decision=True))
    ledger.write()
    assert bare("shadow", "report").stdout == "1 answer compared, none differ\n"


def test_begun_anew(bare: CommandLine) -> None:
    """Cleared, there is nothing; clearing nothing does no harm."""
    noted(bare)
    bare("shadow", "clear", "--yes")
    bare("shadow", "clear", "--yes")
    assert "nothing was compared yet" in bare("shadow", "report", code=1).stdout
