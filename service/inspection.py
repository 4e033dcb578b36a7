"""Inspection: what a change is held against before it may become a revision. The leaves of `service.publish`.

Everything here reads and judges; nothing is written. What must not pass is raised: InvalidPolicy for what cannot have
been meant, ChangeRefused for what may not be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from service.audit.chain import rows_digest
from service.decision import guards
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy
from service.policy import bundle, lint, separation
from service.policy.bundle import Bundle
from service.policy.findings import errors, finding
from service.policy.hints import look
from service.policy.rows import NAME_MENDS, name_problem
from service.store.sql import Store
from service.store.view import View, text_digest
from service.values import ROLE_PREFIX, Change, Finding, Position, Row, Severity
from service.witness import Silence, Statement

_IDENTITY = {"practice": 1, "user": 2, "file": 1, "p": 4}
"""Fields by which the store knows a row: nobody stands twice under one id. Of other kinds it is all of them."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the change starts from: rows of each practice that it touches, and the files as they are and will be."""

    rows: Mapping[str, frozenset[Row]]
    published: Mapping[str, str]
    texts: Mapping[str, str]
    practices: frozenset[str]
    """Those of the touched practices that exist."""
    granted: frozenset[str] | None = None
    """The practices that the author may change, where a token says so."""


def parsed(texts: Mapping[str, str]) -> Bundle:
    """Files as a bundle without an error. Kept for the next change, which mostly has the same ones."""
    read, findings = _load(tuple(sorted(texts.items())))
    refuse(findings)
    if read is None:
        raise InvalidPolicy(findings)
    return read


def published_before(base: Base, read: Bundle) -> Bundle:
    """The files as they are served now, by which the state before is judged; `read` where there were none.

    What was published once is not judged again: a newer version of ours may know a rule that it breaks.
    """
    old = _load(tuple(sorted(base.published.items())))[0]
    return read if old is None or old.bare is not None else old


@lru_cache(maxsize=2)
def _load(texts: tuple[tuple[str, str], ...]) -> tuple[Bundle | None, list[Finding]]:
    return bundle.load({path: text.encode() for path, text in texts})


def resulting(change: Change, rows: Mapping[str, frozenset[Row]]) -> dict[str, frozenset[Row]]:
    """The rows of each touched practice as they will be."""
    after = {name: set(current) for name, current in rows.items()}
    for row in change.removed:
        after[row.practice].discard(row)
    for row in change.added:
        after[row.practice].add(row)
    return {name: frozenset(will_be) for name, will_be in after.items()}


def require_unmoved(change: Change, rows: Mapping[str, frozenset[Row]]) -> None:
    """The rows to remove are there, those to add are not, and nobody stands twice. The store asks the same again."""
    mend = "look at the rows as they are now and try again"
    current = frozenset(chain.from_iterable(rows.values()))
    for row in sorted(change.removed - current):
        raise ChangeRefused("rows-moved", f"a `{row.kind}` row to remove is not there", mend)
    taken = {identity(row) for row in current - change.removed}
    for row in sorted(change.added):
        if identity(row) in taken:
            raise ChangeRefused("rows-moved", f"a `{row.kind}` row to add clashes with another one", mend)
        taken.add(identity(row))


def identity(row: Row) -> tuple[str, tuple[str, ...]]:
    """What a row is about: two rows of one identity cannot stand beside each other."""
    return row.kind, row.fields[: _IDENTITY.get(row.kind)]


def require_paired(read: Bundle, after: Mapping[str, frozenset[Row]]) -> None:
    """`g2` and `file` rows are those of the files. That they are not would be a bug of the caller."""
    files = {Row("file", (path, text_digest(text))) for path, text in read.texts.items()}
    # INVARIANT: no worker serves screens that differ from the file that holds them, so they are never published.
    if "" in after and after[""] != files | set(read.shared.rows):
        raise ValueError("the `g2` and `file` rows of the change are not those of its files")


