"""What an EHR's old single permission said: who had My Tasks > Patient Portal, read from a file of the EHR.

CSV with the columns `practice,user,had` in any order, or JSON: a list of objects with these members. `had` is true or
false, yes or no, 1 or 0. Whatever cannot be read is a problem with its line, and then nothing is to be done at all: a
user passed over would lose access on the day of the upgrade.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

COLUMNS = ("practice", "user", "had")
_SAID = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Problem(NamedTuple):
    """Something that cannot be read. `line` counts from 1: of the file, or for JSON, of the list's entries."""

    line: int
    found: str


class _Entry(NamedTuple):
    """A line that has all three. `said` is what `had` says, in small letters."""

    line: int
    practice: str
    user: str
    said: str


@dataclass(frozen=True, slots=True)
class Legacy:
    """Who had it: practice -> user -> whether. `lines`: where each of them stands."""

    had: Mapping[str, Mapping[str, bool]]
    lines: Mapping[tuple[str, str], int]

    @property
    def users(self) -> int:
        """Everybody in it, whether they had it or not."""
        return len(self.lines)


def parse(content: bytes) -> tuple[Legacy, list[Problem]]:
    """Read a file, whichever of the two it is. What was read is of use only where there is no problem."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Legacy({}, {}), [Problem(line, "a byte that is not UTF-8")]
    entries = _json(text) if text.lstrip()[:1] in ("[", "{") else _csv(text)
    had: dict[str, dict[str, bool]] = defaultdict(dict)
    lines: dict[tuple[str, str], int] = {}
    problems = []
    for entry in entries:
        if isinstance(entry, Problem):
            problems.append(entry)
            continue
        line, practice, user, said = entry
        problem = _problem(practice, user, said)
        if problem is None and had[practice].setdefault(user, _SAID[said]) is not _SAID[said]:
            problem = f"`{user}` of `{practice}` stands with another answer in line {lines[practice, user]}"
        if problem is not None:
            problems.append(Problem(line, problem))
        else:
            lines.setdefault((practice, user), line)
    if not lines and not problems:
        problems = [Problem(1, "nobody stands in it")]
    return Legacy({practice: dict(users) for practice, users in had.items() if users}, lines), problems


def _problem(practice: str, user: str, said: str) -> str | None:
    if not practice or not user:
        return "no practice" if not practice else "no user"
    return None if said in _SAID else f"`had` is `{said}`, and not true or false, yes or no, 1 or 0"


def _csv(text: str) -> Iterator[_Entry | Problem]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            yield Problem(1, "the first line must name the columns practice, user and had")
            return
        at = [header.index(name) for name in COLUMNS]
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(COLUMNS):
                yield Problem(reader.line_num, f"{len(fields)} fields, and not {len(COLUMNS)}")
                continue
            practice, user, said = (fields[column].strip() for column in at)
            yield _Entry(reader.line_num, practice, user, said.lower())
    except csv.Error as error:
        yield Problem(reader.line_num, f"it is not CSV: {error}")


def _json(text: str) -> Iterator[_Entry | Problem]:
    try:
        entries = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        yield Problem(line, f"it is not JSON: {error}")
        return
    if not isinstance(entries, list):
        yield Problem(1, "it must be a list of objects")
        return
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or sorted(entry) != sorted(COLUMNS):
            yield Problem(number, "an entry must have practice, user and had, and nothing else")
            continue
        practice, user, said = (entry[name] for name in COLUMNS)
        if not isinstance(practice, str) or not isinstance(user, str) or not isinstance(said, str | bool | int):
            yield Problem(number, "practice and user must be text, and had a yes or no")
            continue
        yield _Entry(number, practice, user, str(said).lower())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members
