"""Seeking: what a search finds, and lists a page at a time."""

import pytest

from service.policy.practice import User
from service.ui import seeking
from service.ui.seeking import part


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Patient Portal", ["Task - Patient Portal - List", "Task - Patient Portal"]),
        ("portal patient", ["Task - Patient Portal - List", "Task - Patient Portal"]),
        ("LIST", ["Task - Patient Portal - List"]),
        ("", ["Task - Patient Portal - List", "Task - Patient Portal", "Setup - Roles"]),
        ("(", []),
    ],
)
def test_any_part_of_a_name(wanted: str, found: list[str]) -> None:
    """Every word must be there, in any order and in capitals or not."""
    names = ["Task - Patient Portal - List", "Task - Patient Portal", "Setup - Roles"]
    assert seeking.matching(wanted, names, str) == found


def test_people_by_id() -> None:
    """Who is exactly called for stands first."""
    users = [User("bann", "Ann", True), User("ann", "Zoe", True), User("x", "Bo", True)]
    assert [user.id for user in seeking.people("ann", users)] == ["ann", "bann"]


@pytest.mark.parametrize(
    ("number", "shown"), [("", 1), ("2", 2), ("9", 3), ("0", 1), ("-1", 1), ("٢", 1), ("9" * 99, 1), ("x", 1)]
)
def test_a_page_that_there_is(number: str, shown: int) -> None:
    """Whatever is asked for, a page of the list is shown."""
    found = part(range(101), number)
    assert (found.number, found.pages, found.total) == (shown, 3, 101)


def test_where_a_page_stands() -> None:
    """A page says which entries it shows."""
    found = part(range(101), "3")
    assert (found.first, found.last) == (101, 101)
    assert part([], "").pages == 1
