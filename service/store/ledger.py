"""The ledger: how a change becomes the next revision, within one transaction.

A change gets its number here and is linked to the revision before. Whatever could have moved since it was checked is
asked again: the base, and whether each row is there to remove or absent to add. A change of a hundred thousand rows
takes as many statements as one of five.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Delete, Insert, select
from sqlalchemy.exc import IntegrityError

from service.asciijson import spelled
from service.audit.chain import evidence_as_json, revision_digest
from service.errors import BaseMoved, ChangeRefused, UsageError
from service.store import history, homes, people, tables
from service.store.base import Draft, Head
from service.store.view import text_digest
from service.values import Change, Revision, Row

_AT_ONCE = 500
"""Names in one `IN (...)`: below what every database takes."""


def commit(connection: Connection, draft: Draft, files: Mapping[str, str]) -> Revision:
    """Carry out a change and record it; what it raises, `Store.commit` says. Nothing of it stays when it raises."""
    change = draft.change
    head = _locked_head(connection)
    if head.number != change.base:
        raise BaseMoved(change.base, head.number)
    _keep_texts(connection, change, files)
    _remove_rows(connection, change.removed)
    _add_rows(connection, change.added)
    _require_homes(connection, change)
    revision = _numbered(draft, head)
    _record(connection, revision)
    _record_effects(connection, draft, revision.number)
    _close(connection, revision)
    if draft.request is not None and not people.published_for(connection, draft.request, revision.number):
        raise UsageError("this request was carried out already", "send a new key with a new request")
    return revision


def require_complete(draft: Draft, files: Mapping[str, str]) -> None:
    """Raise ValueError for what would be a bug of the caller, before anything is written."""
    change = draft.change
    if misfits := [row for row in chain(change.added, change.removed) if not homes.fits(row)]:
        raise ValueError(f"rows of no known shape: {misfits[:3]}")
    if unsure := change.added & change.removed:
        raise ValueError(f"rows both added and removed: {sorted(unsure)[:3]}")
    touched = {row.practice for row in chain(change.added, change.removed)}
    if missing := touched - {practice for practice, _ in draft.practices}:
        raise ValueError(f"practices without a digest of their rows: {sorted(missing)[:3]}")
    for path, digest in (row.fields for row in change.added if row.kind == "file"):
        if path in files and text_digest(files[path]) != digest:
            raise ValueError(f"the text of `{path}` is not the one that its row names")


def _locked_head(connection: Connection) -> Head:
    # INVARIANT: whoever gives a number holds the head row until the end of the transaction, so that numbers
    # have no gaps. SQLite's writers already have the database to themselves; elsewhere the lock on the row
    # does it.
    return Head(*connection.execute(select(tables.head.c.number, tables.head.c.digest).with_for_update()).one())


def _keep_texts(connection: Connection, change: Change, files: Mapping[str, str]) -> None:
    named = {row.fields[1]: row.fields[0] for row in change.added if row.kind == "file"}
    sha256 = tables.file_text.c.sha256
    known = {digest for some in _some(named) for digest in connection.scalars(select(sha256).where(sha256.in_(some)))}
    new = {digest: path for digest, path in named.items() if digest not in known}
    if missing := sorted(path for path in new.values() if path not in files):
        raise ValueError(f"no text for `{missing[0]}`")
    _many(connection, tables.file_text.insert(), [{"sha256": d, "text": files[p]} for d, p in new.items()])


def _remove_rows(connection: Connection, rows: Iterable[Row]) -> None:
    for (kind, width), alike in _alike(rows).items():
        removed = _many(connection, homes.removal(kind, width), [homes.parameters(row) for row in alike])
        if removed != len(alike):
            raise ChangeRefused(
                "rows-moved",
                f"of {len(alike)} `{kind}` rows to remove, {removed} are there",
                "look at the rows as they are now and try again",
            )


def _add_rows(connection: Connection, rows: Iterable[Row]) -> None:
    for (kind, width), alike in _alike(rows).items():
        try:
            _many(connection, homes.insertion(kind, width), [homes.parameters(row) for row in alike])
        except IntegrityError as error:
            raise ChangeRefused(
                "rows-moved",
                f"of {len(alike)} `{kind}` rows to add, at least one clashes with a row that is there",
                "look at the rows as they are now and try again",
            ) from error


def _require_homes(connection: Connection, change: Change) -> None:
    touched = {row.practice for row in chain(change.added, change.removed)} - {""}
    existing = tables.practice.c.id
    for some in _some(touched):
        gone = set(some).difference(connection.scalars(select(existing).where(existing.in_(some))))
        if gone and (left := connection.execute(homes.ANY_ROW_OF, {"practices": sorted(gone)}).first()):
            row = homes.row(left[0], left[1:])
            raise ChangeRefused(
                "practice-missing",
                f"`{row.kind}` rows would belong to practice `{row.practice}`, which does not exist",
                "create the practice, or remove its rows with it",
            )


def _numbered(draft: Draft, head: Head) -> Revision:
    change = draft.change
    revision = Revision(
        number=head.number + 1,
        time=draft.time,
        actor=change.actor,
        how=change.how,
        reason=change.reason,
        reference=change.reference,
        added=tuple(sorted(change.added)),
        removed=tuple(sorted(change.removed)),
        practices=tuple(sorted(draft.practices)),
        previous=head.digest,
        digest="",
        evidence=draft.evidence,
    )
    return replace(revision, digest=revision_digest(revision))


def _record(connection: Connection, revision: Revision) -> None:
    number = revision.number
    plain = {column.name: getattr(revision, column.name) for column in tables.revision.columns}
    if revision.evidence is not None:
        plain["evidence"] = spelled(evidence_as_json(revision.evidence)).decode()
    connection.execute(tables.revision.insert(), plain)
    rows = [(True, row) for row in revision.added] + [(False, row) for row in revision.removed]
    _many(
        connection,
        tables.revision_row.insert(),
        [
            {"number": number, "seq": seq, "added": added, "kind": row.kind, **_spread(row)}
            for seq, (added, row) in enumerate(rows)
        ],
    )
    _many(
        connection,
        tables.revision_practice.insert(),
        [{"number": number, "practice": practice, "digest": digest} for practice, digest in revision.practices],
    )


def _record_effects(connection: Connection, draft: Draft, number: int) -> None:
    columns = ("practice", "person", "screen", "gained", "lost")
    about = history.named(draft.change, draft.affected)
    records = [{"number": number, **dict(zip(columns, each, strict=True))} for each in about]
    _many(connection, tables.revision_effect.insert(), records)


def _close(connection: Connection, revision: Revision) -> None:
    # From here on the triggers let nothing more be written about this revision.
    connection.execute(tables.head.update().values(number=revision.number, digest=revision.digest))


_UNUSED = (None,) * len(tables.FIELDS)


def _spread(row: Row) -> dict[str, str | None]:
    return dict(zip(tables.FIELDS, (*row.fields, *_UNUSED[len(row.fields) :]), strict=True))


def _alike(rows: Iterable[Row]) -> dict[tuple[str, int], list[Row]]:
    """Rows by kind and number of fields: each group is one statement, executed for all its rows at once."""
    groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.kind, len(row.fields)].append(row)
    return groups


def _some(names: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    return (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))


def _many(connection: Connection, statement: Insert | Delete, records: Sequence[Mapping[str, object]]) -> int:
    """Execute a statement for each record; how many rows that concerned.

    The driver gets the records as they are: SQLAlchemy would look at each value, which takes as long as writing it.
    None of ours needs that: they are texts, numbers and booleans.
    """
    if not records:
        return 0
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(records[0]))
    ready: Sequence[Any] = records
    if compiled.positiontup:
        ready = list(map(itemgetter(*compiled.positiontup), records))
    return connection.exec_driver_sql(compiled.string, ready).rowcount
