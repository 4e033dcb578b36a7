"""Sessions, drafts, events and answered requests."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.audit.events import AuditEvent
from service.errors import UsageError
from service.store.base import Answered, Event, KeptDraft, RequestKey, Session, Unfinished
from service.store.sql import Store
from tests.contract.store.builders import TIME, draft, everything, practice

EARLIER, LATER = TIME.replace("2024", "2023"), TIME.replace("2024", "2025")
PAT = Session("5f" * 32, "pat", "Pat Pine", frozenset({"riverside", "سارة"}), TIME, TIME, "sid-1")
DRAFT = KeptDraft("riverside", "pat", 7, '[{"type":"add_role"}]', "Cover", "it's «new»", "T-1", TIME)
KEY = RequestKey("k7", "a key")


def session(store: Store, id_hash: str) -> Session | None:
    """What the store has of a session."""
    with store.reading() as view:
        return view.session(id_hash)


def kept(store: Store, practice: str, user: str) -> KeptDraft | None:
    """What the store has of a draft."""
    with store.reading() as view:
        return view.draft(practice, user)


def test_a_session_reads_back(store: Store) -> None:
    """A session is found by its hash alone."""
    store.add_session(PAT)
    assert session(store, PAT.id_hash) == PAT
    assert session(store, PAT.id_hash.upper()) is session(store, "pat") is None


def test_a_session_is_touched(store: Store) -> None:
    """The time of its last use goes forward and never back; one that is over cannot be touched."""
    store.add_session(PAT)
    for seen, expected in ((LATER, LATER), (EARLIER, LATER)):
        assert store.touch_session(PAT.id_hash, seen)
        assert session(store, PAT.id_hash) == replace(PAT, seen=expected)
    assert store.end_session(PAT.id_hash)
    assert not store.touch_session(PAT.id_hash, LATER)
    assert not store.end_session(PAT.id_hash)
    assert session(store, PAT.id_hash) is None


def test_signing_out_ends_every_session_of_a_person(store: Store) -> None:
    """All of one person's sessions end, and nobody else's."""
    other = replace(PAT, id_hash="6a" * 32, created=LATER)
    sam = replace(PAT, id_hash="7b" * 32, user="Pat")
    for each in (PAT, other, sam):
        store.add_session(each)
    with store.reading() as view:
        assert view.sessions("pat") == (PAT, other)
    assert store.end_sessions("pat") == 2
    with store.reading() as view:
        assert (view.sessions("pat"), view.sessions("Pat")) == ((), (sam,))


def test_old_sessions_end(store: Store) -> None:
    """Those that were idle for too long, and those that are too old though in use."""
    idle, old, young = PAT, replace(PAT, id_hash="6a" * 32, created=EARLIER, seen=LATER), replace(PAT, id_hash="7b")
    young = replace(young, created=LATER, seen=LATER)
    for each in (idle, old, young):
        store.add_session(each)
    assert store.end_old_sessions(seen_before=LATER, created_before=TIME) == 2
    with store.reading() as view:
        assert view.sessions("pat") == (young,)


def test_a_draft_is_kept_for_each_person_and_practice(store: Store) -> None:
    """The last one replaces the one before; others' drafts stay as they are."""
    others = [replace(DRAFT, user="Pat"), replace(DRAFT, practice="lakeside")]
    for each in (DRAFT, *others, replace(DRAFT, edits="[]", updated=LATER)):
        store.keep_draft(each)
    assert kept(store, "riverside", "pat") == replace(DRAFT, edits="[]", updated=LATER)
    assert [kept(store, each.practice, each.user) for each in others] == others
    assert store.drop_draft("riverside", "pat")
    assert not store.drop_draft("riverside", "pat")
    assert kept(store, "riverside", "pat") is None
    assert [kept(store, each.practice, each.user) for each in others] == others


def test_events_read_back_newest_first(store: Store) -> None:
    """Events are numbered in order, and filtered by practice, actor, name and time."""
    begin = Event(TIME, AuditEvent.SESSION_BEGIN, "user:pat", details={"how": "oidc"})
    refuse = Event(LATER, AuditEvent.PAGE_REFUSE, "user:ada", "riverside", {"page": "/practices/riverside/roles"})
    first, second = (replace(event, number=store.note_event(event)) for event in (begin, refuse))
    assert first.number < second.number
    with store.reading() as view:
        assert view.events() == (second, first)
        assert view.events(limit=1) == view.events(practice="riverside") == view.events(actor="user:ada") == (second,)
        assert view.events(before=second.number) == view.events(name=AuditEvent.SESSION_BEGIN) == (first,)
        assert view.events(since=LATER) == (second,)
        assert view.events(until=LATER) == (first,)
        assert view.events(practice="Riverside") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor = ''",
        "DELETE FROM event",
        (
            "INSERT INTO event (number, time, name, actor, practice, details)"
            " VALUES ((SELECT max(number) FROM event), '', '', '', '', '{}')"
        ),
    ],
)
def test_the_database_itself_keeps_events(store: Store, by_hand: Engine, statement: str) -> None:
    """Whoever gets round the store can neither alter nor remove an event, nor put another in its place."""
    event = Event(TIME, AuditEvent.SESSION_BEGIN, "user:pat")
    number = store.note_event(event)
    with pytest.raises(DBAPIError), by_hand.begin() as connection:
        connection.exec_driver_sql(statement)
    with store.reading() as view:
        assert view.events() == (replace(event, number=number),)


