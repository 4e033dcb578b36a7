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
from service.decision import guards, trial
from service.decision.engine import Ruleset, Snapshot
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy
from service.policy import bundle, lint, separation
from service.policy.bundle import Bundle
from service.policy.findings import errors, finding
from service.policy.hints import look
from service.policy.rows import NAME_MENDS, name_problem
from service.store.sql import Store
from service.store.view import View, text_digest
from service.values import ROLE_PREFIX, Change, Finding, Position, Row, Severity

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


def lint_rows(read: Bundle, after: Mapping[str, frozenset[Row]]) -> list[Finding]:
    """What cannot have been meant in the practices as they will be."""
    known, found = read.screens, []
    for name, rows in after.items():
        at = Position(f"practice {name}" if name else bundle.SCREENS)
        ordered = sorted(rows)
        misspelt = [problem for row in ordered for problem in _spelling(read, row, at)]
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


def hints(read: Bundle, before: Mapping[str, frozenset[Row]], after: Mapping[str, frozenset[Row]]) -> list[Finding]:
    """Warnings on the practices as they will be that are not there already."""
    found: list[Finding] = []
    for name in sorted(after.keys() - {""}):
        old, new = (_warnings(read, name, rows) for rows in (before.get(name, frozenset()), after[name]))
        found += [warning for warning in new if warning not in old]
    return found


def _warnings(read: Bundle, practice: str, rows: frozenset[Row]) -> list[Finding]:
    at, known = Position(f"practice {practice}"), read.screens
    found = look(sorted(rows), lambda *_: at, known, live=True)
    found += separation.warnings(rows, read.separation, known, lambda _: at)
    return [warning for warning in found if warning.severity is Severity.WARNING]


def shaken(old: Bundle, read: Bundle) -> bool:
    """Whether the files change what practices rest on that the change does not touch."""
    if (old.model.policy, old.model.effect) != (read.model.policy, read.model.effect):
        return True
    return bool(guards.administering(old.screens) - guards.administering(read.screens))


def require_firm(store: Store, old: Bundle, read: Bundle, *, apart_from: Iterable[str]) -> None:
    """Every other practice can still be built, and keeps an administrator. Takes time in the number of practices."""
    rules_before, rules = trial.ruleset(old), trial.ruleset(read)
    with store.reading() as view:
        practices = view.practice_ids()
    for practice in sorted(practices.difference(apart_from)):
        # One reading each: a long one would keep others from committing. Should the base move, step 9 finds it.
        with store.reading() as view:
            rows = {practice: frozenset(view.rows(practice))}
        at = Position(f"practice {practice}")
        refuse([problem for row in rows[practice] for problem in _spelling(read, row, at)])
        before, after = built(rules_before, rows, practices), built(rules, rows, practices)
        guard(guards.last_administrator(practice, before, after))


def built(rules: Ruleset, rows: Mapping[str, frozenset[Row]], practices: frozenset[str]) -> Snapshot:
    """The touched practices that exist, compiled."""
    return Snapshot(
        rules, {name: rules.compile(own) for name, own in rows.items() if name and name in practices and own}
    )


def refuse(findings: list[Finding]) -> None:
    """Raise what was found, if any of it is an error."""
    if errors(findings):
        raise InvalidPolicy(findings)


def guard(hit: list[guards.Guard]) -> None:
    """Raise the first guard rail that was hit."""
    for guard in hit:
        raise ChangeRefused(*guard)
