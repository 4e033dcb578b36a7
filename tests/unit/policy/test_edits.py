"""Edits: what they make of rows, and which of them cannot be."""

import msgspec
import pytest

from service.errors import ChangeRefused
from service.policy import edits
from service.policy.edits import (
    AddMember,
    AddRole,
    AddUser,
    AnyEdit,
    DeleteRole,
    RemoveMember,
    RenamePractice,
    RenameRole,
    RenameUser,
    SetActive,
    SetLevel,
    carried_out,
)
from service.policy.practice import Practice
from tests.unit.site import LIST, TASK, some

ROWS = some(
    f"""practice, riverside, Riverside
    user, riverside, ann, Ann Alder, active
    user, riverside, cam, Cam Cole, active
    role, riverside, role:Nurse
    role, riverside, role:Lead
    p, role:Nurse, riverside, {LIST}, Read
    g, user:ann, role:Nurse, riverside
    g, role:Lead, role:Nurse, riverside"""
)
TEMPLATES = some(f"p, role:Full, template, {LIST}, Write\np, role:Full, template, {TASK}, Write")


def changed(*wanted: AnyEdit) -> tuple[str, str]:
    """The rows that edits add and remove, as text."""
    before = Practice.of("riverside", ROWS)
    after = carried_out(before, wanted, TEMPLATES)
    added, removed = sorted(after.rows - before.rows), sorted(before.rows - after.rows)
    return tuple("; ".join(", ".join((row.kind, *row.fields)) for row in rows) for rows in (added, removed))  # type: ignore[return-value]


DENYING = some(
    f"""practice, riverside, Riverside
    role, riverside, role:Nurse
    p, role:Nurse, riverside, {LIST}, Read, deny
    p, role:Nurse, riverside, {TASK}, Write, allow"""
)


@pytest.mark.parametrize(
    ("edit", "added", "removed"),
    [
        (SetLevel("Nurse", LIST, "Write"), f"role:Nurse, riverside, {LIST}, Write, allow", ""),
        (SetLevel("Nurse", LIST, "Off"), "", ""),
        (SetLevel("Nurse", TASK, "Write"), "", ""),
        (SetLevel("Nurse", TASK, "Off"), "", f"role:Nurse, riverside, {TASK}, Write, allow"),
        (
            SetLevel("Nurse", TASK, "Read"),
            f"role:Nurse, riverside, {TASK}, Read, allow",
            f"role:Nurse, riverside, {TASK}, Write, allow",
        ),
    ],
)
def test_levels_where_rows_deny(edit: AnyEdit, added: str, removed: str) -> None:
    """What is given says so, as the rows that are there do; what is denied stays."""
    before = Practice.of("riverside", DENYING)
    after = carried_out(before, [edit], ())
    for rows, wanted in ((after.rows - before.rows, added), (before.rows - after.rows, removed)):
        assert ["p, " + ", ".join(row.fields) for row in rows] == ([f"p, {wanted}"] if wanted else [])


def test_the_first_level_where_rows_deny() -> None:
    """Where the practice has no level yet, the templates tell that rows say what they do."""
    bare = Practice.of("riverside", some("role, riverside, role:Nurse"))
    full = some(f"p, role:Full, template, {LIST}, Write, allow")
    [made] = carried_out(bare, [SetLevel("Nurse", LIST, "Read")], full).rows - bare.rows
    assert made.fields[3:] == ("Read", "allow")


