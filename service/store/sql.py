"""Writing: every change of the store is one transaction that happens wholly or not at all.

How a change becomes a revision stands in `ledger`. Nothing here judges policy or tells anybody: `service.publish` does
both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Self

from sqlalchemy import ColumnElement, Connection, Engine, Table, exists, or_, select

from service.errors import UsageError
from service.store import ledger, migrate, people, tables
from service.store.base import Answered, Draft, Event, FolderStatus, KeptDraft, RequestKey, Session, Token
from service.store.connect import WRITING, connect, translated
from service.store.view import View
from service.values import Revision

_AT_ONCE = 500
"""Names in one `IN (...)`: below what every database takes."""


class Store:
    """A database of practices, users, roles, rows and revisions. Any number of threads may use one.

    Each process opens its own, after it has been forked. Everything raises StoreUnavailable when the database
    does not answer as it should.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, create: bool = False, patience: float = 5.0) -> Self:
        """Open the store at this URL (see `connect`), which must have the newest schema.

        With `create`, it is made where there is none and brought up to date where it is older. `patience`:
        seconds to wait while others hold the database.
        """
        store = cls(connect(url, create=create, patience=patience))
        try:
            if create:
                with store._writing() as connection:
                    migrate.upgrade(connection)
            with translated(), store._engine.begin() as connection:
                migrate.require_newest(connection)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Give back what the store holds of the system. Closing twice does no harm."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[View]:
        """One consistent view. Keep it short: while it is open, no change can be committed."""
        with translated(), self._engine.begin() as connection:
            yield View(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with translated(), self._engine.execution_options(**{WRITING: True}).begin() as connection:
            yield connection

    # --- changes of policy ---

    def commit(self, draft: Draft, files: Mapping[str, str]) -> Revision:
        """Publish a change as the next revision. `files`: path -> text for the `file` rows that are added.

        Raises BaseMoved when another change came first; ChangeRefused when a row to remove is not there or a
        row to add is (`rows-moved`), or when rows would belong to a practice that does not exist
        (`practice-missing`); UsageError when the request that it answers has been answered.
        """
        ledger.require_complete(draft, files)
        with self._writing() as connection:
            return ledger.commit(connection, draft, files)

    # --- what the host remembers ---

    def add_token(self, token: Token) -> None:
        """Keep a new token. Raises UsageError where one of that name is in use."""
        values = asdict(token) | {
            "practices": None if token.practices is None else sorted(token.practices),
            "scopes": " ".join(sorted(token.scopes)),
        }
        with self._writing() as connection:
            if connection.scalar(select(exists().where(*_in_use(token.name)))):
                raise UsageError(f"there is already a token `{token.name}`", "revoke it first, or choose another name")
            connection.execute(tables.token.insert(), values)

    def revoke_token(self, name: str, time: str) -> None:
        """Let a token be refused from now on. Raises UsageError where none of that name is in use."""
        with self._writing() as connection:
            revoked = connection.execute(tables.token.update().where(*_in_use(name)).values(revoked=time))
            if not revoked.rowcount:
                raise UsageError(f"there is no token `{name}` in use", "see `rolewarden token list`")

    def mark(self, name: str, value: str) -> None:
        """Remember a value under a name, in place of the one before."""
        with self._writing() as connection:
            _put(connection, tables.mark, "name", {"name": name, "value": value})

    def unmark(self, name: str) -> None:
        """Forget what was remembered under a name, if anything was."""
        with self._writing() as connection:
            connection.execute(tables.mark.delete().where(tables.mark.c.name == name))

    def note_folder(self, status: FolderStatus) -> None:
        """Remember what became of the policy folder, in place of the time before."""
        with self._writing() as connection:
            _put(connection, tables.folder_status, "id", {"id": 1, **asdict(status)})

    # --- those who sign in, and those who ask the admin API ---

    def add_session(self, session: Session) -> None:
        """Keep a new session."""
        with self._writing() as connection:
            people.add_session(connection, session)

    def touch_session(self, id_hash: str, seen: str) -> bool:
        """Note that a session was used; False where it is over."""
        with self._writing() as connection:
            return people.touch_session(connection, id_hash, seen)

    def end_session(self, id_hash: str) -> bool:
        """Forget one session; False where it is over already."""
        with self._writing() as connection:
            return bool(people.end_sessions(connection, tables.session.c.id_hash == id_hash))

    def end_sessions(self, user: str) -> int:
        """Forget every session of a person; how many there were."""
        with self._writing() as connection:
            return people.end_sessions(connection, tables.session.c.person == user)

    def end_old_sessions(self, *, seen_before: str, created_before: str) -> int:
        """Forget the sessions that are over by time; how many there were."""
        session = tables.session.c
        with self._writing() as connection:
            return people.end_sessions(connection, or_(session.seen < seen_before, session.created < created_before))

    def expire_session(self, id_hash: str, ended: str) -> bool:
        """End a session by time, and remember for a while whose it was; False where it is over already."""
        with self._writing() as connection:
            return people.expire_session(connection, id_hash, ended)

    def leave_unfinished(self, id_hash: str, place: str, form: str) -> bool:
        """Keep what somebody was about to send when their session had ended; False where nobody knows the session."""
        with self._writing() as connection:
            return people.leave_unfinished(connection, id_hash, place, form)

    def hand_over(self, old: str, new: Session) -> None:
        """Give what an ended session left to the next one, if it is the same person's; else forget it."""
        with self._writing() as connection:
            people.hand_over(connection, old, new)

    def forget_unfinished(self, *, id_hash: str = "", ended_before: str = "") -> int:
        """Forget what one session left, or all that ended before a time; how much there was."""
        kept = tables.unfinished.c
        with self._writing() as connection:
            return people.forget_unfinished(connection, or_(kept.id_hash == id_hash, kept.ended < ended_before))

    def keep_draft(self, draft: KeptDraft) -> None:
        """Keep what a person has typed in a practice, in place of what was there."""
        with self._writing() as connection:
            people.keep_draft(connection, draft)

    def drop_draft(self, practice: str, user: str) -> bool:
        """Forget a draft; False where there was none."""
        with self._writing() as connection:
            return people.drop_draft(connection, practice, user)

    def note_event(self, event: Event) -> int:
        """Keep an event for ever; the number that it got."""
        with self._writing() as connection:
            return people.note_event(connection, event)

    def reserve(self, key: RequestKey, request: str, created: str) -> Answered | None:
        """Take a key for a request (`request`: the digest of what is asked), of which there can be only one.

        None: the key is ours now, and ends with `answer` or `release`. Otherwise what became of the earlier request.
        """
        with self._writing() as connection:
            return people.reserve(connection, key, request, created)

    def answer(self, key: RequestKey, status: int, body: str) -> bool:
        """Keep the answer to a request, once; False where there is one, or no such request."""
        with self._writing() as connection:
            return people.answer(connection, key, status, body)

    def release(self, key: RequestKey) -> bool:
        """Let a key be used again that led to nothing; False where it led to a change or an answer."""
        with self._writing() as connection:
            return people.release(connection, key)

    def forget_answers(self, before: str) -> int:
        """Forget the requests that came before a time; how many there were."""
        with self._writing() as connection:
            return people.forget_answers(connection, before)


def _put(connection: Connection, table: Table, key: str, values: Mapping[str, object]) -> None:
    changed = connection.execute(table.update().where(table.c[key] == values[key]).values(**values))
    if not changed.rowcount:
        connection.execute(table.insert(), values)


def _in_use(name: str) -> tuple[ColumnElement[bool], ...]:
    return tables.token.c.name == name, tables.token.c.revoked.is_(None)
