from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.audit.chain import GENESIS, revision_digest, rows_digest
from service.errors import BaseMoved
from service.store.base import Head
from service.store.sql import Store
from service.values import How, Revision, Row
from tests.contract.store.builders import draft, everything, file, practice, publish, row


@pytest.fixture
def history(store: Store) -> tuple[Revision, ...]:
    """Four revisions: two practices, something shared, and a change of the first practice; oldest first."""
    nurse = row("role, riverside, role:Nurse")
    return (
        publish(store, add=[practice("riverside"), nurse]),
        publish(store, add=[practice("lakeside")]),
        publish(store, add=[row("g2, add, Write, Task - Orders"), file("a", "b")], files={"a": "b"}),
        publish(store, add=[row("role, riverside, role:Biller")], remove=[nurse]),
    )


def test_an_empty_store_has_revision_zero(store: Store) -> None:
    """Number 0, the digest that the first revision names as its previous, no rows and no history."""
    with store.reading() as view:
        assert view.head() == Head(0, GENESIS)
        assert view.revisions() == ()
        assert view.revision(0) is view.digest_at(0) is view.recorded_digest("riverside") is None
        assert view.rows_at(0) == view.practice_ids() == view.touched_since(0) == frozenset()
        assert view.files() == {}


def test_a_revision_reads_back_as_it_was_returned(store: Store, history: tuple[Revision, ...]) -> None:
    """What commit returns is what the store has, rows and digests included."""
    with store.reading() as view:
        assert tuple(view.revision(number) for number in range(1, 5)) == history
        assert tuple(view.digest_at(number) for number in range(1, 5)) == tuple(r.digest for r in history)
        assert view.revision(5) is view.digest_at(5) is None


def test_numbers_have_no_gaps_and_digests_chain(store: Store, history: tuple[Revision, ...]) -> None:
    """Each revision is one more than the one before and carries its digest, and anybody can recompute it."""
    assert [revision.number for revision in history] == [1, 2, 3, 4]
    assert history[0].previous == GENESIS
    assert all(later.previous == earlier.digest for earlier, later in pairwise(history))
    assert all(revision_digest(replace(revision, digest="")) == revision.digest for revision in history)
    with store.reading() as view:
        assert view.head() == Head(4, history[-1].digest)


def test_a_refused_change_takes_no_number(store: Store, history: tuple[Revision, ...]) -> None:
    """The number of a change that was refused goes to the next one that is not."""
    with pytest.raises(BaseMoved):
        store.commit(draft(store, [practice("hillside")], base=3), {})
    assert publish(store, add=[practice("hillside")]).number == 5


def test_revisions_are_listed_newest_first(store: Store, history: tuple[Revision, ...]) -> None:
    """All, or those that touched a practice; the limit keeps the newest."""
    with store.reading() as view:
        assert view.revisions() == history[::-1]
        assert view.revisions(limit=2) == history[:1:-1]
        assert view.revisions("riverside") == (history[3], history[0])
        assert view.revisions("riverside", limit=1) == (history[3],)
        assert view.revisions("") == (history[2],)
        assert view.revisions("hillside") == ()


def test_touched_since(store: Store, history: tuple[Revision, ...]) -> None:
    """A reader learns which practices to read again; "" stands for what all share."""
    with store.reading() as view:
        assert [view.touched_since(number) for number in range(5)] == [
            {"", "lakeside", "riverside"},
            {"", "lakeside", "riverside"},
            {"", "riverside"},
            {"riverside"},
            set(),
        ]


def test_the_recorded_digest_is_that_of_the_rows(store: Store, history: tuple[Revision, ...]) -> None:
    """The newest revision that touched a practice says what its rows must digest to."""
    with store.reading() as view:
        for name in ("riverside", "lakeside", ""):
            assert view.recorded_digest(name) == rows_digest(view.rows(name))
        assert view.recorded_digest("hillside") is None


def test_rows_altered_by_hand_show(store: Store, history: tuple[Revision, ...], by_hand: Engine) -> None:
    """A row that came in beneath the revisions changes the digest of the practice's rows, not the recorded one."""
    with by_hand.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g', 'user:eve', 'role:Biller', 'riverside')"
        )
    with store.reading() as view:
        assert view.recorded_digest("riverside") != rows_digest(view.rows("riverside"))
        assert view.recorded_digest("lakeside") == rows_digest(view.rows("lakeside"))


def test_rows_are_replayed_as_of_any_revision(store: Store, history: tuple[Revision, ...]) -> None:
    """`rows_at` gives what stood after that revision, for one practice, for what is shared, and for all."""
    nurse, biller = row("role, riverside, role:Nurse"), row("role, riverside, role:Biller")
    shared = {row("g2, add, Write, Task - Orders"), file("a", "b")}
    with store.reading() as view:
        assert view.rows_at(1) == {practice("riverside"), nurse}
        assert view.rows_at(3, "riverside") == {practice("riverside"), nurse}
        assert view.rows_at(4, "riverside") == {practice("riverside"), biller}
        assert view.rows_at(2, "") == frozenset()
        assert view.rows_at(3, "") == shared
        assert view.rows_at(4) == {practice("riverside"), practice("lakeside"), biller, *shared}


