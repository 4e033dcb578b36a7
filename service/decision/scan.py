"""The definition: what an answer is, as a plain scan over the rows.

Nothing here is fast and nothing is clever. The engines answer the same by their indexes, and the generated tests hold
them to this file, in decision and in reasons. Read it from the bottom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from service.policy import patterns
from service.policy.expression import Compared, Linked, Listed, Literal, Operand, Term, Value, compare, value
from service.policy.model import Effect, Model
from service.values import Reason, Row

Vocabulary = Mapping[str, frozenset[str]]
"""The screens that exist, each with the actions that may be asked about it."""

Asking = tuple[Value, ...]
"""A request: the fields of the model's `r`, then the attributes that its matcher reads."""


def distance(rows: Iterable[Row], role: str, lower: Value, upper: Value, domain: Value = "") -> int | None:
    """How many links lead from `lower` up to `upper`, within the domain if the links have one; None: none do."""
    links = [row.fields for row in rows if row.kind == role and row.fields[2:] in ((), (domain,))]
    reached, steps = {lower}, 0
    while upper not in reached:
        more = {fields[1] for fields in links if fields[0] in reached} - reached
        if not more:
            return None
        reached |= more
        steps += 1
    return steps


def holds(rows: Iterable[Row], term: Term, request: Asking, row: Row) -> bool:
    """Whether one term of the matcher holds between a request and a `p` row. What is missing satisfies none."""

    def of(operand: Operand) -> Value:
        return value(operand, request, row.fields)

    if isinstance(term, Compared):
        return compare(of(term.left), term.sign, of(term.right))
    if isinstance(term, Linked):
        domain = of(term.domain or Literal(""))
        names = of(term.lower), of(term.upper), domain
        return all(isinstance(name, str) for name in names) and distance(rows, term.role, *names) is not None
    given = of(term.value)
    if isinstance(term, Listed):
        return any(compare(given, "==", other.value) for other in term.among)
    return isinstance(given, str) and patterns.compiled(term.function, str(of(term.pattern)))(given)


def matches(model: Model, rows: Iterable[Row], request: Asking, row: Row) -> bool:
    """Whether a `p` row matches: all terms of one of the alternatives hold."""
    return any(all(holds(rows, term, request, row) for term in terms) for terms in model.matcher.alternatives)


def place(model: Model, rows: Sequence[Row], request: Asking, row: Row) -> tuple[int, int]:
    """How early a row comes: by its priority or its subject's nearness, then in the order of writing."""
    column, first = model.priority_column, 0
    if model.effect is Effect.SUBJECT_PRIORITY:
        [link] = [term for term in model.matcher.terms if isinstance(term, Linked) and term.role == "g"]
        domain = value(link.domain or Literal(""), request, row.fields)
        first = distance(rows, "g", value(link.lower, request, ()), row.fields[0], domain) or 0
    elif column is not None:
        first = int(row.fields[column])
    return first, rows.index(row)


def decide(model: Model, rows: Sequence[Row], request: Asking) -> tuple[bool, frozenset[Row]]:
    """Casbin's decision and the rows that decided. A policy without any `p` row refuses everything."""
    policy, column = [row for row in rows if row.kind == "p"], model.effect_column
    matching = [row for row in policy if matches(model, rows, request, row)]
    if model.effect.ordered:
        matching = sorted(matching, key=lambda row: place(model, rows, request, row))[:1]
    denying = frozenset(row for row in matching if column is not None and row.fields[column] == "deny")
    allowing = frozenset(row for row in matching if column is None or row.fields[column] == "allow")
    if denying and model.effect is not Effect.ALLOW_OVERRIDE:
        return False, denying
    if model.effect is Effect.DENY_OVERRIDE:
        return bool(policy), allowing
    return bool(allowing), allowing


def answer(
    model: Model, rows: Sequence[Row], vocabulary: Vocabulary, request: tuple[str, ...]
) -> tuple[Reason, frozenset[Row]]:
    """The answer for a model of practices: what is unknown is refused with its own reason before any row is read."""
    user, practice, screen, action = request
    people = {row.fields[1]: row.fields[3] for row in rows if row.kind == "user" and row.practice == practice}
    if not any(row.kind == "practice" and row.practice == practice for row in rows):
        return Reason.UNKNOWN_PRACTICE, frozenset()
    state = people.get(user.removeprefix("user:")) if user.startswith("user:") else None
    if state != "active":
        return Reason.UNKNOWN_USER if state is None else Reason.INACTIVE_USER, frozenset()
    if screen not in vocabulary:
        return Reason.UNKNOWN_SCREEN, frozenset()
    if action not in vocabulary[screen]:
        return Reason.UNKNOWN_ACTION, frozenset()
    allowed, deciding = decide(model, rows, request)
    return Reason.ALLOWED if allowed else Reason.NO_LEVEL, deciding
