import pytest

from service.policy import cases as case_files
from service.policy.cases import Case, instance, judge
from service.values import Finding, Reason, Row

WIDTHS = {"p": 4, "g": 3, "g2": 3}
ROLES = frozenset({"role:Full Access"})
TEXT = """- case: Reading changes nothing
  why: An order that was altered by mistake reaches the patient
  rows: |
    # who reads
    p, role:Biller, clinic, Orders, Read
    g, user:cam, role:Biller, clinic

    g, role:Biller, role:Staff, clinic
  users: {clinic: {lou: inactive}, north: {zoe: active}}
  templates: {south: [Full Access]}
  may:
    - clinic, cam, view, Orders
  may_not:
    - clinic, cam, edit, Orders
    - inactive_user: clinic, lou, view, Orders
"""


def read(text: str) -> tuple[list[Case], list[Finding]]:
    """The cases of a file."""
    return case_files.read("cases/x.yaml", text, WIDTHS, ROLES)


def test_a_case_is_read() -> None:
    """Rows and expectations with their places, and as people everybody who stands in a row or under `users`."""
    [case], found = read(TEXT)
    assert not found
    assert (case.name, case.why[:8], str(case.position)) == ("Reading changes nothing", "An order", "cases/x.yaml:1:3")
    assert [(row.kind, str(case.rows.position(index))) for index, row in enumerate(case.rows.rows)] == [
        ("p", "cases/x.yaml:5:5"),
        ("g", "cases/x.yaml:6:5"),
        ("g", "cases/x.yaml:8:5"),
    ]
    assert [(each.request, each.reason, each.position.line) for each in case.expected] == [
        (("user:cam", "clinic", "Orders", "view"), Reason.ALLOWED, 12),
        (("user:cam", "clinic", "Orders", "edit"), Reason.NO_LEVEL, 14),
        (("user:lou", "clinic", "Orders", "view"), Reason.INACTIVE_USER, 15),
    ]
    assert case.people == (
        *(Row("practice", (name, name)) for name in ("clinic", "north", "south")),
        Row("user", ("clinic", "cam", "cam", "active")),
        Row("user", ("clinic", "lou", "lou", "inactive")),
        Row("user", ("north", "zoe", "zoe", "active")),
    )


def test_the_world_of_a_case_has_its_templates() -> None:
    """The rows of a template stand in the practice that uses it, and those of other templates nowhere."""
    [case], _ = read(TEXT)
    wanted = Row("p", ("role:Full Access", "template", "Portal", "Write"))
    other = Row("p", ("role:Other", "template", "Portal", "Write"))
    world = case.world([wanted, other])
    assert Row("p", ("role:Full Access", "south", "Portal", "Write")) == instance(wanted, "south")
    assert [row for row in world if "Portal" in row.fields] == [instance(wanted, "south")]


@pytest.mark.parametrize("block", ["|", "|-", "|+", "|2", "|  # rows"])
def test_no_row_of_a_block_is_lost(block: str) -> None:
    """However the block says how it ends, its last line is read, and blank lines above it are counted."""
    text = TEXT.replace("rows: |\n", f"rows: {block}\n" + "\n" * (block != "|2"))
    text = text.replace("    # who", "      # who") if block == "|2" else text
    [case], found = read(text)
    assert not found
    assert len(case.rows.rows) == 3
    assert case.rows.position(2).line == (8 if block == "|2" else 9)


def test_line_ends_of_windows_mean_the_same() -> None:
    """A file saved with CRLF has the same cases."""
    [case], _ = read(TEXT)
    [other], found = read(TEXT.replace("\n", "\r\n"))
    assert not found
    assert (case.rows.rows, case.people, case.expected) == (other.rows.rows, other.people, other.expected)


