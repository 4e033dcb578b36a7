"""Changes by the admin API: lists of them, and one of them with what it did to a practice.

A change can touch several practices. INVARIANT: whoever asks about one practice is told its rows and its effects alone,
and no count into which another one went.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from service.api import admin_values as values
from service.api import paging
from service.api.admin_read import no_practice, told
from service.api.admin_request import Request, number
from service.errors import Declined
from service.exchange import Reply
from service.policy.rows import dump_row
from service.store.base import Listed
from service.store.view import View
from service.values import Revision

_MOST_OF_THEIRS = 50
_FILTERS = ("person", "screen", "since", "until")


def changes_of_practice(request: Request) -> Reply:
    """The changes that touched the practice, newest first."""
    with request.press.store.reading() as view:
        if request.practice not in view.existing([request.practice]):
            raise no_practice()
        return _page(request, view, request.practice)


def changes_of_all(request: Request) -> Reply:
    """The changes of all practices, and of the files that they share."""
    if request.token.practices is not None:
        raise Declined("forbidden", "this token is for some practices", "ask for the changes of each of them")
    with request.press.store.reading() as view:
        return _page(request, view, request.query.get("practice"))


def _page(request: Request, view: View, practice: str | None) -> Reply:
    """A part of the list. Changes are never altered and new ones come before the first part, so none is missed."""
    filters = {name: request.query.get(name) for name in _FILTERS}
    name = paging.named(request.place, {**filters, "practice": practice})
    limit: int = request.query.get("limit", paging.DEFAULT)
    before = _before(request.query.get("cursor", ""), name)
    found = view.changes(
        practice=practice,
        person=filters["person"],
        screen=filters["screen"],
        since=filters["since"],
        until=filters["until"],
        before=before,
        limit=limit + 1,
    )
    items = tuple(listed(change, practice) for change in found[:limit])
    more = len(found) > limit
    cursor = paging.dumped(paging.Cursor(name, "", (str(items[-1].number),))) if more else msgspec.UNSET
    return told(paging.Page(items, cursor))


def _before(cursor: str, name: str) -> int | None:
    if not cursor:
        return None
    behind = paging.parsed(cursor, name).behind
    return number(behind[0]) if len(behind) == 1 else number("")


def listed(change: Listed, practice: str | None) -> values.ChangeListed:
    """A change in a list; seen from a practice, without counts into which others went."""
    alone = practice is None or tuple(change.practices) == (practice,)
    return values.ChangeListed(
        number=change.number,
        time=change.time,
        actor=change.actor,
        how=change.how.value,
        reason=change.reason,
        reference=change.reference,
        rows_added=change.added if alone else msgspec.UNSET,
        rows_removed=change.removed if alone else msgspec.UNSET,
        people=change.people if alone else msgspec.UNSET,
    )


def change_of_practice(request: Request) -> Reply:
    """One change, as far as it is about the practice."""
    wanted = number(request.visit.asked.names["number"])
    with request.press.store.reading() as view:
        found = require_touched(view, wanted, request.practice)
        effects = tuple(affected(view, wanted, request.practice))
    return told(_shown(found, request.practice, effects))


def require_touched(view: View, wanted: int, practice: str) -> Revision:
    """The change, or `Declined`: one that did not touch the practice is not there for whoever asks about it."""
    found = view.revision(wanted)
    if found is None or practice not in dict(found.practices):
        raise Declined("not-found", f"there is no change {wanted} of this practice")
    return found


def affected(view: View, change: int, practice: str) -> Iterator[values.Affected]:
    """Who of the practice gained or lost how much by a change."""
    for each in view.effects(change):
        if each.practice == practice:
            yield values.Affected(each.user, each.screen, each.gained, each.lost)


def theirs(view: View, practice: str, base: int) -> tuple[values.ChangeListed, ...]:
    """The newest changes of a practice since one of them."""
    found = view.changes(practice=practice, limit=_MOST_OF_THEIRS)
    return tuple(listed(change, practice) for change in found if change.number > base)


def _shown(found: Revision, practice: str, effects: tuple[values.Affected, ...]) -> values.ChangeShown:
    rows = [(True, row) for row in found.added] + [(False, row) for row in found.removed]
    return values.ChangeShown(
        number=found.number,
        time=found.time,
        actor=found.actor,
        how=found.how.value,
        reason=found.reason,
        reference=found.reference,
        rows=tuple(values.RowShown(added, dump_row(row)) for added, row in rows if row.practice == practice),
        effects=effects,
    )
