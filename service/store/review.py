"""Review: what was kept of one practice's changes, for those who read them; nothing of another practice comes along.

The questions behind the methods of `View` that reviewers need beside the list of `store.history`: who fared how, some
of the rows, how many there are, and the policy files of that time. What all practices share (`g2` and `file` rows)
belongs to each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from service.errors import StoreUnavailable
from service.store import homes, tables
from service.store.base import Fared, Some
from service.values import Row


def fared(connection: Connection, numbers: Collection[int], practice: str, most: int) -> dict[int, Fared]:
    """By revision, how many people of a practice gained and lost, and the ids of the first."""
    effect = tables.revision_effect.c
    gained, lost = func.sum(effect.gained).label("gained"), func.sum(effect.lost).label("lost")
    each = (
        select(effect.number, effect.person, gained, lost)
        .where(effect.number.in_(numbers), effect.practice == practice, effect.gained + effect.lost > 0)
        .group_by(effect.number, effect.person)
        .subquery()
    )
    place = func.row_number().over(partition_by=each.c.number, order_by=each.c.person).label("place")
    ranked = select(each, place).subquery()
    first: dict[int, list[str]] = defaultdict(list)
    for number, person in connection.execute(
        select(ranked.c.number, ranked.c.person).where(ranked.c.place <= most).order_by(ranked.c.number, ranked.c.place)
    ):
        first[number].append(person)
    counted = select(each.c.number, func.count(), _counted(each.c.gained > 0), _counted(each.c.lost > 0)).group_by(
        each.c.number
    )
    return {
        number: Fared(people, gaining, losing, tuple(first[number]))
        for number, people, gaining, losing in connection.execute(counted)
    }


def some_rows(connection: Connection, numbers: Collection[int], practice: str, most: int) -> dict[int, Some]:
    """By revision, its rows that belong to a practice or to all, unless there are more, and how many there are."""
    row = tables.revision_row.c
    totals = (
        select(row.number, row.kind, row.added, func.count())
        .where(row.number.in_(numbers), _of(practice))
        .group_by(row.number, row.kind, row.added)
    )
    counts: dict[int, dict[tuple[str, bool], int]] = defaultdict(dict)
    for number, kind, added, count in connection.execute(totals):
        counts[number][kind, bool(added)] = count
    rows: dict[tuple[int, bool], list[Row]] = defaultdict(list)
    few = [number for number, counted in counts.items() if sum(counted.values()) <= most]
    for number, added, kind, *fields in _rows(connection, few, practice):
        rows[number, bool(added)].append(homes.row(kind, fields))
    return {
        number: Some(tuple(rows[number, True]), tuple(rows[number, False]), counted)
        for number, counted in counts.items()
    }


def actors(connection: Connection, practice: str) -> tuple[str, ...]:
    """Everybody who changed a practice, or what all share, sorted."""
    touched = tables.revision_practice.c
    numbers = select(touched.number).where(touched.practice.in_((practice, "")))
    actor = tables.revision.c.actor
    return tuple(sorted(connection.scalars(select(actor).distinct().where(tables.revision.c.number.in_(numbers)))))


def people(connection: Connection, practice: str) -> dict[str, str]:
    """The directory of a practice: names by id."""
    user = tables.directory_user.c
    found = connection.execute(select(user.id, user.name).where(user.practice == practice))
    return dict(iter(found))


def texts(connection: Connection, files: Iterable[Row]) -> dict[str, str]:
    """The texts that `file` rows name, by path. Raises StoreUnavailable where one is missing or another one."""
    named = {row.fields[0]: row.fields[1] for row in files}
    file = tables.file_text.c
    wanted = select(file.sha256, file.text).where(file.sha256.in_(sorted(set(named.values()))))
    found: dict[str, str] = dict(iter(connection.execute(wanted)))
    for path, digest in named.items():
        if digest not in found:
            raise StoreUnavailable(f"the text of `{path}` is not in the store", "restore the store from a backup")
    return {path: found[digest] for path, digest in named.items()}


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _of(practice: str) -> ColumnElement[bool]:
    """The row belongs to a practice, or to all."""
    return or_(homes.kept_of(""), homes.kept_of(practice))


def _rows(connection: Connection, numbers: Collection[int], practice: str) -> Iterable[Any]:
    row = tables.revision_row.c
    columns = (row.number, row.added, row.kind, *(row[name] for name in tables.FIELDS))
    return connection.execute(select(*columns).where(row.number.in_(numbers), _of(practice)).order_by(row.seq))
