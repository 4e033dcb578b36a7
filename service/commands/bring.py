"""`rolewarden import`: the rows of practices from one file into the store, all of them or none.

The file is what `rolewarden export --directory` writes: Casbin's CSV, and in the same CSV who exists. Nobody comes into
being by standing in a `g` row: a user whom neither the file nor the store knows is an error with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from service import inspection
from service.changes import carry_out, of_rows
from service.commands import present
from service.commands.desk import Desk, Name
from service.commands.policy import DIRECTORY, extent
from service.errors import InvalidPolicy, UsageError
from service.policy import lint, rows
from service.policy.bundle import Bundle
from service.policy.findings import errors, finding
from service.policy.rows import RowFile
from service.publish import rehearse
from service.store.homes import HOMES
from service.store.sql import Store
from service.store.view import View
from service.values import TEMPLATE_PRACTICE, Change, Finding, Row

STATES = ("active", "inactive")

LARGE = 20_000
"""Rows from which on somebody wants to see at once how far it is."""


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--whole", is_flag=True, help="The file is all of its practices: what it lacks is removed from them.")
@click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--reason", type=Name(), help="Why, for the record.")
@click.option("--reference", type=Name(), help="Where more about it stands.")
@click.pass_obj
def bring(given: Desk, file: Path, whole: bool, plan: bool, reason: str | None, reference: str | None) -> None:
    """Take the rows of practices from a file, all of them or none.

    Rows are added, and what they say otherwise of a user or a level is replaced. Nothing is removed without --whole.

    \b
    Example:
      rolewarden export --directory -o riverside.csv --practice riverside
      rolewarden import riverside.csv --whole --reason "Moved from the old host"
    """
    author = given.author(reason=reason or "", reference=reference or "")
    text = _text(file)
    total = text.count("\n")
    with given.press() as press, present.progress("importing", 3 * total, large=total > LARGE) as done:
        read = _read(file, text, press.store)
        done(total)

        def find(view: View) -> Change:
            return of_rows(view, author, read, whole=whole)

        if plan:
            with press.store.reading() as view:
                change = find(view)
            done(total)
            if change.added or change.removed:
                rehearse(change, press.store)
            shown = extent(change.added, change.removed) if change.added or change.removed else ""
            present.say(present.out(), f"would change: {shown}" if shown else _NOTHING)
            return
        revision = carry_out(press, find)
        done(2 * total)
    if revision is None:
        present.say(present.out(), _NOTHING)
    else:
        what = extent(revision.added, revision.removed)
        present.say(present.out(), f"imported as revision {revision.number}: {what}")


_NOTHING = "nothing to do: all is so already"


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{present.path(file)}` is not UTF-8", "save it as UTF-8") from error


def _read(file: Path, text: str, store: Store) -> frozenset[Row]:
    """The rows of the file, held against the published policy and against those who exist already."""
    with store.reading() as view:
        published = inspection.parsed(view.files())
        name = present.path(file)
        found_rows, found = rows.parse(name, text, {**published.model.widths, **_DIRECTORY_WIDTHS})
        own = [row.practice for row in found_rows.rows if row.practice]
        users = _users(view, frozenset(own), found_rows.rows)
    _require_states(found_rows)
    found += (
        _misplaced(found_rows, published)
        + _homeless(found_rows, users)
        + lint.duplicates([found_rows])
        + _twice(found_rows)
    )
    found += lint.practice_rows(found_rows.rows, found_rows.position, published.screens, users)
    if errors(found):
        raise InvalidPolicy(sorted(found, key=lambda problem: problem.position))
    return frozenset(row for row in found_rows.rows if row.kind != "g2")


_DIRECTORY_WIDTHS: Mapping[str, int] = {kind: len(HOMES[kind].columns) for kind in DIRECTORY}


def _users(view: View, practices: frozenset[str], found: list[Row]) -> dict[str, set[str]]:
    """Who is in the directory of each practice that exists or is to be: as it stands, and as the file says."""
    users = {
        practice: {row.fields[1] for row in view.rows(practice) if row.kind == "user"}
        for practice in view.existing(practices)
    }
    for row in found:
        if row.kind == "practice":
            users.setdefault(row.practice, set())
    for row in found:
        if row.kind == "user" and row.practice in users:
            users[row.practice].add(row.fields[1])
    return users


def _misplaced(file: RowFile, published: Bundle) -> list[Finding]:
    """Rows that belong to no practice. Those of screens may stand in an export, as they are published."""
    screens = set(published.shared.rows)
    mend = "`g2` rows belong in `screens.csv`, templates in `templates.csv`"
    return [
        finding("row-home", file.position(index), "a row of no practice", mend)
        for index, row in enumerate(file.rows)
        if row.practice == TEMPLATE_PRACTICE or (not row.practice and row not in screens)
    ]


def _homeless(file: RowFile, users: Mapping[str, set[str]]) -> list[Finding]:
    """Users and roles of a practice that neither the store nor the file has."""
    mend = "add its `practice` row, or correct its id"
    return [
        finding("practice-unknown", file.position(index, 0), f"practice `{row.practice}`", mend)
        for index, row in enumerate(file.rows)
        if row.kind in ("user", "role") and row.practice not in users
    ]


def _require_states(file: RowFile) -> None:
    for index, row in enumerate(file.rows):
        if row.kind == "user" and row.fields[3] not in STATES:
            text = f"{file.position(index, 3)}: `{row.fields[3]}` is no state of a user"
            raise UsageError(text, "write `active` or `inactive`")


def _twice(file: RowFile) -> list[Finding]:
    """Rows that say two things of one user, practice or level."""
    found: list[Finding] = []
    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for index, row in enumerate(file.rows):
        known = first.setdefault(inspection.identity(row), index)
        if file.rows[known] != row:
            text = f"another word on what stands at {file.position(known)}"
            found.append(finding("row-duplicate", file.position(index), text, "take one of the two out"))
    return found
