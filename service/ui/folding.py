"""Folding a draft: what cancels out or was said twice is said once, and what is so already is not said.

Pure. A draft then reads like what somebody wants, however often they changed their mind; and what is left of it when
one edit is taken back still holds together.
"""

from __future__ import annotations

from collections.abc import Iterable

from service.errors import ChangeRefused
from service.policy.edits import (
    AddMember,
    AddRole,
    AnyEdit,
    DeleteRole,
    Edits,
    RemoveMember,
    RenameRole,
    RenameUser,
    SetActive,
    SetLevel,
    carried_out,
)
from service.policy.practice import Practice
from service.values import Row


def folded(practice: Practice, edits: Iterable[AnyEdit], templates: Iterable[Row]) -> Edits:
    """The same wish with fewer words. What cannot be carried out stays, so that it is refused by name."""
    known, said = tuple(templates), _said_once(edits)
    needed: list[AnyEdit] = []
    for at, edit in enumerate(said):
        try:
            next_ = carried_out(practice, (edit,), known)
        except ChangeRefused:
            return (*needed, *said[at:])
        if next_.rows != practice.rows:
            needed.append(edit)
            practice = next_
    return tuple(needed)


def without(practice: Practice, edits: Edits, at: int, templates: Iterable[Row]) -> Edits:
    """A draft with one edit taken back, and whatever cannot be carried out without it."""
    known, left = tuple(templates), []
    for edit in (*edits[:at], *edits[at + 1 :]):
        try:
            practice = carried_out(practice, (edit,), known)
        except ChangeRefused:
            continue
        left.append(edit)
    return tuple(left)


def _said_once(edits: Iterable[AnyEdit]) -> Edits:
    """Of edits about the same thing, the last one, at the place of the last one."""
    said: dict[object, AnyEdit] = {}
    names = 0  # how often names came to mean something else: an edit stays on its side of that
    for number, edit in enumerate(edits):
        if isinstance(edit, DeleteRole) and _is_new(edit.role, said.values()):
            said = {key: other for key, other in said.items() if edit.role not in _roles(other)}
            continue
        names += isinstance(edit, RenameRole | DeleteRole) or (isinstance(edit, AddRole) and edit.like != "")
        about = _about(edit)
        key = number if about is None else (names, about)
        said.pop(key, None)
        said[key] = edit
    return tuple(said.values())


def _about(edit: AnyEdit) -> object:
    """What an edit is about, where a later one about the same makes it void; None where there is no such thing."""
    match edit:
        case SetLevel():
            return "level", edit.role, edit.screen
        case AddMember() | RemoveMember():
            return "member", edit.role, edit.user
        case SetActive():
            return "active", edit.user
        case RenameUser():
            return "name", edit.user
        case _:
            return None


def _is_new(role: str, said: Iterable[AnyEdit]) -> bool:
    """Whether the draft itself made the role, and did nothing with its name or its levels elsewhere."""
    others = [edit for edit in said if role in _roles(edit)]
    made = any(isinstance(edit, AddRole) and edit.role == role for edit in others)
    return made and not any(
        isinstance(edit, RenameRole | DeleteRole) or (isinstance(edit, AddRole) and edit.like == role)
        for edit in others
    )


def _roles(edit: AnyEdit) -> tuple[str, ...]:
    return tuple(getattr(edit, name) for name in ("role", "to", "like") if hasattr(edit, name))
