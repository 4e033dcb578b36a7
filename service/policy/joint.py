"""The joint: the shape of matcher under which a division is answered from in constant time.

One conjunction of `r.x == p.y` and `g(r.x, p.y[, domain])`, each field matched by at most one of them, and a domain
matched by an equality as well: so that a row names the complete set of requests that it matches. Models of practices
have this shape; `service.decision.engine` makes bits of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.policy.expression import Asked, Compared, Linked, Operand, Term, Written
from service.policy.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Tie:
    """One condition: the request's field equals the row's, or (`role` set) reaches it through that role definition.

    `request`, `policy` and `domain` are columns; `domain` is a column of the row, None where the roles have none.
    """

    request: int
    policy: int
    role: str = ""
    domain: int | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """A conjunction of ties, sorted by what the engine makes of them.

    `subject` joins users to roles; `division` is the equality whose field divides everything (the practice), or None;
    `keys` are the others. `divided` names the role definitions whose rows belong to a division.
    """

    ties: tuple[Tie, ...]
    subject: Tie
    division: Tie | None
    keys: tuple[Tie, ...]
    divided: frozenset[str]


def arrange(matcher: Matcher) -> Joint | None:
    """The joint that a matcher is; None where it is more than that."""
    if len(matcher.alternatives) != 1 or matcher.attributes:
        return None
    [terms] = matcher.alternatives
    equals: dict[Operand, int] = {}
    for asked, written in filter(None, map(_equality, terms)):
        equals[asked] = equals[written] = written.at
    ties: list[Tie] = []
    for term in terms:
        tie = _tie(term, equals)
        if tie is None or any(_clash(tie, other) for other in ties):
            return None
        ties.append(tie)
    subject = min((tie for tie in ties if tie.role), key=lambda tie: tie.request, default=ties[0])
    division = next((tie for tie in ties if not tie.role and tie.policy == subject.domain), None)
    keys = tuple(tie for tie in ties if tie not in (subject, division))
    divided = frozenset(tie.role for tie in ties if tie.role and division and tie.domain == division.policy)
    return Joint(tuple(ties), subject, division, keys, divided)


def _equality(term: Term) -> tuple[Asked, Written] | None:
    if not isinstance(term, Compared) or term.sign != "==":
        return None
    left, right = term.left, term.right
    return (left, right) if isinstance(left, Asked) and isinstance(right, Written) else None


def _tie(term: Term, equals: Mapping[Operand, int]) -> Tie | None:
    if equality := _equality(term):
        return Tie(equality[0].at, equality[1].at)
    if not isinstance(term, Linked) or not (isinstance(term.lower, Asked) and isinstance(term.upper, Written)):
        return None
    if term.domain is not None and term.domain not in equals:
        return None
    domain = None if term.domain is None else equals[term.domain]
    return Tie(term.lower.at, term.upper.at, term.role, domain)


def _clash(one: Tie, other: Tie) -> bool:
    same_role = one.role != "" and one.role == other.role
    return one.request == other.request or one.policy == other.policy or same_role
