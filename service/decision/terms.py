"""Terms, compiled: what an index can answer of a matcher, and tests of the request for what is left.

The leaves of `rulebook`. A term that ties a field of the row to the request by equality or by a link becomes a key;
any other becomes a function of the request, once the row is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from service.policy import patterns
from service.policy.expression import (
    Asked,
    Compared,
    Linked,
    Listed,
    Literal,
    Operand,
    Term,
    Value,
    Written,
    compare,
    value,
)

Asking = tuple[Value, ...]
Test = Callable[[Asking], bool]
Reached = Mapping[tuple[str, Value], Mapping[str, frozenset[str]]]
"""(role definition, domain) -> name -> every name that it reaches, itself included. Names without links are not in."""

_NOBODY: Mapping[str, frozenset[str]] = MappingProxyType({})


# --- ties: what an index can answer ---


def tied(terms: list[Term]) -> tuple[list[tuple[Term, int]], list[Term]]:
    """Terms that tie a request to a field of the row, each with that column, and the terms that are left."""
    equal = {
        term.right.at: term.left
        for term in terms
        if isinstance(term, Compared)
        and term.sign == "=="
        and isinstance(term.left, Asked)
        and isinstance(term.right, Written)
    }
    found: dict[int, Term] = {}
    left: list[Term] = []
    for written in terms:
        term = _on_request(written, equal)
        column = _ties(term)
        if column is None or column in found:
            left.append(term)
        else:
            found[column] = term
    return [(term, column) for column, term in found.items()], left


def _on_request(term: Term, equal: Mapping[int, Asked]) -> Term:
    """A link whose domain is a field of the row that must equal one of the request, in the domain of the request."""
    if isinstance(term, Linked) and isinstance(term.domain, Written) and term.domain.at in equal:
        return Linked(term.role, term.lower, term.upper, equal[term.domain.at])
    return term


def _ties(term: Term) -> int | None:
    """The column of the row that a term ties to the request; None where it does not."""
    if isinstance(term, Compared):
        ties = term.sign == "==" and isinstance(term.left, Asked) and isinstance(term.right, Written)
        return term.right.at if ties and isinstance(term.right, Written) else None
    if not isinstance(term, Linked) or not isinstance(term.upper, Written) or isinstance(term.lower, Written):
        return None
    return None if isinstance(term.domain, Written) else term.upper.at


def as_key(term: Term, reached: Reached) -> Callable[[Asking], Collection[Value]]:
    """What the tied field of a row may be, given a request."""
    if isinstance(term, Compared) and isinstance(term.left, Asked):
        at = term.left.at
        return lambda request: (request[at],)
    assert isinstance(term, Linked)  # noqa: S101  the other that ties
    lower, role, domain = term.lower, term.role, term.domain or Literal("")

    def above(request: Asking) -> Collection[Value]:
        name, place = value(lower, request, ()), value(domain, request, ())
        if not isinstance(name, str) or not isinstance(place, str):
            return ()
        return reached.get((role, place), _NOBODY).get(name) or (name,)

    return above


# --- tests: what is left ---


def as_test(term: Term, fields: tuple[str, ...], reached: Reached) -> Test:
    """One term as a test of the request, given the fields of a row."""
    if isinstance(term, Compared):
        if (quick := _with_text(term, fields)) is not None:
            return quick
        left, sign, right = _getter(term.left, fields), term.sign, _getter(term.right, fields)
        return lambda request: compare(left(request), sign, right(request))
    if isinstance(term, Linked):
        return _linked(term, fields, reached)
    given = _getter(term.value, fields)
    if isinstance(term, Listed):
        among = [literal.value for literal in term.among]
        return lambda request: any(compare(given(request), "==", other) for other in among)
    fits = patterns.compiled(term.function, str(value(term.pattern, (), fields)))

    def fitting(request: Asking) -> bool:
        asked = given(request)
        return isinstance(asked, str) and fits(asked)

    return fitting


def _with_text(term: Compared, fields: tuple[str, ...]) -> Test | None:
    """A comparison of the request with a text, which nothing but a text equals: most are, and this is quicker."""
    text = None if isinstance(term.right, Asked) else value(term.right, (), fields)
    if not isinstance(term.left, Asked) or not isinstance(text, str):
        return None
    at = term.left.at
    if term.sign == "==":
        return lambda request: request[at] == text
    if term.sign == "!=":
        return lambda request: request[at] is not None and request[at] != text
    return None


def _linked(term: Linked, fields: tuple[str, ...], reached: Reached) -> Test:
    lower, upper = _getter(term.lower, fields), _getter(term.upper, fields)
    role, domain = term.role, _getter(term.domain or Literal(""), fields)

    def linked(request: Asking) -> bool:
        name, other, place = lower(request), upper(request), domain(request)
        if not (isinstance(name, str) and isinstance(other, str) and isinstance(place, str)):
            return False
        return name == other or other in reached.get((role, place), _NOBODY).get(name, ())

    return linked


def _getter(operand: Operand, fields: tuple[str, ...]) -> Callable[[Asking], Value]:
    if isinstance(operand, Asked):
        at = operand.at
        return lambda request: request[at]
    known = value(operand, (), fields)
    return lambda _: known
