"""Wanted: what an address asks for, and that nothing of it is left out silently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest
from service.exchange import Fields
from service.review import Filter
from service.ui.wanted import FIELDS, read
from service.values import How

NAMES = {"ann": "Ann Alder", "cam": "Cam Cole", "anna": "Anna Ash", "m": "محمد"}


def wanted(**typed: str) -> Filter:
    """The filter of an address that holds."""
    found = read(Fields(tuple(typed.items())), NAMES)
    assert found.holds, found
    return found.filter


def test_everything() -> None:
    """An address without anything asks for all of it."""
    assert wanted() == Filter()


def test_days_are_whole_and_inclusive() -> None:
    """From midnight in UTC to the midnight after the last day."""
    found = wanted(since="2026-11-28", until="2026-11-28")
    assert (found.since, found.until) == ("2026-11-28T00:00:00.000000+00:00", "2026-11-29T00:00:00.000000+00:00")


@pytest.mark.parametrize(
    ("typed", "person"),
    [("ann", "ann"), ("ANN ALDER", "ann"), ("cole", "cam"), ("cole cam", "cam"), ("محمد", "m"), ("gone", "gone")],
)
def test_a_person(typed: str, person: str) -> None:
    """By id or by any part of the name; who is there no more, by the id that they had."""
    assert wanted(person=typed).person == person


def test_several_people() -> None:
    """Are all offered, and nobody is guessed."""
    found = read(Fields((("person", "an"),)), NAMES)
    assert (found.holds, found.people, found.filter.person) == (False, ("ann", "anna"), None)


@pytest.mark.parametrize("field", ["since", "until", "how"])
def test_what_cannot_be_read(field: str) -> None:
    """Is a problem of that field."""
    found = read(Fields(((field, "x"),)), NAMES)
    assert set(found.problems) == {field}
    assert not found.holds


def test_all_at_once() -> None:
    """Filters stand together, and go back into an address as they were typed."""
    typed = {"person": "cam", "screen": "Task - Orders", "by": "user:pat", "how": "setup", "since": "2026-01-01"}
    found = read(Fields(tuple(typed.items())), NAMES)
    assert found.filter == Filter("cam", "Task - Orders", "user:pat", How.SETUP, "2026-01-01T00:00:00.000000+00:00")
    assert dict(found.pairs) == typed


def test_a_field_twice() -> None:
    """Neither is taken."""
    with pytest.raises(BadRequest):
        read(Fields((("by", "a"), ("by", "b"))), NAMES)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=30)))
def test_nothing_breaks_it(typed: dict[str, str]) -> None:
    """Whatever stands in an address is a filter, a problem or a question, and every word of it is kept."""
    found = read(Fields(tuple(typed.items())), NAMES)
    assert dict(found.pairs) == {field: text.strip() for field, text in typed.items() if text.strip()}