def require_no_practices(store: Store, after: Mapping[str, frozenset[Row]]) -> None:
    """Under a folder without practices none is left: nobody would be answered about them any more."""
    with store.reading() as view:
        left = {name for name in view.practice_ids() if name not in after}
    left |= {name for name, rows in after.items() if name and rows}
    if left:
        text = f"there would be practices, such as `{min(left)}`, and the policy folder is one without"
        raise ChangeRefused("practices-left", text, "use another store, or a folder with `catalog.yaml`")


def read_base(change: Change, store: Store, files: Mapping[str, str]) -> Base:
    """What the store has that the change rests on; BaseMoved when it has moved on."""
    touched = {row.practice for row in (*change.added, *change.removed)}
    kind, _, name = change.actor.partition(":")
    if kind not in ("user", "token", "operator") or not name:
        raise ValueError(f"a change by `{change.actor}`, who is neither user, token nor operator")
    with store.reading() as view:
        head = view.head()
        if head.number != change.base:
            raise BaseMoved(change.base, head.number)
        published = view.files()
        rows = {name: frozenset(view.rows(name)) for name in touched}
        _require_intact(view, rows)
        granted = _granted(view, name) if kind == "token" else None
        return Base(rows, published, _texts(published, change, files), view.existing(touched), granted)


def _granted(view: View, name: str) -> frozenset[str] | None:
    """The practices of a token that is in use, None for all of them; of any other token none."""
    found = [token.practices for token in view.tokens() if token.name == name and token.revoked is None]
    return found[0] if found else frozenset()


def _require_intact(view: View, rows: Mapping[str, frozenset[Row]]) -> None:
    """Rows that were altered beneath their revisions are not carried into a new revision, which would bless them."""
    for name, current in rows.items():
        if rows_digest(current) != (view.recorded_digest(name) or rows_digest(())):
            what = f"practice `{name}`" if name else "the shared screens and files"
            mend = "restore them from `rolewarden export`, or from a backup"
            raise ChangeRefused("rows-altered", f"the rows of {what} are not those of their revisions", mend)


def _texts(published: Mapping[str, str], change: Change, files: Mapping[str, str]) -> dict[str, str]:
    """The published files as they will be."""
    removed = {row.fields[0] for row in change.removed if row.kind == "file"}
    return {path: text for path, text in published.items() if path not in removed} | dict(files)


def lint_rows(read: Bundle, before: Mapping[str, frozenset[Row]], after: Mapping[str, frozenset[Row]]) -> list[Finding]:
    """What cannot have been meant in the practices as they will be. Rows that stay were looked at one by one before."""
    known, found = read.screens, []
    for name, rows in after.items():
        at = Position(f"practice {name}" if name else bundle.SCREENS)
        ordered = sorted(rows)
        kept = frozenset[Row]() if "" in after else before[name]
        misspelt = [problem for row in ordered if row not in kept for problem in _spelling(read, row, at)]
        found += misspelt
        if name and not misspelt:
            users = {row.fields[1] for row in ordered if row.kind == "user"}
            found += lint.practice_rows(ordered, lambda *_, at=at: at, known, {name: users})
    return found


def _spelling(read: Bundle, row: Row, at: Position) -> list[Finding]:
    """What is wrong with one row as it is written, whatever it means."""
    found = [
        finding(problem[0], at, problem[1], NAME_MENDS[problem[0]])
        for value in row.fields
        if (problem := name_problem(value))
    ]
    width, effect = read.model.widths.get(row.kind, len(row.fields)), read.model.effect_column
    if len(row.fields) != width:
        text = f"`{row.kind}` with {len(row.fields)} fields"
        found.append(finding("row-length", at, text, f"write {width} fields after `{row.kind}`"))
    elif row.kind == "p" and effect is not None and row.fields[effect] not in ("allow", "deny"):
        found.append(finding("effect-spelling", at, f"effect `{row.fields[effect]}`", "write `allow` or `deny`"))
    if row.kind == "role" and not row.fields[1].startswith(ROLE_PREFIX):
        text, mend = f"`{row.fields[1]}` without its prefix", f"write `{ROLE_PREFIX}{row.fields[1]}`"
        found.append(finding("prefix-missing", at, text, mend))
    return found


