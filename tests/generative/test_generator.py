from collections import Counter

from hypothesis import given, seed, settings
from hypothesis.strategies import SearchStrategy

from service.values import Reason
from tests.generative import worlds
from tests.generative.worlds import World


def drawn(strategy: SearchStrategy[World], count: int) -> list[World]:
    """This many worlds, the same on every run."""
    found: list[World] = []

    @seed(2)
    @settings(max_examples=count, database=None)
    @given(strategy)
    def collect(world: World) -> None:
        found.append(world)

    collect()
    return found


def outcomes(found: list[World]) -> Counter[Reason]:
    """How often each reason is given."""
    return Counter(world.defined(request)[0] for world in found for request in world.requests)


def test_every_shape_is_reached() -> None:
    """Four hundred worlds contain every shape of model and rows that is told apart, each at least four times."""
    seen = Counter(shape for world in drawn(worlds.worlds(), 400) for shape in worlds.shapes(world))
    assert seen.keys() == worlds.ALL_SHAPES
    assert min(seen.values()) >= 4, seen


def test_questions_are_allowed_about_as_often_as_refused() -> None:
    """Of the questions to bare models at least a third are allowed and a third refused: neither hides the other."""
    counted = outcomes(drawn(worlds.worlds(), 400))
    assert 1 / 3 < counted[Reason.ALLOWED] / counted.total() < 2 / 3, counted


def test_practices_give_every_reason() -> None:
    """Worlds of practices give each reason that the engine has, with a fifth allowed and a fifth `no_level`."""
    counted = outcomes(drawn(worlds.practice_worlds(), 200))
    engine_reasons = list(Reason)[: list(Reason).index(Reason.UNKNOWN_ACTION) + 1]
    assert all(counted[reason] >= 10 for reason in engine_reasons), counted
    assert counted[Reason.ALLOWED] > counted.total() / 5, counted
    assert counted[Reason.NO_LEVEL] > counted.total() / 5, counted
