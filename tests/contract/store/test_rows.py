import unicodedata
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from service.errors import ChangeRefused, StoreUnavailable
from service.store.base import Draft
from service.store.homes import HOMES
from service.store.sql import Store
from service.values import Change, How, Row
from tests.contract.store.builders import TIME, draft, everything, file, practice, publish, row

# One row of each kind, and what they need around them.
ONE_OF_EACH = {
    row("practice, riverside, Riverside Family Practice"),
    row("user, riverside, ann, Ann Alder, active"),
    row("user, riverside, lou, Lou Lark, inactive"),
    row("role, riverside, role:Nurse"),
    row("p, role:Nurse, riverside, Task - Orders, Write"),
    row("g, user:ann, role:Nurse, riverside"),
    row("g2, add, Write, Task - Orders"),
    file("model.conf", "[matchers]\n"),
}
MODEL = {"model.conf": "[matchers]\n"}

NAMES = [
    "ann",
    "Ann",
    "ANN",
    "ann ",
    " ann",
    "ann  ",
    unicodedata.normalize("NFC", "René"),
    unicodedata.normalize("NFD", "René"),
    "Rene",
    "ß",
    "ss",
    "ﬁ",
    "İ",
    "i",
    "O'Brien",
    'the "Front" Desk',
    "back\\slash",
    "100%",
    "a_b",
    "semi;colon -- not a comment",
    "x' OR '1'='1",
    ":name",
    "%(name)s",
    "سارة الأحمد",
    "می‌خواهم",
    "李 雷",
    "👩🏽‍⚕️",
    "NULL",
    "0",
    "1e3",
    "n" * 250,
    "é" * 250,
]


def rows_of(store: Store, name: str) -> tuple[Row, ...]:
    """The rows of one practice, read on their own."""
    with store.reading() as view:
        return view.rows(name)


def test_every_kind_of_row_has_a_home() -> None:
    """The store keeps exactly the kinds of row that there are, and knows of each whose it is."""
    assert set(HOMES) == {row.kind for row in ONE_OF_EACH}
    for home_row in ONE_OF_EACH:
        assert (HOMES[home_row.kind].practice is None) == (home_row.practice == "")


def test_rows_come_back_by_practice(store: Store) -> None:
    """A practice gives all of its rows, of every kind; "" gives those that all share; they are sorted."""
    publish(store, add=ONE_OF_EACH, files=MODEL)
    for name in ("riverside", ""):
        assert rows_of(store, name) == tuple(sorted(row for row in ONE_OF_EACH if row.practice == name))


def test_an_unknown_practice_has_no_rows(store: Store) -> None:
    """Asking for a practice that does not exist gives nothing, and other cases of its name are not the practice."""
    publish(store, add=[practice("riverside")])
    assert rows_of(store, "lakeside") == rows_of(store, "Riverside") == rows_of(store, "riverside ") == ()


def test_practices_do_not_see_each_other(store: Store) -> None:
    """Rows that differ in nothing but the practice are rows of two practices."""
    here, there = [row(f"g, user:ann, role:Nurse, {name}") for name in ("riverside", "lakeside")]
    publish(store, add=[practice("riverside"), practice("lakeside"), here, there])
    publish(store, remove=[here])
    assert here not in rows_of(store, "riverside")
    assert there in rows_of(store, "lakeside")


def test_names_come_back_exactly(store: Store) -> None:
    """No two of these names are taken for one, and each comes back character for character, in every column."""
    added = {
        made
        for name in NAMES
        for made in (
            Row("practice", (name, name)),
            Row("user", (name, name, name, "active")),
            Row("role", (name, f"role:{name}")),
            Row("p", (f"role:{name}", name, name, name)),
            Row("g", (f"user:{name}", f"role:{name}", name)),
            Row("g2", (name, name, name)),
        )
    }
    revision = publish(store, add=added)
    assert everything(store) == added
    with store.reading() as view:
        assert view.practice_ids() == set(NAMES)
        assert view.revision(revision.number) == revision
        assert view.rows_at(revision.number) == added


@pytest.mark.parametrize("gone", NAMES)
def test_only_the_named_row_is_removed(store: Store, gone: str) -> None:
    """Removing one name removes that one, and none that looks like it."""
    links = {Row("g", (f"user:{name}", "role:Nurse", "riverside")) for name in NAMES}
    publish(store, add=[practice(), *links])
    removed = Row("g", (f"user:{gone}", "role:Nurse", "riverside"))
    publish(store, remove=[removed])
    assert everything(store) == {practice(), *links} - {removed}


@pytest.mark.parametrize("there", sorted(ONE_OF_EACH), ids=str)
def test_a_row_is_added_once(store: Store, there: Row) -> None:
    """Adding a row that is there is refused, whatever its kind, and nothing of the change happens."""
    publish(store, add=ONE_OF_EACH, files=MODEL)
    with pytest.raises(ChangeRefused) as refused:
        publish(store, add=[there, row("role, riverside, role:New")])
    assert refused.value.rule == "rows-moved"
    assert everything(store) == ONE_OF_EACH


