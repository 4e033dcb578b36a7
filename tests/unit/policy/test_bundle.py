import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service import folder
from service.decision import trial
from service.policy import bundle
from service.policy.bundle import Bundle
from service.policy.findings import RULES, errors
from service.values import Finding, Reason

PAIR = "p, role:Desk, clinic, Task - Orders, Write\ng, user:ann, role:Desk, clinic\n"
CASE = """- case: x
  why: y
  rows: |
    p, role:Desk, clinic, Task - Orders, Write
    g, user:ann, role:Desk, clinic
  may: ["clinic, ann, add, Task - Orders"]
"""


@cache
def shipped() -> dict[str, bytes]:
    """The shipped folder."""
    return folder.read(Path(__file__).parents[3] / "policies")


def load(files: dict[str, str | bytes | None]) -> tuple[Bundle | None, list[Finding]]:
    """The shipped folder with these files in it (None: without them), loaded."""
    laid = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return bundle.load({path: text for path, text in (shipped() | laid).items() if text is not None})


def said(found: list[Finding]) -> list[tuple[str, str]]:
    """Rule and place of each error."""
    assert all(problem.found and problem.mend for problem in found)
    return [(problem.rule, str(problem.position)) for problem in errors(found)]


def test_the_shipped_folder_holds() -> None:
    """What is shipped has no error, its cases hold, and what is worth a look is what the demonstration shows."""
    read, found = load({})
    assert read is not None
    assert [(problem.rule, problem.position.file) for problem in found] == [
        ("level-acts-as", "demo/riverside.csv"),
        ("level-acts-as", "demo/riverside.csv"),
        ("queue-only", "demo/riverside.csv"),
    ]
    assert trial.run_cases(read) == []


def test_what_is_published() -> None:
    """The five files, the pairs kept apart, the paths and the cases are published; worlds and notes are not."""
    read, _ = load({})
    assert read is not None
    assert sorted(read.texts) == bundle.published(shipped())
    assert {path.partition("/")[0] for path in read.texts} == {
        *bundle.REQUIRED,
        bundle.SEPARATION,
        bundle.PATHS,
        "cases",
    }


def test_line_ends_of_windows_mean_the_same() -> None:
    """A folder saved with CRLF says what it said."""
    read, found = load({})
    other, same = load({path: text.replace(b"\n", b"\r\n") for path, text in shipped().items()})
    assert read is not None
    assert other is not None
    assert same == found
    assert (other.shared.rows, other.catalog, other.request_map) == (read.shared.rows, read.catalog, read.request_map)
    assert [case.expected for case in other.cases] == [case.expected for case in read.cases]


def test_old_line_ends_are_refused() -> None:
    """A lone carriage return ends no line here and does elsewhere, so that a file of them is refused, once."""
    for path, text in shipped().items():
        if not path.endswith(".md"):
            _, found = load({path: text.replace(b"\n", b"\r")})
            assert ("hidden-character", 1) in [(problem.rule, problem.position.line) for problem in found]


@pytest.mark.parametrize("name", bundle.REQUIRED)
def test_a_file_that_is_missing(name: str) -> None:
    """Without one of its files a folder is not read."""
    read, found = load({name: None})
    assert read is None
    assert said(found) == [("file-missing", name)]


@pytest.mark.parametrize(
    "path",
    [
        "rows.csv",
        "directory.yaml",
        "screens.CSV",
        "demo/rows.txt",
        "demo/directory.yml",
        "demo/more/rows.csv",
        "cases/rows.csv",
        "cases/x.yml",
        "cases/more/x.yaml",
        "demo/a\nb.csv",
        "demo/\u202ecsv.csv",
        "cases/\udc80.yaml",
        "a\rb.md",
    ],
)
def test_a_file_that_nothing_reads(path: str) -> None:
    """A file in the wrong place, of the wrong kind, or with a name that cannot be shown, is an error."""
    shown = path.encode(errors="backslashreplace").decode()
    assert said(load({path: PAIR})[1]) == [("file-unknown", shown)]


