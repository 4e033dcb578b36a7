import pytest

from service.policy import catalog as catalogs
from service.policy import hints, lint, rows
from service.values import Finding, Severity

WIDTHS = {"p": 4, "g": 3, "g2": 3}
CATALOG = """levels: [Read, Write]
closing: "Code {code}"
unavailable: Later.
screens:
  List:
    group: Tasks
    description: The queue
    actions: {open: open the queue}
    security_message: No.
    warn_without: {screen: Item, say: Queue only}
  Item:
    group: Tasks
    description: A message
    actions: {answer: answer it}
    security_message: No.
"""
SHARED = """g2, open, Write, List
g2, Write, Read, List
g2, answer, Write, Item
g2, Write, Read, Item
"""
DESK = "g, user:ann, role:Desk, c\n"


def looked(text: str, *, live: bool = True) -> list[Finding]:
    """Warnings and notices on rows of practices, which hold."""
    described, _ = catalogs.read("catalog.yaml", CATALOG)
    assert described is not None
    known = lint.screens(described, rows.parse("screens.csv", SHARED, WIDTHS)[0].rows)
    file, found = rows.parse("rows.csv", text, WIDTHS)
    assert not found
    assert lint.practice_rows(file.rows, file.position, known, None) == []
    return hints.look(file.rows, file.position, known, live=live)


def said(found: list[Finding]) -> list[tuple[str, int, int]]:
    """Rule, line and column of each finding; each says what was found and what to do."""
    assert all(problem.found and problem.mend for problem in found)
    return [(problem.rule, problem.position.line, problem.position.column) for problem in found]


def test_queue_only() -> None:
    """A role that opens the queue and no message is warned about, once, with the catalog's words."""
    [found] = looked("p, role:Desk, c, List, Write\n" + DESK)
    assert (found.rule, found.severity, str(found.position)) == ("queue-only", Severity.WARNING, "rows.csv:1:4")
    assert found.found == "`Desk` has no level on `Item`. Queue only"


@pytest.mark.parametrize(
    "also", ["p, role:Desk, c, Item, Write\n", "p, role:Staff, c, Item, Write\ng, role:Desk, role:Staff, c\n"]
)
def test_queue_and_messages(also: str) -> None:
    """With a level on both screens, its own or through another role, there is nothing to warn about."""
    assert looked("p, role:Desk, c, List, Write\n" + DESK + also) == []


def test_queue_only_is_a_matter_of_one_practice() -> None:
    """The level of a role of the same name in another practice does not help."""
    text = "p, role:Desk, c, List, Write\n" + DESK + ("p, role:Desk, d, Item, Write\n" + DESK.replace(", c", ", d"))
    assert said(looked(text)) == [("queue-only", 1, 4)]


def test_a_level_that_acts_as_another() -> None:
    """It is a notice at the level, and names what it acts as."""
    [found] = looked("p, role:Desk, c, Item, Read\n" + DESK)
    assert (found.rule, found.severity, str(found.position)) == ("level-acts-as", Severity.NOTICE, "rows.csv:1:24")
    assert found.found == "Read (same as Write on `Item`)"


@pytest.mark.parametrize(
    ("links", "empty"),
    [
        ("", True),
        (DESK, False),
        (DESK.replace(", c", ", d"), True),
        ("g, role:Staff, role:Desk, c\n", True),
        ("g, role:Staff, role:Desk, c\ng, user:ann, role:Staff, c\n", False),
    ],
)
def test_a_role_that_nobody_is_in(links: str, empty: bool) -> None:
    """Somebody is in a role when a user reaches it, in this practice, directly or through other roles."""
    text = "p, role:Desk, c, Item, Write\n" + links
    assert said(looked(text)) == ([("role-empty", 1, 4)] if empty else [])
    assert looked(text, live=False) == []
