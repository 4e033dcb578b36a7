"""Folding: what is left of a draft when somebody changes their mind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ChangeRefused
from service.policy.edits import (
    AddMember,
    AddRole,
    AddUser,
    AnyEdit,
    DeleteRole,
    Edits,
    RemoveMember,
    RenameRole,
    SetActive,
    SetLevel,
    carried_out,
)
from service.policy.practice import Practice
from service.ui.folding import folded, without
from tests.unit.site import LIST, TASK, some

BEFORE = Practice.of(
    "riverside",
    some(
        f"""practice, riverside, Riverside
        user, riverside, ann, Ann Alder, active
        user, riverside, cam, Cam Cole, active
        role, riverside, role:Nurse
        p, role:Nurse, riverside, {LIST}, Read
        g, user:ann, role:Nurse, riverside"""
    ),
)


def fold(*edits: AnyEdit) -> Edits:
    """A draft of these edits, folded."""
    return folded(BEFORE, edits, ())


@pytest.mark.parametrize(
    ("edits", "left"),
    [
        ((SetLevel("Nurse", TASK, "Read"), SetLevel("Nurse", TASK, "Write")), (SetLevel("Nurse", TASK, "Write"),)),
        ((SetLevel("Nurse", LIST, "Write"), SetLevel("Nurse", LIST, "Read")), ()),
        ((AddMember("Nurse", "cam"), RemoveMember("Nurse", "cam")), ()),
        ((RemoveMember("Nurse", "ann"), AddMember("Nurse", "ann")), ()),
        ((SetActive("ann", False), SetActive("ann", True)), ()),
        ((AddMember("Nurse", "ann"),), ()),
        ((AddRole("New"), SetLevel("New", TASK, "Write"), AddMember("New", "cam"), DeleteRole("New")), ()),
        ((AddRole("New"), SetLevel("New", TASK, "Read"), SetLevel("New", TASK, "Off")), (AddRole("New"),)),
    ],
)
def test_cancels(edits: Edits, left: Edits) -> None:
    """What was taken back, said twice or is so already is not in the draft any more."""
    assert fold(*edits) == left


def test_names_keep_their_side() -> None:
    """An edit stays on its side of a rename or a copy, where its names mean what they meant."""
    swapped = (
        SetLevel("Nurse", TASK, "Write"),
        RenameRole("Nurse", "Ward"),
        AddRole("Nurse"),
        SetLevel("Nurse", TASK, "Read"),
    )
    copied = (SetLevel("Nurse", TASK, "Write"), AddRole("Copy", like="Nurse"), SetLevel("Nurse", TASK, "Off"))
    for edits in (swapped, copied):
        assert carried_out(BEFORE, fold(*edits), ()).rows == carried_out(BEFORE, edits, ()).rows


def test_what_cannot_be_stays() -> None:
    """An edit that cannot be carried out is not dropped silently: whoever carries the draft out is told."""
    left = fold(AddMember("Nurse", "cam"), AddMember("Gone", "cam"))
    with pytest.raises(ChangeRefused, match="no role `Gone`"):
        carried_out(BEFORE, left, ())


def test_taking_one_back() -> None:
    """With an edit goes what cannot be without it, and nothing else."""
    edits = (AddRole("New"), SetLevel("New", TASK, "Write"), AddUser("dee", "Dee Dale"), AddMember("New", "dee"))
    assert without(BEFORE, edits, 0, ()) == (AddUser("dee", "Dee Dale"),)
    assert without(BEFORE, edits, 1, ()) == (edits[0], *edits[2:])
    assert without(BEFORE, edits, 9, ()) == edits


ROLES = st.sampled_from(["Nurse", "Ward", "New"])
USERS = st.sampled_from(["ann", "cam"])
ANY = st.one_of(
    st.builds(SetLevel, ROLES, st.sampled_from([LIST, TASK]), st.sampled_from(["Off", "Read", "Write"])),
    st.builds(AddMember, ROLES, USERS),
    st.builds(RemoveMember, ROLES, USERS),
    st.builds(AddRole, ROLES, st.just(""), st.sampled_from(["", "Nurse"])),
    st.builds(RenameRole, ROLES, ROLES),
    st.builds(DeleteRole, ROLES),
    st.builds(SetActive, USERS, st.booleans()),
)


@given(st.lists(ANY, max_size=8))
def test_folding_changes_no_meaning(edits: list[AnyEdit]) -> None:
    """Whatever can be carried out comes out the same, folded step by step as a person makes it."""
    done: list[AnyEdit] = []
    draft: Edits = ()
    for edit in edits:
        try:
            carried_out(BEFORE, (*done, edit), ())
        except ChangeRefused:
            continue
        done.append(edit)
        draft = folded(BEFORE, (*draft, edit), ())
    assert carried_out(BEFORE, draft, ()).rows == carried_out(BEFORE, done, ()).rows
    assert len(draft) <= len(done)
