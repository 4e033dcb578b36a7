"""Standing: what people could do before a change and what they can do after it, in the words of those who gave it.

Worked out from the flips of a change and the two states that it lies between, each with the screens and levels of its
own time. Of a topic of the catalog somebody has a profile (No access -> Full Access), elsewhere a level (Read -> Off).
People for whom the same became different are told together, so that a change for two thousand of them is a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from service.decision.effect import Effect, Flip
from service.decision.engine import Snapshot
from service.policy.catalog import OFF, Duties, Profile
from service.policy.lint import Screens
from service.values import USER_PREFIX

SOME = "Some of it"
"""What is between two levels, as rows that deny can make it."""


class Line(NamedTuple):
    """What became different on one screen or in one topic: standing before and after, and the actions in words."""

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

    @property
    def topics(self) -> dict[str, Duties]:
        """All that each topic of the catalog is about."""
        return self.screens.catalog.topics

    def profile(self, practice: str, user: str, topic: str) -> Profile | None:
        """What the user has of a topic; None where that has no name."""
        may = frozenset(duty for duty in self.topics[topic] if self.may(practice, user, *duty))
        return self.screens.catalog.profile(topic, may)

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
    left, lines = list(flips), list[Line]()
    for topic, about in after.topics.items():
        own = [flip for flip in left if (flip.screen, flip.action) in about]
        if own and before.topics.get(topic) == about and (line := _profiled(topic, own, before, after)):
            lines.append(line)
            left = [flip for flip in left if flip not in own]
    on_screen: dict[str, list[Flip]] = defaultdict(list)
    for flip in left:
        on_screen[flip.screen].append(flip)
    return (*lines, *(_line(screen, own, before, after) for screen, own in sorted(on_screen.items())))


def _profiled(topic: str, flips: list[Flip], before: State, after: State) -> Line | None:
    """What became different in a topic that both states have; None where one of them has no name for it."""
    practice, user = flips[0].practice, flips[0].user
    was, is_ = (state.profile(practice, user, topic) for state in (before, after))
    return Line(topic, was.name, is_.name, *_phrases(flips, before, after)) if was and is_ else None


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
