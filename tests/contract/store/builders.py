"""Rows and changes in as few words as a test needs."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from service.audit.chain import rows_digest
from service.store.base import Affected, Draft, RequestKey
from service.store.sql import Store
from service.values import Change, Evidence, How, Revision, Row

TIME = "2024-05-06T07:08:09.000010+00:00"


def row(text: str) -> Row:
    """`row("g, user:ann, role:Nurse, riverside")`."""
    kind, *fields = text.split(", ")
    return Row(kind, tuple(fields))


def practice(name: str = "riverside") -> Row:
    """The row that a practice needs before it can have others."""
    return Row("practice", (name, name.title()))


def file(path: str, text: str) -> Row:
    """The row of a policy file with this text."""
    return Row("file", (path, sha256(text.encode()).hexdigest()))


def draft(
    store: Store,
    added: Iterable[Row] = (),
    removed: Iterable[Row] = (),
    *,
    base: int | None = None,
    time: str = TIME,
    evidence: Evidence | None = None,
    affected: tuple[Affected, ...] = (),
    request: RequestKey | None = None,
) -> Draft:
    """A change on top of the newest revision (or of `base`) with true digests."""
    change = (frozenset(added), frozenset(removed))
    with store.reading() as view:
        newest = view.head().number
        touched = sorted({row.practice for rows in change for row in rows})
        after = {
            name: (set(view.rows(name)) - change[1]) | {r for r in change[0] if r.practice == name} for name in touched
        }
    return Draft(
        Change(*change, actor="operator:root", how=How.COMMAND, base=newest if base is None else base),
        time,
        tuple((name, rows_digest(rows)) for name, rows in after.items()),
        evidence,
        affected,
        request,
    )


def publish(
    store: Store, *, add: Iterable[Row] = (), remove: Iterable[Row] = (), files: Mapping[str, str] | None = None
) -> Revision:
    """Commit a change on top of the newest revision."""
    return store.commit(draft(store, add, remove), files or {})


def everything(store: Store) -> frozenset[Row]:
    """Every current row of every practice, and of none."""
    with store.reading() as view:
        return frozenset(row for name in ("", *view.practice_ids()) for row in view.rows(name))