def test_a_revision_of_two_practices_is_replayed_for_each(store: Store) -> None:
    """What one change did to several practices is told apart."""
    number = publish(store, add=[practice("riverside"), practice("lakeside"), file("a", "b")], files={"a": "b"}).number
    with store.reading() as view:
        assert view.rows_at(number, "riverside") == {practice("riverside")}
        assert view.rows_at(number, "lakeside") == {practice("lakeside")}
        assert view.rows_at(number, "") == {file("a", "b")}


# --- replay equals the current rows, for any history ---

_numbers = count()
_states = st.sampled_from([None, "active", "inactive"])
_world = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Riverside", "riverside "]),
        "users": st.fixed_dictionaries({"ann": _states, "Ann": _states, "zoë": _states}),
        "roles": st.sets(st.sampled_from(["role:Nurse", "role:nurse", "role:O'Brien"])),
        "levels": st.sets(st.sampled_from(["Read", "Update", "Write"])),
        "links": st.sets(st.sampled_from(["user:ann", "user:Ann", "user:zoë"])),
    }
)


def _rows(id_: str, world: Mapping[str, object]) -> Iterator[Row]:
    match world:
        case {"name": name, "users": users, "roles": roles, "levels": levels, "links": links}:
            yield Row("practice", (id_, name))
            yield from (Row("user", (id_, user, user, state)) for user, state in users.items() if state)
            yield from (Row("role", (id_, role)) for role in roles)
            yield from (Row("p", ("role:Nurse", id_, "Task - Orders", level)) for level in levels)
            yield from (Row("g", (user, "role:Nurse", id_)) for user in links)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds=st.lists(_world, min_size=1, max_size=5))
def test_replay_equals_current_rows(store: Store, worlds: list[Mapping[str, object]]) -> None:
    """However a practice has changed, its revisions replayed give its rows, now and after each of them."""
    id_ = f"practice {next(_numbers)}"
    states: list[tuple[int, frozenset[Row]]] = []
    rows: frozenset[Row] = frozenset()
    for world in worlds:
        wanted = frozenset(_rows(id_, world))
        states.append((publish(store, add=wanted - rows, remove=rows - wanted).number, wanted))
        rows = wanted
    with store.reading() as view:
        assert all(view.rows_at(number, id_) == wanted for number, wanted in states)
        assert frozenset(view.rows(id_)) == rows
        assert view.recorded_digest(id_) == rows_digest(rows)
        replayed = view.rows_at(view.head().number)
    assert replayed == everything(store)


# --- revisions are never changed or removed ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revision SET reason = 'another' WHERE number = 1",
        "DELETE FROM revision WHERE number = 4",
        "INSERT INTO revision VALUES (2, 'time', 'user:eve', 'command', '', '', 'fork', 'digest')",
        "UPDATE revision_row SET v0 = 'lakeside' WHERE number = 1",
        "DELETE FROM revision_row WHERE number = 1",
        "INSERT INTO revision_row (number, seq, added, kind, v0) VALUES (1, 99, true, 'role', 'riverside')",
        "UPDATE revision_practice SET digest = '' WHERE number = 1",
        "DELETE FROM revision_practice WHERE number = 1",
        "INSERT INTO revision_practice (number, practice, digest) VALUES (1, 'hillside', '')",
        "UPDATE file_text SET text = ''",
        "DELETE FROM file_text",
        "UPDATE head SET number = number - 1",
        "UPDATE head SET number = number + 2",
        "INSERT INTO head (id, number, digest) VALUES (2, 9, '')",
        "DELETE FROM head",
    ],
)
def test_the_database_itself_keeps_revisions(
    store: Store, history: tuple[Revision, ...], by_hand: Engine, statement: str
) -> None:
    """Whoever gets round the store can neither alter, remove, add to nor renumber what is published."""
    with pytest.raises(DBAPIError), by_hand.begin() as connection:
        connection.exec_driver_sql(statement)
    with store.reading() as view:
        assert view.revisions() == history[::-1]
        assert view.head() == Head(4, history[-1].digest)
        assert view.files() == {"a": "b"}


def test_the_newest_of_a_kind(store: Store, history: tuple[Revision, ...]) -> None:
    """The newest revision of a practice that was made in one way; of another way, or of nobody's practice, none."""
    with store.reading() as view:
        how = history[-1].how
        assert view.newest_by("riverside", how) == history[-1].number
        assert view.newest_by("lakeside", how) == history[1].number
        assert view.newest_by("nowhere", how) is view.newest_by("riverside", How.DEMO) is None
