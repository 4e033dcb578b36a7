"""Setup > Users: the directory of the practice, and lists of users from a file."""

from __future__ import annotations

from typing import NamedTuple

from service import upgrade
from service.access.person import Visit
from service.errors import ChangeRefused
from service.exchange import Reply, see_other
from service.policy.catalog import Profile
from service.policy.practice import User
from service.ui import places, roster, seeking, typed
from service.ui.panel import panel
from service.ui.render import page
from service.ui.sheet import Sheet, lay, lay_on
from service.ui.typed import Problem

SHOWS = {"": "All", "active": "Active", "inactive": "Inactive", "none": "Without a role", "changed": "Not saved yet"}
"""What the directory can be narrowed to."""


class Entry(NamedTuple):
    """A line of the directory. `has`: what they have of each topic of the catalog."""

    user: User
    place: str
    roles: tuple[str, ...]
    has: dict[str, Profile]
    state: str


def users(visit: Visit) -> Reply:
    """The directory."""
    return _users(lay(visit))


def add(visit: Visit) -> Reply:
    """A user, added to the draft."""
    sheet = lay(visit)
    edits, problems = typed.new_user(visit.asked.form, sheet.after)
    if problems:
        return _users(sheet, problems)
    try:
        lay_on(sheet, edits)
    except ChangeRefused as error:
        return _users(sheet, [Problem("user", error.for_people)])
    return see_other(places.to(visit.practice, places.USER, id=visit.asked.form.one("user").strip()))


def _users(sheet: Sheet, problems: list[Problem] | None = None) -> Reply:
    visit, query, form = sheet.visit, sheet.visit.asked.query, sheet.visit.asked.form
    find, show = query.one("find"), query.one("show")
    changed = _changed(sheet)
    shown = [user for user in seeking.people(find, sheet.after.users.values()) if _fits(sheet, user, show, changed)]
    listed = seeking.part(shown, query.one("page"))
    entries = [_entry(sheet, user, changed) for user in listed.entries]
    return page(
        visit,
        "users.html",
        422 if problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        listed=seeking.Part(entries, listed.total, listed.number, listed.pages),
        find=find.strip(),
        show=show if show in SHOWS else "",
        shows=SHOWS,
        problems=problems or [],
        user=form.one("user"),
        name=form.one("name"),
        upgraded=upgrade.ROLE in sheet.after.roles,
    )


def _changed(sheet: Sheet) -> set[str]:
    """The ids of the users about whom the draft changes something of their own: name, state or roles."""
    rows = sheet.before.rows ^ sheet.after.rows
    in_roles = {row.fields[0].partition(":")[2] for row in rows if row.kind == "g"}
    return in_roles | {row.fields[1] for row in rows if row.kind == "user"}


def _fits(sheet: Sheet, user: User, show: str, changed: set[str]) -> bool:
    match show:
        case "active":
            return user.active
        case "inactive":
            return not user.active
        case "none":
            return user.active and not sheet.after.roles_of(user.id)
        case "changed":
            return user.id in changed
        case _:
            return True


def _entry(sheet: Sheet, user: User, changed: set[str]) -> Entry:
    state = "new" if user.id not in sheet.before.users else "changed" if user.id in changed else ""
    place = places.to(sheet.visit.practice, places.USER, id=user.id)
    return Entry(user, place, sheet.after.roles_of(user.id), sheet.of_user(user.id), state)


# --- from a file --------------------------------------------------------------------------------------------


def ask_for_file(visit: Visit) -> Reply:
    """The page on which a list of users is handed in."""
    return _import(lay(visit))


def take_file(visit: Visit) -> Reply:
    """What a list of users would change; and, once it was looked at, that in the draft."""
    sheet, form, files = lay(visit), visit.asked.form, visit.asked.files
    content = files.get("file") or form.one("text").encode()
    read = roster.read(content, sheet.after, may_give_roles=sheet.rights.members)
    if "take" not in form or read.problems or not read.edits:
        return _import(sheet, read, content.decode(errors="replace"))
    try:
        lay_on(sheet, read.edits)
    except ChangeRefused as error:
        problem = roster.LineProblem(0, error.for_people)
        return _import(sheet, read._replace(problems=(problem,)), form.one("text"))
    return see_other(places.to(visit.practice, places.USERS, show="changed"))


def _import(sheet: Sheet, read: roster.Roster | None = None, text: str = "") -> Reply:
    return page(
        sheet.visit,
        "import.html",
        422 if read and read.problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        read=read,
        text=text,
        most=roster.MOST,
    )


VIEWS = {
    ("GET", f"/practices/<practice>/{places.USERS}"): users,
    ("POST", f"/practices/<practice>/{places.USERS}"): add,
    ("GET", f"/practices/<practice>/{places.IMPORT}"): ask_for_file,
    ("POST", f"/practices/<practice>/{places.IMPORT}"): take_file,
}
