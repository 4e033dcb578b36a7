"""Two policies side by side: what is said to differ is what asking everything says, in either direction."""

from hypothesis import given
from hypothesis import strategies as st

from service.decision import scan
from service.decision.comparison import Policy, compare
from service.decision.effect import Flip
from service.decision.engine import Ruleset, divide
from service.values import USER_PREFIX, Reason, Row
from tests.generative import worlds
from tests.generative.worlds import World


@st.composite
def pairs(draw: st.DrawFn) -> tuple[World, World]:
    """A world, and the same with some of its rows taken out."""
    world = draw(worlds.practice_worlds())
    gone = draw(st.sets(st.sampled_from(world.rows), max_size=4))
    return world, world.of(row for row in world.rows if row not in gone)


def policy(world: World) -> Policy:
    """A world as a policy."""
    shared, practices = divide(world.model, world.rows)
    rules = Ruleset(world.model, shared, world.vocabulary)
    own = {name: frozenset(rows) for name, rows in practices.items() if name}
    return Policy(rules, frozenset(row for row in shared if row.kind == "g2"), {}, own)


def answers(world: World) -> set[tuple[str, str, str, str]]:
    """Everything that is allowed, found by asking the definition everything."""
    rows, found = frozenset(world.rows), set()
    people = {row.fields[:2] for row in rows if row.kind == "user"}
    for practice, user in people:
        for screen, actions in (world.vocabulary or {}).items():
            for action in actions:
                request = (USER_PREFIX + user, practice, screen, action)
                if scan.answer(world.model, rows, world.vocabulary or {}, request)[0] is Reason.ALLOWED:
                    found.add((practice, user, screen, action))
    return found


@given(pairs())
def test_the_effect_is_that_of_asking_everything(pair: tuple[World, World]) -> None:
    """Whoever gains or loses does so by the definition, and nobody else."""
    old, new = map(answers, pair)
    expected = {Flip(*each, gained=True) for each in new - old} | {Flip(*each, gained=False) for each in old - new}
    assert set(compare(*map(policy, pair)).effect.flips) == expected


@given(pairs())
def test_the_other_way_round_is_the_inverse(pair: tuple[World, World]) -> None:
    """Comparing B with A gives what comparing A with B takes, in rows and in effect."""
    there, back = compare(*map(policy, pair)), compare(*map(policy, reversed(pair)))
    assert (there.added, there.removed) == (back.removed, back.added)
    assert there.effect.inverse() == back.effect


@given(worlds.practice_worlds())
def test_a_policy_does_not_differ_from_itself(world: World) -> None:
    """Nothing comes, nothing goes, and the order of rows is no difference."""
    turned = world.of(reversed(world.rows))
    found = compare(policy(world), policy(turned))
    assert (found.added, found.removed, found.files, found.effect.flips) == ((), (), {}, ())
    assert found.same
    assert all(isinstance(row, Row) for row in found.added)
