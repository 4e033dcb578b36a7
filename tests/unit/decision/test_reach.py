from collections.abc import Mapping

import pytest

from service import folder
from service.decision import trial
from service.decision.effect import effect
from service.decision.reach import MOST, Docket, Side, hearings, reached
from service.values import Row
from tests.unit.site import LIST, ORDERS, SHIPPED, TASK, load, row, some

BUNDLE = load(folder.read(SHIPPED))
ROWS = f"""practice, hill, Hill
user, hill, ann, Ann, active
user, hill, ben, Ben, active
user, hill, lou, Lou, inactive
p, role:Desk, hill, {TASK}, Read
p, role:Desk, hill, {LIST}, Read
p, role:Portal, hill, {ORDERS}, Read
g, user:ann, role:Desk, hill
g, user:lou, role:Desk, hill
g, role:Desk, role:Portal, hill
"""


def side(rows: frozenset[Row]) -> Side:
    """The practice `hill` with these rows."""
    return Side(trial.snapshot(trial.ruleset(BUNDLE), rows), rows, BUNDLE.shared.rows)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (f"p, role:Desk, hill, {TASK}, Read", {TASK: {"user:ann", "user:lou"}}),
        (f"p, role:Portal, hill, {ORDERS}, Read", {ORDERS: {"user:ann", "user:lou"}}),
        ("g, user:ann, role:Desk, hill", {TASK: {"user:ann"}, LIST: {"user:ann"}, ORDERS: {"user:ann"}}),
        ("g, role:Desk, role:Portal, hill", {ORDERS: {"user:ann", "user:lou"}}),
        ("user, hill, lou, Lou, inactive", {TASK: {"user:lou"}, LIST: {"user:lou"}, ORDERS: {"user:lou"}}),
        ("user, hill, ben, Ben, active", {}),
        ("role, hill, role:Desk", {}),
    ],
    ids=["level", "level of a role above", "member", "role in a role", "user", "user without a role", "name of a role"],
)
def test_what_a_row_reaches(changed: str, found: Mapping[str, set[str]]) -> None:
    """A level reaches who is in the role; a membership, all that the role holds; a user, all that their roles hold."""
    division = side(some(ROWS)).snapshot.divisions["hill"]
    assert reached(division, [row(changed)], frozenset()) == found


def test_what_a_level_reaches_that_opens_something_else() -> None:
    """Whoever holds that level on that screen, and nobody who holds another."""
    division = side(some(ROWS)).snapshot.divisions["hill"]
    assert reached(division, [], frozenset({(TASK, "Read"), (LIST, "Write")})) == {TASK: {"user:ann", "user:lou"}}
    assert reached(None, [row("g, user:ann, role:Desk, hill")], frozenset()) == {}


@pytest.mark.parametrize("level", ["Read", "Write"])
def test_two_levels_on_one_screen(level: str) -> None:
    """Each of them reaches, whichever stands first."""
    division = side(some(f"{ROWS}\np, role:Desk, hill, {TASK}, Write")).snapshot.divisions["hill"]
    assert reached(division, [], frozenset({(TASK, level)})) == {TASK: {"user:ann", "user:lou"}}


def practice(users: int) -> str:
    """A practice of so many people in one role."""
    people = "\n".join(f"user, hill, u{n}, U, active\ng, user:u{n}, role:Desk, hill" for n in range(users))
    return f"practice, hill, Hill\np, role:Desk, hill, {TASK}, Read\n{people}"


def docket(before: str, after: str) -> tuple[Docket, tuple[Side, Side]]:
    """What can be asked about the practice when it changes like this."""
    sides = side(some(before)), side(some(after))
    found = effect(sides[0].snapshot, sides[1].snapshot, ["hill"])
    made = Docket({screen: sorted(actions) for screen, actions in BUNDLE.catalog.vocabulary.items()})
    made.add("hill", sides, sides[0].rows ^ sides[1].rows, found)
    return made, sides


def test_each_question_is_asked_once_before_and_after() -> None:
    """What is asked is what can be reached: no question twice, and none left out."""
    made, sides = docket(practice(50), practice(50).replace(", Read", ", Write"))
    asked = [request for each in hearings(made, lambda _: sides) for request in each.after.requests]
    assert len(asked) == len(set(asked)) == made.of == 100
    assert not any(each.flips for each in hearings(made, lambda _: sides))


def test_answers_that_change_come_first() -> None:
    """Whoever gains or loses is asked about before anybody else, and what we answer goes along."""
    before = practice(40) + f"\nuser, hill, zoe, Zoe, active\np, role:Desk, hill, {ORDERS}, Read"
    made, sides = docket(before, f"{before}\ng, user:zoe, role:Desk, hill\np, role:Desk, hill, {LIST}, Read")
    asked = list(hearings(made, lambda _: sides))
    flips = [each.flips for each in asked]
    assert flips == sorted(flips, reverse=True)
    assert any(flips)
    for each in asked:
        if each.flips:
            assert each.ours[0] != each.ours[1]
    assert all(len(each.ours[0]) == len(each.after.requests) for each in asked)


def test_no_more_than_so_many() -> None:
    """Beyond ten thousand questions a sample is asked, the same each time, and how many there are is known."""
    before = practice(MOST) + "\nuser, hill, zoe, Zoe, active"
    made, sides = docket(before, before.replace("Read", "Write") + "\ng, user:zoe, role:Desk, hill")
    asked = [list(each.after.requests) for each in hearings(made, lambda _: sides)]
    assert made.of == 2 * MOST + 2
    assert MOST - 2 <= sum(map(len, asked)) <= MOST
    assert ("user:zoe", "hill", TASK, "respond") in asked[0]
    again, _ = docket(before, before.replace("Read", "Write") + "\ng, user:zoe, role:Desk, hill")
    assert [list(each.after.requests) for each in hearings(again, lambda _: sides)] == asked


def test_a_slice_holds_what_can_decide() -> None:
    """A slice has the levels on the screen, what levels contain there, and the roles of those asked about; no more."""
    made, sides = docket(ROWS, ROWS.replace(f"{TASK}, Read", f"{TASK}, Write"))
    [only] = hearings(made, lambda _: sides)
    assert [each for each in only.after.rows if each.kind in "pg"] == [
        row(f"p, role:Desk, hill, {TASK}, Write"),
        row("g, role:Desk, role:Portal, hill"),
        row("g, user:ann, role:Desk, hill"),
    ]
    assert {each.fields[2] for each in only.after.rows if each.kind == "g2"} == {TASK}
    assert ("user:lou", "hill", TASK, "respond") in only.after.requests
