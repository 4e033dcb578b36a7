"""The first page: the practices of whoever has signed in, or at once the one; and what supervisors ask.

A person who may go nowhere in a practice is told so there, in the words of the policy.
"""

from __future__ import annotations

from dataclasses import replace

from service import upgrade
from service.access.permissions import ALIVE, HOME, READY
from service.access.person import Visit
from service.errors import StoreUnavailable
from service.exchange import Reply, see_other
from service.ui.render import frame, framed, page
from service.values import ROLE_PREFIX


def home(visit: Visit) -> Reply:
    """The practices of the person with what they may go to; where it is one page of one practice, that page."""
    practices = sorted(visit.someone.practices)
    with visit.office.press.store.reading() as view:
        names = view.practice_names(practices)
    entries = [
        (names[practice], frame(replace(visit, practice=practice))) for practice in practices if practice in names
    ]
    if len(entries) == 1 and entries[0][1].links:
        return see_other(entries[0][1].links[0].place)
    if len(entries) == 1:
        return framed(entries[0][1], "nothing.html")
    return page(visit, "home.html", entries=sorted(entries, key=lambda entry: entry[0].casefold()))


def livez(_visit: Visit) -> Reply:
    """That this process answers."""
    return _told(200, '{"alive":true}')


def readyz(visit: Visit) -> Reply:
    """200 where pages can be served, or 503. Tells how many practices were not upgraded to the two portal screens."""
    try:
        ready = visit.office.live.state().refusal is None
        with visit.office.press.store.reading() as view:
            left = view.count_without_role(ROLE_PREFIX + upgrade.ROLE)
    except StoreUnavailable:
        return _told(503, '{"ready":false}')
    return _told(200 if ready else 503, f'{{"ready":{str(ready).lower()},"practices_not_upgraded":{left}}}')


def _told(status: int, text: str) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, text.encode())


VIEWS = {("GET", HOME): home, ("GET", ALIVE): livez, ("GET", READY): readyz}
