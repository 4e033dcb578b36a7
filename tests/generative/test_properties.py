"""What is true of every decision, each property by the name under which the reference promises it."""

from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from service.audit.chain import rows_digest
from service.decision import engine, scan
from service.decision.engine import Division, Ruleset, Snapshot
from service.policy.model import Effect
from service.policy.roles import Links
from service.values import Reason, Row
from tests.generative import worlds
from tests.generative.worlds import World, answers

ANY_WORLD = st.one_of(worlds.worlds(), worlds.practice_worlds())
FORBIDDING_WORLD = st.one_of(worlds.worlds(forbidding=True), worlds.practice_worlds(forbidding=True))


@given(ANY_WORLD)
def test_default_deny(world: World) -> None:
    """Without a `p` row everything is refused, and whatever is allowed is allowed by a row."""
    bare = world.of(row for row in world.rows if row.kind != "p")
    assert not any(reason is Reason.ALLOWED for reason, _ in answers(bare.snapshot(), world.requests))
    for reason, rows in answers(world.snapshot(), world.requests):
        assert rows or reason is not Reason.ALLOWED


@given(FORBIDDING_WORLD)
def test_forbid_trumps_permit(world: World) -> None:
    """One `deny` row that matches refuses, whatever allows, and it is the row that is named."""
    for request in world.requests:
        reason, allowing = answers(world.snapshot(), [request])[0]
        if reason is Reason.ALLOWED:
            deny = Row("p", (*allowing[0].fields[:-1], "deny"))
            [(after, named)] = answers(world.of([*world.rows, deny]).snapshot(), [request])
            assert after is not Reason.ALLOWED
            assert named == (deny,)


@given(ANY_WORLD, st.randoms(use_true_random=False))
def test_order_independent(world: World, random: Random) -> None:
    """The order of rows changes neither a decision nor its reasons."""
    shuffled = random.sample(world.rows, len(world.rows))
    assert answers(world.of(shuffled).snapshot(), world.requests) == answers(world.snapshot(), world.requests)


@given(ANY_WORLD)
def test_duplicates_change_nothing(world: World) -> None:
    """A row that stands twice says no more than a row that stands once."""
    once, twice = world.of(dict.fromkeys(world.rows)), world.of([*world.rows, *world.rows])
    assert answers(once.snapshot(), world.requests) == answers(twice.snapshot(), world.requests)


@given(worlds.practice_worlds())
def test_index_is_sound_slice(world: World) -> None:
    """With one practice loaded, from its own rows alone, the engine answers as the scan does from all rows."""
    shared, divisions = engine.divide(world.model, world.rows)
    assert sorted(world.rows) == sorted([*shared, *(row for rows in divisions.values() for row in rows)])
    for request in world.requests:
        [(reason, rows)] = answers(world.snapshot(only=world.division(request)), [request])
        expected, deciding = world.defined(request)
        assert ((reason is Reason.ALLOWED), rows) == ((expected is Reason.ALLOWED), deciding)


@given(worlds.practice_worlds(), st.data())
def test_practices_apart(world: World, data: DataObject) -> None:
    """Whatever happens in another practice, answers about this one stay what they were."""
    here, there = worlds.PRACTICES
    elsewhere = data.draw(worlds.practice_rows(world.model, there))
    changed = world.of([row for row in world.rows if row.practice != there] + elsewhere)
    asked = [(user, here, screen, action) for user, _, screen, action in world.requests]
    assert answers(changed.snapshot(), asked) == answers(world.snapshot(), asked)


@given(worlds.worlds(), st.data())
def test_adding_an_allow_row_never_takes_away(world: World, data: DataObject) -> None:
    """A further row that allows leaves everything allowed that was allowed, under each effect."""
    more = world.of([*world.rows, data.draw(worlds.policy_rows(world.model, "allow"))])
    after = answers(more.snapshot(), world.requests)
    for (before, _), (now, _) in zip(answers(world.snapshot(), world.requests), after, strict=True):
        assert now is Reason.ALLOWED or before is not Reason.ALLOWED


@given(worlds.practice_worlds(forbidding=False))
def test_highest_level_wins(world: World) -> None:
    """Where no row forbids, a user may do exactly what one of the user's roles alone would let them do."""
    if world.model.effect is Effect.ALLOW_AND_DENY:
        world = world.of(row for row in world.rows if "deny" not in row.fields)
    for request in world.requests:
        reason, _ = world.defined(request)
        if reason in (Reason.ALLOWED, Reason.NO_LEVEL):
            user, practice = request[:2]
            own = {row for row in world.rows if row.kind == "g" and (row.fields[0], row.practice) == (user, practice)}
            others = [row for row in world.rows if row not in own]
            alone = [answers(world.of([*others, row]).snapshot(), [request])[0][0] for row in own]
            assert (reason is Reason.ALLOWED) == (Reason.ALLOWED in alone)


@given(ANY_WORLD)
def test_explain_agrees_with_decide(world: World) -> None:
    """An explanation explains the decision that was given, with rows that the user reaches by the links shown."""
    snapshot, subject = world.snapshot(), world.joint.subject
    for request in world.requests:
        said = snapshot.explain(request)
        assert said.decision == snapshot.decide(request)
        assert {*said.rows, *said.links} <= set(world.rows)
        for row in said.rows if world.vocabulary is not None else ():
            domain = "" if subject.domain is None else row.fields[subject.domain]
            user, role = request[subject.request], row.fields[subject.policy]
            assert scan.distance(said.links, subject.role, user, role, domain) is not None


@given(ANY_WORLD)
def test_would_allow_names_roles_that_do(world: World) -> None:
    """Each role that an explanation says would allow the request does allow it."""
    snapshot, subject = world.snapshot(), world.joint.subject.request
    for request in world.requests:
        for role in snapshot.explain(request).would_allow:
            asked = (*request[:subject], role, *request[subject + 1 :])
            assert scan.decide(world.model, world.rows, asked)[0]


@given(worlds.practice_worlds(), st.data())
def test_unknown_names_leave_no_trace(world: World, data: DataObject) -> None:
    """However many unknown names are asked about, nothing in the engine grows or changes."""
    snapshot = world.snapshot()
    before = contents(snapshot)
    for request in world.requests:
        column = data.draw(st.integers(0, len(request) - 1))
        for number in range(25):
            asked = (*request[:column], f"unknown {number}", *request[column + 1 :])
            snapshot.decide(asked)
            snapshot.explain(asked)
    assert contents(snapshot) == before


def contents(thing: object) -> object:
    """Everything that an object of ours holds, however deep, as plain values that can be compared later."""
    if isinstance(thing, Mapping):
        return [(key, contents(value)) for key, value in thing.items()]
    if isinstance(thing, Snapshot | Division | Ruleset | Links):
        return [contents(getattr(thing, name)) for name in type(thing).__slots__ if name not in ("model", "joint")]
    return thing


@given(ANY_WORLD, st.randoms(use_true_random=False))
def test_digest_ignores_order(world: World, random: Random) -> None:
    """Equal sets of rows have equal digests in any order; a set with one row less has another."""
    digest = rows_digest(world.rows)
    assert rows_digest(random.sample(world.rows, len(world.rows)) * 2) == digest
    for left_out in world.rows:
        assert rows_digest(row for row in world.rows if row != left_out) != digest
