"""Changes: who changed what in a practice, newest first, filtered, sorted, and as a table for spreadsheets.

Whoever may view `Audit - Policy Changes` sees all changes of the practice. Whoever may only make changes sees their
own, so that what they saved can be looked at and undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from service import review
from service.access.permissions import CHANGE, CHANGES, CHANGES_CSV, VIEW_CHANGES
from service.access.person import Visit
from service.exchange import Fields, Reply, see_other
from service.policy.wording import Phrase, plain
from service.review import Entry
from service.store.view import View
from service.ui import wanted
from service.ui.attribution import HOW, who
from service.ui.render import page, place_in
from service.ui.spreadsheet import CSV, csv_text
from service.ui.telling import moment
from service.ui.wanted import OFFERED, Wanted
from service.values import USER_PREFIX, How


class Column(NamedTuple):
    """A column that the list can be sorted by; `down`: whether its first order is from the highest."""

    words: str
    key: Callable[[Entry, Mapping[str, str]], Any]
    down: bool = False


COLUMNS = {
    "number": Column("No.", lambda entry, _: entry.number, down=True),
    "time": Column("When", lambda entry, _: entry.time, down=True),
    "who": Column("Who", lambda entry, names: plain(who(entry.actor, names)).casefold()),
    "how": Column("How", lambda entry, _: HOW[entry.how]),
    "what": Column("What", lambda entry, _: [plain(each).casefold() for each in entry.what.phrases]),
    "why": Column("Why", lambda entry, _: (entry.reason.casefold(), entry.reference.casefold())),
    "people": Column("People affected", lambda entry, _: entry.people.people, down=True),
}
NEWEST = "number"
_UP, _DOWN = "up", "down"


class Head(NamedTuple):
    """The head of a column: where sorting by it leads, and how it is sorted now (`ascending`, `descending`, "")."""

    words: str
    place: str
    sorted: str


class Line(NamedTuple):
    """One change as the list shows it."""

    entry: Entry
    place: str
    when: str
    who: Phrase
    how: str
    people: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Around:
    """What the pages of changes know of a practice: its users by id, its screens, and whether all changes are shown."""

    names: Mapping[str, str]
    screens: tuple[str, ...]
    everything: bool


def around(visit: Visit) -> Around:
    """The practice as it is now."""
    with visit.office.press.store.reading() as view:
        names = view.people(visit.practice)
    return Around(names, tuple(visit.state.loaded.catalog.screens), visit.may(VIEW_CHANGES))


def changes(visit: Visit) -> Reply:
    """The list: the newest changes that fit, or all that fit in another order, a part at a time."""
    query, here = visit.asked.query, around(visit)
    if (other := query.one("practice")) and other != visit.practice:
        # Another practice of the person's: whether they may look at its changes is asked there.
        return see_other(linked(place_in(other, CHANGES), [pair for pair in query if pair[0] != "practice"]))
    asked = _asked(visit, here)
    with visit.office.press.store.reading() as view:
        actors = view.actors(visit.practice)
        names = view.practice_names(sorted(visit.someone.practices)) if len(visit.someone.practices) > 1 else {}
        listed = _listed(view, visit, asked, here) if asked.holds else Listed((), "", "")
    return page(
        visit,
        "changes/list.html",
        here=here,
        wanted=asked,
        action=place_in(visit.practice, CHANGES),
        export=linked(place_in(visit.practice, CHANGES_CSV), asked.pairs),
        heads=_heads(visit, asked),
        lines=[line(entry, visit.practice, here.names) for entry in listed.entries],
        newer=listed.newer,
        older=listed.older,
        meant=[(_again(visit, asked, person=user), user, here.names[user]) for user in asked.people[:OFFERED]],
        more_meant=len(asked.people[OFFERED:]),
        hows=[(how.value, HOW[how]) for how in How if how is not How.DEMO or visit.office.settings.demo],
        actors=[(actor, plain(who(actor, here.names))) for actor in actors],
        practices=sorted(names.items(), key=lambda pair: pair[1].casefold()),
    )


def _asked(visit: Visit, here: Around) -> Wanted:
    asked = wanted.read(visit.asked.query, here.names)
    if here.everything:
        return asked
    # INVARIANT: whoever may not view all changes is never given one of somebody else's.
    return replace(asked, filter=replace(asked.filter, actor=visit.someone.actor))


# --- a part of the list -------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """A part of the list, and where the next ones are; empty where there is none."""

    entries: tuple[Entry, ...]
    newer: str
    older: str


def _listed(view: View, visit: Visit, asked: Wanted, here: Around) -> Listed:
    query = visit.asked.query
    column, down = _order(query)
    if column != NEWEST or not down:
        return _sorted(view, visit, asked, here, column, down=down)
    before = number(query.one("before"))
    # One more than is shown tells whether there is more.
    found = review.entries(view, visit.practice, asked.filter, here.names, before, review.A_PAGE + 1)
    shown = found[: review.A_PAGE]
    return Listed(
        shown,
        _again(visit, asked) if before else "",
        _again(visit, asked, before=shown[-1].number) if len(found) > len(shown) else "",
    )


def _sorted(view: View, visit: Visit, asked: Wanted, here: Around, column: str, *, down: bool) -> Listed:
    key = COLUMNS[column].key
    every = sorted(
        review.every(view, visit.practice, asked.filter, here.names),
        key=lambda entry: key(entry, here.names),
        reverse=down,
    )
    at = number(visit.asked.query.one("page")) or 1
    start = (at - 1) * review.A_PAGE
    more = len(every) > start + review.A_PAGE
    order = {"sort": column, "order": _DOWN if down else _UP}
    return Listed(
        tuple(every[start : start + review.A_PAGE]),
        _again(visit, asked, **order, page=at - 1) if at > 1 else "",
        _again(visit, asked, **order, page=at + 1) if more else "",
    )


def _order(query: Fields) -> tuple[str, bool]:
    """The column that is sorted by, and whether from the highest. What is not known is the newest first."""
    column = query.one("sort", NEWEST)
    if column not in COLUMNS:
        return NEWEST, True
    return column, {_UP: False, _DOWN: True}.get(query.one("order"), COLUMNS[column].down)


def _heads(visit: Visit, asked: Wanted) -> list[Head]:
    now, down = _order(visit.asked.query)
    heads = []
    for name_, column in COLUMNS.items():
        next_ = not down if name_ == now else column.down
        place = _again(visit, asked, sort=name_, order=_DOWN if next_ else _UP)
        heads.append(Head(column.words, place, ("descending" if down else "ascending") if name_ == now else ""))
    return heads


def number(typed: str) -> int | None:
    """A number of a change or page that stands in an address; None for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 10 and int(typed) else None  # noqa: PLR2004