@pytest.mark.parametrize("absent", sorted(ONE_OF_EACH), ids=str)
def test_only_a_row_that_is_there_is_removed(store: Store, absent: Row) -> None:
    """Removing a row that differs in one field from the one that is there is refused, and nothing happens."""
    publish(store, add=ONE_OF_EACH, files=MODEL)
    other = Row(absent.kind, (*absent.fields[:-1], absent.fields[-1] + "?"))
    with pytest.raises(ChangeRefused) as refused:
        publish(store, add=[row("role, riverside, role:New")], remove=[other])
    assert refused.value.rule == "rows-moved"
    assert everything(store) == ONE_OF_EACH


def test_a_user_has_one_name_and_state(store: Store) -> None:
    """A second row for the same user, with another name or state, is refused."""
    publish(store, add=[practice(), row("user, riverside, ann, Ann Alder, active")])
    with pytest.raises(ChangeRefused, match="user"):
        publish(store, add=[row("user, riverside, ann, Ann Alder, inactive")])


def test_a_user_is_active_or_inactive(store: Store) -> None:
    """No third word gets into the directory, nor one of the two in another case."""
    for state in ("Active", "", "active ", "suspended"):
        with pytest.raises(ChangeRefused):
            publish(store, add=[practice(), Row("user", ("riverside", "ann", "Ann", state))])


def test_a_user_is_replaced_in_one_change(store: Store) -> None:
    """The old row removed and the new one added is how a user is disabled."""
    old, new = [row(f"user, riverside, ann, Ann Alder, {state}") for state in ("active", "inactive")]
    publish(store, add=[practice(), old])
    publish(store, add=[new], remove=[old])
    assert everything(store) == {practice(), new}


@pytest.mark.parametrize("kind", ["user", "role", "p", "g"])
def test_rows_need_their_practice(store: Store, kind: str) -> None:
    """A row of a practice that does not exist is refused, whatever its kind."""
    homeless = next(row for row in ONE_OF_EACH if row.kind == kind)
    with pytest.raises(ChangeRefused, match="`riverside`, which does not exist") as refused:
        publish(store, add=[homeless])
    assert refused.value.rule == "practice-missing"
    assert everything(store) == frozenset()


@pytest.mark.parametrize("kind", ["user", "role", "p", "g"])
def test_a_practice_goes_with_its_rows(store: Store, kind: str) -> None:
    """A practice cannot be removed from beneath its rows, and can be removed together with them."""
    rows = [practice(), next(row for row in ONE_OF_EACH if row.kind == kind)]
    publish(store, add=rows)
    with pytest.raises(ChangeRefused) as refused:
        publish(store, remove=rows[:1])
    assert refused.value.rule == "practice-missing"
    publish(store, remove=rows)
    assert everything(store) == frozenset()


def test_a_practice_is_renamed_beneath_its_rows(store: Store) -> None:
    """Its row may be replaced while users, roles and rows refer to it."""
    publish(store, add=ONE_OF_EACH, files=MODEL)
    old, new = row("practice, riverside, Riverside Family Practice"), row("practice, riverside, Riverside")
    publish(store, add=[new], remove=[old])
    assert everything(store) == ONE_OF_EACH - {old} | {new}


@pytest.mark.parametrize(
    "wrong",
    [
        Row("practice", ("riverside",)),
        Row("user", ("riverside", "ann", "Ann")),
        Row("role", ("riverside",)),
        Row("file", ("model.conf",)),
        Row("file", ("model.conf", "5f", "more")),
        Row("p", ("role:Nurse", "riverside", "Task - Orders")),
        Row("p", ("role:Nurse", "riverside", "Task - Orders", "Write", "5", "6", "7")),
        Row("g", ("user:ann", "role:Nurse")),
        Row("g", ("user:ann", "role:Nurse", "riverside", "more")),
        Row("g3", ("user:ann", "role:Nurse", "riverside")),
        Row("g", ("user:" + "n" * 251, "role:Nurse", "riverside")),
        Row("P", ("role:Nurse", "riverside", "Task - Orders", "Write")),
    ],
    ids=str,
)
def test_a_row_of_unknown_shape_is_not_written(store: Store, wrong: Row) -> None:
    """Nothing is made up for a field that is missing, none is left out, and no kind of row vanishes."""
    change = Change(frozenset({wrong}), frozenset(), actor="operator:root", how=How.COMMAND, base=0)
    with pytest.raises(ValueError, match="no known shape"):
        store.commit(Draft(change, TIME, ()), {})
    with store.reading() as view:
        assert view.head().number == 0


def test_a_longer_p_row_keeps_its_fields(store: Store) -> None:
    """A model may give `p` more fields, an effect say; such a row is itself, and not the one without."""
    long = row("p, role:Nurse, riverside, Task - Orders, Write, allow")
    short = Row("p", long.fields[:-1])
    publish(store, add=[practice(), long])
    with pytest.raises(ChangeRefused):
        publish(store, remove=[short])
    assert everything(store) == {practice(), long}
    publish(store, add=[short], remove=[long])
    assert everything(store) == {practice(), short}


