"""Profiles: the names that people have for what somebody may do on the two Patient Portal screens together.

Names only. What the levels open stands in `screens.csv`; a policy folder without these screens has no profiles, and
what fits none of them is told level by level.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

QUEUE, MESSAGES = "Task - Patient Portal - List", "Task - Patient Portal"
SCREENS = (QUEUE, MESSAGES)
SUBJECT = "Patient Portal"
"""What the two screens are together."""

_OPEN_QUEUE, _OPEN_MESSAGE, _RESPOND = (QUEUE, "open_queue"), (MESSAGES, "open_message"), (MESSAGES, "respond")


class Profile(StrEnum):
    """What somebody may do with what patients send through the portal."""

    FULL = "Full Access"
    LIMITED = "Limited Access (response only)"
    QUEUE_ONLY = "Queue only"
    NONE = "No access"


_PROFILES = {
    (True, True, True): Profile.FULL,
    (False, True, True): Profile.LIMITED,
    (True, False, False): Profile.QUEUE_ONLY,
    (False, False, False): Profile.NONE,
}


def profile(may: Callable[[str, str], bool]) -> Profile | None:
    """The profile of somebody who `may(screen, action)`; None for a combination that has no name."""
    return _PROFILES.get((may(*_OPEN_QUEUE), may(*_OPEN_MESSAGE), may(*_RESPOND)))