@pytest.mark.parametrize(
    ("line", "instead", "place", "rule", "found"),
    [
        ("  why:", "  wyh:", "2:3", "yaml-shape", "entry `wyh`"),
        (
            "  why: An order that was altered by mistake reaches the patient\n",
            "",
            "1:3",
            "yaml-shape",
            "no entry `why`",
        ),
        ("rows: |", "rows: >", "3:9", "yaml-shape", "rows that are no `|` block"),
        ("inactive_user:", "inactive:", "15:7", "yaml-shape", "reason `inactive`"),
        ("inactive_user:", "allowed:", "15:7", "yaml-shape", "reason `allowed`"),
        ("cam, edit, Orders", "cam, edit", "14:7", "yaml-shape", "`clinic, cam, edit`"),
        ("cam, edit, Orders", "cam, , Orders", "14:7", "yaml-shape", "`clinic, cam, , Orders`"),
        ("lou: inactive", "lou: gone", "9:25", "yaml-shape", "`gone`"),
        ("lou: inactive", "user:lou: inactive", "9:20", "user-as-role", "a user with the id `user:lou`"),
        ("{clinic: {lou", "{template: {lou", "9:11", "row-home", "`template`, which is the practice of templates"),
        ("{south:", "{template:", "10:15", "row-home", "`template`, which is the practice of templates"),
        ("[Full Access]", "[Half Access]", "10:23", "yaml-shape", "template `Half Access`"),
        ("- case: Reading", '- case: "\\u202eReading', "1:9", "hidden-character", ""),
    ],
)
def test_a_case_that_cannot_be_read_is_placed(line: str, instead: str, place: str, rule: str, found: str) -> None:
    """A mistake in a case is one finding where it stands, and the case is not asked."""
    assert TEXT.count(line) == 1
    text = TEXT.replace(line, instead)
    if rule == "hidden-character":
        text = text.replace("nothing\n", 'nothing"\n')
    cases, [problem] = read(text)
    assert cases == []
    assert (str(problem.position), problem.rule) == (f"cases/x.yaml:{place}", rule)
    assert found in problem.found
    assert problem.mend


@pytest.mark.parametrize("rest", ["", "  may: []\n", "  may_not: []\n"])
def test_a_case_asks_something(rest: str) -> None:
    """A case without an expectation would pass whatever the policy says."""
    cases, [problem] = read(f"- case: Nothing\n  why: None\n{rest}")
    assert cases == []
    assert (problem.found, str(problem.position)) == ("a case that asks nothing", "cases/x.yaml:1:3")


def test_each_case_is_read_for_itself() -> None:
    """One broken case leaves the others to be asked."""
    cases, found = read("- broken\n" + TEXT + "- case: also broken\n")
    assert [case.name for case in cases] == ["Reading changes nothing"]
    assert [problem.position.line for problem in found] == [1, 17]


def test_rows_that_do_not_hold_are_placed_in_the_file() -> None:
    """A finding in the rows of a case points into the file of the case."""
    _, [problem] = read(TEXT.replace("Orders, Read", "Orders, Read # as before"))
    assert (problem.rule, str(problem.position)) == ("inline-comment", "cases/x.yaml:5:42")


def test_templates_that_could_not_be_read_are_not_blamed_on_cases() -> None:
    """Where the templates themselves are broken, a case that uses one is no second mistake."""
    [_], found = case_files.read("cases/x.yaml", TEXT, WIDTHS, None)
    assert not found


def test_judging_says_what_is_otherwise_and_why_it_matters() -> None:
    """Each expectation that does not hold is a finding with both reasons; the others are not mentioned."""
    [case], _ = read(TEXT)
    found = judge(case, lambda request: Reason.ALLOWED if request[3] == "edit" else Reason.NO_LEVEL)
    assert [(problem.rule, problem.position.line) for problem in found] == [
        ("case-failed", line) for line in (12, 14, 15)
    ]
    assert found[0].found == (
        "`Reading changes nothing`: `clinic, cam, view, Orders` is refused (no_level), not allowed"
    )
    assert found[1].mend == case.why
    assert judge(case, lambda request: {each.request: each.reason for each in case.expected}[request]) == []
