"""Changing, looking, saving: every button that touches the draft, and the page on which somebody looks once more.

A draft that only gives is saved by one press. One that takes away or warns is shown once more, and is saved from there.
INVARIANT: what is saved is what was looked at: the form says by a mark which draft it stood beside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from service import drafts
from service.access.person import Visit
from service.drafts import Draft
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy
from service.exchange import Fields, Reply, see_other
from service.policy.edits import Edits
from service.policy.practice import Practice
from service.ui import folding, places, telling, typed
from service.ui.panel import REASONS, panel, refusal
from service.ui.render import page
from service.ui.sheet import Sheet, drop, keep, lay, lay_on
from service.ui.typed import Problem
from service.values import Revision

LONGEST_WORDS = 1000
"""Characters of a note or a reference."""

ELSEWHERE = "This is not what stood beside the button: something was changed in another window. Please look again."

MAKES: dict[str, Callable[[Fields], Edits]] = {
    "edits": typed.edits,
    "screen": typed.levels_on_screen,
    "role": typed.levels_of_role,
    "ticks": typed.roles_of_user,
    "members": typed.members,
    "roles": typed.roles,
}
"""What a form can ask for that becomes edits, by its field `do`."""


class Theirs(NamedTuple):
    """A change that somebody else made meanwhile."""

    number: int
    who: str
    time: str
    lines: tuple[str, ...]


def look(visit: Visit) -> Reply:
    """The page on which somebody looks once more."""
    return _look(lay(visit), visit.asked.query.one("back"))


def touch(visit: Visit) -> Reply:
    """Whatever a button does to the draft; then back to the page on which it was pressed."""
    sheet, form = lay(visit), visit.asked.form
    onward = places.back(visit.practice, form.one("back"), places.to(visit.practice, _first(sheet)))
    do = form.one("do")
    if do in MAKES:
        try:
            lay_on(sheet, MAKES[do](form))
        except ChangeRefused as error:
            return _look(sheet, onward, [Problem("draft", error.for_people)], status=409)
        return see_other(onward)
    if do == "discard":
        drop(visit)
        return see_other(onward)
    if do == "back" and form.one("at").isdigit():
        keep(sheet, folding.without(sheet.before, sheet.edits, int(form.one("at")), sheet.templates))
        return see_other(onward)
    if sheet.kept is None:
        return _look(sheet, onward)
    if do in ("note", "save", "confirm", "again"):
        return _with_words(sheet, do, onward)
    return _look(sheet, onward, [Problem("draft", "Nothing was changed: the button is not known here.")], status=400)


def _first(sheet: Sheet) -> str:
    return places.ROLES if sheet.rights.see_roles else places.USERS


def _with_words(sheet: Sheet, do: str, onward: str) -> Reply:
    """What comes with reason, note and reference: they are kept first, so that nothing typed is lost."""
    form, visit = sheet.visit.asked.form, sheet.visit
    words = tuple(form.one(name).strip()[:LONGEST_WORDS] for name in ("reason", "note", "reference"))
    base = sheet.preview.newest if do == "again" else None
    keep(sheet, sheet.edits, base, (words[0] if words[0] in REASONS else "", words[1], words[2]))
    seen = form.one("mark")
    sheet = lay(visit)
    if do in ("note", "again"):
        return see_other(onward)
    if seen != sheet.mark:
        return _look(sheet, onward, [Problem("draft", ELSEWHERE)], status=409)
    if not sheet.kept or not sheet.kept.reason:
        return _look(sheet, onward, [Problem("reason", "Choose a reason.")], status=422)
    shown = panel(sheet)
    if do == "save" and shown and shown.look and not shown.refused and not shown.moved:
        return see_other(places.to(visit.practice, places.DRAFT, back=onward))
    return _save(sheet, onward)


def _save(sheet: Sheet, onward: str) -> Reply:
    visit = sheet.visit
    try:
        done = drafts.save(visit.office.press, sheet.author, Draft(visit.practice, sheet.base, sheet.edits))
    except BaseMoved:
        return _look(lay(visit), onward, status=409)
    except (ChangeRefused, InvalidPolicy) as error:
        return _look(lay(visit), onward, [Problem("draft", refusal(error))], status=409)
    drop(visit)
    if done is None:
        return see_other(onward)
    join = "&" if "?" in onward else "?"
    return see_other(f"{onward}{join}saved={done.number}")


def _look(sheet: Sheet, back: str, problems: list[Problem] | None = None, status: int = 200) -> Reply:
    visit = sheet.visit
    first = places.to(visit.practice, _first(sheet))
    return page(
        visit,
        "look.html",
        status,
        sheet=sheet,
        panel=panel(sheet),
        back=places.back(visit.practice, back, first),
        problems=problems or [],
        theirs=_theirs(sheet) if sheet.moved else [],
    )


def _theirs(sheet: Sheet) -> list[Theirs]:
    """The changes of others since the draft was begun, newest first."""
    with sheet.visit.office.press.store.reading() as view:
        later = [made for made in view.revisions(sheet.visit.practice) if made.number > sheet.base]
    return [_told(made, sheet.before) for made in later]


def _told(made: Revision, practice: Practice) -> Theirs:
    added, removed = ([row for row in rows if row.practice == practice.id] for rows in (made.added, made.removed))
    lines = tuple(telling.rows(added, removed, practice))
    return Theirs(made.number, telling.who(made.actor, practice), telling.moment(made.time), lines)


VIEWS = {
    ("GET", f"/practices/<practice>/{places.DRAFT}"): look,
    ("POST", f"/practices/<practice>/{places.DRAFT}"): touch,
}
