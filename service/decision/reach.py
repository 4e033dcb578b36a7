"""Reach: which questions a change can answer otherwise, and which of them stock Casbin is asked.

A changed level reaches everybody in the role, on that screen; a changed membership, everything that the role holds; a
changed user, everything that their roles hold; changed screens, everybody who holds a level that opens something else.
Whether an answer does change is for `effect` and Casbin to say: what they might disagree on is among these.

Up to `MOST` questions are asked, every one of them before and after. Of more, those whose answers change come first,
and then a sample, drawn with a seed and spread over practices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from random import Random
from typing import NamedTuple

from service.decision.effect import Effect
from service.decision.engine import Division, Snapshot
from service.values import USER_PREFIX, Request, Row

MOST = 10_000
"""Questions that are asked of one change."""

_TOGETHER = 16
"""Users in one slice: Casbin takes time in the square of their number to read it, and some to begin."""

Levels = frozenset[tuple[str, str]]
"""Levels that open something else than before, as (screen, level)."""


class Cell(NamedTuple):
    """All that can be asked about one user on one screen. `user` has its prefix."""

    practice: str
    screen: str
    user: str


class Side(NamedTuple):
    """A practice before or after: its rows, compiled, and the rows that all practices share."""

    snapshot: Snapshot
    rows: frozenset[Row]
    shared: Sequence[Row]


class Slice(NamedTuple):
    """What stock Casbin is given, and asked: `model` is its text, `rows` those that can decide the requests."""

    model: str
    rows: tuple[Row, ...]
    requests: tuple[Request, ...]


class Hearing(NamedTuple):
    """The same questions before and after a change, as slices, with what we answer. `flips`: an answer changes.

    Where the rows that decide are the same before and after, both are one slice, which is asked once.
    """

    before: Slice
    after: Slice
    ours: tuple[tuple[bool, ...], tuple[bool, ...]]
    flips: bool


def reached(division: Division | None, changed: Iterable[Row], moved: Levels) -> dict[str, set[str]]:
    """The users of one practice whom changed rows and moved levels can reach, by screen."""
    found: dict[str, set[str]] = defaultdict(set)
    if division is None:
        return found
    links, held = division.subjects(), _held(division)
    known = division.held.keys() | division.inactive

    def users(name: str) -> Iterable[str]:
        return known & links.below(name)

    for row in changed:
        if row.kind == "p":
            found[row.fields[2]].update(users(row.fields[0]))
        elif row.kind in ("g", "user"):
            lower, upper = row.fields[:2] if row.kind == "g" else [USER_PREFIX + row.fields[1]] * 2
            people = users(lower)
            for screen in {screen for role in links.above(upper) for screen in held.get(role, ())}:
                found[screen].update(people)
    if moved:
        for role, levels in held.items():
            for screen in {screen for screen, those in levels.items() if any((screen, one) in moved for one in those)}:
                found[screen].update(users(role))
    return found


def _held(division: Division) -> dict[str, dict[str, set[str]]]:
    """The screens on which each role itself holds a level, or is denied one, with those levels."""
    held: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in division.rows:
        if row.kind == "p":
            held[row.fields[0]][row.fields[2]].add(row.fields[3])
    return held


@dataclass
class Docket:
    """What can be asked about a change, gathered practice by practice, and what of it will be.

    `actions`: what can be asked about each screen, before or after. `practices`: how many there will be. `of`: how many
    questions the change can reach.
    """

    actions: Mapping[str, Sequence[str]]
    moved: Levels = frozenset()
    practices: int = 1
    of: int = 0
    _flips: dict[str, list[Cell]] = field(default_factory=dict)
    _others: dict[str, list[Cell]] = field(default_factory=dict)

    def add(self, practice: str, sides: Iterable[Side], changed: Collection[Row], effect: Effect) -> None:
        """Take in one practice: before and after, the rows that change, and what that does."""
        flipped = {Cell(practice, flip.screen, USER_PREFIX + flip.user) for flip in effect.flips}
        cells = set(flipped)
        for side in sides:
            for screen, users in reached(side.snapshot.divisions.get(practice), changed, self.moved).items():
                cells.update(Cell(practice, screen, user) for user in users)
        self.of += sum(len(self.actions[cell.screen]) for cell in cells if cell.screen in self.actions)
        most = max(_TOGETHER, MOST // self.practices)
        self._flips[practice] = sorted(flipped)
        self._others[practice] = _drawn(practice, sorted(cells - flipped), most)

    def cells(self) -> tuple[list[Cell], list[Cell]]:
        """Those to ask: whose answers change, and others; no more than `MOST` questions in all."""
        left = MOST
        chosen: tuple[list[Cell], list[Cell]] = ([], [])
        for cells, into in ((self._flips, chosen[0]), (self._others, chosen[1])):
            drawn = [_drawn(practice, own, left) for practice, own in cells.items()]
            for cell in filter(None, chain.from_iterable(zip_longest(*drawn))):
                left -= len(self.actions.get(cell.screen, ()))
                if left < 0:
                    return chosen
                into.append(cell)
        return chosen


def _drawn(seed: str, cells: list[Cell], most: int) -> list[Cell]:
    """A sample in an order that the seed gives, so that the same change is always asked the same."""
    return Random(seed).sample(cells, min(most, len(cells)))  # noqa: S311  no secret, and always the same


def hearings(docket: Docket, sides: Callable[[str], tuple[Side, Side]]) -> Iterator[Hearing]:
    """What to ask, in order: whose answers change first. `sides` gives a practice before and after."""
    for cells, flips in zip(docket.cells(), (True, False), strict=True):
        by_practice: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            by_practice[cell.practice].append(cell)
        for practice, own in by_practice.items():
            yield from heard(practice, own, docket.actions, sides(practice), flips=flips)


def heard(
    practice: str, cells: Iterable[Cell], actions: Mapping[str, Sequence[str]], sides: tuple[Side, Side], *, flips: bool
) -> Iterator[Hearing]:
    """What to ask about these cells of one practice, a few users at a time. `actions`: those to ask of each screen."""
    before, after = (Sliced(practice, side) for side in sides)
    division = sides[1].snapshot.divisions.get(practice)
    # Users of the same roles together: Casbin goes through all that anybody in a slice holds, for each of them.
    roles = division.held if division else {}
    for screen, users in _together(sorted(cells, key=lambda cell: (roles.get(cell.user, 0), cell))):
        asked = [(screen, action) for action in actions.get(screen, ())]
        requests = tuple((user, practice, *pair) for user in users for pair in asked)
        slices = before.slice(screen, requests), after.slice(screen, requests)
        if frozenset(slices[0].rows) == frozenset(slices[1].rows) and slices[0].model == slices[1].model:
            slices = slices[0], slices[0]
        yield Hearing(*slices, (before.ours(requests), after.ours(requests)), flips)


def _together(cells: Iterable[Cell]) -> Iterator[tuple[str, list[str]]]:
    """The cells of a practice by screen, a few users at a time."""
    by_screen: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        by_screen[cell.screen].append(cell.user)
    for screen, users in by_screen.items():
        for start in range(0, len(users), _TOGETHER):
            yield screen, users[start : start + _TOGETHER]


class Sliced:
    """The rows of a practice by what they can decide.

    Whether a user may do something on a screen is decided by the levels on that screen of roles that the user comes to,
    by what levels of that screen contain, by the roles of that user, and by roles within roles; no other row can,
    whatever it says. The roles of inactive users are left out: Casbin knows no directory (the named difference
    `known-names`). Links are followed here anew: a second opinion does not rest on how the engine follows them.
    """

    def __init__(self, practice: str, side: Side) -> None:
        self._side = side
        self._levels: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._roles: dict[str, list[Row]] = defaultdict(list)
        self._above: dict[str, list[Row]] = defaultdict(list)
        division = side.snapshot.divisions.get(practice)
        active = division.held if division else {}
        for row in side.rows if division else ():
            if row.kind == "p":
                self._levels[row.fields[2], row.fields[0]].append(row)
            elif row.kind == "g" and not row.fields[0].startswith(USER_PREFIX):
                self._above[row.fields[0]].append(row)
            elif row.kind == "g" and row.fields[0] in active:
                self._roles[row.fields[0]].append(row)

    def slice(self, screen: str, requests: tuple[Request, ...]) -> Slice:
        """The rows that can decide these requests about a screen."""
        shared = [row for row in self._side.shared if row.fields[2] == screen]
        roles = [row for user in dict.fromkeys(request[0] for request in requests) for row in self._roles.get(user, ())]
        reached = dict.fromkeys(row.fields[1] for row in roles)
        waiting = list(reached)
        while waiting:
            more = [row.fields[1] for row in self._above.get(waiting.pop(), ()) if row.fields[1] not in reached]
            reached |= dict.fromkeys(more)
            waiting += more
        levels = [row for role in reached for row in self._levels.get((screen, role), ())]
        within = [row for role in reached for row in self._above.get(role, ())]
        rows = (*levels, *within, *roles, *shared)
        return Slice(self._side.snapshot.ruleset.model.text, rows, requests)

    def ours(self, requests: tuple[Request, ...]) -> tuple[bool, ...]:
        """What we answer."""
        return tuple(self._side.snapshot.decide(request).allowed for request in requests)
