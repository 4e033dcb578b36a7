"""One role: who is in it, and what it holds on each screen; a new one; and two of them side by side."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from service.access.person import Visit
from service.errors import ChangeRefused
from service.exchange import Reply, see_other
from service.policy.catalog import OFF, Profile
from service.policy.edits import AddRole, DeleteRole, RenameRole
from service.policy.practice import Practice, bare
from service.ui import picking, places, seeking, typed
from service.ui.panel import panel
from service.ui.render import page
from service.ui.roles import Held, finder, held, level_words, members
from service.ui.sheet import Sheet, lay, lay_on
from service.ui.typed import Problem
from service.values import ROLE_PREFIX, TEMPLATE_PRACTICE


class Group(NamedTuple):
    """The screens of one group, with the level that the role holds on each."""

    name: str
    levels: tuple[Held, ...]


def role(visit: Visit) -> Reply:
    """The page of one role."""
    return _role(lay(visit))


def change(visit: Visit) -> Reply:
    """The name of a role, changed."""
    sheet, form = lay(visit), visit.asked.form
    old, new = form.one("role"), form.one("to").strip()
    problems = typed.name_of_role("to", new, sheet.after) if new != old else []
    if problems:
        return _role(sheet, problems, new)
    try:
        lay_on(sheet, [RenameRole(old, new)])
    except ChangeRefused as error:
        return _role(sheet, [Problem("to", error.for_people)], new)
    return see_other(places.to(visit.practice, places.ROLE, name=new))


def _role(sheet: Sheet, problems: list[Problem] | None = None, to: str = "") -> Reply:
    visit, query = sheet.visit, sheet.visit.asked.query
    name = visit.asked.form.one("role") or query.one("name")
    values = {
        "sheet": sheet,
        "panel": panel(sheet),
        "finder": finder(sheet, query.one("find"), role=name),
        "name": name,
    }
    known = sheet.after.roles.get(name)
    if known is None:
        gone, renamed = name in sheet.before.roles, _renamed(sheet, name)
        return page(visit, "role_gone.html", 200 if gone else 404, **values, gone=gone, renamed=renamed)
    formerly = sheet.formerly(name)
    return page(
        visit,
        "role.html",
        422 if problems else 200,
        **values,
        members=seeking.part(members(sheet, name), query.one("page")),
        count=len(known.members),
        groups=_groups(sheet, name),
        gives=sheet.of_role(name),
        within=sorted(known.within),
        denied=[
            (screen, level_words(level, sheet.known.acts_as(screen, level))) for screen, level in sorted(known.denied)
        ],
        is_new=not formerly,
        renamed_from=formerly if formerly != name else "",
        picker=picking.people(sheet, {"role": name}, known.members) if sheet.rights.members else None,
        delete=typed.as_field(DeleteRole(name)),
        problems=problems or [],
        to=to or name,
        others=[other for other in sheet.after.roles if other != name],
    )


def _renamed(sheet: Sheet, name: str) -> str:
    """What the draft calls a role of this name."""
    return next((edit.to for edit in reversed(sheet.edits) if isinstance(edit, RenameRole) and edit.role == name), "")


def _groups(sheet: Sheet, name: str) -> list[Group]:
    groups: dict[str, list[Held]] = defaultdict(list)
    for screen in sheet.read.catalog.screens.values():
        groups[screen.group].append(held(sheet, name, screen.name))
    return [Group(group, tuple(levels)) for group, levels in groups.items()]


# --- a new role ---------------------------------------------------------------------------------------------


class Begins(NamedTuple):
    """What a new role can begin with: nothing, a template or another role, and the levels that it would have."""

    value: str
    name: str
    kind: str


def new(visit: Visit) -> Reply:
    """The page on which a role is made."""
    return _new(lay(visit))


def make(visit: Visit) -> Reply:
    """A new role, in the draft."""
    sheet, form = lay(visit), visit.asked.form
    if "show" in form:
        asked = {"name": form.one("name"), "begins": form.one("begins")}
        return see_other(places.to(visit.practice, places.NEW_ROLE, **asked))
    edits, problems = typed.new_role(form, sheet.after)
    if problems:
        return _new(sheet, problems)
    try:
        lay_on(sheet, edits)
    except ChangeRefused as error:
        return _new(sheet, [Problem("name", error.for_people)])
    return see_other(places.to(visit.practice, places.ROLE, name=form.one("name").strip()))


def _new(sheet: Sheet, problems: list[Problem] | None = None) -> Reply:
    visit = sheet.visit
    fields = visit.asked.form if problems else visit.asked.query
    begins = fields.one("begins")
    kind, _, source = begins.partition("/")
    templates = dict.fromkeys(bare(row.fields[0]) for row in sheet.templates)
    choices = [Begins("", "Nothing", "")]
    choices += [Begins(f"template/{name}", name, "Templates") for name in templates]
    choices += [Begins(f"role/{name}", name, "Roles of this practice") for name in sheet.after.roles]
    carried = sheet.after.roles[source].members if kind == "role" and source in sheet.after.roles else frozenset[str]()
    return page(
        visit,
        "role_new.html",
        422 if problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        finder=finder(sheet, "", role=""),
        problems=problems or [],
        name=fields.one("name"),
        begins=begins,
        choices=choices,
        gives=_gives(sheet, kind, source),
        means=_begun(sheet, begins),
        members=[user for user in sheet.after.users.values() if user.id in carried],
        picked=set(fields.every("pick")),
        source=source if kind == "role" else "",
    )


def _gives(sheet: Sheet, kind: str, source: str) -> list[Held]:
    """The levels that a new role would begin with."""
    levels: dict[str, str] = {}
    if kind == "template":
        own = (row for row in sheet.templates if row.fields[:2] == (ROLE_PREFIX + source, TEMPLATE_PRACTICE))
        levels = {row.fields[2]: row.fields[3] for row in own if not row.denies}
    elif kind == "role" and source in sheet.after.roles:
        levels = dict(sheet.after.roles[source].levels)
    given = []
    for screen in sheet.read.catalog.screens:
        if screen in levels:
            empty = held(sheet, "", screen)
            choices = tuple(choice._replace(chosen=choice.level == levels[screen]) for choice in empty.choices)
            given.append(empty._replace(level=levels[screen], was=levels[screen], choices=choices))
    return given


def _begun(sheet: Sheet, begins: str) -> list[Profile]:
    """What the levels that a new role begins with come to, of each topic of the catalog of which they are something."""
    kind, _, source = begins.partition("/")
    if not begins:
        return []
    made = AddRole("?", template=source if kind == "template" else "", like=source if kind == "role" else "")
    try:
        rows = made.carry_out(sheet.after, sheet.templates)
    except ChangeRefused:
        return []
    return [profile for profile in sheet.of_role("?", Practice(sheet.after.id, rows)).values() if profile.may]


# --- two side by side ---------------------------------------------------------------------------------------


class Beside(NamedTuple):
    """One screen, and what each of two roles holds on it."""

    screen: str
    one: Held
    other: Held

    @property
    def differs(self) -> bool:
        """Whether they hold different levels there."""
        return self.one.level != self.other.level


def compare(visit: Visit) -> Reply:
    """Two roles side by side."""
    sheet, query = lay(visit), visit.asked.query
    pair = [sheet.after.roles.get(query.one(name)) for name in ("one", "other")]
    lines, both = [], []
    if pair[0] and pair[1]:
        one, other = pair[0], pair[1]
        sides = ((held(sheet, one.name, name), held(sheet, other.name, name)) for name in sheet.read.catalog.screens)
        lines = [Beside(left.screen, left, right) for left, right in sides if (left.level, right.level) != (OFF, OFF)]
        users = [user for user in sheet.after.users.values() if user.id in one.members | other.members]
        both = [(user, user.id in one.members, user.id in other.members) for user in users]
    return page(
        visit,
        "compare.html",
        sheet=sheet,
        panel=panel(sheet),
        finder=finder(sheet, "", role=""),
        one=pair[0],
        other=pair[1],
        gives=[sheet.of_role(role.name) if role else {} for role in pair],
        lines=lines,
        members=seeking.part(both, query.one("page")),
        names=list(sheet.after.roles),
    )


VIEWS = {
    ("GET", f"/practices/<practice>/{places.ROLE}"): role,
    ("POST", f"/practices/<practice>/{places.ROLE}"): change,
    ("GET", f"/practices/<practice>/{places.NEW_ROLE}"): new,
    ("POST", f"/practices/<practice>/{places.NEW_ROLE}"): make,
    ("GET", f"/practices/<practice>/{places.COMPARE}"): compare,
}
