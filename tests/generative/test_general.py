"""Rulebook, plain scan and stock pycasbin, held together for models of every kind that has no practices."""

from collections import Counter
from collections.abc import Mapping
from random import Random
from types import FunctionType, MethodType

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from service.decision.rulebook import Rulebook
from service.policy.model import Effect
from tests.generative import general
from tests.generative.general import World, answers

ANY = st.one_of(general.worlds(), general.nearest_worlds())


@given(ANY)
def test_rulebook_is_the_definition(world: World) -> None:
    """For every shape of model the rulebook allows what the scan allows, by exactly the same rows."""
    assert answers(world) == [world.defined(request) for request in world.requests]


@given(ANY)
def test_stock_casbin_agrees(world: World) -> None:
    """Stock pycasbin decides alike, and the row that it names is one of ours."""
    if not any(row.kind == "p" for row in world.rows):
        return  # the differences `no-empty-allow` and `deny-by-default`
    oracle = world.oracle()
    for request, (allowed, rows) in zip(world.requests, answers(world), strict=True):
        theirs, named = oracle.explain(request)
        assert theirs == allowed
        column = world.model.effect_column
        ignored = world.model.effect is Effect.ALLOW_OVERRIDE and column is not None
        if named is not None and not (ignored and named.fields[column] == "deny"):  # `only-deciding-rows`
            assert named in rows


@given(ANY)
def test_default_deny(world: World) -> None:
    """Without a `p` row everything is refused, under every effect."""
    bare = world.of(row for row in world.rows if row.kind != "p")
    assert not any(allowed for allowed, _ in answers(bare))


@given(general.worlds(), st.randoms(use_true_random=False))
def test_order_independent(world: World, random: Random) -> None:
    """The order of rows changes neither a decision nor its reasons, unless the model says that it counts."""
    if not world.model.effect.ordered:
        assert answers(world.of(random.sample(world.rows, len(world.rows)))) == answers(world)


@given(ANY)
def test_duplicates_change_nothing(world: World) -> None:
    """A row that stands twice says no more than a row that stands once."""
    assert answers(world.of([*world.rows, *world.rows])) == answers(world)


@given(general.worlds())
def test_missing_grants_nothing(world: World) -> None:
    """Where no row denies, leaving out an attribute never allows what was refused with it, unless it was absent."""
    if world.model.effect in (Effect.ALLOW_OVERRIDE, Effect.ALLOW_AND_DENY):
        rows = [row for row in world.rows if row.kind != "p" or "deny" not in row.fields]
        width = len(world.model.request)
        for request in world.requests:
            without = (*request[:width], *[None] * (len(request) - width))
            book = world.of(rows).rulebook()
            assert book.decide(request).allowed or not book.decide(without).allowed


@given(ANY, st.data())
def test_unknown_names_leave_no_trace(world: World, data: DataObject) -> None:
    """However many unknown names are asked about, nothing in a rulebook grows or changes."""
    book = world.rulebook()
    before = contents(book)
    for request in world.requests:
        column = data.draw(st.integers(0, len(world.model.request) - 1))
        for number in range(10):
            asked = (*request[:column], f"unknown {number}", *request[column + 1 :])
            book.decide(asked)
            book.explain(asked)
    assert contents(book) == before


def contents(thing: object) -> object:
    """Everything that an object of ours holds, however deep, as plain values that can be compared later."""
    if isinstance(thing, Mapping):
        return [(key, contents(value)) for key, value in thing.items()]
    if isinstance(thing, list | tuple):
        return [contents(each) for each in thing]
    if isinstance(thing, Rulebook):
        return [contents(getattr(thing, name)) for name in type(thing).__slots__]
    if isinstance(thing, FunctionType) and thing.__closure__:
        return [contents(cell.cell_contents) for cell in thing.__closure__]
    if isinstance(thing, MethodType):
        return contents(thing.__self__)
    own = getattr(type(thing), "__module__", "").startswith("service.")
    if own and hasattr(thing, "__dict__"):
        return contents(vars(thing))
    slots = getattr(type(thing), "__slots__", ()) if own else ()
    return [contents(getattr(thing, name)) for name in slots] or repr(thing)


def drawn(strategy: SearchStrategy[World], count: int) -> list[World]:
    """This many worlds, the same on every run."""
    found: list[World] = []

    @seed(3)
    @settings(max_examples=count, database=None)
    @given(strategy)
    def collect(world: World) -> None:
        found.append(world)

    collect()
    return found


def test_every_shape_is_reached() -> None:
    """Five hundred worlds contain every shape that is told apart, each at least four times, and both outcomes often."""
    found = drawn(general.worlds(), 500)
    seen = Counter(shape for world in found for shape in general.shapes(world))
    assert seen.keys() == general.ALL_SHAPES
    assert min(seen.values()) >= 4, seen
    allowed = [decided for world in found for decided, _ in answers(world)]
    assert 0.2 < sum(allowed) / len(allowed) < 0.8
