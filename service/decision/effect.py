"""The effect of a change: everybody who may do something afterwards that they might not before, or the other way round.

Complete and never sampled: whoever reads "nobody loses anything" may rely on it. Worked out from two compiled states
of the same practices; people with the same roles are worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.decision.engine import Division, Snapshot
from service.policy.catalog import Duties
from service.values import USER_PREFIX


class Flip(NamedTuple):
    """One answer that is different afterwards: `gained` from no to yes, else from yes to no. `user` is the bare id."""

    practice: str
    user: str
    screen: str
    action: str
    gained: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """All flips of a change, sorted by practice, user, screen and action."""

    flips: tuple[Flip, ...] = ()

    @classmethod
    def of(cls, effects: Iterable[Effect]) -> Effect:
        """The effects of several practices as one."""
        return cls(tuple(sorted(flip for each in effects for flip in each.flips)))

    @property
    def gained(self) -> tuple[Flip, ...]:
        """What somebody may do that they might not before."""
        return tuple(flip for flip in self.flips if flip.gained)

    @property
    def lost(self) -> tuple[Flip, ...]:
        """What somebody may do no more."""
        return tuple(flip for flip in self.flips if not flip.gained)

    def people(self) -> frozenset[tuple[str, str]]:
        """Everybody for whom something is different, as (practice, user)."""
        return frozenset((flip.practice, flip.user) for flip in self.flips)

    def inverse(self) -> Effect:
        """The effect of undoing it."""
        return Effect(tuple(flip._replace(gained=not flip.gained) for flip in self.flips))


def effect(before: Snapshot, after: Snapshot, practices: Iterable[str]) -> Effect:
    """What is answered otherwise `after` than `before` in these practices; one that is not there refuses everybody."""
    flips = (flip for name in practices for flip in _flips(name, before.divisions.get(name), after.divisions.get(name)))
    return Effect(tuple(sorted(flips)))


def _flips(practice: str, before: Division | None, after: Division | None) -> Iterator[Flip]:
    old, new = Opened(before), Opened(after)
    for user in old.users | new.users:
        was, will = old.allowed(user), new.allowed(user)
        if was != will:
            bare = user.removeprefix(USER_PREFIX)
            yield from (Flip(practice, bare, *pair, True) for pair in will - was)
            yield from (Flip(practice, bare, *pair, False) for pair in was - will)


class Opened:
    """What each user of a division may do; found once for each set of roles. None: a practice that is not there."""

    def __init__(self, division: Division | None) -> None:
        self._division = division
        self._found: dict[int, Duties] = {}
        self.users = frozenset[str]() if division is None else frozenset(division.held)

    def allowed(self, user: str) -> Duties:
        """Everything that the user, who is named with the prefix, may do."""
        held = 0 if self._division is None else self._division.held.get(user, 0)
        if held not in self._found:
            self._found[held] = frozenset(self._pairs(held))
        return self._found[held]

    def _pairs(self, held: int) -> Iterator[tuple[str, str]]:
        division = self._division
        if division is None or not held:
            return
        request, keys = division.ruleset.model.request, division.ruleset.joint.keys
        asked = [request[tie.request] for tie in keys]
        screen, action = asked.index("screen"), asked.index("action")
        for key, roles in division.granted.items():
            if held & roles and not held & division.denied.get(key, 0):
                names: Any = key  # one name for each tie of the matcher
                yield names[screen], names[action]
