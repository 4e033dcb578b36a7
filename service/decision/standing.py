"""Standing: what people could do before a change and what they can do after it, in the words of those who gave it.

Worked out from the flips of a change and the two states that it lies between, each with the screens and levels of its
own time. On the two portal screens somebody has a profile (Full Access -> Limited Access), elsewhere a level (Read ->
Off). People for whom the same became different are told together, so that a change for two thousand of them is a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from service.decision.effect import Effect, Flip
from service.decision.engine import Snapshot
from service.policy import profiles
from service.policy.catalog import OFF
from service.policy.lint import Screens
from service.policy.profiles import Profile
from service.values import USER_PREFIX

SOME = "Some of it"
"""What is between two levels, as rows that deny can make it."""


class Line(NamedTuple):
    """What became different on one screen (or the portal): standing before and after, and the actions in words."""

    subject: str
    before: str
    after: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]


class Alike(NamedTuple):
    """People of one practice for whom the same became different, by id."""

    people: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def gains(self) -> bool:
        """Whether they can do something that they could not."""
        return any(line.gains for line in self.lines)

    @property
    def loses(self) -> bool:
        """Whether they cannot do something that they could."""
        return any(line.loses for line in self.lines)


class State(NamedTuple):
    """A practice as it is answered from, and what screens and levels there were then."""

    snapshot: Snapshot
    screens: Screens

    def standing(self, practice: str, user: str, screen: str) -> str:
        """The level that opens exactly what the user may do on a screen; of several that act alike, the highest."""
        actions = self.screens.catalog.screens[screen].actions if screen in self.screens.catalog.screens else ()
        allowed = frozenset(action for action in actions if self.may(practice, user, screen, action))
        if not allowed:
            return OFF
        levels = reversed(self.screens.catalog.levels)
        return next((level for level in levels if self.screens.granted.get((screen, level)) == allowed), SOME)

    def profile(self, practice: str, user: str) -> Profile | None:
        """What the user has on the two portal screens together; None where that has no name."""
        return profiles.profile(self.screens.catalog, lambda screen, action: self.may(practice, user, screen, action))

    def held(self, practice: str, user: str) -> int | None:
        """The roles of the user as the engine knows them: who has the same may do the same. None: not known."""
        division = self.snapshot.divisions.get(practice)
        return division.held.get(USER_PREFIX + user) if division else None

    def may(self, practice: str, user: str, screen: str, action: str) -> bool:
        """Whether the user may; what is not known is refused."""
        return self.snapshot.decide((USER_PREFIX + user, practice, screen, action)).allowed


def alike(effect: Effect, before: State, after: State, practice: str) -> tuple[Alike, ...]:
    """Everybody of a practice for whom something became different, those alike together; the largest group first."""
    of_user: dict[str, list[Flip]] = defaultdict(list)
    for flip in effect.flips:
        if flip.practice == practice:
            of_user[flip.user].append(flip)
    known: dict[tuple[int | None, ...], tuple[Line, ...]] = {}
    groups: dict[tuple[Line, ...], list[str]] = defaultdict(list)
    for user, flips in of_user.items():
        roles = (before.held(practice, user), after.held(practice, user))
        if roles not in known:
            known[roles] = _lines(flips, before, after)
        groups[known[roles]].append(user)
    found = [Alike(tuple(sorted(people)), lines) for lines, people in groups.items()]
    return tuple(sorted(found, key=lambda group: (-len(group.people), group)))


def _lines(flips: Iterable[Flip], before: State, after: State) -> tuple[Line, ...]:
    on_screen: dict[str, list[Flip]] = defaultdict(list)
    for flip in flips:
        on_screen[flip.screen].append(flip)
    lines = []
    if profiled := _profiled(on_screen, before, after):
        lines.append(profiled)
        on_screen = {screen: own for screen, own in on_screen.items() if screen not in _portal(before, after)}
    return (*lines, *(_line(screen, own, before, after) for screen, own in sorted(on_screen.items())))


def _portal(before: State, after: State) -> tuple[str, ...]:
    """The two portal screens, where both states have the same ones."""
    was, is_ = profiles.pair(before.screens.catalog), profiles.pair(after.screens.catalog)
    return was if was is not None and was == is_ else ()


def _profiled(on_screen: Mapping[str, list[Flip]], before: State, after: State) -> Line | None:
    """The two portal screens as one, where both states have a name."""
    flips = [flip for screen in _portal(before, after) for flip in on_screen.get(screen, ())]
    if not flips:
        return None
    practice, user = flips[0].practice, flips[0].user
    was, is_ = (state.profile(practice, user) for state in (before, after))
    if was is None or is_ is None:
        return None
    return Line(profiles.SUBJECT, was.value, is_.value, *_phrases(flips, before, after))


def _line(screen: str, flips: list[Flip], before: State, after: State) -> Line:
    practice, user = flips[0].practice, flips[0].user
    was, is_ = (state.standing(practice, user, screen) for state in (before, after))
    return Line(screen, was, is_, *_phrases(flips, before, after))


def _phrases(flips: Iterable[Flip], before: State, after: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is gained and what is lost, each in the words that complete `can ...`."""
    ordered = list(flips)
    gains = tuple(_phrase(flip, after) for flip in ordered if flip.gained)
    return gains, tuple(_phrase(flip, before) for flip in ordered if not flip.gained)


def _phrase(flip: Flip, state: State) -> str:
    screen = state.screens.catalog.screens.get(flip.screen)
    known: Mapping[str, str] = screen.actions if screen else {}
    return known.get(flip.action, f"{flip.action} on {flip.screen}")
