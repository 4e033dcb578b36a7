"""One user: the roles to tick, what they can do and why, a colleague's roles, and what is left of a leaver."""

from __future__ import annotations

from typing import NamedTuple

from service.access.person import Visit
from service.decision.words import explained
from service.errors import ChangeRefused
from service.exchange import Reply, see_other
from service.policy.catalog import Profile
from service.policy.edits import RenameUser, SetActive
from service.policy.practice import User
from service.ui import places, seeking, typed
from service.ui.panel import panel
from service.ui.render import page
from service.ui.sheet import Sheet, lay, lay_on
from service.ui.typed import Problem

COLLEAGUES = 8
"""Colleagues whom a search offers."""


class Tick(NamedTuple):
    """A role that a user can be put into; `was` as it is saved. `gives`: what it gives of each topic of the catalog."""

    role: str
    place: str
    has: bool
    was: bool
    gives: tuple[Profile, ...]


class Copied(NamedTuple):
    """A colleague whose roles can be taken over: those that the user lacks, and those that both have."""

    user: User
    lacking: tuple[str, ...]
    shared: tuple[str, ...]


def user(visit: Visit) -> Reply:
    """The page of one user."""
    return _user(lay(visit), visit.asked.query.one("id"))


def rename(visit: Visit) -> Reply:
    """The name of a user, changed."""
    sheet, form = lay(visit), visit.asked.form
    who, name = form.one("user"), form.one("name").strip()
    problems = typed.name_of_user("name", name)
    if problems:
        return _user(sheet, who, problems, name)
    try:
        lay_on(sheet, [RenameUser(who, name)])
    except ChangeRefused as error:
        return _user(sheet, who, [Problem("name", error.for_people)], name)
    return see_other(places.to(visit.practice, places.USER, id=who))


def _user(sheet: Sheet, who: str, problems: list[Problem] | None = None, name: str = "") -> Reply:
    visit, query = sheet.visit, sheet.visit.asked.query
    known, old = sheet.after.users.get(who), sheet.before.users.get(who)
    if known is None:
        return page(visit, "user_gone.html", 404, sheet=sheet, panel=panel(sheet), who=who)
    ticks = seeking.part(_ticks(sheet, who, query.one("roles")), query.one("page"))
    return page(
        visit,
        "user.html",
        422 if problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        user=known,
        old=old,
        ticks=ticks,
        all_roles=len(sheet.after.roles),
        find=query.one("roles").strip(),
        abilities=explained(who, sheet.state),
        toggle=typed.as_field(SetActive(who, not known.active)),
        leaver=_leaver(sheet, who),
        leaves=len(sheet.after.roles_of(who)),
        copied=_copied(sheet, who, query.one("like")),
        colleague=query.one("colleague").strip(),
        colleagues=_colleagues(sheet, who, query.one("colleague")),
        problems=problems or [],
        name=name or known.name,
    )


def _ticks(sheet: Sheet, who: str, find: str) -> list[Tick]:
    """The roles, those that the user has first; what the draft changes stays where it is."""
    found = []
    for name in seeking.matching(find, sheet.after.roles, str):
        old = sheet.old_role(name)
        was = old is not None and who in old.members
        gives = tuple(profile for profile in sheet.of_role(name).values() if profile.may)
        place = places.to(sheet.visit.practice, places.ROLE, name=name)
        found.append(Tick(name, place, who in sheet.after.roles[name].members, was, gives))
    return sorted(found, key=lambda tick: not tick.was)


def _leaver(sheet: Sheet, who: str) -> str:
    edits = typed.leaver(sheet.after, who, inactive=sheet.rights.add_users)
    return typed.as_field(*edits) if edits and sheet.rights.members else ""


def _copied(sheet: Sheet, who: str, like: str) -> Copied | None:
    other = sheet.after.users.get(like)
    if other is None or like == who:
        return None
    own, theirs = sheet.after.roles_of(who), sheet.after.roles_of(like)
    return Copied(
        other, tuple(role for role in theirs if role not in own), tuple(role for role in theirs if role in own)
    )


def _colleagues(sheet: Sheet, who: str, find: str) -> list[tuple[User, str]]:
    """Colleagues who were searched for, with the address that shows their roles."""
    if not find.strip():
        return []
    others = [user for user in sheet.after.users.values() if user.id != who and sheet.after.roles_of(user.id)]
    found = seeking.people(find, others)[:COLLEAGUES]
    practice = sheet.visit.practice
    return [(user, places.to(practice, places.USER, id=who, like=user.id) + "#copy") for user in found]


VIEWS = {
    ("GET", f"/practices/<practice>/{places.USER}"): user,
    ("POST", f"/practices/<practice>/{places.USER}"): rename,
}
