"""What the levels on the two Patient Portal screens mean together, in the vendor's words.

Pure. A policy that has no such pair of screens (`policy.profiles`) has nothing to say here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from service.policy.catalog import OFF, Catalog
from service.policy.practice import Practice
from service.policy.profiles import pair
from service.values import ROLE_PREFIX


class Combination(NamedTuple):
    """What two levels mean together: the vendor's name for it, and what it is."""

    name: str
    meaning: str
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.meaning}" if self.meaning else self.name


FULL = Combination("Full Access", "opens the queue, and opens and answers its messages")
LIMITED = Combination("Limited Access", "response only: opens and answers forwarded messages, not the queue")
NONE = Combination("None", "neither the queue nor messages")


def combination(catalog: Catalog, *, queue: bool, messages: bool) -> Combination:
    """What it is to be let into the queue, into messages, into both or neither."""
    if queue and not messages:
        known = pair(catalog)
        without = catalog.screens[known.queue].warn_without if known else None
        name, _, meaning = (without.say if without else "Queue only").partition(": ")
        return Combination(name, meaning, warns=True)
    return FULL if queue else LIMITED if messages else NONE


def of_roles(practice: Practice, roles: Iterable[str], catalog: Catalog) -> Combination | None:
    """What roles together come to, those within which they are included; None where the policy has no such pair."""
    known = pair(catalog)
    if known is None:
        return None
    reached = {name.removeprefix(ROLE_PREFIX) for role in roles for name in practice.links.above(ROLE_PREFIX + role)}
    queue, messages = (any(practice.level(role, screen) != OFF for role in reached) for screen in known)
    return combination(catalog, queue=queue, messages=messages)
