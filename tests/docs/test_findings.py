"""The reference of findings: every page is run, and every rule has a page.

A page holds whole files, each in a fence that names it (```` ```csv file=clinic/rows.csv ````): those before "Wrong"
are given to both examples, those under it are wrong, those under "Write instead" are mended. They are laid over the
shipped folder; a page that brings its own catalog or screens stands alone, since no shipped row speaks of those, and so
does one with a `policy.csv`, which is a folder without practices. The
flag `escaped` lets a file have bytes that cannot be shown, `missing` takes a file away. The fence `text found` is what
is said about the wrong example, word for word.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from service import folder
from service.decision import trial
from service.policy import bundle
from service.policy.findings import RULES, errors
from service.values import Finding

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference" / "findings"
FENCE = re.compile(
    r"^```\w+ (?:file=(?P<file>\S+)(?P<flags>[ \w]*)|found)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

Files = dict[str, bytes | None]
"""Path -> content; None: the file is not there."""


@dataclass
class Page:
    """One page, taken apart."""

    title: str
    summary: str
    found: str = ""
    given: Files = field(default_factory=dict)
    wrong: Files = field(default_factory=dict)
    mended: Files = field(default_factory=dict)


def read(path: Path) -> Page:
    """Take a page apart."""
    title, summary, rest = path.read_text().split("\n\n", 2)
    page = Page(title, summary)
    given, rest = rest.split("## Wrong\n")
    wrong, mended = rest.split("## Write instead\n")
    for files, text in ((page.given, given), (page.wrong, wrong), (page.mended, mended)):
        for fence in FENCE.finditer(text):
            if fence["file"] is None:
                page.found += fence["text"]
            else:
                files[fence["file"]] = content(fence["text"], fence["flags"].split())
    return page


def content(text: str, flags: list[str]) -> bytes | None:
    """What a fence puts into its file."""
    if "missing" in flags:
        return None
    if "escaped" not in flags:
        return text.encode()
    return re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes.fromhex(byte[1].decode()), text.encode())


@cache
def shipped() -> dict[str, bytes]:
    """The shipped policy folder."""
    return folder.read(ROOT / "policies")


def check(files: Files) -> list[Finding]:
    """What is found in the shipped folder with these files in it; cases run where everything else holds."""
    base = {} if "policy.csv" in files else shipped()
    if files.keys() & {"catalog.yaml", "screens.csv"}:
        base = {"model.conf": base["model.conf"], "request.yaml": base["request.yaml"], "templates.csv": b""}
    overlaid = {path: text for path, text in (base | files).items() if text is not None}
    read, found = bundle.load(overlaid)
    if read is not None and not errors(found):
        found += trial.run_cases(read)
    return found


def shown(finding: Finding) -> str:
    """A finding as the pages show it."""
    return f"{finding.position}: {finding.found}\ntry: {finding.mend}\n"


@pytest.fixture(params=RULES)
def rule(request: pytest.FixtureRequest) -> str:
    """Each rule."""
    return str(request.param)


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    """The folder holds one page for each rule, the index, and nothing else."""
    assert {path.name for path in PAGES.iterdir()} == {f"{rule}.md" for rule in RULES} | {"README.md"}


def test_the_index_is_complete() -> None:
    """The index lists the rules in their order, each with its page, its severity and its line."""
    rows = [line for line in (PAGES / "README.md").read_text().splitlines() if line.startswith("| [")]
    assert rows == [f"| [{name}]({name}.md) | {rule.severity.value} | {rule.title} |" for name, rule in RULES.items()]


def test_a_page_opens_with_what_the_rule_is(rule: str) -> None:
    """Its title is the id, and its first line the severity with the words of the index."""
    page, known = read(PAGES / f"{rule}.md"), RULES[rule]
    assert page.title == f"# {rule}"
    assert page.summary == f"{known.severity.value.capitalize()}: {known.title}."


def test_the_wrong_example_is_found(rule: str) -> None:
    """The wrong example has one finding of this id, at this severity, place and in these words, and no other error."""
    page = read(PAGES / f"{rule}.md")
    found = [each for each in check(page.given | page.wrong) if each.position.file in page.given.keys() | page.wrong]
    [own] = [each for each in found if each.rule == rule]
    assert own.severity is RULES[rule].severity
    assert shown(own) == page.found
    assert own.position.column or rule in WHOLE_FILE
    assert errors([each for each in check(page.given | page.wrong) if each != own]) == []


WHOLE_FILE = ("file-missing", "file-unknown", "model-incomplete")
"""Rules about a file as a whole: there is no line to point at."""


def test_the_mended_example_holds(rule: str) -> None:
    """The mended example has no error at all, and nothing is found in the files that it shows."""
    page = read(PAGES / f"{rule}.md")
    found = check(page.given | page.mended)
    assert errors(found) == []
    assert [each for each in found if each.position.file in page.given.keys() | page.mended] == []


def test_every_message_is_one_line(rule: str) -> None:
    """Found and mend are there, in one line, lower case where nothing is quoted, without a full stop at the end."""
    page = read(PAGES / f"{rule}.md")
    for finding in check(page.given | page.wrong):
        for text in (finding.found, finding.mend):
            assert text
            assert text.isprintable()
            assert not text.endswith(".")
            assert text[0] in '`"' or text[0].islower() or finding.rule in QUOTES
    assert re.fullmatch(r"[a-z].*[^.]", RULES[rule].title)


QUOTES = ("case-failed", "level-acts-as")
"""Rules whose messages begin with what the policy itself says: why a case matters, the name of a level."""
