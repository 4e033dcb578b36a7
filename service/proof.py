"""The proof of the upgrade: everybody who had it has it, nobody else gained, and stock Casbin says the same.

Asked of the rows as they stand in the store, whatever the plan said. Who has it is asked of now; who gained or lost by
it, of the practice before and after its upgrade, whenever that was: what administrators changed since is their doing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from service import inspection
from service.changes import published_templates
from service.decision import trial
from service.decision.effect import effect
from service.decision.engine import Ruleset, Snapshot
from service.decision.reach import Cell, Hearing, Side, heard
from service.policy.bundle import Bundle
from service.publish import Press
from service.store.view import View
from service.upgrade import ROLE, Done, Step, strangers_to
from service.values import ROLE_PREFIX, USER_PREFIX, How, Request, Row

_AT_ONCE = 200
"""Hearings for which stock Casbin is given its time together; while it works on some, the next is put together."""

Person = tuple[str, str]
"""A practice and one of its users."""


@dataclass(slots=True)
class Proof:
    """What was asked. `without`: who had it and has it not; `gained`: who else gained or lost by the upgrade.

    `people`: those who had it and are active; `asked`: questions to the engine about them. `heard`: questions about
    everybody that stock Casbin answered; `differ`: on whom it differs from the engine; `unheard`: practices about which
    it was not heard to the end. `inactive`: people who had it, are in the role, and are refused as inactive.
    """

    people: int = 0
    asked: int = 0
    heard: int = 0
    inactive: int = 0
    without: list[Person] = field(default_factory=list)
    gained: list[Person] = field(default_factory=list)
    differ: list[Person] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found that is not as it should be, and everything was asked."""
        return not (self.without or self.gained or self.differ or self.unheard)


def proved(steps: Iterable[Step], press: Press, done: Done = lambda _: None) -> Proof:
    """Ask about everybody in the practices of these steps, of the engine and of stock Casbin."""
    proof = Proof()
    with press.store.reading() as view:
        asking = _Asking.of(view)
    hearings = _asked(steps, press, asking, proof, done)
    for first in hearings:
        together = [first]
        statement = press.opinion(chain([first], _kept(islice(hearings, _AT_ONCE - 1), together)))
        proof.heard += statement.asked
        proof.differ += sorted({_person(each.request) for each in statement.differ})
        # INVARIANT: silence is never taken for consent. Publishing goes by a thousand answers where time is short; here
        # whatever was put to Casbin is answered, or all practices that it was about are unheard.
        if statement.asked < sum(len(each.after.requests) for each in together):
            proof.unheard += sorted({_person(each.after.requests[0])[0] for each in together} - set(proof.unheard))
    return proof


def _person(request: Request) -> Person:
    return request[1], request[0].removeprefix(USER_PREFIX)


def _kept(hearings: Iterable[Hearing], into: list[Hearing]) -> Iterator[Hearing]:
    for hearing in hearings:
        into.append(hearing)
        yield hearing


class _Times(NamedTuple):
    """A practice before the upgrade, right after it, and now."""

    before: Side
    after: Side
    now: Side


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked of every practice. `opened`: the actions that the template opens, by screen."""

    rules: Ruleset
    shared: Sequence[Row]
    opened: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, view: View) -> _Asking:
        read = inspection.parsed(view.files())
        return cls(trial.ruleset(read), read.shared.rows, _opened(view, read))

    def times(self, view: View, plan: Step) -> _Times:
        """The practice of a step. Where no upgrade is recorded, before is what the plan was made from."""
        practice = plan.practice
        rows = frozenset(view.rows(practice))
        now = self._side(practice, rows)
        made, newest = view.newest_by(practice, How.UPGRADE), view.last_touched(practice)
        if made is None:
            before = rows if plan.base == newest else view.rows_at(plan.base, practice)
            return _Times(self._side(practice, before), now, now)
        if made != newest:
            rows = view.rows_at(made, practice)
        after = now if made == newest else self._side(practice, rows)
        # Taken back, not replayed: what a practice begins with may have come with a great many others.
        revision = view.revision(made)
        assert revision is not None  # noqa: S101  it was found above
        return _Times(self._side(practice, rows - set(revision.added) | set(revision.removed)), after, now)

    def _side(self, practice: str, rows: frozenset[Row]) -> Side:
        return Side(Snapshot(self.rules, {practice: self.rules.compile(rows)}), rows, self.shared)


def _opened(view: View, read: Bundle) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in published_templates(view):
        role, _, screen, level = row.fields[:4]
        if role == ROLE_PREFIX + ROLE and not row.denies:
            found[screen] += sorted(read.screens.granted[screen, level])
    return dict(sorted(found.items()))


def _asked(steps: Iterable[Step], press: Press, asking: _Asking, proof: Proof, done: Done) -> Iterator[Hearing]:
    """Ask the engine about one practice after the other; what stock Casbin is to be asked about each."""
    for plan in steps:
        with press.store.reading() as view:
            times = asking.times(view, plan)
        _ask(plan, times, asking.opened, proof)
        yield from _hearings(plan, times, asking.opened)
        done(1)


def _ask(plan: Step, times: _Times, opened: Mapping[str, Sequence[str]], proof: Proof) -> None:
    """Ask the engine."""
    pairs = [(screen, action) for screen, actions in opened.items() for action in actions]
    active = sorted(plan.had - plan.inactive)
    for user in active:
        decide = times.now.snapshot.decide
        if not all(decide((USER_PREFIX + user, plan.practice, *pair)).allowed for pair in pairs):
            proof.without.append((plan.practice, user))
    flips = effect(times.before.snapshot, times.after.snapshot, [plan.practice]).flips
    proof.gained += sorted({(plan.practice, flip.user) for flip in strangers_to(plan, flips)})
    proof.people += len(active)
    proof.asked += len(active) * len(pairs)
    proof.inactive += len(plan.inactive)


def _hearings(plan: Step, times: _Times, opened: Mapping[str, Sequence[str]]) -> Iterator[Hearing]:
    """The same for stock Casbin: of now about everybody, and of before and after about those who had it not."""
    practice = plan.practice
    known = {user for side in times for user in side.snapshot.divisions[practice].held}
    had = {USER_PREFIX + user for user in plan.had}
    asked = [(times.now, times.now, known & had), (times.before, times.after, known - had)]
    if times.now is not times.after:
        asked.append((times.now, times.now, known - had))
    for before, after, users in asked:
        cells = [Cell(practice, screen, user) for screen in opened for user in users]
        yield from heard(practice, cells, opened, (before, after), flips=True)
