"""The upgrade of one practice: who had the old permission for the portal goes into one role, in the draft.

The same as `rolewarden upgrade portal-roles` does for many practices, by the same functions; what it does is shown
beside Save before anybody saves it.
"""

from __future__ import annotations

from service import upgrade
from service.access.person import Visit
from service.errors import ChangeRefused
from service.exchange import Reply, see_other
from service.policy import legacy
from service.policy.edits import AddRole
from service.policy.practice import Practice, User
from service.ui import places
from service.ui.panel import panel
from service.ui.render import page
from service.ui.sheet import Sheet, keep, lay, lay_on
from service.ui.typed import Problem

MOST = 300
"""Users to tick; of more, a list is handed in."""


def ask_who(visit: Visit) -> Reply:
    """The page on which it is said who had it."""
    return _shown(lay(visit))


def take(visit: Visit) -> Reply:
    """Everybody who had it, into the role, in the draft."""
    sheet = lay(visit)
    who, problems = _had(sheet)
    if not problems and not who:
        problems = [Problem("who", "Tick everybody who had it, or hand in a list.")]
    if problems:
        return _shown(sheet, problems)
    edits = tuple(upgrade.edits_for(sheet.after, who))
    try:
        if strange := _strange(sheet):
            return _shown(sheet, [Problem("who", strange)])
        lay_on(sheet, edits)
    except ChangeRefused as error:
        return _shown(sheet, [Problem("who", error.for_people)])
    changed = lay(visit)
    if changed.kept and not changed.kept.reason:
        keep(changed, changed.edits, words=("Other", upgrade.REASON, changed.kept.reference))
    return see_other(places.to(visit.practice, places.UPGRADE, done=len(who)))


def _strange(sheet: Sheet) -> str:
    """Why the role that is there already cannot be the one."""
    practice = sheet.after
    if upgrade.ROLE not in practice.roles:
        rows = AddRole(upgrade.ROLE, template=upgrade.ROLE).carry_out(practice, sheet.templates)
        practice = Practice(practice.id, rows)
    if not upgrade.unlike(practice, sheet.templates):
        return ""
    return f"There is a role “{upgrade.ROLE}” already, with other levels. Rename it first."


def _had(sheet: Sheet) -> tuple[list[str], list[Problem]]:
    """Who had it, as ticked or as listed; everybody must be known."""
    form = sheet.visit.asked.form
    content = sheet.visit.asked.files.get("file") or form.one("text").strip().encode()
    if not content:
        return [user for user in dict.fromkeys(form.every("had")) if user in sheet.after.users], []
    read, found = legacy.parse(content)
    if not found:
        strangers = sorted(read.had.keys() - {sheet.visit.practice})
        found = [legacy.Problem(0, f"the list is about another practice, `{name}`") for name in strangers]
        users = read.had.get(sheet.visit.practice, {})
        lines = ((user, read.lines[sheet.visit.practice, user]) for user in users)
        found += [legacy.Problem(at, f"no user `{user}`") for user, at in lines if user not in sheet.after.users]
        if not found:
            return [user for user, had in users.items() if had], []
    said = [f"Line {at}: {text}." if at else f"{text[:1].upper()}{text[1:]}." for at, text in sorted(found)]
    return [], [Problem("file", words.replace("`", "")) for words in said]


def _shown(sheet: Sheet, problems: list[Problem] | None = None) -> Reply:
    ticked = frozenset(sheet.visit.asked.form.every("had")) if problems else frozenset()
    role = sheet.after.roles.get(upgrade.ROLE)
    members = role.members if role else frozenset()
    people: list[User] = list(sheet.after.users.values())
    return page(
        sheet.visit,
        "upgrade.html",
        422 if problems else 200,
        sheet=sheet,
        panel=panel(sheet),
        role=upgrade.ROLE,
        people=people if len(people) <= MOST else [],
        members=members,
        ticked=ticked | members,
        text=sheet.visit.asked.form.one("text"),
        problems=problems or [],
    )


VIEWS = {
    ("GET", f"/practices/<practice>/{places.UPGRADE}"): ask_who,
    ("POST", f"/practices/<practice>/{places.UPGRADE}"): take,
}
