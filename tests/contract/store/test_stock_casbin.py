"""Any Casbin loads our table with its own adapter and decides alike."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import casbin
import pytest
import sqlalchemy_adapter
from sqlalchemy import Engine

from service.policy import rows as policy_rows
from service.store.sql import Store
from service.values import TEMPLATE_PRACTICE, Row
from tests.contract.store.builders import practice, publish

POLICIES = Path(__file__).parents[3] / "policies"
MODEL = str(POLICIES / "model.conf")
WIDTHS = {"p": 4, "g": 3, "g2": 3}


def shipped() -> Iterator[Row]:
    """The rows of the screens and of the demonstration."""
    for path in (POLICIES / "screens.csv", *sorted((POLICIES / "demo").glob("*.csv"))):
        read, found = policy_rows.parse(path.name, path.read_text(), WIDTHS)
        assert not found
        yield from read.rows


@pytest.fixture
def loaded(store: Store, by_hand: Engine) -> casbin.Enforcer:
    """A stock enforcer that has loaded the demonstration from the table."""
    rows = list(shipped())
    practices = {row.practice for row in rows} - {"", TEMPLATE_PRACTICE}
    publish(store, add=[*rows, *map(practice, practices)])
    return casbin.Enforcer(MODEL, sqlalchemy_adapter.Adapter(by_hand))


def questions(rows: Iterable[Row]) -> set[tuple[str, str, str, str]]:
    """Every user of every practice, for every screen and every word that stands on it."""
    known = list(rows)
    users = {(row.fields[0], row.fields[2]) for row in known if row.kind == "g"} | {("user:nobody", "riverside")}
    words = {(row.fields[2], row.fields[0]) for row in known if row.kind == "g2"}
    return {(user, name, screen, word) for user, name in users for screen, word in words}


@pytest.mark.parametrize(
    ("user", "practice", "screen", "action", "allowed"),
    [
        ("ann", "riverside", "Task - Patient Portal - List", "open_queue", True),
        ("ann", "lakeside", "Task - Patient Portal - List", "open_queue", False),
        ("ben", "riverside", "Task - Patient Portal", "respond", True),
        ("ben", "riverside", "Task - Patient Portal - List", "open_queue", False),
        ("eve", "riverside", "Task - Patient Portal - List", "open_queue", True),
        ("eve", "riverside", "Task - Patient Portal", "respond", False),
        ("max", "riverside", "Task - Orders", "add", True),
        ("cam", "riverside", "Task - Orders", "add", False),
    ],
)
def test_it_decides_as_the_demonstration_says(
    loaded: casbin.Enforcer, user: str, practice: str, screen: str, action: str, allowed: bool
) -> None:
    """The table alone, read by a stock adapter, gives the answers that the demonstration promises."""
    assert loaded.enforce(f"user:{user}", practice, screen, action) is allowed


def test_it_decides_as_the_files_do(loaded: casbin.Enforcer) -> None:
    """Every question of the demonstration is answered from the table as from the rows themselves."""
    rows = list(shipped())
    direct = casbin.Enforcer(MODEL)
    direct.add_policies([list(row.fields) for row in rows if row.kind == "p"])
    for kind in ("g", "g2"):
        direct.add_named_grouping_policies(kind, [list(row.fields) for row in rows if row.kind == kind])
    asked = questions(rows)
    answers = {question: direct.enforce(*question) for question in asked}
    assert {question: loaded.enforce(*question) for question in asked} == answers
    assert set(answers.values()) == {True, False}
