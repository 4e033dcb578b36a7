"""Undoing: the page that shows what taking back a change would do, and the button that does it.

INVARIANT: what is done is what was looked at: the form says after which change of the practice it was drawn, and a
practice that has moved since is looked at again.
"""

from __future__ import annotations

from service import review, undo
from service.access.permissions import UNDO
from service.access.person import Visit
from service.changes import Author
from service.decision.standing import Alike
from service.errors import BadRequest, ChangeRefused, InvalidPolicy, NotFound, UsageError
from service.exchange import Reply, see_other
from service.policy.moves import moves
from service.review import Told
from service.ui.change import TO_DO, entries, groups, summary, told_to
from service.ui.changes import around, place_of
from service.ui.panel import refusal
from service.ui.render import page
from service.undo import Undo
from service.values import How

LONGEST = 1000
"""Characters of a note or a reference."""


def look(visit: Visit) -> Reply:
    """What undoing the change would do, before it is done."""
    return _look(visit, told_to(visit))


def take_back(visit: Visit) -> Reply:
    """Undo the change as it was looked at. What stands in the way is said on the same page, with all that was typed."""
    told, form = told_to(visit), visit.asked.form
    number, base = told.revision.number, form.one("base")
    if not base.isascii() or not base.isdigit() or len(base) > 9:  # noqa: PLR2004
        raise BadRequest("the button does not say what it stood beside")
    try:
        done = undo.save(visit.office.press, _author(visit), visit.practice, number, int(base))
    except (ChangeRefused, InvalidPolicy) as error:
        return _look(visit, told, refusal(error), status=409)
    except UsageError as error:
        raise NotFound(error.message) from error
    if done is None:
        return see_other(place_of(visit.practice, number))
    return see_other(f"{place_of(visit.practice, done.number)}?saved=1")


def _author(visit: Visit) -> Author:
    note, reference = (visit.asked.form.one(field).strip()[:LONGEST] for field in ("note", "reference"))
    return Author(visit.someone.actor, How.SETUP, note, reference)


def _look(visit: Visit, told: Told, problem: str = "", status: int = 200) -> Reply:
    number = told.revision.number
    try:
        shown = undo.preview(visit.office.press, _author(visit), visit.practice, number)
    except UsageError as error:
        raise NotFound(error.message) from error
    names = told.names | dict(around(visit).names)
    alike = _fared(visit, shown)
    return page(
        visit,
        "changes/undo.html",
        status,
        number=number,
        base=shown.base,
        problem=problem or (refusal(shown.refused) if shown.refused else ""),
        can=shown.rehearsal is not None,
        groups=groups(alike, names),
        summary=summary(alike, names, TO_DO),
        entries=entries(moves(shown.change.added, shown.change.removed, visit.practice), names),
        note=visit.asked.form.one("note"),
        reference=visit.asked.form.one("reference"),
        action=visit.asked.path,
        back=place_of(visit.practice, number),
    )


def _fared(visit: Visit, shown: Undo) -> tuple[Alike, ...]:
    """Who would gain and lose by it, as one who reviews it afterwards will read it."""
    if shown.rehearsal is None:
        return ()
    with visit.office.press.store.reading() as view:
        files = view.files()
    return review.fared(
        shown.rehearsal.effect, files, shown.before, shown.rehearsal.after[visit.practice], visit.practice
    )


VIEWS = {("GET", UNDO): look, ("POST", UNDO): take_back}
