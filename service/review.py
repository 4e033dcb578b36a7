"""Review: the changes of one practice as those read them who did not make them.

`entries` is the list, `told` one change: what moved, and who gained and lost by it, worked out anew from the rows and
policy files of that time and held against what was kept. The rule kept here: nothing of another practice is told,
whatever a change has done besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from service.decision.effect import Effect, effect
from service.decision.standing import Alike, State, alike
from service.decision.trial import ruleset, snapshot
from service.policy import bundle
from service.policy.bundle import Bundle
from service.policy.moves import Moves, moves
from service.policy.practice import Practice
from service.policy.wording import Headline, Phrase, count, headline, phrase
from service.publish import affected
from service.store.base import Fared, Listed, Some
from service.store.view import View
from service.values import Evidence, How, Revision, Row

A_PAGE = 50
"""Changes in one part of the list."""

_MANY = 200
"""Rows of a change from which its headline is told; a larger one is told by numbers."""

_AT_ONCE = 200
_NOBODY = Fared(0, 0, 0, ())
_NOTHING = Some((), (), {})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which changes are wanted; what is None does not matter. Times as in a revision, `since` <= time < `until`."""

    person: str | None = None
    screen: str | None = None
    actor: str | None = None
    how: How | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One change in the list. `shared`: policy files that all practices share were part of it."""

    number: int
    time: str
    actor: str
    how: How
    reason: str
    reference: str
    what: Headline
    people: Fared
    shared: bool
    evidence: Evidence | None


def entries(
    view: View, practice: str, wanted: Filter, names: Mapping[str, str], before: int | None = None, limit: int = A_PAGE
) -> tuple[Entry, ...]:
    """The newest changes of a practice that fit, newest first. `names`: its users as people know them."""
    listed = view.changes(
        practice=practice,
        shared=True,
        person=wanted.person,
        screen=wanted.screen,
        actor=wanted.actor,
        how=wanted.how,
        since=wanted.since,
        until=wanted.until,
        before=before,
        limit=limit,
    )
    numbers = [each.number for each in listed]
    people, rows = view.fared(numbers, practice), view.some_rows(numbers, practice, _MANY)
    return tuple(
        _entry(each, rows.get(each.number, _NOTHING), people.get(each.number, _NOBODY), practice, names)
        for each in listed
    )


def every(view: View, practice: str, wanted: Filter, names: Mapping[str, str]) -> Iterator[Entry]:
    """All changes of a practice that fit, newest first, however many there are."""
    before: int | None = None
    while True:
        part = entries(view, practice, wanted, names, before, _AT_ONCE)
        yield from part
        if len(part) < _AT_ONCE:
            return
        before = part[-1].number


def _entry(listed: Listed, rows: Some, people: Fared, practice: str, names: Mapping[str, str]) -> Entry:
    return Entry(
        listed.number,
        listed.time,
        listed.actor,
        listed.how,
        listed.reason,
        listed.reference,
        headline(moves(rows.added, rows.removed, practice), names) if rows.whole else _in_numbers(rows.counts),
        people,
        "" in listed.practices,
        listed.evidence,
    )


def _in_numbers(counts: Mapping[tuple[str, bool], int]) -> Headline:
    """A change of very many rows, as how many of each kind came and went."""
    nouns = {"p": "level", "g": "membership", "role": "role", "user": "user", "practice": "practice", "g2": "rule"}
    phrases: list[Phrase] = []
    for came, verb in ((True, "added"), (False, "removed")):
        some = [count(n, nouns.get(kind, kind)) for (kind, added), n in sorted(counts.items()) if added is came]
        if some:
            phrases.append(phrase(f"{', '.join(some)} {verb}"))
    return Headline(tuple(phrases), 0)


# --- one change ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """One change in one practice. `before` and `after`: the practice on either side of it.

    `alike`: who gained and lost what; None where the policy files of that time cannot be read any more, and then
    `people` has how many. `confirmed`: whether that is what was kept when it was saved; None where that cannot be said.
    """

    revision: Revision
    before: Practice
    after: Practice
    moves: Moves
    shared: bool
    alike: tuple[Alike, ...] | None
    people: Fared
    confirmed: bool | None

    @cached_property
    def names(self) -> dict[str, str]:
        """Everybody by id, as they were called then."""
        return {user.id: user.name for side in (self.before, self.after) for user in side.users.values()}


def told(view: View, practice: str, number: int) -> Told | None:
    """One change as far as it is about a practice; None where there is none of that number, or it is about others."""
    revision = view.revision(number)
    if revision is None or not {practice, ""} & {name for name, _ in revision.practices}:
        return None
    shared = any(not name for name, _ in revision.practices)
    after = view.rows_at(number, practice)
    added, removed = (_of(practice, rows) for rows in (revision.added, revision.removed))
    before = (after - added) | removed
    flips, groups = _fared(view, number, practice, before, after, shared=shared)
    kept = view.effects(number, practice)
    return Told(
        revision,
        Practice.of(practice, before),
        Practice.of(practice, after),
        moves(revision.added, revision.removed, practice),
        shared,
        groups,
        view.fared([number], practice).get(number, _NOBODY),
        None if flips is None or revision.evidence is None else affected(flips) == kept,
    )


def _of(practice: str, rows: Iterable[Row]) -> frozenset[Row]:
    return frozenset(row for row in rows if row.practice == practice)


def _fared(
    view: View, number: int, practice: str, before: frozenset[Row], after: frozenset[Row], *, shared: bool
) -> tuple[Effect | None, tuple[Alike, ...] | None]:
    """The effect of a change by the policy files of its time, and what it was for people."""
    files = _read(tuple(sorted(view.files_at(number).items())))
    old = _read(tuple(sorted(view.files_at(number - 1).items()))) if shared and number > 1 else files
    if files is None or old is None:
        return None, None
    was, is_ = _state(old, before), _state(files, after)
    flips = effect(was.snapshot, is_.snapshot, [practice])
    return flips, alike(flips, was, is_, practice)


def fared(
    flips: Effect, texts: Mapping[str, str], before: frozenset[Row], after: frozenset[Row], practice: str
) -> tuple[Alike, ...]:
    """What an effect is for the people of a practice, by these policy files; nothing where they cannot be read."""
    files = _read(tuple(sorted(texts.items())))
    return alike(flips, _state(files, before), _state(files, after), practice) if files else ()


def _state(read: Bundle, rows: frozenset[Row]) -> State:
    return State(snapshot(ruleset(read), rows), read.screens)


@lru_cache(maxsize=8)
def _read(texts: tuple[tuple[str, str], ...]) -> Bundle | None:
    """Policy files of some time; None where this version of ours cannot read them."""
    return bundle.load({path: text.encode() for path, text in texts})[0]
