"""Worlds: rows of practices kept as files, with the directory of their users.

    <world>/directory.yaml     practices and their users; optional: without it, whoever stands in a row is active
    <world>/*.csv              `p` and `g` rows

The demonstration is one, an export can be one. The store owns the rows of practices, so a world is checked with the
folder it stands in and never published with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from service.policy import lint
from service.policy.findings import errors, finding
from service.policy.lint import Screens
from service.policy.plain import Malformed, Node, parse
from service.policy.rows import RowFile
from service.values import ROLE_PREFIX, TEMPLATE_PRACTICE, USER_PREFIX, Finding, Row

DIRECTORY = "directory.yaml"


@dataclass(frozen=True, slots=True)
class World:
    """The rows of some practices. `people` are the practices and users as rows, whether written or implied."""

    name: str
    files: tuple[RowFile, ...]
    people: tuple[Row, ...]

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
    people = _directory(directory, texts[directory], found) if directory in texts else None
    files = tuple(parse_rows(path) for path in sorted(texts) if path.startswith(f"{name}/") and path != directory)
    for file in files:
        problems = _strays(file) + lint.practice_rows(file.rows, file.position, known, _users(people))
        if not errors(problems):
            problems += lint.worth_a_look(file.rows, file.position, known, live=True)
        found += problems
    return World(name, files, tuple(_implied(files) if people is None else people))


def _strays(file: RowFile) -> list[Finding]:
    """Rows that belong to no practice."""
    mend = "`g2` rows belong in `screens.csv`, templates in `templates.csv`"
    return [
        finding("row-home", file.position(index), "a row of no practice", mend)
        for index, row in enumerate(file.rows)
        if row.practice in ("", TEMPLATE_PRACTICE)
    ]


def _users(people: list[Row] | None) -> dict[str, set[str]] | None:
    """The users of each practice by id; None where no directory says."""
    if people is None:
        return None
    users: dict[str, set[str]] = {row.practice: set() for row in people if row.kind == "practice"}
    for row in people:
        if row.kind == "user":
            users[row.practice].add(row.fields[1])
    return users


def _implied(files: Iterable[RowFile]) -> list[Row]:
    rows = [row for file in files for row in file.rows]
    users = {
        (row.fields[2], row.fields[0].removeprefix(USER_PREFIX))
        for row in rows
        if row.kind == "g" and row.fields[0].startswith(USER_PREFIX)
    }
    practices = {row.practice for row in rows} - {""}
    return [
        *(Row("practice", (practice, practice)) for practice in sorted(practices)),
        *(Row("user", (practice, user, user, "active")) for practice, user in sorted(users)),
    ]


def _directory(path: str, text: str, found: list[Finding]) -> list[Row]:
    """`directory.yaml` as rows. An entry that is malformed is a finding, and what stands below it is not read."""
    node, problems = parse(path, text)
    found += problems
    people: list[Row] = []
    try:
        for practice, entry in node.mapping().items() if node else ():
            fields = entry.fields("name", optional=("users",))
            people.append(Row("practice", (practice, fields["name"].name())))
            for user, who in fields["users"].mapping().items() if "users" in fields else ():
                people.append(_person(practice, user, who))
    except Malformed as malformed:
        found.append(malformed.finding)
    return people


def _person(practice: str, user: str, who: Node) -> Row:
    """`ann: Ann Alder`, or `lou: {name: Lou Lark, active: false}`."""
    if user.startswith((USER_PREFIX, ROLE_PREFIX)):
        raise Malformed(who.position, f"user `{user}`", "write the id without a prefix", "user-as-role")
    if not isinstance(who.value, dict):
        return Row("user", (practice, user, who.name(), "active"))
    details = who.fields("name", optional=("active",))
    active = "active" not in details or details["active"].choice("true", "false") == "true"
    return Row("user", (practice, user, details["name"].name(), "active" if active else "inactive"))
