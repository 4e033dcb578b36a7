"""What reviewers read of one practice's changes: how people fared, some of the rows, and the files of the time."""

from dataclasses import replace

import pytest

from service.store.base import Affected, Fared, Some
from service.store.sql import Store
from service.values import How
from tests.contract.store.builders import draft, file, practice, publish, row

ORDERS, LABS = "Task - Orders", "Task - Labs"
TEXTS = {"a.csv": "one", "b.csv": "two"}


@pytest.fixture
def history(store: Store) -> Store:
    """Files; two practices at once; a level by Pat, from which three gain and two lose elsewhere; new files."""
    store.commit(draft(store, [file(path, text) for path, text in TEXTS.items()]), TEXTS)
    people = [row(f"user, {name}, ann, Ann, active") for name in ("riverside", "lakeside")]
    publish(store, add=[practice("riverside"), practice("lakeside"), *people])
    affected = [Affected("riverside", user, ORDERS, 1, 0) for user in ("ann", "ben", "cam")]
    affected += [Affected("riverside", "ben", LABS, 0, 2), Affected("riverside", "dee", LABS, 0, 1)]
    made = draft(store, [row(f"p, role:Nurse, riverside, {ORDERS}, Read")], affected=tuple(affected))
    by_pat = replace(made.change, actor="user:pat", how=How.SETUP)
    store.commit(replace(made, change=by_pat), {})
    changed = draft(
        store,
        [file("a.csv", "three")],
        [file("a.csv", "one")],
        affected=(Affected("lakeside", "ann", ORDERS, 3, 0), Affected("riverside", "ann", ORDERS, 0, 1)),
    )
    store.commit(replace(changed, change=replace(changed.change, how=How.FILES)), {"a.csv": "three"})
    return store


def test_how_people_fared(history: Store) -> None:
    """Each person counts once, in the order of ids; those of another practice do not count."""
    with history.reading() as view:
        assert view.fared([1, 2, 3, 4], "riverside", 3) == {
            3: Fared(4, 3, 2, ("ann", "ben", "cam")),
            4: Fared(1, 0, 1, ("ann",)),
        }
        assert view.fared([3, 4], "lakeside", 1) == {4: Fared(1, 1, 0, ("ann",))}
        assert view.fared([], "riverside") == {}


def test_rows_of_one_practice(history: Store) -> None:
    """And those that all share; never those of another practice."""
    with history.reading() as view:
        found = view.some_rows([2, 4], "riverside", 100)
    own = (practice("riverside"), row("user, riverside, ann, Ann, active"))
    assert found[2] == Some(own, (), {("practice", True): 1, ("user", True): 1})
    assert found[4] == Some((file("a.csv", "three"),), (file("a.csv", "one"),), {("file", True): 1, ("file", False): 1})


def test_no_more_rows_than_wanted(history: Store) -> None:
    """Where there are more, their number alone."""
    with history.reading() as view:
        few = view.some_rows([2], "riverside", 1)[2]
    assert (few.added, few.removed, sum(few.counts.values()), few.whole) == ((), (), 2, False)


def test_a_change_without_rows_of_the_practice(history: Store) -> None:
    """Is not among them."""
    with history.reading() as view:
        assert view.some_rows([3], "lakeside", 9) == view.some_rows([], "lakeside", 9) == {}


def test_more_changes_than_one_statement_takes(store: Store) -> None:
    """All of them are found."""
    publish(store, add=[practice()])
    for number in range(130):
        publish(store, add=[row(f"user, riverside, u{number}, U, active")])
    with store.reading() as view:
        assert len(view.some_rows(range(1, 200), "riverside", 2)) == 131


def test_who_changed_a_practice(history: Store) -> None:
    """Also by what all practices share; whoever changed another one is not named."""
    with history.reading() as view:
        assert view.actors("riverside") == ("operator:root", "user:pat")
        assert view.actors("lakeside") == ("operator:root",)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"actor": "user:pat"}, [3]),
        ({"actor": "user:Pat"}, []),
        ({"how": How.FILES}, [4]),
        ({"how": How.COMMAND, "actor": "operator:root"}, [2, 1]),
        ({"practice": "riverside"}, [3, 2]),
        ({"practice": "riverside", "shared": True}, [4, 3, 2, 1]),
        ({"practice": "riverside", "shared": True, "person": "ann"}, [4, 3, 2]),
        ({"practice": "lakeside", "shared": True, "how": How.FILES}, [4]),
    ],
    ids=str,
)
def test_more_filters(history: Store, filters: dict[str, object], numbers: list[int]) -> None:
    """Who, how, and what all share; with the others."""
    with history.reading() as view:
        assert [each.number for each in view.changes(**filters)] == numbers  # type: ignore[arg-type]


def test_the_directory(history: Store) -> None:
    """Names by id, of one practice alone."""
    with history.reading() as view:
        assert view.people("riverside") == {"ann": "Ann"}
        assert view.people("nowhere") == {}


def test_the_files_of_the_time(history: Store) -> None:
    """As they were published then, and not as they are now."""
    with history.reading() as view:
        assert [view.files_at(number) for number in (0, 1, 3, 4)] == [{}, TEXTS, TEXTS, {**TEXTS, "a.csv": "three"}]