@pytest.mark.parametrize("path", ["README.md", "cases/notes.md", "demo/deep/down/notes.md"])
def test_notes_may_stand_anywhere(path: str) -> None:
    """Markdown is for people, whatever is in it."""
    assert said(load({path: b"\xff\x00"})[1]) == []


@pytest.mark.parametrize("path", ["clinic/rows.csv", "cases/x.yaml", "model.conf"])
def test_bytes_that_are_no_text(path: str) -> None:
    """A byte that is not UTF-8 is found in its line and column."""
    assert ("not-utf8", f"{path}:2:3") in said(load({path: b"# \xc3\xa9\n# \xe9\n"})[1])


def test_a_byte_order_mark_hides_nothing_else() -> None:
    """The mark is found, and so is what is wrong behind it and in other files."""
    found = load({"clinic/rows.csv": "\ufeff" + PAIR.replace("Orders", "Order"), "cases/x.yaml": "\ufeff- x\n"})[1]
    assert said(found) == [
        ("byte-order-mark", "cases/x.yaml:1:1"),
        ("yaml-shape", "cases/x.yaml:1:3"),
        ("byte-order-mark", "clinic/rows.csv:1:1"),
        ("screen-unknown", "clinic/rows.csv:1:23"),
    ]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("g, user:ann, role:Practice Administrator, template\n", "16:1"),
        ("p, role:Desk, clinic, Task - Orders, Write\n", "16:1"),
        ("g2, view, Read, Task - Orders\n", "16:1"),
    ],
)
def test_templates_are_levels_of_the_templates_practice(row: str, place: str) -> None:
    """Members, rows of practices and shared rows are found in `templates.csv`, each once."""
    text = shipped()["templates.csv"].decode() + row
    assert said(load({"templates.csv": text})[1]) == [("row-home", f"templates.csv:{place}")]


def test_broken_templates_are_one_mistake() -> None:
    """Cases that use a template which cannot be read are not blamed."""
    text = shipped()["templates.csv"].decode().replace("p, role:Patient Portal Full", "P, role:Patient Portal Full")
    assert said(load({"templates.csv": text})[1]) == [
        ("row-type-unknown", "templates.csv:7:1"),
        ("row-type-unknown", "templates.csv:8:1"),
    ]


def test_rows_of_a_case_are_linted_in_place() -> None:
    """What is wrong in the rows of a case is found there, once, also a duplicate and a row of another home."""
    rows = (
        "    g, user:ann, role:Desk, clinic\n"
        "    g, ann, role:Desk, clinic\n"
        "    p, role:Desk, template, Task - Orders, Read\n"
        "    g, role:Desk, role:Desk, clinic\n"
    )
    text = CASE.replace("  may:", rows + "  may:")
    assert said(load({"cases/x.yaml": text})[1]) == [
        ("row-duplicate", "cases/x.yaml:6:5"),
        ("prefix-missing", "cases/x.yaml:7:8"),
        ("row-home", "cases/x.yaml:8:5"),
        ("role-cycle", "cases/x.yaml:9:5"),
    ]


def test_effects_are_held_to_everywhere() -> None:
    """Where the model has rows say `allow` or `deny`, a wrong spelling is found in files, templates and cases."""
    model = shipped()["model.conf"].decode().replace("screen, level\n", "screen, level, eft\n")
    model = model.replace("(p.eft == allow))", "(p.eft == allow)) && !some(where (p.eft == deny))")
    templates = re.sub(r"^(p, .*)$", r"\1, allow", shipped()["templates.csv"].decode(), flags=re.MULTILINE)
    files: dict[str, str | bytes | None] = {path: None for path in shipped() if path.startswith(("cases/", "demo/"))}
    files |= {
        "model.conf": model,
        "templates.csv": templates.replace("Setup - Users, Write, allow", "Setup - Users, Write, Allow"),
        "clinic/rows.csv": PAIR.replace("Write", "Write, Deny"),
        "cases/x.yaml": CASE.replace("Orders, Write", "Orders, Write, allowed"),
    }
    assert said(load(files)[1]) == [
        ("effect-spelling", "cases/x.yaml:4:49"),
        ("effect-spelling", "clinic/rows.csv:1:45"),
        ("effect-spelling", "templates.csv:15:65"),
    ]