def _again(visit: Visit, asked: Wanted, **more: object) -> str:
    """This list, with the same filters and these besides."""
    pairs = dict(asked.pairs) | {field: str(value) for field, value in more.items()}
    return linked(place_in(visit.practice, CHANGES), pairs.items())


def linked(place: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A place with what it is asked for."""
    query = urlencode(list(pairs))
    return f"{place}?{query}" if query else place


def line(entry: Entry, practice: str, names: Mapping[str, str]) -> Line:
    """One change of the list, in words."""
    return Line(
        entry,
        place_of(practice, entry.number),
        moment(entry.time),
        who(entry.actor, names),
        HOW[entry.how],
        tuple(names.get(user, user) for user in entry.people.first),
        entry.people.people - len(entry.people.first),
    )


def place_of(practice: str, number: int) -> str:
    """The page of one change."""
    return place_in(practice, CHANGE).replace("<number>", str(number))


# --- for spreadsheets ---------------------------------------------------------------------------------------

HEADS = (
    "Change no.",
    "Time (UTC)",
    "Who",
    "User ID or account",
    "How",
    "Reason",
    "Reference",
    "What",
    "People affected",
    "Gained",
    "Lost",
    "Some of them",
    "Flags",
)


def export(visit: Visit) -> Reply:
    """Every change that fits, as a table for spreadsheets. What is unclear gives the page that says so."""
    here = around(visit)
    asked = _asked(visit, here)
    if not asked.holds:
        return changes(visit)
    with visit.office.press.store.reading() as view:
        rows = [_cells(entry, here.names) for entry in review.every(view, visit.practice, asked.filter, here.names)]
    disposition = 'attachment; filename="changes.csv"'
    return Reply(200, {"Content-Type": CSV, "Content-Disposition": disposition}, csv_text(HEADS, rows))


def _cells(entry: Entry, names: Mapping[str, str]) -> tuple[object, ...]:
    what = "; ".join(plain(each) for each in entry.what.phrases)
    return (
        entry.number,
        entry.time[:19].replace("T", " "),
        plain(who(entry.actor, names)),
        entry.actor.removeprefix(USER_PREFIX),
        HOW[entry.how],
        entry.reason,
        entry.reference,
        what + (f"; and {entry.what.more:,} more" if entry.what.more else ""),
        *((entry.people.people, entry.people.gained, entry.people.lost) if entry.evidence else ("", "", "")),
        "; ".join(names.get(user, user) for user in entry.people.first),
        "; ".join(entry.evidence.flags) if entry.evidence else "",
    )


VIEWS = {("GET", CHANGES): changes, ("GET", CHANGES_CSV): export}
