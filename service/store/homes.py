"""Where a row lives: each kind of row has one home, a table whose columns are the fields in their order.

This is the only place that knows both. Rows are written by `insertion` and `removal` and read by the two
statements at the end, which hand out rows of all kinds in one shape: the kind, then six fields, NULL where
unused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    bindparam,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from service.policy.rows import LONGEST_NAME
from service.store import tables
from service.values import Row


class Home(NamedTuple):
    """The table of one kind of row, its columns for the fields, and which of them names the practice.

    `least`: how many fields a row has at least; a `p` row may have more than the four of the shipped model.
    """

    table: Table
    columns: tuple[Column[str], ...]
    least: int
    practice: Column[str] | None


def _home(table: Table, names: Sequence[str], practice: str | None = None, least: int | None = None) -> Home:
    columns = tuple(table.c[name] for name in names)
    return Home(table, columns, least or len(columns), None if practice is None else table.c[practice])


HOMES = {
    "practice": _home(tables.practice, ("id", "name"), "id"),
    "user": _home(tables.directory_user, ("practice", "id", "name", "state"), "practice"),
    "role": _home(tables.role, ("practice", "name"), "practice"),
    "p": _home(tables.casbin_rule, tables.FIELDS, "v1", least=4),
    "g": _home(tables.casbin_rule, tables.FIELDS[:3], "v2"),
    "g2": _home(tables.casbin_rule, tables.FIELDS[:3]),
    "file": _home(tables.policy_file, ("path", "sha256")),
}


def fits(row: Row) -> bool:
    """Whether a row is of a kind that the store keeps, and its home has room for its fields, as many and as long."""
    home = HOMES.get(row.kind)
    if home is None or not home.least <= len(row.fields) <= len(home.columns):
        return False
    # SQLite would take a longer name than its column says, and other databases not.
    return max(map(len, row.fields)) <= LONGEST_NAME


def parameters(row: Row) -> dict[str, str]:
    """What `insertion` and `removal` want to know of a row: `f0` is its first field."""
    return {f"f{position}": value for position, value in enumerate(row.fields)}


def row(kind: str, fields: Sequence[str | None]) -> Row:
    """A row from the shape in which the statements below hand it out."""
    return Row(kind, tuple([field for field in fields if field is not None]))


@cache
def insertion(kind: str, width: int) -> Insert:
    """Add rows of a kind that have so many fields."""
    home = HOMES[kind]
    values: dict[Column[str], ColumnElement[str]] = dict(_pairs(home, width))
    if home.table is tables.casbin_rule:
        values[tables.casbin_rule.c.ptype] = _word(kind)
    return home.table.insert().values(values)


@cache
def removal(kind: str, width: int) -> Delete:
    """Remove the rows of a kind that equal the given ones in every field."""
    home = HOMES[kind]
    equal = [column == parameter for column, parameter in _pairs(home, width)]
    unused = [column.is_(None) for column in home.columns[width:]]
    return home.table.delete().where(*_of_kind(kind), *equal, *unused)


def _pairs(home: Home, width: int) -> Iterable[tuple[Column[str], BindParameter[str]]]:
    return zip(home.columns[:width], [bindparam(f"f{n}", required=True) for n in range(width)], strict=True)


def _word(kind: str) -> ColumnElement[str]:
    # Written into the statement: if it were bound, SQLite could not know that a partial index applies.
    # INVARIANT: only the keys of HOMES come here.
    return literal_column(f"'{kind}'")


def _of_kind(kind: str) -> list[ColumnElement[bool]]:
    return [tables.casbin_rule.c.ptype == _word(kind)] if HOMES[kind].table is tables.casbin_rule else []


def _all_of(kind: str) -> Select[Any]:
    columns: Sequence[ColumnElement[Any]] = HOMES[kind].columns
    unused = [null()] * (len(tables.FIELDS) - len(columns))
    return select(_word(kind).label("kind"), *columns, *unused).where(*_of_kind(kind))


ROWS_OF_PRACTICE = union_all(
    *(
        _all_of(kind).where(home.practice == bindparam("practice"))
        for kind, home in HOMES.items()
        if home.practice is not None
    )
)
"""Every row of the practice that is bound as `practice`."""

SHARED_ROWS = union_all(*(_all_of(kind) for kind, home in HOMES.items() if home.practice is None))
"""Every row that all practices share."""

ANY_ROW_OF = union_all(
    *(
        _all_of(kind).where(home.practice.in_(bindparam("practices", expanding=True)))
        for kind, home in HOMES.items()
        if home.practice is not None
    )
).limit(1)
"""One row that belongs to any of the practices that are bound as `practices`, if there is one."""


def kept_of(practice: str) -> ColumnElement[bool]:
    """The rows in `revision_row` that belong to a practice; of "", those that all share."""
    row = tables.revision_row.c
    own = {kind: home.columns.index(home.practice) for kind, home in HOMES.items() if home.practice is not None}
    if not practice:
        return row.kind.not_in(own)
    return or_(*((row.kind == kind) & (row[tables.FIELDS[position]] == practice) for kind, position in own.items()))
