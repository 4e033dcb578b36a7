"""Wording: moves as phrases that can be read aloud, each with the names that people typed marked as such.

A phrase is a tuple of parts, so that a page can keep a name apart from the words around it (a name in Arabic must not
turn the sentence), and plain text is the parts one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from service.policy.moves import Fate, Moves, RoleMoves, UserMove

MOST_NAMES = 3
"""Names that a phrase gives before it counts the others."""


class Part(NamedTuple):
    """A piece of a phrase. `name`: somebody typed it."""

    text: str
    name: bool = False


Phrase = tuple[Part, ...]


class Headline(NamedTuple):
    """The first phrases of what a change did, and how many more there are."""

    phrases: tuple[Phrase, ...]
    more: int


def plain(phrase: Phrase) -> str:
    """A phrase as text."""
    return "".join(part.text for part in phrase)


def phrase(*parts: str | Part | Phrase) -> Phrase:
    """One phrase of words, names and phrases."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            found.append(Part(part))
        elif isinstance(part, Part):
            found.append(part)
        else:
            found += part
    return tuple(found)


def name(text: str) -> Part:
    """A name, as it was typed."""
    return Part(text, name=True)


def series(names: Sequence[str], most: int = MOST_NAMES) -> Phrase:
    """`Ann`, `Ann and Ben`, `Ann, Ben and Cam`, `Ann, Ben, Cam and 4 others`."""
    # One is never counted where it can be named.
    shown = names if len(names) <= most + 1 else names[:most]
    parts = [phrase(name(each)) for each in shown]
    if len(names) > len(shown):
        parts.append(phrase(f"{len(names) - len(shown):,} others"))
    found: Phrase = ()
    for place, part in enumerate(parts):
        found += phrase("" if not place else " and " if place == len(parts) - 1 else ", ", part)
    return tuple(part for part in found if part.text)


def series_text(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """The same as text."""
    return plain(series(names, most))


def count(number: int, noun: str) -> str:
    """`1 person`, `2 people`, `no rows`."""
    plural = {"person": "people"}.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else plural}" if number else f"no {plural}"


def headline(moves: Moves, names: Mapping[str, str], most: int = 2) -> Headline:
    """What a change did, in a line or two. `names`: ids of users as people know them."""
    every = lines(moves, names)
    return Headline(tuple(islice(every, most)), sum(1 for _ in every))


def lines(moves: Moves, names: Mapping[str, str]) -> Iterator[Phrase]:
    """Every move in a phrase of its own. Users without a name are called by their id."""
    if moves.practice:
        yield _came(phrase("Practice ", name(moves.practice.name)), moves.practice.fate, moves.practice.was)
    for role in moves.roles:
        yield from role_lines(role, names)
    for user in moves.users:
        yield from user_lines(user)
    for file in moves.files:
        yield _came(phrase("Policy file ", name(file.path)), file.fate, kept="changed")
    if moves.rules:
        yield phrase(f"{count(len(moves.rules), 'rule')} of screens changed")
    if moves.others:
        yield phrase(f"{count(len(moves.others), 'other row')} changed")


def role_lines(role: RoleMoves, names: Mapping[str, str]) -> Iterator[Phrase]:
    """What became of one role. What a deleted one had is said by that it is deleted."""
    own = name(role.name)
    if role.fate is not Fate.KEPT or role.was:
        yield _came(phrase("Role ", own), role.fate, role.was)
    if role.fate is Fate.REMOVED:
        return
    for screen, before, after in role.levels:
        yield phrase(own, ": ", name(screen), f" {before} → {after}")
    for users, words in ((role.joined, " added to "), (role.left, " removed from ")):
        if users:
            yield phrase(series(called(users, names)), words, own)
    for roles, words in ((role.within, " has what "), (role.without, " no longer has what ")):
        if roles:
            yield phrase(own, words, series(roles), " has")


def user_lines(user: UserMove) -> Iterator[Phrase]:
    """What became of one entry of the directory."""
    own = phrase(name(user.name))
    if user.fate is not Fate.KEPT or user.was:
        yield _came(own, user.fate, user.was)
    if user.active is not None:
        yield phrase(own, " made active" if user.active else " made inactive")


def called(users: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Users as people know them, in the order of names."""
    return sorted((names.get(user, user) for user in users), key=str.casefold)


def _came(what: Phrase, fate: Fate, was: str = "", kept: str = "") -> Phrase:
    if was:
        return phrase(*what[:-1], name(was), " renamed to ", what[-1])
    return phrase(what, f" {kept if fate is Fate.KEPT else fate.value}")
