"""Worlds: rows of practices kept as files, with the directory of their users.

    <world>/directory.yaml     practices and their users; optional: without it, whoever stands in a row is active
    <world>/*.csv              `p` and `g` rows

The demonstration is one, an export can be one. The store owns the rows of practices, so a world is checked with the
folder it stands in and never published with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from service.policy import hints, lint
from service.policy.cases import require_bare
from service.policy.findings import errors, finding
from service.policy.lint import Screens
from service.policy.plain import Malformed, Node, parse
from service.policy.rows import RowFile
from service.values import TEMPLATE_PRACTICE, USER_PREFIX, Finding, Position, Row

DIRECTORY = "directory.yaml"


@dataclass(frozen=True, slots=True)
class World:
    """The rows of some practices. `people` are the practices and users as rows, whether written or implied.

    `places` says where each practice is named first.
    """

    name: str
    files: tuple[RowFile, ...]
    people: tuple[Row, ...]
    places: Mapping[str, Position]

    def rows(self) -> Iterable[Row]:
        """Everything in it: practices, users, memberships and levels."""
        return chain(self.people, *(file.rows for file in self.files))


def read(
    name: str,
    texts: Mapping[str, str],
    parse_rows: Callable[[str], RowFile],
    known: Screens,
    found: list[Finding],
) -> World:
    """Read one world; `parse_rows` reads the rows of the file at a path, and reports what it cannot read itself."""
    directory = f"{name}/{DIRECTORY}"
    people, places = _directory(directory, texts[directory], found) if directory in texts else (None, {})
    paths = [path for path in sorted(texts) if path.startswith(f"{name}/") and path != directory]
    files = tuple(_own(parse_rows(path), found) for path in paths)
    rows, at = _together(files)
    problems = lint.practice_rows(rows, at, known, _users(people)) + lint.duplicates(files)
    if not errors(problems):
        problems += hints.look(rows, at, known, live=True)
    found += problems
    if people is None:
        people = _implied(rows)
        for index, row in enumerate(rows):
            if row.practice not in places:
                places[row.practice] = at(index, 1 if row.kind == "p" else 2)
    return World(name, files, tuple(people), places)


def apart(worlds: Iterable[World]) -> list[Finding]:
    """No practice stands in two worlds: which of them would say who may do what?"""
    found = []
    first: dict[str, Position] = {}
    for world in worlds:
        for practice, place in world.places.items():
            if first.setdefault(practice, place) != place:
                text = f"practice `{practice}` stands already at {first[practice]}"
                found.append(finding("practice-twice", place, text, "keep a practice in one folder"))
    return found


def _own(file: RowFile, found: list[Finding]) -> RowFile:
    """The rows of practices; others are reported, and left aside."""
    mend = "`g2` rows belong in `screens.csv`, templates in `templates.csv`"
    strays = ("", TEMPLATE_PRACTICE)
    found += [
        finding("row-home", file.position(index), "a row of no practice", mend)
        for index, row in enumerate(file.rows)
        if row.practice in strays
    ]
    return file.only(lambda row: row.practice not in strays)


def _together(files: Sequence[RowFile]) -> tuple[list[Row], lint.At]:
    """The rows of all files as one, since a chain of roles may run through several, and where each stands."""
    starts = list(accumulate((len(file.rows) for file in files), initial=0))

    def at(index: int, column: int) -> Position:
        number = bisect_right(starts, index) - 1
        return files[number].position(index - starts[number], column)

    return [row for file in files for row in file.rows], at


def _users(people: list[Row] | None) -> dict[str, set[str]] | None:
    """The users of each practice by id; None where no directory says."""
    if people is None:
        return None
    users: dict[str, set[str]] = {row.practice: set() for row in people if row.kind == "practice"}
    for row in people:
        if row.kind == "user":
            users[row.practice].add(row.fields[1])
    return users


def _implied(rows: Iterable[Row]) -> list[Row]:
    """The practices and users that stand in rows, where no directory says: each user is active."""
    users = set()
    practices = set()
    for row in rows:
        practices.add(row.practice)
        if row.kind == "g" and row.fields[0].startswith(USER_PREFIX):
            users.add((row.practice, row.fields[0].removeprefix(USER_PREFIX)))
    return [
        *(Row("practice", (practice, practice)) for practice in sorted(practices)),
        *(Row("user", (practice, user, user, "active")) for practice, user in sorted(users)),
    ]


def _directory(path: str, text: str, found: list[Finding]) -> tuple[list[Row] | None, dict[str, Position]]:
    """`directory.yaml` as rows, and where each practice stands; None where it could not be read as a whole.

    A directory of which a part is missing would make strangers of everybody in that part.
    """
    node, problems = parse(path, text)
    places: dict[str, Position] = {}
    if node is None:
        found += problems
        return None, places
    people: list[Row] = []
    try:
        entries = node.mapping()
    except Malformed as malformed:
        entries, problems = {}, [malformed.finding]
    for practice, entry in entries.items():
        places[practice] = entry.named
        problems += _practice(practice, entry, people)
    found += problems
    return (None if problems else people), places


def _practice(practice: str, entry: Node, people: list[Row]) -> list[Finding]:
    """One practice with its users, added to the people; what is malformed is a finding each."""
    found = []
    try:
        if practice == TEMPLATE_PRACTICE:
            raise Malformed(entry.named, "a practice named `template`", "templates need no directory", "row-home")
        fields = entry.fields("name", optional=("users",))
        people.append(Row("practice", (practice, fields["name"].name())))
        users = fields["users"].mapping() if "users" in fields else {}
    except Malformed as malformed:
        return [malformed.finding]
    for user, who in users.items():
        try:
            people.append(_person(practice, user, who))
        except Malformed as malformed:
            found.append(malformed.finding)
    return found


def _person(practice: str, user: str, who: Node) -> Row:
    """`ann: Ann Alder`, or `lou: {name: Lou Lark, active: false}`."""
    require_bare(user, who)
    if not isinstance(who.value, dict):
        return Row("user", (practice, user, who.name(), "active"))
    details = who.fields("name", optional=("active",))
    active = "active" not in details or details["active"].choice("true", "false") == "true"
    return Row("user", (practice, user, details["name"].name(), "active" if active else "inactive"))
