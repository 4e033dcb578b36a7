"""Picking several people: a search with a box to tick beside each name, which works without a script.

Pure, but for what the address says. Whoever was ticked stays ticked, and in sight, whatever is searched for next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from service.policy.practice import User
from service.ui import seeking
from service.ui.sheet import Sheet

OFFERED = 20
"""People who are offered at once; a search makes them fewer."""


class Offered(NamedTuple):
    """Somebody who can be ticked. `quiet`: what they have of the topics of the catalog, and by which roles."""

    user: User
    ticked: bool
    quiet: str


class Picker(NamedTuple):
    """Whom one can pick. `hidden`: what the form says besides."""

    who: str
    offered: tuple[Offered, ...]
    more: int
    hidden: Mapping[str, str]


def people(sheet: Sheet, hidden: Mapping[str, str], but: Collection[str] = ()) -> Picker:
    """Active users other than those who are in it already, as the address searches for them and has them ticked."""
    query = sheet.visit.asked.query
    who, ticked = query.one("who"), set(query.every("pick"))
    free = [user for user in sheet.after.users.values() if user.active and user.id not in but]
    picked = [user for user in free if user.id in ticked]
    found = [user for user in seeking.people(who, free) if user.id not in ticked]
    shown = [*picked, *found[:OFFERED]]
    return Picker(
        who.strip(),
        tuple(Offered(user, user.id in ticked, _now(sheet, user)) for user in shown),
        len(found) - len(found[:OFFERED]),
        hidden,
    )


def _now(sheet: Sheet, user: User) -> str:
    """What somebody has now: `Full Access, in Front Desk`."""
    roles = sheet.after.roles_of(user.id)
    if not roles:
        return "no role"
    names = [profile.name for profile in sheet.of_user(user.id).values() if profile.may]
    through = ", ".join(roles[:2]) + (f" and {len(roles) - 2} more" if len(roles) > 2 else "")  # noqa: PLR2004
    return ", ".join((*names, f"in {through}"))