@pytest.mark.parametrize(
    ("edit", "added", "removed"),
    [
        (SetLevel("Nurse", TASK, "Write"), f"p, role:Nurse, riverside, {TASK}, Write", ""),
        (
            SetLevel("Nurse", LIST, "Write"),
            f"p, role:Nurse, riverside, {LIST}, Write",
            f"p, role:Nurse, riverside, {LIST}, Read",
        ),
        (SetLevel("Nurse", LIST, "Off"), "", f"p, role:Nurse, riverside, {LIST}, Read"),
        (SetLevel("Nurse", LIST, "Read"), "", ""),
        (SetLevel("Lead", LIST, "Off"), "", ""),
        (AddMember("Nurse", "cam"), "g, user:cam, role:Nurse, riverside", ""),
        (AddMember("Nurse", "ann"), "", ""),
        (RemoveMember("Nurse", "ann"), "", "g, user:ann, role:Nurse, riverside"),
        (RemoveMember("Nurse", "cam"), "", ""),
        (AddRole("New"), "role, riverside, role:New", ""),
        (
            AddRole("New", template="Full"),
            f"p, role:New, riverside, {TASK}, Write; p, role:New, riverside, {LIST}, Write; role, riverside, role:New",
            "",
        ),
        (
            AddRole("Two", like="Nurse"),
            f"p, role:Two, riverside, {LIST}, Read; role, riverside, role:Two",
            "",
        ),
        (AddUser("zoe", "Zoe"), "user, riverside, zoe, Zoe, active", ""),
        (
            RenameUser("ann", "Ann Ash"),
            "user, riverside, ann, Ann Ash, active",
            "user, riverside, ann, Ann Alder, active",
        ),
        (
            SetActive("ann", active=False),
            "user, riverside, ann, Ann Alder, inactive",
            "user, riverside, ann, Ann Alder, active",
        ),
        (SetActive("ann", active=True), "", ""),
        (RenamePractice("River"), "practice, riverside, River", "practice, riverside, Riverside"),
    ],
)
def test_an_edit(edit: AnyEdit, added: str, removed: str) -> None:
    """An edit changes the rows that it speaks of and no other; where it is so already, none."""
    assert changed(edit) == (added, removed)
    assert changed(edit) == changed(edit, *([] if isinstance(edit, AddRole | AddUser) else [edit]))


def test_a_renamed_role_keeps_everything() -> None:
    """Levels, members, and the roles within it go with a role that is renamed; nothing of the old name stays."""
    after = carried_out(Practice.of("riverside", ROWS), [RenameRole("Nurse", "RN")], ())
    assert after.roles["RN"]._replace(name="Nurse") == Practice.of("riverside", ROWS).roles["Nurse"]
    assert (after.roles["Lead"].within, "Nurse" in after.roles) == ({"RN"}, False)


def test_a_deleted_role_leaves_nothing() -> None:
    """No row names a role that was deleted."""
    after = carried_out(Practice.of("riverside", ROWS), [DeleteRole("Nurse")], ())
    assert not [row for row in after.rows if "role:Nurse" in row.fields]
    assert set(after.roles) == {"Lead"}


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (SetLevel("Nobody", LIST, "Read"), "role-unknown"),
        (AddMember("Nobody", "ann"), "role-unknown"),
        (AddMember("Nurse", "zoe"), "user-unknown"),
        (AddRole("Nurse"), "role-exists"),
        (AddRole("New", template="None"), "template-unknown"),
        (AddRole("New", like="None"), "role-unknown"),
        (RenameRole("Nurse", "Lead"), "role-exists"),
        (DeleteRole("None"), "role-unknown"),
        (AddUser("ann", "Ann"), "user-exists"),
        (SetActive("zoe", active=True), "user-unknown"),
        (RenameUser("zoe", "Zoe"), "user-unknown"),
    ],
)
def test_what_cannot_be(edit: AnyEdit, rule: str) -> None:
    """An edit of what is not there, or to what is there already, is refused by its rule."""
    with pytest.raises(ChangeRefused) as refused:
        changed(edit)
    assert refused.value.rule == rule


def test_edits_as_json() -> None:
    """Edits come back from their JSON as they were."""
    wanted = (SetLevel("Nurse", LIST, "Write"), AddUser("zoe", 'Zoe "Z" <script>'), SetActive("ann", active=False))
    assert edits.parsed(edits.dumped(wanted)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[{}]",
        '[{"edit": "grant", "role": "Nurse"}]',
        '[{"edit": "add_member", "role": "Nurse"}]',
        '[{"edit": "add_member", "role": "Nurse", "user": 1}]',
        '[{"edit": "add_member", "role": "Nurse", "user": "ann", "practice": "lakeside"}]',
        '[{"edit": "add_member", "role": "Nurse", "user": "ann"}] x',
    ],
)
def test_json_that_is_no_edits(text: str) -> None:
    """What is not exactly a list of edits is refused: nothing is guessed, and no field is passed over."""
    with pytest.raises(msgspec.ValidationError if not text.endswith("x") else msgspec.DecodeError):
        edits.parsed(text)
