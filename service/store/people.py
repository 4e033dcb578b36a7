"""What is kept of those who sign in and of those who ask the admin API: sessions, drafts, events, answered requests.

None of it is policy, and none of it can change an answer of the check. `Store` and `View` have a method for each of
these functions; the transaction is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, select
from sqlalchemy import Row as Record

from service.audit.events import AuditEvent
from service.store import tables
from service.store.base import Answered, Event, KeptDraft, RequestKey, Session, Unfinished

_unfinished = tables.unfinished.c
_session, _draft, _event, _idempotency = tables.session.c, tables.draft.c, tables.event.c, tables.idempotency.c

# --- sessions -----------------------------------------------------------------------------------------------


def add_session(connection: Connection, session: Session) -> None:
    """Keep a new session."""
    connection.execute(
        tables.session.insert().values(
            id_hash=session.id_hash,
            person=session.user,
            name=session.name,
            practices=sorted(session.practices),
            created=session.created,
            seen=session.seen,
            provider=session.provider,
        )
    )


def touch_session(connection: Connection, id_hash: str, seen: str) -> bool:
    """Note that a session was used; False where it is over. Of two times, the later one stays."""
    seen_then = case((_session.seen > seen, _session.seen), else_=seen)
    touched = connection.execute(tables.session.update().where(_session.id_hash == id_hash).values(seen=seen_then))
    return bool(touched.rowcount)


def end_sessions(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """Forget the sessions that fit; how many there were."""
    return connection.execute(tables.session.delete().where(*conditions)).rowcount


def session(connection: Connection, id_hash: str) -> Session | None:
    """One session; None where it is over or never was."""
    record = connection.execute(select(tables.session).where(_session.id_hash == id_hash)).one_or_none()
    return None if record is None else _to_session(record)


def sessions(connection: Connection, user: str) -> tuple[Session, ...]:
    """Every session of a person, oldest first."""
    found = connection.execute(
        select(tables.session).where(_session.person == user).order_by(_session.created, _session.id_hash)
    )
    return tuple(map(_to_session, found))


def _to_session(record: Record[Any]) -> Session:
    return Session(
        id_hash=record.id_hash,
        user=record.person,
        name=record.name,
        practices=frozenset(record.practices),
        created=record.created,
        seen=record.seen,
        provider=record.provider,
    )


# --- what sessions left unfinished --------------------------------------------------------------------------


def expire_session(connection: Connection, id_hash: str, ended: str) -> bool:
    """End a session and remember whose it was; False where it is over already."""
    found = session(connection, id_hash)
    if found is None or not end_sessions(connection, _session.id_hash == id_hash):
        return False
    forget_unfinished(connection, _unfinished.id_hash == id_hash)
    connection.execute(
        tables.unfinished.insert().values(id_hash=id_hash, person=found.user, ended=ended, place="", form="")
    )
    return True


def leave_unfinished(connection: Connection, id_hash: str, place: str, form: str) -> bool:
    """Keep what was about to be sent, in place of what was; False where nobody knows the session."""
    kept = tables.unfinished.update().where(_unfinished.id_hash == id_hash).values(place=place, form=form)
    return bool(connection.execute(kept).rowcount)


def hand_over(connection: Connection, old: str, new: Session) -> None:
    """What an ended session left goes to the next one of the same person; to nobody else."""
    forget_unfinished(connection, _unfinished.id_hash == old, _unfinished.person != new.user)
    connection.execute(tables.unfinished.update().where(_unfinished.id_hash == old).values(id_hash=new.id_hash))


def unfinished(connection: Connection, id_hash: str) -> Unfinished | None:
    """What a session left; None where there is nothing."""
    record = connection.execute(select(tables.unfinished).where(_unfinished.id_hash == id_hash)).one_or_none()
    if record is None:
        return None
    return Unfinished(record.id_hash, record.person, record.ended, record.place, record.form)


def forget_unfinished(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """Forget what fits; how much there was."""
    return connection.execute(tables.unfinished.delete().where(*conditions)).rowcount


# --- drafts -------------------------------------------------------------------------------------------------


def keep_draft(connection: Connection, draft: KeptDraft) -> None:
    """Keep a draft in place of the one before."""
    drop_draft(connection, draft.practice, draft.user)
    values = asdict(draft)
    connection.execute(tables.draft.insert().values(person=values.pop("user"), **values))


def drop_draft(connection: Connection, practice: str, user: str) -> bool:
    """Forget a draft; False where there was none."""
    dropped = connection.execute(tables.draft.delete().where(_draft.practice == practice, _draft.person == user))
    return bool(dropped.rowcount)


def draft(connection: Connection, practice: str, user: str) -> KeptDraft | None:
    """What a person has typed in a practice and not saved; None where there is nothing."""
    record = connection.execute(
        select(tables.draft).where(_draft.practice == practice, _draft.person == user)
    ).one_or_none()
    if record is None:
        return None
    values = dict(record._mapping)  # noqa: SLF001 - a public name: SQLAlchemy keeps the plain ones for columns
    return KeptDraft(user=values.pop("person"), **values)


# --- events -------------------------------------------------------------------------------------------------


def note_event(connection: Connection, event: Event) -> int:
    """Keep an event; the number that it got."""
    values = asdict(event) | {"name": event.name.value, "details": dict(event.details)}
    del values["number"]
    noted = connection.execute(tables.event.insert().values(**values).returning(_event.number))
    return int(noted.scalar_one())


def events(
    connection: Connection,
    practice: str | None,
    actor: str | None,
    name: AuditEvent | None,
    since: str | None,
    until: str | None,
    before: int | None,
    limit: int,
) -> tuple[Event, ...]:
    """The newest events that fit, newest first."""
    wanted = select(tables.event)
    for column, value in ((_event.practice, practice), (_event.actor, actor), (_event.name, name and name.value)):
        wanted = wanted if value is None else wanted.where(column == value)
    wanted = _between(wanted, since, until, before)
    found = connection.execute(wanted.order_by(_event.number.desc()).limit(limit))
    return tuple(
        Event(
            time=record.time,
            name=AuditEvent(record.name),
            actor=record.actor,
            practice=record.practice,
            details=record.details,
            number=record.number,
        )
        for record in found
    )


def _between(wanted: Select[Any], since: str | None, until: str | None, before: int | None) -> Select[Any]:
    if since is not None:
        wanted = wanted.where(_event.time >= since)
    if until is not None:
        wanted = wanted.where(_event.time < until)
    return wanted if before is None else wanted.where(_event.number < before)


# --- answered requests --------------------------------------------------------------------------------------


def _known(key: RequestKey) -> Iterator[ColumnElement[bool]]:
    yield _idempotency.token == key.token
    yield _idempotency.key == key.key


def answered(connection: Connection, key: RequestKey) -> Answered | None:
    """What became of the request with this key; None where there was none."""
    record = connection.execute(select(tables.idempotency).where(*_known(key))).one_or_none()
    if record is None:
        return None
    return Answered(key, record.request, record.created, record.revision, record.status, record.body)


def reserve(connection: Connection, key: RequestKey, request: str, created: str) -> Answered | None:
    """Take a key for a request; what became of the earlier one where it is taken, None where it is now ours."""
    if (earlier := answered(connection, key)) is not None:
        return earlier
    connection.execute(
        tables.idempotency.insert().values(
            token=key.token, key=key.key, request=request, created=created, revision=0, status=0, body=""
        )
    )
    return None


def published_for(connection: Connection, key: RequestKey, number: int) -> bool:
    """Note, in the transaction of a change, that it is what the request with this key wanted."""
    noted = connection.execute(
        tables.idempotency.update().where(*_known(key), _idempotency.revision == 0).values(revision=number)
    )
    return bool(noted.rowcount)


def answer(connection: Connection, key: RequestKey, status: int, body: str) -> bool:
    """Keep the answer, once; False where there is one, or no such request."""
    kept = connection.execute(
        tables.idempotency.update().where(*_known(key), _idempotency.status == 0).values(status=status, body=body)
    )
    return bool(kept.rowcount)


def release(connection: Connection, key: RequestKey) -> bool:
    """Let a key be used again that led to nothing; False where it led to something."""
    unused = (_idempotency.revision == 0, _idempotency.status == 0)
    return bool(connection.execute(tables.idempotency.delete().where(*_known(key), *unused)).rowcount)


def forget_answers(connection: Connection, before: str) -> int:
    """Forget the requests that came before a time; how many there were."""
    return connection.execute(tables.idempotency.delete().where(_idempotency.created < before)).rowcount
