"""Events: who signed in and out of Setup, and what was refused, for those who review.

Only what was kept for the practice is shown. An event of a kind that has no words here yet goes by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from service.access.permissions import CHANGES, EVENTS
from service.access.person import Visit
from service.audit.events import AuditEvent
from service.errors import BadRequest
from service.exchange import Reply
from service.policy.wording import Phrase
from service.store.base import Event
from service.ui import wanted
from service.ui.attribution import who
from service.ui.changes import around, linked, number
from service.ui.render import page, place_in
from service.ui.telling import moment
from service.ui.wanted import OFFERED
from service.values import USER_PREFIX, Reason

A_PAGE = 100

WORDS = {
    AuditEvent.SESSION_BEGIN: "Signed in",
    AuditEvent.SESSION_REFUSE: "Could not sign in",
    AuditEvent.SESSION_END: "Signed out",
    AuditEvent.SESSION_EXPIRE: "Was signed out after a time",
    AuditEvent.PAGE_REFUSE: "Was refused a page",
    AuditEvent.CHANGE_REFUSE: "Was refused a change",
    AuditEvent.API_REQUEST_REFUSE: "Was refused a request",
    AuditEvent.API_CHANGE_REFUSE: "Was refused a change",
}
"""What happened, as people read it."""


DETAILS = {
    "by": "through",
    "path": "page",
    "right": "needs",
    "reason": "because",
    "code": "code",
    "rule": "rule",
    "ended": "sign-ins ended",
    "address": "from",
}
"""What is known of an event, as people read it; another label is shown as it is kept."""


REASONS = {
    Reason.NO_LEVEL.value: "no level for it",
    Reason.INACTIVE_USER.value: "inactive",
    Reason.UNKNOWN_USER.value: "not in the directory",
}
"""Why somebody was refused, as people read it; another reason goes by its name."""


class Line(NamedTuple):
    """One event as the page shows it. `more`: what else is known of it, as label and value."""

    event: Event
    when: str
    who: Phrase
    what: str
    refused: bool
    more: tuple[tuple[str, str], ...]


def events(visit: Visit) -> Reply:
    """Sign-ins, sign-outs and refusals, newest first, by person, kind and time."""
    query, here = visit.asked.query, around(visit)
    asked, kind = wanted.read(query, here.names), _kind(query.one("what"))
    before = number(query.one("before"))
    found: tuple[Event, ...] = ()
    if asked.holds:
        person = asked.filter.person
        with visit.office.press.store.reading() as view:
            found = view.events(
                practice=visit.practice,
                actor=None if person is None else USER_PREFIX + person,
                name=kind,
                since=asked.filter.since,
                until=asked.filter.until,
                before=before,
                limit=A_PAGE + 1,
            )
    pairs = [*asked.pairs, *([("what", kind.value)] if kind else [])]
    shown, place = found[:A_PAGE], place_in(visit.practice, EVENTS)
    return page(
        visit,
        "changes/events.html",
        wanted=asked,
        kind=kind,
        kinds=list(WORDS.items()),
        filtered=bool(pairs),
        action=place,
        back=place_in(visit.practice, CHANGES),
        lines=[_line(event, here.names) for event in shown],
        newest=linked(place, pairs) if before else "",
        older=linked(place, [*pairs, ("before", str(shown[-1].number))]) if len(found) > len(shown) else "",
        meant=[(linked(place, [("person", user)]), user, here.names[user]) for user in asked.people[:OFFERED]],
        more_meant=len(asked.people[OFFERED:]),
    )


def _kind(typed: str) -> AuditEvent | None:
    """The kind of event that is wanted; None for any. BadRequest for one that there is not."""
    if typed and typed not in set(AuditEvent):
        raise BadRequest("there is no such kind of event", "choose one of the list")
    return AuditEvent(typed) if typed else None


def _line(event: Event, names: Mapping[str, str]) -> Line:
    words, refused = WORDS.get(event.name, event.name.value), event.name.value.endswith(":refuse")
    more = tuple((DETAILS.get(label, label), _told(label, value)) for label, value in event.details.items() if value)
    return Line(event, moment(event.time), who(event.actor, names), words, refused, more)


def _told(label: str, value: str) -> str:
    """A detail without the marks of a log; the reason of a refusal in words."""
    return REASONS.get(value, value) if label == "reason" else value.replace("`", "")


VIEWS = {("GET", EVENTS): events}
