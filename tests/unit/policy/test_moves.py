"""Moves: what is told of a change, and that no row of it is left out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policy.edits import (
    AddMember,
    AddRole,
    AnyEdit,
    DeleteRole,
    RemoveMember,
    RenameRole,
    SetLevel,
    carried_out,
)
from service.policy.moves import Fate, FileMove, LevelMove, Moved, Moves, RoleMoves, RuleMove, as_replaced, moves
from service.policy.practice import Practice
from service.values import Row
from tests.unit.site import LIST, ORDERS, TASK, row, some

HERE = "riverside"
NURSES = some(
    f"""role, riverside, role:Nurse
    role, riverside, role:Lead
    user, riverside, ann, Ann Alder, active
    user, riverside, cam, Cam Cole, active
    p, role:Nurse, riverside, {LIST}, Read
    p, role:Nurse, riverside, {TASK}, Write
    g, user:ann, role:Nurse, riverside
    g, role:Lead, role:Nurse, riverside"""
)


def told(*edits: AnyEdit) -> Moves:
    """What is told of these edits of the practice of nurses."""
    before = Practice.of(HERE, NURSES)
    after = carried_out(before, edits, ())
    return moves(after.rows - before.rows, before.rows - after.rows, HERE)


def only(found: Moves) -> RoleMoves:
    """The one role that a change is about."""
    (role,) = found.roles
    return role


def every(found: Moves) -> list[Moved]:
    """The rows that are kept, wherever they stand."""
    kept = [*found.shared, *found.others]
    for entry in (*found.roles, *found.users, *([found.practice] if found.practice else [])):
        kept += entry.rows
    return kept


@pytest.mark.parametrize(
    ("gone", "came"),
    [
        (f"p, role:Nurse, riverside, {LIST}, Write", f"p, role:Nurse, riverside, {LIST}, Read"),
        (f"p, role:Nurse, riverside, {LIST}, Write, allow", f"p, role:Nurse, riverside, {LIST}, Read, deny"),
        ("p, ann, report, read", "p, ann, report, edit"),
        ("p, ann, report, read, allow", "p, ann, report, edit, deny"),
        ("user, riverside, ann, Ann, inactive", "user, riverside, ann, Ann, active"),
    ],
)
def test_a_row_stands_below_the_one_that_it_replaces(gone: str, came: str) -> None:
    """Although it would come before it by its letters, and whatever folder it is of."""
    moved = [Moved(True, row(came)), Moved(False, row(gone))]
    assert [move.added for move in sorted(moved, key=as_replaced)] == [False, True]


def test_a_level_that_was_replaced_is_one_move() -> None:
    """From what it was to what it is, with both rows."""
    role = only(told(SetLevel("Nurse", LIST, "Write")))
    assert role.levels == (LevelMove(LIST, "Read", "Write"),)
    assert [move.added for move in role.rows] == [False, True]
    assert (role.fate, role.was, role.joined) == (Fate.KEPT, "", ())


@pytest.mark.parametrize(
    ("edit", "move"),
    [
        (SetLevel("Nurse", ORDERS, "Read"), LevelMove(ORDERS, "Off", "Read")),
        (SetLevel("Nurse", LIST, "Off"), LevelMove(LIST, "Read", "Off")),
    ],
)
def test_no_row_is_off(edit: SetLevel, move: LevelMove) -> None:
    """Before or after, as people call it."""
    assert only(told(edit)).levels == (move,)


def test_members_stand_with_their_role() -> None:
    """Who joined and who left, by id."""
    role = only(told(AddMember("Nurse", "cam"), RemoveMember("Nurse", "ann")))
    assert (role.name, role.joined, role.left) == ("Nurse", ("cam",), ("ann",))


def test_a_renamed_role_is_one_role() -> None:
    """Under its new name, with nothing else said of it: its levels and members are what they were."""
    found = told(RenameRole("Nurse", "Nurses"))
    lead, nurses = found.roles
    assert (nurses.name, nurses.was, nurses.fate) == ("Nurses", "Nurse", Fate.KEPT)
    assert (nurses.levels, nurses.joined, nurses.left) == ((), (), ())
    assert len(nurses.rows) == 8
    # The row of the role that is within it names it, and says nothing new.
    assert (lead.name, lead.within, lead.without, len(lead.rows)) == ("Lead", (), (), 2)


def test_what_else_became_of_a_renamed_role_is_told() -> None:
    """Under its new name."""
    role = told(RenameRole("Nurse", "Nurses"), SetLevel("Nurses", LIST, "Off"), AddMember("Nurses", "cam")).roles[1]
    assert (role.was, role.levels, role.joined) == ("Nurse", (LevelMove(LIST, "Read", "Off"),), ("cam",))


def test_a_role_gone_and_another_one_come_are_two() -> None:
    """Where they have nothing in common."""
    found = told(DeleteRole("Nurse"), AddRole("Porter"), SetLevel("Porter", ORDERS, "Read"))
    assert [(role.name, role.fate) for role in found.roles] == [
        ("Lead", Fate.KEPT),
        ("Nurse", Fate.REMOVED),
        ("Porter", Fate.ADDED),
    ]
    assert found.roles[0].without == ("Nurse",)
    assert found.roles[1].levels == (LevelMove(TASK, "Write", "Off"), LevelMove(LIST, "Read", "Off"))


def test_the_most_alike_role_is_the_renamed_one() -> None:
    """A copy that has less of it is a new role."""
    found = told(AddRole("Copy", like="Nurse"), RenameRole("Nurse", "Nurses"))
    assert [(role.name, role.was, role.fate) for role in found.roles] == [
        ("Copy", "", Fate.ADDED),
        ("Lead", "", Fate.KEPT),
        ("Nurses", "Nurse", Fate.KEPT),
    ]


@pytest.mark.parametrize(
    ("went", "came", "fate", "was", "active"),
    [
        ("", "Zoe Zander, active", Fate.ADDED, "", None),
        ("", "Zoe Zander, inactive", Fate.ADDED, "", False),
        ("Zoe Zander, active", "", Fate.REMOVED, "", None),
        ("Zoe Zinn, active", "Zoe Zander, active", Fate.KEPT, "Zoe Zinn", None),
        ("Zoe Zander, active", "Zoe Zander, inactive", Fate.KEPT, "", False),
        ("Zoe Zinn, inactive", "Zoe Zander, active", Fate.KEPT, "Zoe Zinn", True),
    ],
)
def test_a_person(went: str, came: str, fate: Fate, was: str, active: bool | None) -> None:
    """Added, removed, renamed, made active or inactive."""
    rows = [some(f"user, riverside, zoe, {text}" if text else "") for text in (came, went)]
    (user,) = moves(*rows, HERE).users
    assert (user.user, user.name, user.fate, user.was, user.active) == ("zoe", "Zoe Zander", fate, was, active)


def test_a_practice() -> None:
    """Added, or renamed."""
    new, old = some("practice, riverside, Riverside"), some("practice, riverside, River")
    added, renamed = moves(new, (), HERE).practice, moves(new, old, HERE).practice
    assert added is not None
    assert renamed is not None
    assert (added.name, added.fate, added.was) == ("Riverside", Fate.ADDED, "")
    assert (renamed.name, renamed.fate, renamed.was) == ("Riverside", Fate.KEPT, "River")


def test_what_all_practices_share() -> None:
    """Files by what became of them, and rules by screen."""
    rule = f"g2, view, Read, {ORDERS}"
    found = moves(some(f"file, a, 1\nfile, b, 2\n{rule}"), some("file, a, 0\nfile, c, 3"), HERE)
    assert found.files == (FileMove("a", Fate.KEPT), FileMove("b", Fate.ADDED), FileMove("c", Fate.REMOVED))
    assert found.rules == (RuleMove(ORDERS, "view", "Read", added=True),)


def test_nothing_of_another_practice() -> None:
    """Its rows are as if they were not there."""
    assert not moves(some("user, lakeside, ann, Ann Archer, active\ng, user:ann, role:Biller, lakeside"), (), HERE)


def test_a_row_of_a_kind_that_is_not_known() -> None:
    """Is kept, so that it can be shown."""
    strange = row("p, user:ann, riverside, Task - Orders, Read")
    assert moves([strange], (), HERE).others == (Moved(True, strange),)


def test_a_level_with_an_effect_of_its_own() -> None:
    """What a row denies is told as that, beside the level that another row gives there."""
    rows = ("Write, allow", "Update, deny", "Read, deny")
    role = only(moves([row(f"p, role:Nurse, riverside, {TASK}, {said}") for said in rows], (), HERE))
    assert role.levels == (
        LevelMove(TASK, "Off", "Write"),
        LevelMove(TASK, "Off", "Read (deny)"),
        LevelMove(TASK, "Off", "Update (deny)"),
    )


ROLES = st.sampled_from(["role:A", "role:B", "role:C"])
USERS = st.sampled_from(["user:ann", "user:cam"])
ROWS = st.one_of(
    st.tuples(st.just("p"), st.tuples(ROLES, st.just(HERE), st.sampled_from([LIST, TASK]), st.just("Read"))),
    st.tuples(st.just("g"), st.tuples(st.one_of(USERS, ROLES), ROLES, st.just(HERE))),
    st.tuples(st.just("role"), st.tuples(st.just(HERE), ROLES)),
    st.tuples(st.just("user"), st.tuples(st.just(HERE), st.just("ann"), st.just("Ann"), st.just("active"))),
    st.tuples(st.just("file"), st.tuples(st.just("a"), st.just("1"))),
    st.tuples(st.just("g2"), st.tuples(st.just("view"), st.just("Read"), st.just(ORDERS))),
).map(lambda made: Row(*made))


@given(st.frozensets(ROWS), st.frozensets(ROWS))
def test_no_row_is_left_out(added: frozenset[Row], removed: frozenset[Row]) -> None:
    """Each stands in exactly one entry, whatever came and went."""
    went = [Moved(True, each) for each in added] + [Moved(False, each) for each in removed]
    assert Counter(every(moves(added, removed, HERE))) == Counter(went)
