"""Wanted: which changes or events somebody asked for, from what stands in the address, and back into an address.

Pure. The rule kept here: what cannot be read is a problem that is said, and then nothing is listed; a filter that was
meant is never left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from service.exchange import Fields
from service.review import Filter
from service.values import How

OFFERED = 20
"""People who are offered where what was typed fits several."""

FIELDS = ("person", "screen", "by", "how", "since", "until")
"""What can be filtered by, as the address says it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed (`typed`), what it comes to, and what is the matter with it, by field.

    `people`: ids of those whom what was typed for a person fits, where it is not clear who is meant.
    """

    typed: Mapping[str, str]
    filter: Filter
    problems: Mapping[str, str]
    people: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """What of it stands in an address."""
        return tuple((field, text) for field, text in self.typed.items() if text)

    @property
    def holds(self) -> bool:
        """Whether it is clear what is wanted."""
        return not self.problems and not self.people


def read(query: Fields, names: Mapping[str, str]) -> Wanted:
    """What a query asks for. `names`: users by id. Raises BadRequest for a field that stands there twice."""
    typed = {field: query.one(field).strip() for field in FIELDS}
    problems: dict[str, str] = {}
    since, until = (_day(typed[field], field, problems) for field in ("since", "until"))
    if since and until and since > until:
        problems["until"] = "This is before the first day."
    people = _meant(typed["person"], names)
    return Wanted(
        typed,
        Filter(
            person=people[0] if len(people) == 1 else None,
            screen=typed["screen"] or None,
            actor=typed["by"] or None,
            how=_how(typed["how"], problems),
            since=_midnight(since),
            until=_midnight(until and until + timedelta(days=1)),
        ),
        problems,
        people if len(people) > 1 else (),
    )


def _how(typed: str, problems: dict[str, str]) -> How | None:
    if typed and typed not in set(How):
        problems["how"] = "Choose one of the list."
        return None
    return How(typed) if typed else None


def _day(typed: str, field: str, problems: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(typed) if typed else None
        if day is not None:
            day + timedelta(days=1)  # the last day that there is has none after it
    except (ValueError, OverflowError):
        problems[field] = "Write a day as 2026-11-28."
        return None
    return day


def _midnight(day: date | None) -> str | None:
    """The beginning of a day in UTC, as the store writes times."""
    return datetime.combine(day, time(), UTC).isoformat(timespec="microseconds") if day else None


def _meant(typed: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of those who can be meant. What fits nobody is taken for the id of somebody who is there no more."""
    if not typed:
        return ()
    if typed in names:
        return (typed,)
    found = tuple(_fitting(typed.casefold(), names))
    exact = [user for user in found if names[user].casefold() == typed.casefold()]
    return tuple(exact) if len(exact) == 1 else found or (typed,)


def _fitting(typed: str, names: Mapping[str, str]) -> Iterable[str]:
    parts = typed.split()
    return (user for user, name in names.items() if all(part in f"{name} {user}".casefold() for part in parts))
