"""The effect of a draft in sentences: who will be able to do what, who no longer, and what did not work as meant.

Pure. Every flip of the effect is in one of the sentences; those of one person and one direction stand in one. Names are
isolated (`telling.isolated`), so that one in Arabic turns no sentence around.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from service.policy import profiles
from service.policy.edits import AddMember, RemoveMember
from service.policy.practice import Practice
from service.policy.profiles import Pair
from service.ui import portal, telling, typed
from service.ui.sheet import Sheet

Granted = tuple[str, str]
"""Something that can be allowed, as (screen, action)."""


class Said(NamedTuple):
    """A sentence about somebody. `why`: the rows responsible, in words."""

    words: str
    gained: bool
    why: tuple[str, ...] = ()


class Warned(NamedTuple):
    """Something that did not work as meant. `edits`: what the button does; empty where there is none."""

    words: str
    button: str = ""
    edits: str = ""


def sentences(sheet: Sheet) -> tuple[Said, ...]:
    """A sentence for each person who loses or gains; those who lose stand first, and people by name."""
    effect = sheet.preview.rehearsal.effect if sheet.preview.rehearsal else None
    flips: dict[tuple[bool, str], set[Granted]] = defaultdict(set)
    for flip in effect.flips if effect else ():
        flips[flip.gained, flip.user].add((flip.screen, flip.action))

    def by_name(entry: tuple[bool, str]) -> tuple[bool, str, str]:
        gained, user = entry
        return gained, (sheet.after if gained else sheet.before).called(user).casefold(), user

    return tuple(
        _sentence(sheet, user, flips[gained, user], gained=gained) for gained, user in sorted(flips, key=by_name)
    )


def _sentence(sheet: Sheet, user: str, granted: set[Granted], *, gained: bool) -> Said:
    practice = sheet.after if gained else sheet.before
    who = telling.isolated(practice.called(user))
    will = "will be able to" if gained else "will no longer be able to"
    words = f"{who} {will} {_listed(_phrases(sheet, granted, who, user))}."
    if not gained and _keeps_messages(sheet, user, granted):
        words += f" {who} can still open and answer messages forwarded to {who}."
    return Said(words, gained, tuple(_why(sheet, practice, user, granted, "has" if gained else "had")))


def _phrases(sheet: Sheet, granted: set[Granted], who: str, user: str) -> list[str]:
    """What is gained or lost, in the words of the catalog; forwarded messages are called so."""
    left, phrases = set(granted), []
    pair, screens = profiles.pair(sheet.read.catalog), sheet.read.catalog.screens
    if pair is not None:
        messages = {(pair.messages, action) for action in screens[pair.messages].actions}
        if messages <= left and not _has_queue(sheet, pair, user):
            phrases.append(f"open and answer messages forwarded to {who}")
            left -= messages
    return phrases + [
        words for name, screen in screens.items() for action, words in screen.actions.items() if (name, action) in left
    ]


def _has_queue(sheet: Sheet, pair: Pair, user: str) -> bool:
    """Whether somebody can open the queue before or after: their messages are then more than forwarded ones."""
    return any(
        practice.level(role, pair.queue) != "Off"
        for practice in (sheet.before, sheet.after)
        for role in practice.reached_by(user)
    )


def _keeps_messages(sheet: Sheet, user: str, granted: set[Granted]) -> bool:
    pair = profiles.pair(sheet.read.catalog)
    if pair is None or all(screen != pair.queue for screen, _ in granted):
        return False
    known = sheet.after.users.get(user)
    roles = sheet.after.roles_of(user)
    return (
        known is not None and known.active and portal.of_roles(sheet.after, roles, sheet.read.catalog) is portal.LIMITED
    )


def _why(sheet: Sheet, practice: Practice, user: str, granted: set[Granted], has: str) -> list[str]:
    """The levels by which somebody has it: `Front Desk has Write on Task - Orders.`"""
    held = [
        (role, screen, practice.level(role, screen))
        for role in sorted(practice.reached_by(user))
        for screen in sheet.read.catalog.screens
    ]
    return [
        f"{telling.isolated(role)} {has} {level} on {screen}."
        for role, screen, level in held
        if any((screen, action) in granted for action in sheet.known.granted.get((screen, level), ()))
    ]


def _listed(phrases: list[str]) -> str:
    return " and ".join(filter(None, ("; ".join(phrases[:-1]), phrases[-1])))


# --- what did not work as meant -----------------------------------------------------------------------------


def warnings(sheet: Sheet) -> tuple[Warned, ...]:
    """Who was put into a role for forwarded messages and has the queue all the same; then what the policy hints at."""
    if sheet.preview.rehearsal is None:
        return ()
    found = [
        warned
        for edit in sheet.edits
        if isinstance(edit, AddMember)
        for warned in _not_limited(sheet, edit.role, edit.user)
    ]
    hints = (
        f"{hint.found[:1].upper()}{hint.found[1:]}.".replace("`", "").replace("..", ".")
        for hint in sheet.preview.rehearsal.hints
    )
    return (*found, *(Warned(hint) for hint in hints))


def _not_limited(sheet: Sheet, role: str, user: str) -> list[Warned]:
    """`Ann still has Full Access through Front Desk: to limit Ann, take Ann out of Front Desk.`"""
    practice, catalog = sheet.after, sheet.read.catalog
    known = practice.users.get(user)
    if role not in practice.roles or known is None or not known.active:
        return []
    if user not in practice.roles[role].members or portal.of_roles(practice, (role,), catalog) is not portal.LIMITED:
        return []
    roles = practice.roles_of(user)
    still = portal.of_roles(practice, roles, catalog)
    opening = [name for name in roles if portal.opens_queue(practice, name, catalog)]
    if still is None or not opening:
        return []
    who, through = telling.isolated(practice.called(user)), _listed([telling.isolated(name) for name in opening])
    words = f"{who} still has {still.name} through {through}: to limit {who}, take {who} out of {through}."
    out = tuple(RemoveMember(name, user) for name in opening)
    return [Warned(words, f"Take {who} out of {through}", typed.as_field(*out))]
