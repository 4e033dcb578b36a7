"""What was typed into a form, as edits. A field that does not hold is a problem of that field, with words for it.

Forms are written so that a stale page cannot undo what was changed elsewhere: beside each level and each tick stands
what it was when the page was drawn (`was/...`), and only what the person changed becomes an edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from service.errors import BadRequest
from service.exchange import Fields
from service.policy import edits as editing
from service.policy.edits import AddMember, AddRole, AnyEdit, Edits, RemoveMember, SetActive, SetLevel
from service.policy.practice import Practice
from service.policy.rows import LONGEST_NAME, name_problem
from service.values import ROLE_PREFIX, USER_PREFIX

WAS = "was/"
LEVEL = "level/"
HAS = "has/"


class Problem(NamedTuple):
    """What does not hold in a form: the id of the field to go to, and what to do, in a sentence."""

    field: str
    words: str


def edits(form: Fields) -> Edits:
    """What a button carries: edits as they are kept. BadRequest for anything else."""
    try:
        return tuple(edit for text in form.every("edits") for edit in editing.parsed(text))
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest("the button does not say what it does") from error


def as_field(*wanted: AnyEdit) -> str:
    """Edits as a button carries them."""
    return editing.dumped(wanted)


def levels_on_screen(form: Fields) -> Edits:
    """The levels of roles on one screen that were changed."""
    screen = form.one("screen")
    return tuple(SetLevel(role, screen, level) for role, level in _changed(form, LEVEL))


def levels_of_role(form: Fields) -> Edits:
    """The levels of one role on screens that were changed."""
    role = form.one("role")
    return tuple(SetLevel(role, screen, level) for screen, level in _changed(form, LEVEL))


def roles_of_user(form: Fields) -> Edits:
    """The ticks beside roles that were set or taken away."""
    user = form.one("user")
    ticked = {name.removeprefix(HAS) for name, _ in form if name.startswith(HAS)}
    found: list[AnyEdit] = []
    for name, was in form:
        role = name.removeprefix(WAS)
        if role != name and (role in ticked) != (was == "1"):
            found.append(AddMember(role, user) if role in ticked else RemoveMember(role, user))
    return tuple(found)


def members(form: Fields) -> Edits:
    """Everybody who was picked, into one role."""
    return tuple(AddMember(form.one("role"), user) for user in dict.fromkeys(form.every("pick")))


def roles(form: Fields) -> Edits:
    """One user into every role that was picked."""
    return tuple(AddMember(role, form.one("user")) for role in dict.fromkeys(form.every("pick")))


def new_role(form: Fields, practice: Practice) -> tuple[Edits, list[Problem]]:
    """A role with what it begins with (a template, or the levels of another role), and those carried over."""
    role, begins = form.one("name").strip(), form.one("begins")
    problems = name_of_role("name", role, practice)
    kind, _, source = begins.partition("/")
    if problems:
        return (), problems
    made = AddRole(role, template=source if kind == "template" else "", like=source if kind == "role" else "")
    return (made, *(AddMember(role, user) for user in dict.fromkeys(form.every("pick")))), []


def name_of_role(field: str, name: str, practice: Practice) -> list[Problem]:
    """Why this cannot be the name of a further role."""
    if words := _unfit(name):
        return [Problem(field, words)]
    if same := _same(name, practice.roles):
        return [Problem(field, f"There is a role “{same}” already. Choose another name.")]
    return []


def new_user(form: Fields, practice: Practice) -> tuple[Edits, list[Problem]]:
    """A user of the directory."""
    user, name = form.one("user").strip(), form.one("name").strip()
    problems = id_of_user("user", user, practice) + name_of_user("name", name)
    return ((editing.AddUser(user, name),) if not problems else ()), problems


def id_of_user(field: str, user: str, practice: Practice) -> list[Problem]:
    """Why this cannot be the id of a further user."""
    if words := _unfit(user, "User ID"):
        return [Problem(field, words)]
    if same := _same(user, practice.users):
        return [Problem(field, f"There is a user with the User ID “{same}” already. Choose another one.")]
    return []


def name_of_user(field: str, name: str) -> list[Problem]:
    """Why this cannot be the name of a user."""
    words = _unfit(name)
    return [Problem(field, words)] if words else []


def leaver(practice: Practice, user: str, *, inactive: bool) -> Edits:
    """Out of every role and, where that may be, inactive: what is left of somebody who has left."""
    out: tuple[AnyEdit, ...] = tuple(RemoveMember(role, user) for role in practice.roles_of(user))
    known = practice.users.get(user)
    return (*out, SetActive(user, False)) if inactive and known and known.active else out


def _changed(form: Fields, prefix: str) -> Iterator[tuple[str, str]]:
    """Each name and new value of a field that is another than it was. A field that says nothing of that is as new."""
    was = {name.removeprefix(WAS): value for name, value in form if name.startswith(WAS)}
    for name, value in form:
        if name.startswith(prefix) and was.get(name.removeprefix(prefix)) != value:
            yield name.removeprefix(prefix), value


def _unfit(name: str, called: str = "name") -> str:
    """Why this cannot be a name at all, in a sentence."""
    problem = name_problem(name)
    if problem is None:
        starts = next((prefix for prefix in (USER_PREFIX, ROLE_PREFIX) if name.startswith(prefix)), "")
        return f"A {called} cannot begin with “{starts}”." if starts else ""
    return _UNFIT[problem[0]].format(called)


_UNFIT = {
    "field-empty": "Write a {}.",
    "hidden-character": "This has a character that cannot be seen. Type it anew, without copying it.",
    "name-blank": "A {} cannot begin or end with a blank.",
    "name-too-long": f"This is too long. Use at most {LONGEST_NAME} characters.",
}


def _same(name: str, known: Iterable[str]) -> str:
    """The known name that people would take for this one: capitals apart, it is the same."""
    folded = name.casefold()
    return next((other for other in known if other.casefold() == folded), "")
