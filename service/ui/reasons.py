"""What a user can do and why, sentence by sentence."""

from __future__ import annotations

from typing import NamedTuple

from service.ui.sheet import Sheet


class Ability(NamedTuple):
    """Something that a user can do, with the roles by which they can."""

    words: str
    why: tuple[str, ...]


def abilities(sheet: Sheet, user: str) -> list[Ability]:
    """Everything that a user can do, with what is not saved yet."""
    known = sheet.after.users[user]
    if not known.active:
        return []
    reached = sheet.after.reached_by(user)
    found = []
    for name, screen in sheet.read.catalog.screens.items():
        for action, phrase in screen.actions.items():
            why = [
                f"{role} has {sheet.after.level(role, name)} on {name}"
                for role in sorted(reached)
                if action in sheet.known.granted.get((name, sheet.after.level(role, name)), ())
            ]
            if why:
                found.append(Ability(phrase, tuple(why)))
    return found
