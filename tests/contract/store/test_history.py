"""Revisions as lists show them, their evidence, and whom they are about."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.audit.chain import revision_digest
from service.store.base import Affected, Listed
from service.store.sql import Store
from service.values import Evidence, How, Revision
from tests.contract.store.builders import draft, practice, publish, row

EVIDENCE = Evidence("e" * 64, 3, 1, 40, 50, ("self-gain",))
CAM = Affected("riverside", "cam", "Task - Orders", 2, 0)
ANN = Affected("riverside", "ann", "Task - Orders", 1, 1)


def day(number: int) -> str:
    """Midnight of a day in May."""
    return f"2024-05-{number:02}T00:00:00.000000+00:00"


@pytest.fixture
def history(store: Store) -> tuple[Revision, ...]:
    """A practice, two people who gain by one change, one who is only named, and another practice; a day each."""
    changes = [
        draft(store, [practice("riverside"), row("user, riverside, ann, Ann, active")], base=0, time=day(1)),
    ]
    made = [store.commit(changes[0], {})]
    link = row("g, user:cam, role:Nurse, riverside")
    made.append(store.commit(draft(store, [link], time=day(2), evidence=EVIDENCE, affected=(CAM, ANN)), {}))
    level = row("p, role:Nurse, riverside, Task - Labs, Read")
    made.append(store.commit(draft(store, [level], [link], time=day(3)), {}))
    made.append(store.commit(draft(store, [practice("lakeside"), row("g2, a, Write, Task - Orders")], time=day(4)), {}))
    return tuple(made)


def test_evidence_reads_back(store: Store, history: tuple[Revision, ...]) -> None:
    """Evidence is kept as it was given, and none stays none."""
    with store.reading() as view:
        assert [getattr(view.revision(number), "evidence", ...) for number in (1, 2)] == [None, EVIDENCE]
    assert history[1].evidence == EVIDENCE


def test_evidence_is_in_the_digest(store: Store, history: tuple[Revision, ...]) -> None:
    """What was known of a change cannot be altered unseen, nor taken away."""
    for other in (None, replace(EVIDENCE, asked=50), replace(EVIDENCE, flags=())):
        assert revision_digest(replace(history[1], evidence=other)) != history[1].digest
    assert revision_digest(history[1]) == history[1].digest


def test_effects_read_back(store: Store, history: tuple[Revision, ...]) -> None:
    """Who gained and lost, sorted; whom a change merely names is not among them."""
    with store.reading() as view:
        assert view.effects(2) == (ANN, CAM)
        assert view.effects(1) == view.effects(9) == ()


def test_a_change_in_a_list(store: Store, history: tuple[Revision, ...]) -> None:
    """A list has of each change how much there is of everything."""
    with store.reading() as view:
        listed = view.changes()
    assert listed[2] == Listed(2, day(2), "operator:root", How.COMMAND, "", "", ("riverside",), 1, 0, 2, EVIDENCE)
    assert [(each.number, each.added, each.removed, each.people) for each in listed] == [
        (4, 2, 0, 0),
        (3, 1, 1, 0),
        (2, 1, 0, 2),
        (1, 2, 0, 0),
    ]
    assert listed[0].practices == ("", "lakeside")


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"limit": 2}, [4, 3]),
        ({"before": 4, "limit": 2}, [3, 2]),
        ({"before": 1}, []),
        ({"practice": "riverside"}, [3, 2, 1]),
        ({"practice": "lakeside"}, [4]),
        ({"practice": ""}, [4]),
        ({"practice": "Riverside"}, []),
        ({"person": "ann"}, [2, 1]),
        ({"person": "cam"}, [3, 2]),
        ({"person": "Cam"}, []),
        ({"person": ""}, []),
        ({"practice": "lakeside", "person": "ann"}, []),
        ({"screen": "Task - Orders"}, [4, 2]),
        ({"screen": "Task - Labs"}, [3]),
        ({"screen": ""}, []),
        ({"practice": "riverside", "screen": "Task - Orders"}, [2]),
        ({"since": day(2)}, [4, 3, 2]),
        ({"until": day(2)}, [1]),
        ({"since": day(2), "until": day(4), "person": "cam"}, [3, 2]),
    ],
    ids=str,
)
def test_lists_are_filtered(
    store: Store, history: tuple[Revision, ...], filters: dict[str, object], numbers: list[int]
) -> None:
    """By practice, person, screen and time, each alone and together; a name is matched exactly."""
    with store.reading() as view:
        assert [each.number for each in view.changes(**filters)] == numbers  # type: ignore[arg-type]


def test_the_newest_revision_of_a_practice(store: Store, history: tuple[Revision, ...]) -> None:
    """Changes of other practices do not move it; 0 where there is none."""
    with store.reading() as view:
        touched = {name: view.last_touched(name) for name in ("riverside", "lakeside", "", "hillside")}
    assert touched == {"riverside": 3, "lakeside": 4, "": 4, "hillside": 0}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revision SET evidence = NULL WHERE number = 2",
        "UPDATE revision_effect SET gained = 0 WHERE number = 2",
        "DELETE FROM revision_effect WHERE number = 2",
        "INSERT INTO revision_effect (number, practice, person, screen, gained, lost) VALUES (2, '', 'eve', '', 1, 0)",
    ],
)
def test_the_database_itself_keeps_effects(
    store: Store, history: tuple[Revision, ...], by_hand: Engine, statement: str
) -> None:
    """Whoever gets round the store can neither alter, remove nor add to whom a change was about."""
    with pytest.raises(DBAPIError), by_hand.begin() as connection:
        connection.exec_driver_sql(statement)
    with store.reading() as view:
        assert view.effects(2) == (ANN, CAM)
        assert view.changes(person="eve") == ()


def test_a_list_takes_as_many_statements_for_many_as_for_one(store: Store) -> None:
    """Fifty changes are listed as quickly as one."""
    for number in range(60):
        publish(store, add=[practice(f"p{number}")])
    with store.reading() as view:
        assert [each.number for each in view.changes(limit=50)] == list(range(60, 10, -1))
