"""Limit someone to forwarded messages: pick people, see which other roles defeat it, and have all of it in the draft.

No role takes anything away from another one, so that a role for forwarded messages limits nobody who has the queue by
another role. This page shows those roles, and what else somebody would lose by leaving them.
"""

from __future__ import annotations

from typing import NamedTuple

from service.access.person import Visit
from service.decision import meant
from service.errors import ChangeRefused
from service.exchange import Reply, see_other
from service.policy.catalog import Catalog, Profile
from service.policy.edits import AddMember, AddRole, AnyEdit, RemoveMember
from service.policy.practice import Practice, User
from service.ui import picking, places
from service.ui.panel import panel
from service.ui.render import page
from service.ui.sheet import Sheet, lay, lay_on
from service.ui.typed import Problem
from service.values import ROLE_PREFIX

OUT = "out"
TEMPLATE = "template/"


class Out(NamedTuple):
    """A role by which somebody would have the queue all the same, as a field to tick. `loses`: what else that takes."""

    role: str
    field: str
    loses: tuple[str, ...]


class Limited(NamedTuple):
    """Somebody who was picked: what they have now, and the roles that defeat it."""

    user: User
    now: Profile | None
    defeating: tuple[Out, ...]


def limit(visit: Visit) -> Reply:
    """The page."""
    return _limit(lay(visit))


def take(visit: Visit) -> Reply:
    """All of it, in the draft."""
    sheet, form = lay(visit), visit.asked.form
    users = [user for user in dict.fromkeys(form.every("pick")) if user in sheet.after.users]
    if not users:
        return _limit(sheet, [Problem("who", "Tick at least one person.")])
    role = form.one("role")
    if not role:
        return _limit(sheet, [Problem("role", "Choose the role that gives forwarded messages.")])
    edits: list[AnyEdit] = []
    if role.startswith(TEMPLATE):
        role = role.removeprefix(TEMPLATE)
        edits.append(AddRole(role, template=role))
    edits += [AddMember(role, user) for user in users]
    ticked = set(form.every(OUT))
    for user in users:
        edits += [RemoveMember(defeat.role, user) for defeat in _defeating(sheet, user) if defeat.field in ticked]
    try:
        lay_on(sheet, edits)
    except ChangeRefused as error:
        return _limit(sheet, [Problem("role", error.for_people)])
    return see_other(places.to(visit.practice, places.LIMIT, done=len(users)))


def _limit(sheet: Sheet, problems: list[Problem] | None = None) -> Reply:
    visit = sheet.visit
    asked = visit.asked.form if problems else visit.asked.query
    picked = [user for user in dict.fromkeys(asked.every("pick")) if user in sheet.after.users]
    return page(
        visit,
        "limit.html",
        422 if problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        picker=picking.people(sheet, {}),
        limited=[_limited(sheet, user) for user in picked],
        roles=_roles(sheet),
        role=asked.one("role"),
        problems=problems or [],
    )


def _wanted(catalog: Catalog) -> Profile | None:
    """What people are limited to: the whole of a screen without which another one warns, and nothing of that one."""
    others = [screen.warn_without.screen for screen in catalog.screens.values() if screen.warn_without]
    whole = [frozenset((other, action) for action in catalog.screens[other].actions) for other in others]
    return next((profile for profile in catalog.profiles if profile.may in whole), None)


def _roles(sheet: Sheet) -> list[tuple[str, str]]:
    """The roles that give what people are limited to and nothing more of its topic: values of the form, and words."""
    wanted = _wanted(sheet.read.catalog)
    if wanted is None:
        return []
    found = [(name, name) for name in sheet.after.roles if sheet.of_role(name).get(wanted.topic) == wanted]
    for template in dict.fromkeys(row.fields[0].removeprefix(ROLE_PREFIX) for row in sheet.templates):
        if template not in sheet.after.roles:
            rows = AddRole(template, template=template).carry_out(sheet.after, sheet.templates)
            if sheet.of_role(template, Practice(sheet.after.id, rows)).get(wanted.topic) == wanted:
                found.append((TEMPLATE + template, f"{template} (new, from the template)"))
    return found


def _limited(sheet: Sheet, user: str) -> Limited:
    wanted = _wanted(sheet.read.catalog)
    now = sheet.of_user(user).get(wanted.topic) if wanted else None
    return Limited(sheet.after.users[user], now, _defeating(sheet, user))


def _defeating(sheet: Sheet, user: str) -> tuple[Out, ...]:
    wanted = _wanted(sheet.read.catalog)
    if wanted is None:
        return ()
    found = meant.defeating(user, wanted.may, sheet.read.catalog.topics[wanted.topic], sheet.state)
    return tuple(Out(role, f"{user}/{role}", loses) for role, loses in found)


VIEWS = {
    ("GET", f"/practices/<practice>/{places.LIMIT}"): limit,
    ("POST", f"/practices/<practice>/{places.LIMIT}"): take,
}
