"""Profiles: the names that people have for what somebody may do on the two Patient Portal screens together.

Names only. Which two screens these are, the catalog says (one warns without the other), and what their levels open
stands in `screens.csv`. What fits no profile is told level by level.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from service.policy.catalog import Catalog

SUBJECT = "Patient Portal"
"""What the two screens are together."""


class Pair(NamedTuple):
    """The screen of the queue, and the one of its messages."""

    queue: str
    messages: str


class Profile(StrEnum):
    """What somebody may do with what patients send through the portal."""

    FULL = "Full Access"
    LIMITED = "Limited Access (response only)"
    QUEUE_ONLY = "Queue only"
    NONE = "No access"


_PROFILES = {
    (True, True): Profile.FULL,
    (False, True): Profile.LIMITED,
    (True, False): Profile.QUEUE_ONLY,
    (False, False): Profile.NONE,
}


def pair(catalog: Catalog) -> Pair | None:
    """The two screens; None where the policy has no such pair."""
    found = ((name, screen.warn_without) for name, screen in catalog.screens.items())
    return next((Pair(name, without.screen) for name, without in found if without is not None), None)


def profile(catalog: Catalog, may: Callable[[str, str], bool]) -> Profile | None:
    """The profile of somebody who `may(screen, action)`; None for a combination that has no name."""
    known = pair(catalog)
    if known is None:
        return None
    opened = [{may(screen, action) for action in catalog.screens[screen].actions} for screen in known]
    if any(len(answers) != 1 for answers in opened):
        return None
    queue, messages = (answers == {True} for answers in opened)
    return _PROFILES[queue, messages]
