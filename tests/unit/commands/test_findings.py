import io
import json
from pathlib import Path

from rich.console import Console

from service.commands import findings
from service.commands.findings import MOST_ALIKE
from service.values import Finding, Position, Severity

ROOT = Path("policies")


def finding(found: str = "level `Wriet`", *, at: Position | None = None, mend: str = "", rule: str = "x") -> Finding:
    """A finding of which only what is given matters."""
    return Finding(rule, Severity.ERROR, at or Position("a.csv", 1, 1), found, mend)


def shown(*found: Finding, text: str = "", width: int = 200) -> list[str]:
    """What a person sees."""
    console = Console(file=io.StringIO(), width=width)
    findings.human(console, found, ROOT, {"a.csv": text.encode()})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_person_sees_place_line_and_mend() -> None:
    """File, line and column as an editor opens them; the line with a sign below the column; what to write instead."""
    text = "# comment\np, role:A, x, Task, Wriet\n"
    assert shown(finding(at=Position("a.csv", 2, 21), mend="write `Write`"), text=text) == [
        "policies/a.csv:2:21  error  x",
        "  level `Wriet`",
        "  2 | p, role:A, x, Task, Wriet",
        "    |                     ^",
        "  try: write `Write`",
        "",
    ]


def test_the_sign_stands_below_wide_and_hidden_characters() -> None:
    """A character that takes two columns counts two; one that a terminal would obey is shown as a sign."""
    _, _, line, sign, _ = shown(finding(at=Position("a.csv", 1, 9)), text="p, 山\x1b[31m, Wriet")
    assert line == "  1 | p, 山\N{REPLACEMENT CHARACTER}[31m, Wriet"
    assert sign.index("^") == len("  1 | p, xx?[31")


def test_a_file_as_a_whole_has_no_line() -> None:
    """Line 0 shows neither a line nor a sign."""
    assert shown(finding("no `model.conf`", at=Position("model.conf"))) == [
        "policies/model.conf  error  x",
        "  no `model.conf`",
        "",
    ]


def test_a_long_line_is_shown_around_the_place() -> None:
    """What was found is in sight even at the end of a line of a thousand characters."""
    lines = shown(finding(at=Position("a.csv", 1, 1001)), text="x" * 1000 + "!" + "y" * 1000)
    sign = next(text for text in lines if "^" in text)
    assert lines[2][sign.index("^")] == "!"
    assert len(lines[2]) < 130


def test_many_of_one_kind_are_counted() -> None:
    """A person sees the first of them, and how many more there are."""
    lines = shown(*(finding(str(number)) for number in range(MOST_ALIKE + 1234)))
    assert len([line for line in lines if line.endswith("error  x")]) == MOST_ALIKE
    assert "and 1,234 more of `x`; `--format json` lists them all" in lines


def test_why_a_case_matters_is_no_advice() -> None:
    """Below a failed case stands why it matters."""
    assert "  why: Ann works there" in shown(finding(rule="case-failed", mend="Ann works there"))


def test_a_program_gets_every_field() -> None:
    """The names of the fields are fixed, and all values survive JSON."""
    made = findings.data([finding("é", at=Position("a.csv", 2, 3), mend="m")], ROOT)
    expected = {"rule": "x", "severity": "error", "file": "policies/a.csv", "line": 2, "column": 3}
    assert json.loads(json.dumps(made)) == [{**expected, "found": "é", "mend": "m"}]


def test_a_code_host_gets_what_it_would_misread_escaped() -> None:
    """`%`, line breaks, and in properties colons and commas, as the workflow commands ask."""
    odd = finding("50%: a, b\r\n", at=Position("a,b:c.csv", 2, 3), mend="do", rule="r")
    assert findings.github([odd], ROOT) == [
        "::error file=policies/a%2Cb%3Ac.csv,line=2,col=3,title=r::50%25: a, b%0D%0A%0Ado"
    ]


def test_a_code_host_gets_no_line_where_there_is_none() -> None:
    """A finding about a file as a whole is shown at its top."""
    assert findings.github([finding("f", at=Position("m"))], ROOT) == ["::error file=policies/m,title=x::f"]
