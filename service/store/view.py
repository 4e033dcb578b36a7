"""Reading: a `View` is the store as it stood at one moment, however many questions it is asked.

It lives within one read transaction (`Store.reading`) and is of no use afterwards. It gives rows and
revisions as they are recorded; whether they agree with each other is for its caller to judge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select
from sqlalchemy import Row as Record

from service.audit.events import AuditEvent
from service.errors import StoreUnavailable
from service.store import history, homes, people, review, tables
from service.store.base import (
    Affected,
    Answered,
    Event,
    Fared,
    FolderStatus,
    Head,
    KeptDraft,
    Listed,
    RequestKey,
    Session,
    Some,
    Token,
    Unfinished,
    is_text,
)
from service.values import Finding, How, Position, Revision, Row, Severity

_AT_ONCE = 500
"""Names in one `IN (...)`; for more it is quicker to ask for all."""

# Statements that are put at every reading, made once: making one takes as long as SQLite takes to answer it.
_HEAD = select(tables.head.c.number, tables.head.c.digest)
_EXISTING = select(tables.practice.c.id).where(tables.practice.c.id.in_(bindparam("practices", expanding=True)))
_TOUCHED_SINCE = (
    select(tables.revision_practice.c.practice)
    .distinct()
    .where(tables.revision_practice.c.number > bindparam("number"))
)
_RECORDED_DIGEST = (
    select(tables.revision_practice.c.digest)
    .where(tables.revision_practice.c.practice == bindparam("practice"))
    .order_by(tables.revision_practice.c.number.desc())
    .limit(1)
)
_DIGEST_AT = select(tables.revision.c.digest).where(tables.revision.c.number == bindparam("number"))
_TOKENS = select(tables.token).order_by(tables.token.c.created, tables.token.c.id)
_FOLDER_STATUS = select(tables.folder_status)

_ROW = tuple(tables.revision_row.c[name] for name in ("kind", *tables.FIELDS))


class View:
    """What one read transaction sees. Practice "" is what all practices share: `g2` and `file` rows."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- current rows ---

    def head(self) -> Head:
        """The newest revision's number and digest."""
        return Head(*self._connection.execute(_HEAD).one())

    def practice_ids(self) -> frozenset[str]:
        return frozenset(self._connection.scalars(select(tables.practice.c.id)))

    def existing(self, practices: Collection[str]) -> frozenset[str]:
        """Those of these practices that exist."""
        practices = list(filter(is_text, practices))
        if len(practices) > _AT_ONCE:
            return self.practice_ids().intersection(practices)
        return frozenset(self._connection.scalars(_EXISTING, {"practices": practices}))

    def user_ids(self, practices: Collection[str]) -> dict[str, frozenset[str]]:
        """The users of each of these practices, active or not; without those that have none."""
        user = tables.directory_user.c
        wanted, found = sorted(filter(is_text, practices)), defaultdict(set)
        for start in range(0, len(wanted), _AT_ONCE):
            some = user.practice.in_(wanted[start : start + _AT_ONCE])
            for practice, name in self._connection.execute(select(user.practice, user.id).where(some)):
                found[practice].add(name)
        return {practice: frozenset(users) for practice, users in found.items()}

    def practice_names(self, practices: Collection[str]) -> dict[str, str]:
        """What people call these practices, by id; those that do not exist are left out."""
        practice = tables.practice.c
        found = self._connection.execute(select(practice.id, practice.name).where(practice.id.in_(practices)))
        return {record.id: record.name for record in found}

    def count_without_role(self, role: str) -> int:
        """How many practices have no role of this name, prefix included."""
        practice, known = tables.practice, tables.role.c
        having = select(known.practice).where(known.name == role)
        count = select(func.count()).select_from(practice).where(practice.c.id.not_in(having))
        return int(self._connection.execute(count).scalar_one())

    def rows(self, practice: str) -> tuple[Row, ...]:
        """Every current row of a practice, whatever its kind, sorted. One statement.

        A name that cannot be kept has none; whoever asks for more with it is told so.
        """
        if not is_text(practice):
            return ()
        statement = homes.ROWS_OF_PRACTICE if practice else homes.SHARED_ROWS
        found = self._connection.execute(statement, {"practice": practice} if practice else {}).all()
        return tuple(sorted([homes.row(kind, fields) for kind, *fields in found]))

    def levels_in_use(self, apart_from: Collection[str]) -> frozenset[tuple[str, str]]:
        """Each (screen, level) that some practice, apart from these, has in a `p` row."""
        rule = tables.casbin_rule.c
        levels = select(rule.v1, rule.v2, rule.v3).distinct().where(rule.ptype == "p")
        found = self._connection.execute(levels)
        return frozenset((screen, level) for practice, screen, level in found if practice not in apart_from)

    def practices_holding(self, levels: Collection[tuple[str, str]]) -> frozenset[str]:
        """The practices that have some of these (screen, level) in a `p` row."""
        rule = tables.casbin_rule.c
        screens = sorted({screen for screen, _ in levels})
        found: set[str] = set()
        for start in range(0, len(screens), _AT_ONCE):
            some = rule.v2.in_(screens[start : start + _AT_ONCE])
            held = self._connection.execute(select(rule.v1, rule.v2, rule.v3).distinct().where(rule.ptype == "p", some))
            found.update(practice for practice, screen, level in held if (screen, level) in levels)
        return frozenset(found)

    def files(self) -> dict[str, str]:
        """The published policy files: path -> text.

        A `file` row names its text by SHA-256, and digests of rows rest on that: a text that is another is
        refused.
        """
        file, text = tables.policy_file, tables.file_text
        texts = {}
        for path, digest, content in self._connection.execute(
            select(file.c.path, file.c.sha256, text.c.text).join_from(file, text).order_by(file.c.path)
        ):
            if text_digest(content) != digest:
                raise StoreUnavailable(
                    f"the text of `{path}` in the store is not the one that was published",
                    "restore the store from a backup, or publish the folder again",
                )
            texts[path] = content
        return texts

    # --- revisions ---

    def touched_since(self, number: int) -> frozenset[str]:
        """The practices that revisions after this one touched; "" among them where shared rows changed."""
        return frozenset(self._connection.scalars(_TOUCHED_SINCE, {"number": number}))

    def last_touched(self, practice: str) -> int:
        """The number of the newest revision that touched a practice; 0 where none did."""
        touched = tables.revision_practice.c
        newest = select(func.max(touched.number)).where(touched.practice == practice)
        return self._connection.execute(newest).scalar_one() or 0

    def newest_by(self, practice: str, how: How) -> int | None:
        """The number of the newest revision that touched a practice and was made in this way; None where none was."""
        revision, touched = tables.revision.c, tables.revision_practice.c
        newest = select(func.max(touched.number)).join(tables.revision, revision.number == touched.number)
        number: int | None = self._connection.scalar(
            newest.where(touched.practice == practice, revision.how == how.value)
        )
        return number

    def recorded_digest(self, practice: str) -> str | None:
        """The digest of a practice's rows as the newest revision touching it says; None where none did."""
        if not is_text(practice):
            return None
        return self._connection.execute(_RECORDED_DIGEST, {"practice": practice}).scalar_one_or_none()

    def revision(self, number: int) -> Revision | None:
        """One revision with its rows; None where there is no such number."""
        revisions = self._revisions(select(tables.revision.c.number).where(tables.revision.c.number == number))
        return revisions[0] if revisions else None

    def digest_at(self, number: int) -> str | None:
        """The digest of one revision without reading its rows; None where there is no such number."""
        return self._connection.execute(_DIGEST_AT, {"number": number}).scalar_one_or_none()

    def revisions(self, practice: str | None = None, limit: int = 50) -> tuple[Revision, ...]:
        """The newest revisions, newest first: those that touched a practice, or all. Three statements."""
        column = tables.revision.c.number
        numbers = select(column)
        if practice is not None:
            column = tables.revision_practice.c.number
            numbers = select(column).where(tables.revision_practice.c.practice == practice)
        return self._revisions(numbers.order_by(column.desc()).limit(limit))

    def rows_at(self, number: int, practice: str | None = None) -> frozenset[Row]:
        """The rows as they stood after a revision, replayed from the start; of one practice, or of all."""
        row, touched = tables.revision_row.c, tables.revision_practice.c
        events = select(row.added, *_ROW).where(row.number <= number).order_by(row.number, row.seq)
        if practice is not None:
            numbers = select(touched.number).where(touched.practice == practice)
            events = events.where(row.number.in_(numbers), homes.kept_of(practice))
        standing: set[Row] = set()
        for added, kind, *fields in self._connection.execute(events):
            (standing.add if added else standing.discard)(homes.row(kind, fields))
        return frozenset(standing)

    def effects(self, number: int, practice: str | None = None) -> tuple[Affected, ...]:
        """Who gained or lost how much on which screen by one revision, sorted; in one practice, or in all."""
        return history.effects(self._connection, number, practice)

    def changes(
        self,
        *,
        practice: str | None = None,
        person: str | None = None,
        screen: str | None = None,
        actor: str | None = None,
        how: How | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 50,
        shared: bool = False,
    ) -> tuple[Listed, ...]:
        """The newest revisions that fit, newest first, without their rows.

        `since` <= time < `until`; `before`: only smaller numbers, for the next part of the list. `person` and `screen`:
        somebody gains or loses there, or rows name them; with `practice`, by that practice's rows or shared ones.
        `shared`: with `practice`, also what all practices share.
        """
        return history.changes(
            self._connection, practice, person, screen, actor, how, since, until, before, limit, shared=shared
        )

    def fared(self, numbers: Collection[int], practice: str, most: int = 3) -> dict[int, Fared]:
        """By revision, how many people of a practice gained and lost, and `most` of their ids."""
        return review.fared(self._connection, numbers, practice, most)

    def some_rows(self, numbers: Collection[int], practice: str, most: int) -> dict[int, Some]:
        """By revision, its rows that belong to a practice or to all, unless there are more than `most`."""
        return review.some_rows(self._connection, numbers, practice, most)

    def actors(self, practice: str) -> tuple[str, ...]:
        """Everybody who changed a practice, or what all share, sorted."""
        return review.actors(self._connection, practice)

    def people(self, practice: str) -> dict[str, str]:
        """The directory of a practice: names by id."""
        return review.people(self._connection, practice)

    def files_at(self, number: int) -> dict[str, str]:
        """The policy files as they were published after a revision: path -> text."""
        return review.texts(self._connection, (row for row in self.rows_at(number, "") if row.kind == "file"))

    def _revisions(self, numbers: Select[Any]) -> tuple[Revision, ...]:
        revision, row, touched = tables.revision, tables.revision_row.c, tables.revision_practice.c
        wanted = numbers.subquery()
        rows: dict[tuple[int, bool], list[Row]] = defaultdict(list)
        for number, added, kind, *fields in self._connection.execute(
            select(row.number, row.added, *_ROW).join(wanted, wanted.c.number == row.number).order_by(row.seq)
        ):
            rows[number, added].append(homes.row(kind, fields))
        practices: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for number, practice, digest in self._connection.execute(
            select(touched.number, touched.practice, touched.digest)
            .join(wanted, wanted.c.number == touched.number)
            .order_by(touched.practice)
        ):
            practices[number].append((practice, digest))
        found = self._connection.execute(
            select(revision).join(wanted, wanted.c.number == revision.c.number).order_by(revision.c.number.desc())
        )
        return tuple(
            _revision(record, rows[record.number, True], rows[record.number, False], practices[record.number])
            for record in found
        )

    # --- what the host remembers ---

    def tokens(self) -> tuple[Token, ...]:
        """Every token, revoked ones too, oldest first."""
        return tuple(
            Token(
                id=record.id,
                name=record.name,
                secret_hash=record.secret_hash,
                practices=None if record.practices is None else frozenset(record.practices),
                created=record.created,
                revoked=record.revoked,
                scopes=frozenset(record.scopes.split()),
            )
            for record in self._connection.execute(_TOKENS)
        )

    def marked(self, name: str) -> str | None:
        """The value of a mark; None where it was never set."""
        mark = tables.mark.c
        return self._connection.execute(select(mark.value).where(mark.name == name)).scalar_one_or_none()

    def folder_status(self) -> FolderStatus | None:
        """What became of the policy folder when it was last read; None before the first time."""
        record = self._connection.execute(_FOLDER_STATUS).one_or_none()
        if record is None:
            return None
        return FolderStatus(record.time, record.digest, record.holds, tuple(map(_finding, record.findings)))

    # --- those who sign in, and those who ask the admin API ---

    def session(self, id_hash: str) -> Session | None:
        """One session; None where it is over or never was."""
        return people.session(self._connection, id_hash)

    def sessions(self, user: str) -> tuple[Session, ...]:
        """Every session of a person, oldest first."""
        return people.sessions(self._connection, user)

    def unfinished(self, id_hash: str) -> Unfinished | None:
        """What a session left unfinished; None where there is nothing."""
        return people.unfinished(self._connection, id_hash)

    def draft(self, practice: str, user: str) -> KeptDraft | None:
        """What a person has typed in a practice and not saved; None where there is nothing."""
        return people.draft(self._connection, practice, user)

    def events(
        self,
        *,
        practice: str | None = None,
        actor: str | None = None,
        name: AuditEvent | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Event, ...]:
        """The newest events that fit, newest first; as for `changes`."""
        return people.events(self._connection, practice, actor, name, since, until, before, limit)

    def answered(self, key: RequestKey) -> Answered | None:
        """What became of the request with this key; None where there was none."""
        return people.answered(self._connection, key)


def text_digest(text: str) -> str:
    """The SHA-256 by which a `file` row names its text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def _revision(
    record: Record[Any], added: Sequence[Row], removed: Sequence[Row], practices: Sequence[tuple[str, str]]
) -> Revision:
    return Revision(
        number=record.number,
        time=record.time,
        actor=record.actor,
        how=How(record.how),
        reason=record.reason,
        reference=record.reference,
        added=tuple(added),
        removed=tuple(removed),
        practices=tuple(practices),
        previous=record.previous,
        digest=record.digest,
        evidence=history.evidence(record.evidence),
    )


def _finding(stored: dict[str, Any]) -> Finding:
    return Finding(
        rule=stored["rule"],
        severity=Severity(stored["severity"]),
        position=Position(*stored["position"]),
        found=stored["found"],
        mend=stored["mend"],
    )