def test_levels_in_use(store: Store) -> None:
    """Each level that a practice has on a screen, once, whoever has it; practices may be left out."""
    held = [("riverside", "Write"), ("lakeside", "Write"), ("lakeside", "Read")]
    rows = [Row("p", (f"role:{n}", name, "Task - Orders", level)) for n, (name, level) in enumerate(held)]
    publish(store, add=[practice("riverside"), practice("lakeside"), *rows])
    orders = {level: ("Task - Orders", level) for level in ("Read", "Write")}
    with store.reading() as view:
        assert view.levels_in_use(apart_from=()) == set(orders.values())
        assert view.levels_in_use(apart_from={"lakeside", ""}) == {orders["Write"]}
        assert view.levels_in_use(apart_from={"lakeside", "riverside"}) == set()


# --- files ---


def test_files_come_back_byte_for_byte(store: Store) -> None:
    """Line ends, a byte order mark, blanks at the end and an empty file are kept as they are."""
    texts = {"a.csv": "p, a\r\np, b\n", "b.csv": "\ufeffp", "c/d.yaml": "x: 1  \n\n", "e.csv": "", "same.csv": ""}
    publish(store, add=[file(path, text) for path, text in texts.items()], files=texts)
    with store.reading() as view:
        assert view.files() == texts


def test_a_file_that_comes_again_needs_no_text(store: Store) -> None:
    """A text is kept for as long as its revision is, so going back to it needs only the row."""
    old, new = file("a.csv", "old"), file("a.csv", "new")
    publish(store, add=[old], files={"a.csv": "old"})
    publish(store, add=[new], remove=[old], files={"a.csv": "new"})
    publish(store, add=[old], remove=[new])
    with store.reading() as view:
        assert view.files() == {"a.csv": "old"}


@pytest.mark.parametrize("files", [{}, {"b.csv": "text"}, {"a.csv": "another text"}])
def test_a_file_comes_with_its_own_text(store: Store, files: dict[str, str]) -> None:
    """Without the text that the row names by its digest there is no commit."""
    with pytest.raises(ValueError, match=r"a\.csv"):
        publish(store, add=[file("a.csv", "text")], files=files)
    assert everything(store) == frozenset()


def test_an_altered_text_is_not_read(store: Store, by_hand: Engine) -> None:
    """A text that no longer is what the row names is an error, not policy."""
    publish(store, add=[file("a.csv", "text")], files={"a.csv": "text"})
    with by_hand.begin() as connection:
        connection.exec_driver_sql(
            "DROP TRIGGER file_text_never_updated"
            if by_hand.dialect.name == "sqlite"
            else "DROP TRIGGER file_text_never_changed ON file_text"
        )
        connection.exec_driver_sql("UPDATE file_text SET text = 'p, role:Nurse, riverside, Setup - Roles, Write'")
    with pytest.raises(StoreUnavailable, match=r"`a\.csv`"), store.reading() as view:
        view.files()


# --- drafts that are not in order ---


def test_a_draft_has_the_digest_of_every_practice_it_touches(store: Store) -> None:
    """Otherwise the practice would look altered afterwards, so it is not begun."""
    whole = draft(store, [practice("riverside"), practice("lakeside")])
    with pytest.raises(ValueError, match="riverside"):
        store.commit(Draft(whole.change, whole.time, whole.practices[:1]), {})
    assert everything(store) == frozenset()


def test_a_draft_does_not_add_what_it_removes(store: Store) -> None:
    """A row is added or removed; which of the two it is when both are said is not guessed."""
    with pytest.raises(ValueError, match="both added and removed"):
        publish(store, add=[practice()], remove=[practice()])


# --- cost ---


def test_the_number_of_statements_does_not_follow_the_number_of_rows(store: Store) -> None:
    """Five rows and five thousand are committed, and read, with equally many statements."""

    def links(start: int, count: int) -> Iterable[Row]:
        return [Row("g", (f"user:{number}", "role:Nurse", "riverside")) for number in range(start, start + count)]

    publish(store, add=[practice()])
    statements: list[int] = []

    def count(*_: Any) -> None:
        statements[-1] += 1

    event.listen(Engine, "after_cursor_execute", count)
    try:
        for start, size in ((0, 5), (100, 5_000)):
            statements.append(0)
            publish(store, add=links(start, size))
            publish(store, remove=links(start, size))
            with store.reading() as view:
                view.rows("riverside"), view.revisions()
    finally:
        event.remove(Engine, "after_cursor_execute", count)
    assert statements[0] == statements[1] > 0


def test_the_users_of_many_practices(store: Store) -> None:
    """The users of each practice that is asked for, active or not, and of no other; names as they were kept."""
    names = [f"p{number:04}" for number in range(601)]
    add = {practice(name) for name in names} | {Row("user", (name, f"u-{name}", "U", "active")) for name in names[:600]}
    publish(store, add=add | {Row("user", ("p0000", "René ", "R", "inactive"))})
    with store.reading() as view:
        found = view.user_ids([*names[:599], "p0600", "nowhere", "\0"])
    assert found == {name: {f"u-{name}"} | ({"René "} if name == "p0000" else set()) for name in names[:599]}