# --- requests that come with a key ---


def test_a_key_is_taken_once(store: Store) -> None:
    """The second request with a key learns what became of the first; other tokens have keys of their own."""
    assert store.reserve(KEY, "digest", TIME) is None
    assert store.reserve(KEY, "another", LATER) == Answered(KEY, "digest", TIME)
    assert store.reserve(RequestKey("k8", "a key"), "digest", TIME) is None
    assert store.answer(KEY, 201, '{"number": 5}')
    assert not store.answer(KEY, 500, "")
    assert store.reserve(KEY, "digest", LATER) == Answered(KEY, "digest", TIME, 0, 201, '{"number": 5}')


def test_a_change_says_which_request_it_answers(store: Store) -> None:
    """Killed between its change and its answer, a request is known to have been carried out, and never is again."""
    store.reserve(KEY, "digest", TIME)
    revision = store.commit(draft(store, [practice()], request=KEY), {})
    with store.reading() as view:
        assert view.answered(KEY) == Answered(KEY, "digest", TIME, revision.number)
    assert not store.release(KEY)
    with pytest.raises(UsageError, match="carried out already"):
        store.commit(draft(store, [practice("lakeside")], request=KEY), {})
    assert everything(store) == {practice()}


def test_a_change_needs_its_key_to_be_taken(store: Store) -> None:
    """A key that nobody took answers for nothing."""
    with pytest.raises(UsageError):
        store.commit(draft(store, [practice()], request=KEY), {})
    assert everything(store) == frozenset()


def test_a_key_that_led_to_nothing_is_free_again(store: Store) -> None:
    """A request that failed may be sent again."""
    store.reserve(KEY, "digest", TIME)
    assert store.release(KEY)
    assert not store.release(KEY)
    assert store.reserve(KEY, "digest", LATER) is None


def test_requests_are_forgotten_by_age(store: Store) -> None:
    """Those from before a time go, later ones stay."""
    for key, created in (("old", EARLIER), ("new", TIME)):
        store.reserve(RequestKey("k7", key), "digest", created)
    assert store.forget_answers(TIME) == 1
    with store.reading() as view:
        assert view.answered(RequestKey("k7", "old")) is None
        assert view.answered(RequestKey("k7", "new")) is not None


def test_what_a_session_left(store: Store) -> None:
    """A session that ended by time is remembered with its person, once, and with what was sent to it last."""
    store.add_session(PAT)
    assert not store.leave_unfinished(PAT.id_hash, "/", "[]")
    assert store.expire_session(PAT.id_hash, TIME)
    assert not store.expire_session(PAT.id_hash, LATER)
    assert session(store, PAT.id_hash) is None
    assert left(store, PAT.id_hash) == Unfinished(PAT.id_hash, "pat", TIME)
    for form in ("[1]", "[2]"):
        assert store.leave_unfinished(PAT.id_hash, "/practices", form)
    assert left(store, PAT.id_hash) == Unfinished(PAT.id_hash, "pat", TIME, "/practices", "[2]")
    assert store.forget_unfinished(ended_before=TIME) == 0
    assert store.forget_unfinished(ended_before=LATER) == 1
    assert left(store, PAT.id_hash) is None


def test_what_a_session_left_goes_to_its_person(store: Store) -> None:
    """The next session of the same person takes it over; that of another forgets it."""
    for name, owner in (("pat", "8c" * 32), ("sam", None)):
        store.add_session(PAT)
        assert store.expire_session(PAT.id_hash, TIME)
        assert store.leave_unfinished(PAT.id_hash, "/", "[]")
        new = replace(PAT, id_hash="8c" * 32, user=name)
        store.hand_over(PAT.id_hash, new)
        assert left(store, PAT.id_hash) is None
        assert (left(store, new.id_hash) is not None) is (owner is not None)
        store.forget_unfinished(id_hash=new.id_hash)


def left(store: Store, id_hash: str) -> Unfinished | None:
    """What the store has of what a session left."""
    with store.reading() as view:
        return view.unfinished(id_hash)