def left_behind(
    store: Store, before: Mapping[str, frozenset[Row]], after: Mapping[str, frozenset[Row]]
) -> list[Finding]:
    """Levels that practices hold and that the screens would no longer declare: nobody loses access unsaid."""
    lost = _declared(before.get("", frozenset())) - _declared(after.get("", frozenset()))
    if not lost:
        return []
    with store.reading() as view:
        in_use = view.levels_in_use(apart_from=after.keys())
    return [
        finding(
            "level-unknown",
            Position(bundle.SCREENS),
            f"practices hold {level} on `{screen}`, which is no longer declared",
            "take those rows out first, or keep the level",
        )
        for screen, level in sorted(lost & in_use)
    ]


def _declared(shared: Iterable[Row]) -> set[tuple[str, str]]:
    """Each (screen, name) that stands in a `g2` row."""
    return {(row.fields[2], name) for row in shared if row.kind == "g2" for name in row.fields[:2]}


def hints(read: Bundle, practice: str, before: frozenset[Row], after: frozenset[Row]) -> list[Finding]:
    """Warnings on a practice as it will be that are not there already."""
    new = _warnings(read, practice, after)
    old = _warnings(read, practice, before) if new else []
    return [warning for warning in new if warning not in old]


def declared_apart(store: Store, old: Bundle, read: Bundle) -> list[Finding]:
    """Warnings about everybody who has both of a pair that the files newly keep apart. They keep them."""
    new = [pair for pair in read.separation if pair.apart not in {known.apart for known in old.separation}]
    if not new:
        return []
    duties = {duty for pair in new for duty in pair.apart}
    levels = [level for level, opens in read.screens.granted.items() if any((level[0], a) in duties for a in opens)]
    found: list[Finding] = []
    with store.reading() as view:
        practices = view.practices_holding(levels)
    for practice in sorted(practices):
        with store.reading() as view:
            rows = view.rows(practice)
        found += separation.warnings(rows, new, read.screens, _place)
    return found


def _place(practice: str) -> Position:
    return Position(f"practice {practice}")


def _warnings(read: Bundle, practice: str, rows: frozenset[Row]) -> list[Finding]:
    found = look(sorted(rows), lambda *_: _place(practice), read.screens, live=True)
    found += separation.warnings(rows, read.separation, read.screens, _place)
    return [warning for warning in found if warning.severity is Severity.WARNING]


def misshapen(read: Bundle, practice: str, rows: Iterable[Row]) -> list[Finding]:
    """Rows of a practice that do not fit the model as it will be."""
    at = Position(f"practice {practice}")
    return [problem for row in rows for problem in _spelling(read, row, at)]


def agreement(statement: Statement) -> None:
    """Refuse a change that stock Casbin was not heard about, or decides otherwise."""
    if statement.differ:
        first = statement.differ[0]
        user, practice, screen, action = first.request
        when, ours = ("after", "before")[not first.after], ("no", "yes")[first.ours]
        raise ChangeRefused(
            "second-opinion-differs",
            f"stock Casbin decides otherwise {when} this change: `{action}` on `{screen}` for `{user}` of `{practice}` "
            f"is `{ours}` by us",
            "nothing was changed; please report it",
            "This can't be saved: two ways of working it out disagree. Please tell whoever runs the system.",
        )
    if statement.silence is not None:
        raise ChangeRefused(
            "second-opinion-missing",
            *_SILENCE[statement.silence],
            "This can't be saved right now. Try again in a minute.",
        )


_SILENCE = {
    Silence.ABSENT: ("stock Casbin gave no second opinion: it is not installed", "install `rolewarden[setup]`"),
    Silence.ENDED: ("stock Casbin gave no second opinion: its process ended", "look at the log, and try again"),
    Silence.LATE: ("stock Casbin did not give its second opinion in time", "try again when there is less to do"),
}


def refuse(findings: list[Finding]) -> None:
    """Raise what was found, if any of it is an error."""
    if errors(findings):
        raise InvalidPolicy(findings)


def guard(hit: list[guards.Guard]) -> None:
    """Raise the first guard rail that was hit."""
    for guard in hit:
        raise ChangeRefused(*guard)
