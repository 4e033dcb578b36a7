"""History: revisions as lists show them, filtered, without reading their rows.

The questions behind `View.changes` and `View.effects`. A change is about a person or a screen when
somebody gains or loses there, and also when it merely names them: that Ann was added to a role that gave her nothing
is what a reviewer asks for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select
from sqlalchemy import Row as Record

from service.store import tables
from service.store.base import Affected, Listed
from service.values import USER_PREFIX, Change, Evidence, How, Row


def changes(
    connection: Connection,
    practice: str | None,
    person: str | None,
    screen: str | None,
    actor: str | None,
    how: How | None,
    since: str | None,
    until: str | None,
    before: int | None,
    limit: int,
    *,
    shared: bool,
) -> tuple[Listed, ...]:
    """The newest revisions that fit, newest first. Four statements, whatever they hold."""
    revision = tables.revision.c
    wanted = select(revision.number).where(*_fitting(practice, person, screen, shared=shared))
    for column, value in ((revision.actor, actor), (revision.how, how and how.value)):
        wanted = wanted if value is None else wanted.where(column == value)
    if since is not None:
        wanted = wanted.where(revision.time >= since)
    if until is not None:
        wanted = wanted.where(revision.time < until)
    if before is not None:
        wanted = wanted.where(revision.number < before)
    numbers = list(connection.scalars(wanted.order_by(revision.number.desc()).limit(limit)))
    return _listed(connection, numbers)


def effects(connection: Connection, number: int, practice: str | None) -> tuple[Affected, ...]:
    """Who gained or lost how much on which screen, sorted; in one practice, or in all."""
    effect = tables.revision_effect.c
    columns = (effect.practice, effect.person, effect.screen, effect.gained, effect.lost)
    wanted = select(*columns).where(effect.number == number, effect.gained + effect.lost > 0)
    if practice is not None:
        wanted = wanted.where(effect.practice == practice)
    return tuple(sorted(Affected(*record) for record in connection.execute(wanted)))


def named(change: Change, affected: Iterable[Affected]) -> list[Affected]:
    """What the table of effects holds for a change: its effect, and what it names without any."""
    kept = list(affected)
    people = {(each.practice, each.user) for each in kept}
    screens = {(each.practice, each.screen) for each in kept}
    for row in change.added | change.removed:
        practice, user, screen = row.practice, _user(row), _screen(row)
        if user and (practice, user) not in people:
            people.add((practice, user))
            kept.append(Affected(practice, user, "", 0, 0))
        if screen and (practice, screen) not in screens:
            screens.add((practice, screen))
            kept.append(Affected(practice, "", screen, 0, 0))
    return kept


def evidence(stored: str | None) -> Evidence | None:
    """The evidence of a revision, from the text that is kept of it."""
    if stored is None:
        return None
    told = json.loads(stored)
    return Evidence(**{**told, "flags": tuple(told["flags"])})


def _user(row: Row) -> str:
    if row.kind == "user":
        return row.fields[1]
    return row.fields[0].removeprefix(USER_PREFIX) if row.kind == "g" and row.fields[0].startswith(USER_PREFIX) else ""


def _screen(row: Row) -> str:
    return row.fields[2] if row.kind in ("p", "g2") else ""


def _fitting(
    practice: str | None, person: str | None, screen: str | None, *, shared: bool
) -> list[ColumnElement[bool]]:
    """Numbers from the tables that know them: each condition from one index, but a person's in all practices."""
    touched, effect = tables.revision_practice.c, tables.revision_effect.c
    within: list[Select[Any]] = []
    for column, value in ((effect.person, person), (effect.screen, screen)):
        if value is not None:
            of_practice = [] if practice is None else [effect.practice.in_((practice, ""))]
            within.append(select(effect.number).where(column == value, column != "", *of_practice))
    if practice is not None:
        within.append(select(touched.number).where(touched.practice.in_((practice, "") if shared else (practice,))))
    return [tables.revision.c.number.in_(numbers) for numbers in within]


def _listed(connection: Connection, numbers: Sequence[int]) -> tuple[Listed, ...]:
    revision, touched = tables.revision, tables.revision_practice.c
    practices: dict[int, list[str]] = defaultdict(list)
    for number, practice in connection.execute(
        select(touched.number, touched.practice).where(touched.number.in_(numbers))
    ):
        practices[number].append(practice)
    rows, people = _row_counts(connection, numbers), _people_counts(connection, numbers)
    found = {r.number: r for r in connection.execute(select(revision).where(revision.c.number.in_(numbers)))}
    return tuple(
        _one(found[number], practices[number], rows.get(number, (0, 0)), people.get(number, 0)) for number in numbers
    )


def _row_counts(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    row = tables.revision_row.c
    added = func.sum(case((row.added, 1), else_=0))
    found = connection.execute(
        select(row.number, added, func.count()).where(row.number.in_(numbers)).group_by(row.number)
    )
    return {number: (added, total - added) for number, added, total in found}


def _people_counts(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    effect = tables.revision_effect.c
    each = (
        select(effect.number, effect.practice, effect.person)
        .where(effect.number.in_(numbers), effect.gained + effect.lost > 0)
        .distinct()
        .subquery()
    )
    counted = connection.execute(select(each.c.number, func.count()).group_by(each.c.number))
    return dict(iter(counted))


def _one(record: Record[Any], practices: Iterable[str], rows: tuple[int, int], people: int) -> Listed:
    return Listed(
        number=record.number,
        time=record.time,
        actor=record.actor,
        how=How(record.how),
        reason=record.reason,
        reference=record.reference,
        practices=tuple(sorted(practices)),
        added=rows[0],
        removed=rows[1],
        people=people,
        evidence=evidence(record.evidence),
    )
