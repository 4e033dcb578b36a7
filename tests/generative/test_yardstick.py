"""Casbin's example models: compiled and decided as stock Casbin does, or refused at load with what is missing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from service.decision import scan, trial
from service.decision.oracle import Oracle
from service.decision.rulebook import Rulebook
from service.policy.bare import Bare
from service.policy.baremap import BareMap
from service.policy.expression import Literal, Value, operands
from service.values import Row
from tests.generative import yardstick
from tests.generative.yardstick import PAGE, Example

COMPILED = list(yardstick.compiled())
LEAST = 25

DIFFER = {"texts-in-the-matcher": "literal-text"}
"""Models that stock Casbin decides otherwise, each by a named difference."""


def values(bare: Bare, column: int) -> SearchStrategy[Value]:
    """What one field of a request may be: names of rows, what cases ask, and what nobody has."""
    own: set[Value] = {name for row in bare.rows.rows for name in row.fields}
    for case in bare.cases:
        for expected in case.expected:
            request = bare.request_map.read(expected.question)
            own.add(request[column] if isinstance(request, tuple) else "nobody")
    for term in bare.model.matcher.terms:
        own |= {operand.value for operand in operands(term) if isinstance(operand, Literal)}
    source = bare.request_map.fields[column].source if column < len(bare.request_map.fields) else "attribute"
    if ".properties." in source:
        own = {value for value in own if isinstance(value, int | float)} | {0, 1, 2, 3, None}
    elif source == "attribute":
        own = {value for value in own if isinstance(value, str)} | {None}
    if any(function in bare.model.text for function in ("ipMatch(r.sub",)) and column == 0:
        own = {"10.0.0.1", "11.0.0.1", "192.168.2.7", "::1"}
    ordered = sorted(own, key=repr)
    return st.sampled_from(ordered)


def requests(bare: Bare) -> SearchStrategy[tuple[Value, ...]]:
    """Requests of a model."""
    width = len(bare.model.request) + len(bare.model.matcher.attributes)
    return st.tuples(*(values(bare, column) for column in range(width)))


def by_name(pairs: list[tuple[Example, Bare]]) -> list[object]:
    """Each model as a parameter under its name."""
    return [pytest.param(example.name, bare, id=example.name) for example, bare in pairs]


@pytest.mark.parametrize(("name", "bare"), by_name(COMPILED))
@settings(max_examples=25)
@given(data=st.data())
def test_a_model_is_decided_as_casbin_decides_it(name: str, bare: Bare, data: DataObject) -> None:
    """Rulebook, definition and stock Casbin agree on generated requests and on generated choices of the rows."""
    rows: list[Row] = data.draw(st.lists(st.sampled_from(bare.rows.rows), min_size=1, unique=True))
    if not any(row.kind == "p" for row in rows):
        rows = bare.rows.rows
    book, oracle = Rulebook(bare.model, rows), Oracle(bare.model, rows)
    for request in data.draw(st.lists(requests(bare), min_size=4, max_size=8)):
        allowed = book.decide(request).allowed
        assert allowed == scan.decide(bare.model, rows, request)[0]
        assert name in DIFFER or allowed == oracle.allows(request)


@pytest.mark.parametrize(("name", "bare"), by_name(COMPILED))
def test_a_model_has_cases_that_hold(name: str, bare: Bare) -> None:
    """Each folder says in cases what may and what may not be done, and it is so."""
    assert isinstance(bare.request_map, BareMap)
    asked = [expected.reason for case in bare.cases for expected in case.expected]
    assert len(set(asked)) > 1
    assert [each.found for each in trial.run_bare(bare, bare.rows.rows)] == []


def test_enough_models_are_compiled() -> None:
    """At least twenty-five models are compiled, and what Casbin calls them is told apart."""
    assert len(COMPILED) >= LEAST
    names = [example.casbin for example, _ in [*COMPILED, *yardstick.refused()]]
    assert len(set(names)) == len(names)


def test_the_table_is_what_is_so() -> None:
    """The page of the reference is the one that is written from the models."""
    assert PAGE.read_text(encoding="utf-8") == yardstick.page()
