"""The definition: what an answer is, as a plain scan over the rows.

Nothing here is fast and nothing is clever. The engine answers the same in constant time, and the generated tests hold
it to this file, in decision and in reasons. Read it from the bottom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.policy.matcher import Term
from service.policy.model import Model
from service.values import Reason, Request, Row

Vocabulary = Mapping[str, frozenset[str]]
"""The screens that exist, each with the actions that may be asked about it."""


def reaches(rows: Iterable[Row], role: str, lower: str, upper: str, domain: str | None) -> bool:
    """Whether `lower` is `upper`, or is linked to it, directly or through others, within the domain."""
    if lower == upper:
        return True
    rows = [row for row in rows if row.kind == role and (domain is None or row.fields[2] == domain)]
    reached, grew = {lower}, True
    while grew:
        more = {row.fields[1] for row in rows if row.fields[0] in reached} - reached
        reached |= more
        grew = bool(more)
    return upper in reached


def matches(rows: Iterable[Row], term: Term, request: Request, row: Row) -> bool:
    """Whether one term of the matcher holds between a request and a `p` row."""
    asked, written = request[term.request], row.fields[term.policy]
    if not term.role:
        return asked == written
    domain = None if term.domain is None else row.fields[term.domain]
    return reaches(rows, term.role, asked, written, domain)


def decide(model: Model, rows: frozenset[Row], request: Request) -> tuple[bool, frozenset[Row]]:
    """Casbin's decision and the rows that decided: forbid trumps permit, and no row at all is a refusal."""
    column = model.effect_column
    matching = {
        row
        for row in rows
        if row.kind == "p" and all(matches(rows, term, request, row) for term in model.matcher.terms)
    }
    denying = frozenset(row for row in matching if column is not None and row.fields[column] == "deny")
    allowing = frozenset(row for row in matching if column is None or row.fields[column] == "allow")
    if denying and "deny" in model.effect:
        return False, denying
    return bool(allowing), allowing


def answer(
    model: Model, rows: frozenset[Row], vocabulary: Vocabulary, request: Request
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
