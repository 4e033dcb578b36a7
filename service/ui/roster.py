"""A list of users from a file: `id,name` or `id,name,roles`, as spreadsheets write it. All of it holds, or none does.

Pure. Commas or semicolons, with a byte order mark or without; several roles with `|` between. Roles are only given,
never taken away. What cannot be read for certain is a problem of its line, in words, and never a guess.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import NamedTuple

from service.policy.edits import AddMember, AddUser, AnyEdit, Edits, RenameUser
from service.policy.practice import Practice
from service.ui import telling, typed

MOST = 5000
"""Users that a list may have."""

BETWEEN = "|"
"""Between several roles of one user."""

COLUMNS = ("id", "name", "roles")
SHOWN = 200
"""Problems that are said at once."""


class LineProblem(NamedTuple):
    """What does not hold in a line; line 0 is the file as a whole."""

    line: int
    words: str


class Entry(NamedTuple):
    """One line that holds. `was`: the name that the user has now; empty for a new one. `roles`: those newly given."""

    line: int
    user: str
    name: str
    was: str
    roles: tuple[str, ...]

    @property
    def does(self) -> str:
        """What it changes."""
        return "new" if not self.was else "renamed" if self.was != self.name else "roles" if self.roles else ""


class Roster(NamedTuple):
    """A list as it was read. `edits` is empty where there is any problem."""

    entries: tuple[Entry, ...]
    problems: tuple[LineProblem, ...]
    edits: Edits = ()

    def count(self, does: str) -> int:
        """How many lines do this."""
        return sum(entry.does == does for entry in self.entries)


def read(content: bytes, practice: Practice, *, may_give_roles: bool) -> Roster:
    """Read a list against the practice as it would be with the draft."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _refused("This is not text in UTF-8. Save the list as “CSV UTF-8” in your spreadsheet.")
    if not text.strip():
        return _refused("There is nothing in it. The first line names the columns: id,name or id,name,roles.")
    if "\0" in text:
        return _refused("This is not text in UTF-8. Save the list as “CSV UTF-8” in your spreadsheet.")
    first = text.strip().splitlines()[0]
    mark = ";" if first.count(";") > first.count(",") else ","
    try:
        lines = list(_lines(text, mark))
    except csv.Error:
        return _refused("A quotation mark is opened and not closed, so that nobody can say where a line ends.")
    header = tuple(field.strip().casefold() for field in lines[0][1]) if lines else ()
    if header not in (COLUMNS, COLUMNS[:2]):
        return _refused(f"The first line names the columns: id,name or id,name,roles. It is: {first[:80]}")
    if len(lines) - 1 > MOST:
        return _refused(f"It has {len(lines) - 1:,} users. Take at most {MOST:,} at a time.")
    return _checked(lines[1:], len(header), practice, may_give_roles=may_give_roles)


def _refused(words: str) -> Roster:
    return Roster((), (LineProblem(0, words),))


def _lines(text: str, mark: str) -> list[tuple[int, list[str]]]:
    """Every line that says something, with the number at which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    found, begins = [], 1
    for fields in reader:
        if any(field.strip() for field in fields):
            found.append((begins, fields))
        begins = reader.line_num + 1
    return found


def _checked(lines: list[tuple[int, list[str]]], width: int, practice: Practice, *, may_give_roles: bool) -> Roster:
    entries, problems = [], []
    ids = Counter(fields[0].strip().casefold() for _, fields in lines)
    for line, fields in lines:
        if len(fields) != width:
            words = f"It has {telling.count(len(fields), 'column')}, and the first line names {width}."
            problems.append(LineProblem(line, words))
            continue
        user, name, given = (*(field.strip() for field in fields), "")[:3]
        found = _problems(user, name, practice)
        if ids[user.casefold()] > 1:
            found.append(f"The User ID “{user}” stands there more than once.")
        roles = tuple(dict.fromkeys(role.strip() for role in given.split(BETWEEN) if role.strip()))
        found += [f"There is no role “{role}”." for role in roles if role not in practice.roles]
        if roles and not may_give_roles:
            found.append("You may not give roles. Leave the column empty.")
        problems += [LineProblem(line, words) for words in found]
        known = practice.users.get(user)
        new = tuple(role for role in roles if role in practice.roles and user not in practice.roles[role].members)
        entries.append(Entry(line, user, name, known.name if known else "", new))
    if not lines:
        problems.append(LineProblem(0, "There is no user in it."))
    edits = () if problems else tuple(edit for entry in entries for edit in _edits(entry))
    return Roster(tuple(entries), tuple(problems), edits)


def _problems(user: str, name: str, practice: Practice) -> list[str]:
    found = typed.name_of_user("", name)
    if user not in practice.users:
        found = typed.id_of_user("", user, practice) + found
    return [problem.words for problem in found]


def _edits(entry: Entry) -> list[AnyEdit]:
    edits: list[AnyEdit] = []
    if entry.does == "new":
        edits.append(AddUser(entry.user, entry.name))
    elif entry.was != entry.name:
        edits.append(RenameUser(entry.user, entry.name))
    return [*edits, *(AddMember(role, entry.user) for role in entry.roles)]
