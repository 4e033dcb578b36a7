"""From a template and values to a page. Every value is escaped, and a name that is missing is an error, not a blank.

The frame around each page (who is signed in, where they are, what they may go to) is worked out here, from the table of
endpoints and our own policy: a link stands there for whoever may follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from service.access.permissions import SETUP_ENDPOINTS, Needs, Scope
from service.access.person import Visit
from service.exchange import HTML, Reply
from service.ui import static

NAVIGATION = {
    "Roles": "/practices/<practice>/roles",
    "Users": "/practices/<practice>/users",
    "Try it": "/practices/<practice>/try",
    "Changes": "/practices/<practice>/changes",
}
"""Where a person can go within a practice, in this order, by the words of the link."""


class Link(NamedTuple):
    """A link of the navigation; `here` where the page is below it."""

    words: str
    place: str
    here: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page. All of it is empty for those who have not signed in."""

    person: str = ""
    practice: str = ""
    practice_name: str = ""
    several: bool = False
    links: tuple[Link, ...] = ()
    demo: bool = False


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> Reply:
    """A page of Setup within its frame."""
    return framed(frame(visit), template, status, **values)


def framed(around: Frame, template: str, status: int = 200, **values: Any) -> Reply:
    """A page within a frame that is at hand, such as that of an error."""
    text = _environment().get_template(template).render(frame=around, **values)
    return Reply(status, {"Content-Type": HTML}, text.encode())


def frame(visit: Visit) -> Frame:
    """The frame around the pages of a visit."""
    bare = Frame(demo=visit.office.settings.demo)
    if visit.person is None:
        return bare
    around = replace(bare, person=visit.person.name, several=len(visit.person.practices) > 1)
    if not visit.practice:
        return around
    with visit.office.press.store.reading() as view:
        name = view.practice_names([visit.practice]).get(visit.practice, visit.practice)
    return replace(around, practice=visit.practice, practice_name=name, links=tuple(_links(visit)))


def _links(visit: Visit) -> list[Link]:
    rights = {row.path: row.needs for row in SETUP_ENDPOINTS if row.method == "GET"}
    found = []
    for words, path in NAVIGATION.items():
        needs = rights.get(path, Needs.BEARER)
        if not isinstance(needs, Needs | Scope) and visit.may(*needs):
            place = place_in(visit.practice, path)
            found.append(Link(words, place, visit.asked.path.startswith(place.removesuffix("s"))))
    return found


def place_in(practice: str, path: str) -> str:
    """The path of an endpoint in a practice."""
    return path.replace("<practice>", static.quoted(practice))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("service.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"static": static.address, "place_in": place_in}
    return made
