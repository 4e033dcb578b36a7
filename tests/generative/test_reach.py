"""What a change reaches and what Casbin is given of it: nothing is left out that could decide."""

from hypothesis import given

from service.decision.effect import effect
from service.decision.engine import Snapshot
from service.decision.oracle import Oracle
from service.decision.reach import Side, Sliced, reached
from service.policy import lint
from service.values import USER_PREFIX, Reason
from tests.generative import worlds
from tests.generative.worlds import World


def side(world: World) -> Side:
    """A whole world as it is staged: any of its practices can be asked about."""
    return Side(world.snapshot(), frozenset(world.rows), [row for row in world.rows if row.kind == "g2"])


published = worlds.practice_worlds().filter(lambda world: not lint.model("model.conf", world.model))
"""Worlds whose model could be published: only of those are slices made."""


@given(published)
def test_a_slice_decides_as_the_whole(world: World) -> None:
    """Stock Casbin says of the slice for one question what it says of all rows of that practice."""
    whole, oracle = side(world), world.oracle()
    for request in world.requests:
        user, practice, screen, _ = request
        reason, _rows = world.defined(request)
        if reason not in (Reason.ALLOWED, Reason.NO_LEVEL):
            continue
        own = Side(whole.snapshot, frozenset(row for row in world.rows if row.practice == practice), whole.shared)
        given = Sliced(practice, own).slice(screen, (request,))
        assert Oracle(world.model, given.rows).allows(request) == oracle.allows(request)
        assert Sliced(practice, own).ours((request,)) == (reason is Reason.ALLOWED,)
        assert user.startswith(USER_PREFIX)


@given(worlds.practice_worlds())
def test_every_flip_is_reached(world: World) -> None:
    """Whoever gains or loses when rows of a practice go is among those whom those rows can reach."""
    snapshot = world.snapshot()
    for practice, division in snapshot.divisions.items():
        for row in division.rows:
            if row.kind not in ("p", "g", "user"):
                continue
            less = snapshot.ruleset.compile(other for other in division.rows if other != row)
            without = Snapshot(snapshot.ruleset, {practice: less})
            found = effect(snapshot, without, [practice])
            can = reached(division, [row], frozenset())
            assert all(USER_PREFIX + flip.user in can.get(flip.screen, ()) for flip in found.flips)
