"""Compiled engine, plain scan and stock pycasbin, held together on decisions and on reasons."""

from hypothesis import given

from service.decision.oracle import Oracle
from service.policy.model import Effect
from service.values import Reason, Request, Row
from tests.generative import worlds
from tests.generative.worlds import World, answers


@given(worlds.worlds())
def test_engine_is_the_definition(world: World) -> None:
    """For every shape of model the engine allows what the scan allows, by exactly the same rows."""
    snapshot = world.snapshot()
    for request in world.requests:
        said = snapshot.explain(request)
        reason, rows = world.defined(request)
        assert (said.decision.allowed, said.rows) == (reason is Reason.ALLOWED, rows)


@given(worlds.practice_worlds())
def test_engine_is_the_definition_for_practices(world: World) -> None:
    """With a directory and a vocabulary the engine gives the reason that the scan gives, by the same rows."""
    assert answers(world.snapshot(), world.requests) == [world.defined(request) for request in world.requests]


@given(worlds.worlds())
def test_stock_casbin_agrees(world: World) -> None:
    """Stock pycasbin decides every shape of model alike, and the row that it names is one of ours."""
    oracle = world.oracle()
    for request in world.requests:
        if not casbin_allows_the_empty(world, request):
            agree(world, oracle, request)


@given(worlds.practice_worlds())
def test_stock_casbin_agrees_for_practices(world: World) -> None:
    """Where names are known, stock pycasbin decides alike; where one is not, we refuse whatever it says."""
    oracle = world.oracle()
    for request in world.requests:
        reason, rows = world.defined(request)
        if reason in (Reason.ALLOWED, Reason.NO_LEVEL):
            agree(world, oracle, request)
        else:  # the differences `typed-subject` and `known-names`
            assert not rows


def agree(world: World, oracle: Oracle, request: Request) -> None:
    """The engine and stock Casbin say the same of one request, and name the same."""
    said = world.snapshot().explain(request)
    allowed, named = oracle.explain(request)
    assert allowed == said.decision.allowed
    if named is not None and not casbin_names_what_decided_nothing(world, named):
        assert named in said.rows


def casbin_allows_the_empty(world: World, request: Request) -> bool:
    """The difference `no-empty-allow`: no `p` row at all, and every name that the matcher reads is empty."""
    empty = not any(row.kind == "p" for row in world.rows)
    return empty and not any(request[tie.request] for tie in world.joint.ties)


def casbin_names_what_decided_nothing(world: World, named: Row) -> bool:
    """The difference `only-deciding-rows`: under allow-override Casbin names a `deny` row that it ignored."""
    column = world.model.effect_column
    ignored = world.model.effect is Effect.ALLOW_OVERRIDE and column is not None
    return ignored and named.fields[column] == "deny"
