"""The expression: what a matcher says, as values that a definition can read and an engine can compile.

A request is the fields of `r` and behind them the attributes that the matcher reads, each text, number, truth value,
or missing (None). A row is its fields. A matcher is alternatives, each a conjunction of the terms below; there is no
negation, so that what is missing can never make a term hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | bool | int | float | None
"""What a request holds at one place; None where it holds nothing that can be compared."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The value number `at` of the request."""

    at: int


@dataclass(frozen=True, slots=True)
class Written:
    """The field number `at` of the row."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the matcher."""

    value: str | bool | int | float


Operand = Asked | Written | Literal


@dataclass(frozen=True, slots=True)
class Compared:
    """`left sign right`, where the sign is one of `SIGNS`."""

    left: Operand
    sign: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Linked:
    """`role(lower, upper, domain)`: `lower` is `upper`, or reaches it by rows of that role definition."""

    role: str
    lower: Operand
    upper: Operand
    domain: Operand | None = None


@dataclass(frozen=True, slots=True)
class Fitting:
    """`function(value, pattern)`, where the function is one of `patterns.FUNCTIONS`."""

    function: str
    value: Operand
    pattern: Operand


@dataclass(frozen=True, slots=True)
class Listed:
    """`value in (a, b)`."""

    value: Operand
    among: tuple[Literal, ...]


Term = Compared | Linked | Fitting | Listed
Conjunction = tuple[Term, ...]

SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT, _NUMBER, _TRUTH = "text", "number", "truth"


def operands(term: Term) -> tuple[Operand, ...]:
    """Every operand of a term."""
    if isinstance(term, Compared):
        return term.left, term.right
    if isinstance(term, Linked):
        return (term.lower, term.upper) if term.domain is None else (term.lower, term.upper, term.domain)
    return (term.value, term.pattern) if isinstance(term, Fitting) else (term.value, *term.among)


def value(operand: Operand, request: tuple[Value, ...], fields: tuple[str, ...]) -> Value:
    """What an operand stands for."""
    if isinstance(operand, Asked):
        return request[operand.at]
    return fields[operand.at] if isinstance(operand, Written) else operand.value


def compare(left: Value, sign: str, right: Value) -> bool:
    """Whether a comparison holds. What is missing satisfies none, and order is among texts or among numbers only."""
    if left is None or right is None:
        return False
    kind = _kind(left)
    if kind != _kind(right):
        return sign == "!="
    if kind == _TRUTH and sign not in ("==", "!="):
        return False
    return SIGNS[sign](left, right)


def _kind(given: Value) -> str:
    if isinstance(given, str):
        return _TEXT
    return _TRUTH if isinstance(given, bool) else _NUMBER
