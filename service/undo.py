"""Undo: a change that takes back another one in one practice, and what that would do, shown before it is done.

What it takes back is exactly the rows of that change. It is refused, in words, where any of them was changed again
since or where something that came later rests on them: nothing that somebody else wants goes with it unseen. Otherwise
it is a change like any other and passes the same guard rails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from service.changes import Author, Subject, carry_out, subjects
from service.errors import ChangeRefused, InvalidPolicy, PracticeMoved, UsageError
from service.policy.wording import series_text
from service.publish import Press, Rehearsal, rehearse
from service.store.view import View
from service.values import ROLE_PREFIX, USER_PREFIX, Change, Revision, Row

_LATER = 1_000
"""Later changes that are searched for the one that stands in the way."""


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing would do. `base`: the newest revision that touched the practice.

    `rehearsal` is None where it would be refused, and `refused` says why.
    """

    change: Change
    base: int
    before: frozenset[Row]
    rehearsal: Rehearsal | None = None
    refused: ChangeRefused | InvalidPolicy | None = None


def reason(number: int, why: str = "") -> str:
    """Why a change was made that takes back another one: it names it."""
    return f"Undo of change no. {number}" + (f": {why}" if why else "")


def preview(press: Press, author: Author, practice: str, number: int) -> Undo:
    """What undoing a change would do in a practice as it stands now. Writes nothing.

    Raises UsageError where there is no such change of this practice, and StoreUnavailable.
    """
    with press.store.reading() as view:
        before = frozenset(view.rows(practice))
        shown = Undo(_reverse(view, author, practice, number), view.last_touched(practice), before)
        try:
            _require_standing(view, practice, number, shown.change)
        except ChangeRefused as error:
            return replace(shown, refused=error)
    try:
        return replace(shown, rehearsal=rehearse(shown.change, press.store))
    except (ChangeRefused, InvalidPolicy) as error:
        return replace(shown, refused=error)


def save(press: Press, author: Author, practice: str, number: int, base: int) -> Revision | None:
    """Take a change back. Raises PracticeMoved where the practice moved since `base`, and what `publish` raises."""

    def wanted(view: View) -> Change:
        if (newest := view.last_touched(practice)) != base:
            raise PracticeMoved(practice, base, newest)
        change = _reverse(view, author, practice, number)
        _require_standing(view, practice, number, change)
        return change

    return carry_out(press, wanted)


def _reverse(view: View, author: Author, practice: str, number: int) -> Change:
    """The change with what came and what went in each other's place."""
    undone = view.revision(number)
    if undone is None or not any(practice == name for name, _ in undone.practices):
        raise UsageError(f"change no. {number} did not change `{practice}`", "see `rolewarden log`")
    return Change(
        added=frozenset(row for row in undone.removed if row.practice == practice),
        removed=frozenset(row for row in undone.added if row.practice == practice),
        actor=author.actor,
        how=author.how,
        base=view.head().number,
        reason=reason(number, author.reason),
        reference=author.reference,
    )


def _require_standing(view: View, practice: str, number: int, change: Change) -> None:
    """What the change left is still as it left it, and nothing later rests on what would go."""
    about = {subject for row in change.added | change.removed for subject in subjects(row)}
    left, now = (_by_subject(rows, about) for rows in (view.rows_at(number, practice), view.rows(practice)))
    moved = {subject for subject in about if left[subject] != now[subject]}
    if moved:
        later = _changed_by(view, practice, number, moved)
        named = f" by change no. {series_text(list(map(str, later)))}" if later else ""
        raise ChangeRefused(
            "undo-moved",
            f"what change no. {number} did was changed again{named}",
            "undo that first, or change it by hand",
            f"What this change did was changed again since{named}. Undo that first, or change it in Roles or Users.",
        )
    result = (frozenset(view.rows(practice)) - change.removed) | change.added
    if loose := _loose(result, change):
        raise ChangeRefused(
            "undo-in-use",
            f"later changes rest on {series_text(loose)}, which this would take away",
            "undo those first, or change it by hand",
            f"Later changes use {series_text(loose)}, which this would take away. Undo those first, or change it in "
            "Roles or Users.",
        )


def _by_subject(rows: Iterable[Row], about: set[Subject]) -> Mapping[Subject, set[Row]]:
    found: dict[Subject, set[Row]] = defaultdict(set)
    for row in rows:
        for subject in about.intersection(subjects(row)):
            found[subject].add(row)
    return found


def _changed_by(view: View, practice: str, number: int, moved: set[Subject]) -> list[int]:
    """The later changes that moved one of these, oldest first."""
    later = [each.number for each in view.changes(practice=practice, limit=_LATER) if each.number > number]
    rows = view.some_rows(later, practice, _LATER)
    return sorted(
        at for at, some in rows.items() if any(not moved.isdisjoint(subjects(row)) for row in some.added + some.removed)
    )


def _loose(result: frozenset[Row], change: Change) -> list[str]:
    """Roles and users that would go, or not come back, although rows name them."""
    roles = {row.fields[1] for row in result if row.kind == "role"}
    users = {USER_PREFIX + row.fields[1] for row in result if row.kind == "user"}
    named = {row.fields[0] for row in result if row.kind in ("p", "g")}
    named |= {row.fields[1] for row in result if row.kind == "g"}
    touched = {row.fields[at] for row in change.added | change.removed for at in _NAMING.get(row.kind, ())}
    touched |= {USER_PREFIX + row.fields[1] for row in change.removed if row.kind == "user"}
    missing = (named - roles - users) & touched
    return sorted(name.removeprefix(ROLE_PREFIX).removeprefix(USER_PREFIX) for name in missing)


_NAMING = {"p": (0,), "g": (0, 1), "role": (1,)}
"""Fields of a row that name a role or a user."""