def test_one_practice_in_two_folders() -> None:
    """A practice that stands in two folders is one finding, however many rows it has there."""
    found = load({"later/riverside.csv": shipped()["demo/riverside.csv"]})[1]
    assert said(found) == [("practice-twice", "later/riverside.csv:5:21")]


def test_a_field_of_a_million_characters_is_shown_in_short() -> None:
    """A message is one line of bearable length, whatever the file holds."""
    long = "x" * 1_000_000
    for files in (
        {"clinic/rows.csv": f"{long}, a\n"},
        {"model.conf": f"[{long}]\n"},
        {"cases/x.yaml": f"- {{? {long} : a}}\n"},
    ):
        _, found = load(dict(files))
        assert found
        assert all(len(problem.found) < 1_000 and len(problem.mend) < 1_000 for problem in found)


def test_many_findings_take_no_time_each() -> None:
    """Placing a finding does not read the file anew: ten thousand take about as long as their rows."""
    rows = "".join(f"p, role:{n}, clinic, Task - Patient Portal, Read\n" for n in range(10_000))
    told: list[int] = []
    _, found = bundle.load(shipped() | {"clinic/rows.csv": rows.encode()}, lambda _, count: told.append(count))
    assert sum(problem.rule == "level-acts-as" for problem in found) == 10_002
    assert max(told) == 10_000


# --- whatever the bytes ---

PATHS = sorted(path for path in shipped() if not path.endswith(".md"))
BITS = st.sampled_from(
    [
        *(b"", b" ", b"\n", b"\r", b"\r\n", b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\\\n"),
        *b"\" ' # ( ] , : - | > &a *a ! { } ? [ % --- << = && ||".split(),
        *b"role: user: template Read Write Off clinic deny eft {code} no_level:".split(),
        *(b": ", b"- ", b"p, ", b"g, ", b"g2, ", b"Task - Orders", b"Task - Patient Portal"),
    ]
)


@st.composite
def damaged(draw: DrawFn) -> dict[str, bytes]:
    """The shipped folder with a few places cut out, written over, swapped or doubled in one or two files."""
    files = dict(shipped())
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=2)):
        text = files[path]
        for _ in range(draw(st.integers(1, 3))):
            lines = text.split(b"\n")
            number = draw(st.integers(0, len(lines) - 1))
            line = lines[number]
            at = draw(st.integers(0, len(line)))
            cut = draw(st.sampled_from((0, 0, 1, 2, len(line))))
            lines[number] = line[:at] + draw(st.one_of(BITS, BITS, st.binary(max_size=3))) + line[at + cut :]
            if draw(st.booleans()):
                lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
            text = b"\n".join(lines)
        files[path] = text
    if draw(st.booleans()):
        path = draw(st.sampled_from(("demo/x.csv", "cases/x.yaml", "other/directory.yaml")))
        files[path] = draw(st.binary(max_size=40))
    return files


@settings(max_examples=150, deadline=None)
@given(damaged())
@example(dict.fromkeys(PATHS, b""))
@example(dict.fromkeys(PATHS, b"\n"))
@example({})
def test_accepted_bundle_never_raises(files: dict[str, bytes]) -> None:
    """Any bytes are a bundle or findings with places that exist; what is accepted answers every question."""
    read, found = bundle.load(files)
    assert read is not None or errors(found)
    for problem in found:
        assert problem.rule in RULES
        assert problem.found.isprintable()
        assert problem.mend.isprintable()
        assert problem.mend
        if problem.position.line:
            lines = files[problem.position.file].split(b"\n")
            assert problem.position.line <= len(lines)
            assert 1 <= problem.position.column <= len(lines[problem.position.line - 1]) + 1
    if read is None or errors(found):
        return
    assert all(problem.rule == "case-failed" and problem.mend for problem in trial.run_cases(read))
    for world in read.worlds:
        snapshot = trial.snapshot(trial.ruleset(read), world.rows())
        for screen, actions in read.catalog.vocabulary.items():
            for action in (*actions, "Write", "no such action"):
                assert snapshot.decide(("user:ann", "riverside", screen, action)).reason in Reason
                assert not snapshot.decide(("role:Front Desk", "riverside", screen, action)).allowed
