"""Typed: what the fields of a form become, and which of them do not hold."""

import pytest

from service.errors import BadRequest
from service.exchange import Fields
from service.policy.edits import AddMember, AddRole, AddUser, RemoveMember, SetActive, SetLevel
from service.policy.practice import Practice
from service.ui import typed
from tests.unit.site import LIST, TASK, some

PRACTICE = Practice.of(
    "riverside",
    some(
        """practice, riverside, Riverside
        user, riverside, ann, Ann Alder, active
        user, riverside, lou, Lou Lark, inactive
        role, riverside, role:Nurse
        role, riverside, role:Ward
        g, user:ann, role:Nurse, riverside
        g, user:ann, role:Ward, riverside
        g, user:lou, role:Ward, riverside"""
    ),
)


def form(*pairs: tuple[str, str]) -> Fields:
    """A form with these fields."""
    return Fields(pairs)


def test_levels_that_were_changed() -> None:
    """Only a level that is another than when the page was drawn is an edit: a stale page undoes nothing."""
    changed, same = (("was/Nurse", "Off"), ("level/Nurse", "Write")), (("was/W", "Read"), ("level/W", "Read"))
    filled = form(("screen", TASK), *changed, *same)
    assert typed.levels_on_screen(filled) == (SetLevel("Nurse", TASK, "Write"),)
    filled = form(("role", "Nurse"), (f"was/{LIST}", "Off"), (f"level/{LIST}", "Read"))
    assert typed.levels_of_role(filled) == (SetLevel("Nurse", LIST, "Read"),)


def test_names_with_any_sign() -> None:
    """A role may be called anything, the marks of our own fields among it."""
    odd = 'was/level/"<b>&=;'
    assert typed.levels_on_screen(form(("screen", TASK), (f"level/{odd}", "Read"))) == (SetLevel(odd, TASK, "Read"),)


def test_ticks_that_were_changed() -> None:
    """A tick that was set or taken away is an edit; a role that the page did not show is left alone."""
    was = (("was/Nurse", "1"), ("was/Ward", "1"), ("was/New", "0"))
    filled = form(("user", "ann"), *was, ("has/Ward", "1"), ("has/New", "1"))
    assert typed.roles_of_user(filled) == (RemoveMember("Nurse", "ann"), AddMember("New", "ann"))


def test_several_people() -> None:
    """Everybody who is ticked, once each."""
    filled = form(("role", "Nurse"), ("pick", "cam"), ("pick", "dee"), ("pick", "cam"))
    assert typed.members(filled) == (AddMember("Nurse", "cam"), AddMember("Nurse", "dee"))


@pytest.mark.parametrize(
    "text", ["", "no", "{}", '[{"edit":"drop_store"}]', '[{"edit":"add_member","role":"x"}]', "[1]"]
)
def test_a_button_that_lies(text: str) -> None:
    """A button can carry edits and nothing else."""
    with pytest.raises(BadRequest, match="does not say what it does"):
        typed.edits(form(("edits", text)))


def test_a_button() -> None:
    """What a button carries comes back as it was put in."""
    edits = (AddRole('a"<'), AddMember('a"<', "ann"))
    assert typed.edits(form(("edits", typed.as_field(*edits)))) == edits


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Write a name."),
        ("x" * 256, "This is too long. Use at most 255 characters."),
        ("a\u202eb", "This has a character that cannot be seen. Type it anew, without copying it."),
        ("a\nb", "This has a character that cannot be seen. Type it anew, without copying it."),
        ("role:Nurse", "A name cannot begin with “role:”."),
        ("nurse", "There is a role “Nurse” already. Choose another name."),
    ],
)
def test_a_name_that_does_not_hold(name: str, words: str) -> None:
    """Each name that cannot be says why, at its field."""
    assert typed.name_of_role("to", name, PRACTICE) == [("to", words)]


def test_a_new_role() -> None:
    """A role begins with a template or another role; those who were ticked are carried over."""
    filled = form(("name", " Lead "), ("begins", "role/a/b"), ("pick", "ann"))
    assert typed.new_role(filled, PRACTICE) == ((AddRole("Lead", like="a/b"), AddMember("Lead", "ann")), [])
    filled = form(("name", "Lead"), ("begins", "template/T"))
    assert typed.new_role(filled, PRACTICE) == ((AddRole("Lead", template="T"),), [])
    assert typed.new_role(form(("name", "Lead")), PRACTICE)[0] == (AddRole("Lead"),)


def test_a_new_user() -> None:
    """Id and name, each judged; an id that differs in capitals alone is taken."""
    assert typed.new_user(form(("user", "dee"), ("name", "Dee Dale")), PRACTICE) == ((AddUser("dee", "Dee Dale"),), [])
    edits, problems = typed.new_user(form(("user", "ANN"), ("name", "")), PRACTICE)
    assert edits == ()
    assert [problem.field for problem in problems] == ["user", "name"]


def test_a_leaver() -> None:
    """Out of every role, and inactive where the person may do that; who has nothing left needs nothing."""
    out = (RemoveMember("Nurse", "ann"), RemoveMember("Ward", "ann"))
    assert typed.leaver(PRACTICE, "ann", inactive=False) == out
    assert typed.leaver(PRACTICE, "ann", inactive=True) == (*out, SetActive("ann", False))
    assert typed.leaver(PRACTICE, "lou", inactive=True) == (RemoveMember("Ward", "lou"),)
