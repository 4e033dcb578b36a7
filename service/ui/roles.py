"""Setup > Administrative Setup > Roles: finding screens and roles; one screen with the level of every role on it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from service.access.person import Visit
from service.exchange import Reply
from service.policy.catalog import OFF, Profile, Screen
from service.policy.edits import AddMember, RemoveMember
from service.policy.practice import User
from service.ui import picking, places, seeking, typed
from service.ui.panel import panel
from service.ui.picking import Picker
from service.ui.render import page
from service.ui.seeking import Part
from service.ui.sheet import Sheet, lay
from service.values import ROLE_PREFIX


class Found(NamedTuple):
    """A screen or role of the list on the left. `changed`: the draft changes something about it."""

    name: str
    place: str
    here: bool
    changed: bool
    quiet: str = ""


class Finder(NamedTuple):
    """The list on the left: all screens by their group, or what was searched for."""

    find: str
    groups: tuple[tuple[str, tuple[Found, ...]], ...]
    screens: tuple[Found, ...]
    roles: tuple[Found, ...]
    more_roles: int


class Choice(NamedTuple):
    """One level that can be chosen. `same_as`: the higher one that opens exactly the same on this screen."""

    level: str
    chosen: bool
    same_as: str

    @property
    def words(self) -> str:
        """The level as people read it."""
        return level_words(self.level, self.same_as)


class Held(NamedTuple):
    """A level that can be chosen for a role on a screen; `was`: the one that is saved."""

    role: str
    screen: str
    level: str
    was: str
    choices: tuple[Choice, ...]
    inherited: str

    @property
    def changed(self) -> bool:
        """Whether the draft changes it."""
        return self.level != self.was

    @property
    def words(self) -> str:
        """The chosen level as people read it."""
        return next(choice.words for choice in self.choices if choice.chosen)


class Member(NamedTuple):
    """Somebody in a role. `state`: `joins` or `leaves` by the draft; `edits`: what the button beside them does."""

    user: User
    place: str
    state: str
    edits: str


class Line(NamedTuple):
    """A role as a screen shows it. `members`: those that are shown, of `all_members`.

    `gives`: what the role gives of each topic that the screen is part of.
    """

    held: Held
    members: tuple[Member, ...]
    all_members: int
    gives: tuple[Profile, ...]
    is_new: bool
    picker: Picker | None


SHOWN = 5
"""Members that stand beside a role; the page of the role has all of them."""

FEW = 12
"""Roles that the list on the left shows unasked."""


def roles(visit: Visit) -> Reply:
    """The page: the list on the left, and beside it one screen, or the roles of the practice."""
    sheet, query = lay(visit), visit.asked.query
    screen = sheet.read.catalog.screens.get(query.one("screen"))
    values: dict[str, Any] = {"sheet": sheet, "panel": panel(sheet), "finder": finder(sheet, query.one("find"))}
    if screen is None:
        asked = query.one("screen")
        listed = seeking.part(overview(sheet, query.one("find")), query.one("page"))
        return page(visit, "roles.html", 404 if asked else 200, **values, listed=listed, unknown=asked)
    lines = seeking.part(_ordered(sheet, screen.name, query.one("roles")), query.one("page"))
    shown = Part([_line(sheet, screen.name, role) for role in lines.entries], lines.total, lines.number, lines.pages)
    return page(visit, "screen.html", **values, screen=screen, lines=shown, means=means(sheet, screen))


def finder(sheet: Sheet, find: str, screen: str | None = None, role: str | None = None) -> Finder:
    """The list on the left. What is open now is `screen` or `role`, as the address says unless it is given."""
    asked = sheet.visit.asked
    screen = asked.query.one("screen") if screen is None else screen
    practice, catalog = sheet.visit.practice, sheet.read.catalog
    changed = _changed_screens(sheet)

    def found(entry: Screen) -> Found:
        place = places.to(practice, places.ROLES, screen=entry.name, find=find)
        return Found(entry.name, place, entry.name == screen, entry.name in changed)

    screens = seeking.matching(find, catalog.screens.values(), lambda entry: entry.name)
    groups: dict[str, list[Found]] = defaultdict(list)
    for entry in screens:
        groups[entry.group].append(found(entry))
    names = seeking.matching(find, sheet.after.roles, str)
    shown = names if find else names[:FEW]
    return Finder(
        find.strip(),
        tuple((group, tuple(entries)) for group, entries in groups.items()),
        tuple(map(found, screens)),
        tuple(_found_role(sheet, name, find, role) for name in shown[: seeking.A_PAGE]),
        len(names) - len(shown[: seeking.A_PAGE]),
    )


def _found_role(sheet: Sheet, name: str, find: str, here: str | None) -> Found:
    place = places.to(sheet.visit.practice, places.ROLE, name=name, find=find)
    return Found(name, place, name == here, _changed_role(sheet, name))


def _changed_role(sheet: Sheet, name: str) -> bool:
    """Whether the draft changes anything about a role."""
    old = sheet.old_role(name)
    return old is None or old._replace(within=frozenset()) != sheet.after.roles[name]._replace(within=frozenset())


def _changed_screens(sheet: Sheet) -> set[str]:
    """The screens on which the draft changes a level."""
    return {row.fields[2] for row in sheet.before.rows ^ sheet.after.rows if row.kind == "p"}


class Overview(NamedTuple):
    """A role in the list of all roles. `gives`: what it gives of each topic of the catalog."""

    name: str
    place: str
    members: int
    screens: int
    gives: dict[str, Profile]
    state: str


def overview(sheet: Sheet, find: str) -> list[Overview]:
    """The roles of the practice, those that the draft deletes among them."""
    kept = {sheet.formerly(name) for name in sheet.after.roles}
    gone = [name for name in sheet.before.roles if name not in kept and name not in sheet.after.roles]
    names = sorted(seeking.matching(find, [*sheet.after.roles, *gone], str), key=str.casefold)
    return [_overview(sheet, name) for name in names]


def _overview(sheet: Sheet, name: str) -> Overview:
    practice = sheet.after if name in sheet.after.roles else sheet.before
    role = practice.roles[name]
    if practice is not sheet.after:
        state = "deleted"
    else:
        state = "new" if sheet.old_role(name) is None else "changed" if _changed_role(sheet, name) else ""
    return Overview(
        name,
        places.to(sheet.visit.practice, places.ROLE, name=name),
        len(role.members),
        len(role.levels),
        sheet.of_role(name, practice),
        state,
    )


def _ordered(sheet: Sheet, screen: str, find: str) -> list[str]:
    """The roles as a screen shows them: those that hold a level first. What the draft changes stays where it is."""
    names = seeking.matching(find, sheet.after.roles, str)
    return sorted(names, key=lambda name: sheet.before.level(sheet.formerly(name), screen) == OFF)


def _line(sheet: Sheet, screen: str, name: str) -> Line:
    everybody = members(sheet, name)
    topics = [topic for topic, about in sheet.read.catalog.topics.items() if screen in {each for each, _ in about}]
    adding = sheet.rights.members and sheet.visit.asked.query.one("add") == name
    return Line(
        held(sheet, name, screen),
        tuple(member for at, member in enumerate(everybody) if at < SHOWN or member.state),
        len(everybody),
        tuple(profile for topic, profile in sheet.of_role(name).items() if topic in topics),
        sheet.old_role(name) is None,
        picking.people(sheet, {"role": name}, sheet.after.roles[name].members) if adding else None,
    )


def members(sheet: Sheet, role: str) -> list[Member]:
    """Everybody in the role, joining it or leaving it, by name."""
    now, old = sheet.after.roles[role].members, sheet.old_role(role)
    was = old.members if old else frozenset[str]()
    people = sheet.after.users
    found = [people[user] for user in now | was if user in people]
    found.sort(key=lambda user: (user.name.casefold(), user.id))
    return [_member(sheet, role, user, user.id in was, user.id in now) for user in found]


def _member(sheet: Sheet, role: str, user: User, was: bool, now: bool) -> Member:
    state = "" if was and now else "joins" if now else "leaves"
    edit = RemoveMember(role, user.id) if now else AddMember(role, user.id)
    return Member(user, places.to(sheet.visit.practice, places.USER, id=user.id), state, typed.as_field(edit))


def held(sheet: Sheet, role: str, screen: str) -> Held:
    """The level of a role on a screen, with those that can be chosen."""
    level = sheet.after.level(role, screen)
    levels = (OFF, *(name for name in sheet.read.catalog.levels if name in sheet.known.levels.get(screen, ())))
    choices = tuple(Choice(name, name == level, sheet.known.acts_as(screen, name) or "") for name in levels)
    was = sheet.before.level(sheet.formerly(role), screen)
    return Held(role, screen, level, was, choices, _inherited(sheet, role, screen, levels))


def _inherited(sheet: Sheet, role: str, screen: str, levels: tuple[str, ...]) -> str:
    """What a role has on a screen by being in other roles, where that is more: `Write through Front Desk`."""
    above = {name.removeprefix(ROLE_PREFIX) for name in sheet.after.links.above(ROLE_PREFIX + role)} - {role}
    own = levels.index(sheet.after.level(role, screen))
    higher = [
        (levels.index(level), level, name)
        for name in sorted(above)
        if (level := sheet.after.level(name, screen)) in levels[own + 1 :]
    ]
    return "{1} through {2}".format(*max(higher, key=lambda found: found[0])) if higher else ""


def means(sheet: Sheet, screen: Screen) -> list[tuple[str, str]]:
    """Each level of a screen with what it opens, in the words of the catalog; levels that open the same stand once."""
    opened: dict[str, list[str]] = defaultdict(list)
    for level in sheet.read.catalog.levels:
        granted = sheet.known.granted.get((screen.name, level), frozenset())
        if granted:
            opened["; ".join(phrase for action, phrase in screen.actions.items() if action in granted)].append(level)
    return [(", ".join(levels), words) for words, levels in opened.items()]


def level_words(level: str, same_as: str | None) -> str:
    """`Read (same as Write on this screen)`."""
    return f"{level} (same as {same_as} on this screen)" if same_as else level


VIEWS = {("GET", f"/practices/<practice>/{places.ROLES}"): roles}
