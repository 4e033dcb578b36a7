"""Guard rails: changes that nobody may make, however right their rows are.

Pure: a practice before and after, in; the refusals, out. Each has its id, and the words that a person reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from service.decision.engine import Snapshot
from service.policy.lint import Screens
from service.values import TEMPLATE_PRACTICE, USER_PREFIX, Row

ADMINISTRATION = ("Setup - Roles", "edit")
"""Who may do this on that screen is an administrator of the practice."""


class Guard(NamedTuple):
    """A guard rail that a change ran into."""

    rule: str
    message: str
    mend: str


def administrators(snapshot: Snapshot, practice: str) -> tuple[str, ...]:
    """The ids of the active users who may change roles in a practice, sorted."""
    division = snapshot.divisions.get(practice)
    screen, action = ADMINISTRATION
    if division is None:
        return ()
    return tuple(
        sorted(
            user.removeprefix(USER_PREFIX)
            for user in division.held
            if snapshot.decide((user, practice, screen, action)).allowed
        )
    )


def administering(screens: Screens) -> frozenset[str]:
    """The levels that make an administrator."""
    screen, action = ADMINISTRATION
    return frozenset(level for (name, level), opens in screens.granted.items() if name == screen and action in opens)


def last_administrator(practice: str, before: Snapshot, after: Snapshot) -> list[Guard]:
    """A practice that has an administrator never loses the last one."""
    left = administrators(before, practice)
    if not left or administrators(after, practice):
        return []
    alone = f"`{left[0]}` is the only person who can change roles in `{practice}`"
    message = alone if len(left) == 1 else f"nobody could change roles in `{practice}` any more"
    return [Guard("last-administrator", message, "give another person Update or Write on `Setup - Roles` first")]


def practices_apart(rows: Iterable[Row], practices: frozenset[str]) -> list[Guard]:
    """Every row belongs to one practice that exists, and none to the templates' practice."""
    guards = []
    for practice in sorted({row.practice for row in rows} - (practices - {TEMPLATE_PRACTICE}) - {""}):
        if practice == TEMPLATE_PRACTICE:
            guards.append(Guard("practice-reserved", f"`{practice}` is the practice of templates", "choose another id"))
        else:
            guards.append(Guard("practice-missing", f"there is no practice `{practice}`", "create it first"))
    return guards
