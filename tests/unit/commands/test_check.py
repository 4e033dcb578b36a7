import io
import json
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from service.commands.check import Casbin, human_summary, run
from service.commands.desk import Exit
from service.decision.opinion import Difference
from tests.unit.commands.line import CommandLine


def test_the_shipped_policy_holds(bare: CommandLine) -> None:
    """It ends with 0, warnings and all, and says how much was looked at."""
    assert "`policies` holds: 20 files, " in bare("check").stdout.splitlines()[-1]


def test_strictly_a_warning_is_an_error(bare: CommandLine) -> None:
    """With `--strict` the same policy ends with 3."""
    assert "does not hold strictly" in bare("check", "--strict", code=3).stdout


def test_an_error_is_placed_and_ends_with_3(bare: CommandLine) -> None:
    """File, line and column; and the cases, which rest on what is wrong, are not run."""
    bare.edit("screens.csv", "g2, open_queue, Write, ", "g2, open_queue, Wriet, ")
    out = bare("check", code=3).stdout
    assert "policies/screens.csv:11:17  error  level-unknown" in out
    assert "the cases were not run" in out


def test_a_failed_case_says_why_it_matters(bare: CommandLine) -> None:
    """Its finding stands at the line of the case that does not hold."""
    bare.edit(
        "screens.csv", "g2, respond, Write, Task - Patient Portal\n", "g2, respond, Update, Task - Patient Portal\n"
    )
    bare.edit("screens.csv", "g2, Write, Update, Task - Patient Portal\n", "g2, Update, Write, Task - Patient Portal\n")
    out = bare("check", code=3).stdout
    assert "error  case-failed" in out
    assert "  why: " in out


def test_json_is_one_object(bare: CommandLine) -> None:
    """A summary and the findings, with everything that was asked for."""
    made = json.loads(bare("check", "--format", "json", "--mutate", "--with-casbin").stdout)
    assert made["summary"]["holds"] is True
    assert made["summary"]["warnings"] == 1
    assert {each["rule"] for each in made["findings"]} == {"level-acts-as", "queue-only"}
    assert made["mutation"]["rows"] > 80
    assert made["casbin"]["differ"] == []


def test_annotations_are_one_line_each(bare: CommandLine) -> None:
    """A code host sees one command for each finding, at its file and line."""
    *annotations, summary = bare("check", "--format", "github").stdout.splitlines()
    assert [text.partition(" ")[0] for text in annotations] == ["::notice", "::notice", "::warning"]
    assert "file=policies/demo/riverside.csv,line=" in annotations[0]
    assert not summary.startswith("::")


def test_every_row_of_the_shipped_policy_is_guarded(bare: CommandLine) -> None:
    """No row could change without a case noticing."""
    assert "0 of 86 rows could change without any case noticing" in bare("check", "--mutate").stdout


def test_a_row_that_no_case_guards_is_named(bare: CommandLine) -> None:
    """Each is shown with its place and with the changes that went unnoticed."""
    (bare.policies / "cases" / "audit.yaml").unlink()
    out = bare("check", "--mutate").stdout
    assert "g2, sign, Write, Audit - Policy Changes" in out
    assert "taken out" in out


def test_casbin_is_asked_every_question(bare: CommandLine) -> None:
    """All agree; inactive users are left out, and the line says so."""
    out = bare("check", "--with-casbin").stdout
    assert "asked stock Casbin 3,431 questions: 0 differ (3 inactive users left out" in out


def test_a_difference_from_casbin_is_a_failure_of_ours(bare: CommandLine) -> None:
    """The policy may be right, so that it ends with 1 and not with 3; the question is shown with both answers."""
    request = ("user:ann", "riverside", "Task - Orders", "view")
    differ = (Difference("demo", request, ours=True, casbins=False),)
    result = replace(run(bare.policies), casbin=Casbin(1, 0, differ))
    console = Console(file=io.StringIO(), width=200)
    human_summary(console, result)
    assert result.ended is Exit.FAILED
    assert isinstance(console.file, io.StringIO)
    assert "asked stock Casbin 1 question: 1 differ\n" in console.file.getvalue()
    assert f"  demo: {', '.join(request)}: we allow it, Casbin does not\n" in console.file.getvalue()


@pytest.fixture
def no_casbin(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an install without the `setup` extra."""
    for name in [name for name in sys.modules if name == "casbin" or name.startswith("casbin.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "casbin", None)
    for name in ("service.decision.oracle", "service.decision.opinion"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(name, raising=False)


@pytest.mark.usefixtures("no_casbin")
def test_a_missing_casbin_is_said(bare: CommandLine) -> None:
    """The second opinion names what to install; everything else works without it."""
    assert bare("check", "--with-casbin", code=1).stderr == (
        "error: stock Casbin is not installed\n  try: install `rolewarden[setup]`\n"
    )
    bare("check", "--mutate")


def test_a_folder_that_is_not_there_is_said(bare: CommandLine) -> None:
    """That is no invalid policy."""
    assert "error: `nowhere` is not a folder" in bare("check", "nowhere", code=1).stderr
