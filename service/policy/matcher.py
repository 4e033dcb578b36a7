"""The matcher: what of Casbin's expression language is compiled, and the shape that makes it compilable.

    matcher = term && term && ...
    term    = r.x == p.y                       equal
            | g(r.x, p.y) | g(r.x, p.y, d.z)   linked, in the domain that the request or the row names

Everything else is refused by name. Beyond the grammar, each field is matched by at most one term, and a domain is
also matched by equality: so that a row names the complete set of requests that it matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.policy.findings import finding
from service.values import Finding, Position

SUPPORTED = "supported: `r.x == p.y`, `g(r.x, p.y)` and `g(r.x, p.y, r.z)`, joined by `&&`"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the request's field equals the row's, or (`role` set) reaches it through that role definition.

    `request`, `policy` and `domain` are columns; `domain` is a column of the row, None where the roles have none.
    """

    request: int
    policy: int
    role: str = ""
    domain: int | None = None


@dataclass(frozen=True, slots=True)
class Matcher:
    """A conjunction of terms, sorted by what the engine makes of them.

    `subject` joins users to roles; `division` is the equality whose field divides everything (the practice), or None;
    `keys` are the others. `divided` names the role definitions whose rows belong to a division.
    """

    terms: tuple[Term, ...]
    subject: Term
    division: Term | None
    keys: tuple[Term, ...]
    divided: frozenset[str]


_TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w.]*)|(\"[^\"]*\"?|'[^']*'?)|(&&|\|\||[=!<>]=|[(),])|(\d[\w.]*)|(\S))")
_KNOWN = re.compile(r"keyMatch[2-5]?|keyGet[2-3]?|globMatch|regexMatch|ipMatch|timeMatch|eval|keyMatch")


class _Refused(Exception):
    """The matcher cannot be compiled: (offset, what was found)."""


def parse(
    text: str,
    at: Callable[[int], Position],
    request: tuple[str, ...],
    policy: tuple[str, ...],
    roles: Mapping[str, int],
    found: list[Finding],
) -> Matcher | None:
    """Read the matcher of a model; None and a finding where it is not supported. `at` places an offset in the file."""
    try:
        terms = _Parser(text, request, policy, roles).terms()
        return _arrange(terms, request, policy)
    except _Refused as refused:
        offset, what = refused.args
        found.append(finding("matcher-unsupported", at(offset), what, SUPPORTED))
        return None


class _Parser:
    """Recursive descent over the tokens of one matcher; each token is (text, offset)."""

    def __init__(self, text: str, request: tuple[str, ...], policy: tuple[str, ...], roles: Mapping[str, int]) -> None:
        self._text = text
        self._columns = {"r": request, "p": policy}
        self._roles = roles
        self._tokens = [
            (m.group().strip(), m.start() + len(m.group()) - len(m.group().lstrip())) for m in _TOKEN.finditer(text)
        ]
        self._tokens.append(("", max(0, len(text) - 1)))
        self._next = 0
        self._domains: list[tuple[int, str, int]] = []

    def terms(self) -> list[tuple[Term, tuple[str, int] | None, int]]:
        """All terms as (term, domain as written, offset)."""
        terms = [self._term()]
        while self._peek() == "&&":
            offset = self._tokens[self._next][1]
            if not (self._text[offset - 1].isspace() and self._text[offset + 2 : offset + 3].isspace()):
                # Casbin for Python writes `and` in its place, and would make one name of what stands around it.
                raise _Refused(offset, "`&&` without a blank on both sides")
            self._next += 1
            terms.append(self._term())
        if self._peek():
            raise self._refuse()
        return terms

    def _term(self) -> tuple[Term, tuple[str, int] | None, int]:
        offset = self._tokens[self._next][1]
        if self._peek() in self._roles:
            role = self._take()
            self._expect("(")
            left = self._field("r")
            self._expect(",")
            right = self._field("p")
            domain = None
            if self._roles[role] == len("_,_,_"[::2]):
                self._expect(",")
                domain = self._field("rp")
            self._expect(")")
            return Term(left[1], right[1], role), domain, offset
        left = self._field("rp")
        self._expect("==")
        right = self._field("p" if left[0] == "r" else "r")
        sides = dict((left, right))
        return Term(sides["r"], sides["p"]), None, offset

    def _field(self, sides: str) -> tuple[str, int]:
        """A reference such as `r.user`, of one of the sides, as (side, column)."""
        side, _, name = self._peek().partition(".")
        if side not in self._columns or side not in sides or name not in self._columns[side]:
            raise self._refuse()
        self._next += 1
        return side, self._columns[side].index(name)

    def _peek(self) -> str:
        return self._tokens[self._next][0]

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][0]

    def _expect(self, token: str) -> None:
        if self._peek() != token:
            raise self._refuse(token)
        self._next += 1

    def _refuse(self, expected: str = "") -> _Refused:
        token, offset = self._tokens[self._next]
        return _Refused(offset, _describe(token, self._columns, expected))


def _describe(token: str, columns: Mapping[str, tuple[str, ...]], expected: str) -> str:
    """What stands where something else was expected, in the words of someone who knows Casbin."""
    side, _, name = token.partition(".")
    if not token:
        return "the matcher ends too early" + (f": a bracket or `{expected}` is missing" if expected else "")
    if _KNOWN.fullmatch(token):
        return f"function `{token}`"
    if token[0] in "\"'":
        return f"text {token} in a matcher"
    if side in columns and "." in name:
        return f"attribute `{token}`"
    if side in columns and name not in columns[side]:
        return f"`{token}`, a field that the model does not define"
    return f"`{token}`" + (f" where `{expected}` belongs" if expected else "")


def _arrange(
    written: list[tuple[Term, tuple[str, int] | None, int]], request: tuple[str, ...], policy: tuple[str, ...]
) -> Matcher:
    """Resolve domains to columns of the row, and sort the terms into subject, division and keys."""
    equals = {("r", t.request): t.policy for t, _, _ in written if not t.role}
    equals |= {("p", t.policy): t.policy for t, _, _ in written if not t.role}
    terms: list[Term] = []
    for term, domain, offset in written:
        for other in terms:
            if term.request == other.request or term.policy == other.policy or (term.role and term.role == other.role):
                raise _Refused(offset, "a field or role definition that is matched twice")
        if domain is not None and domain not in equals:
            side, column = domain
            name = f"{side}.{(request if side == 'r' else policy)[column]}"
            raise _Refused(offset, f"domain `{name}` without an equality that ties it to the row")
        terms.append(Term(term.request, term.policy, term.role, None if domain is None else equals[domain]))
    subject = min((term for term in terms if term.role), key=lambda term: term.request, default=terms[0])
    division = next((t for t in terms if not t.role and t.policy == subject.domain), None)
    keys = tuple(term for term in terms if term not in (subject, division))
    divided = frozenset(t.role for t in terms if t.role and division and t.domain == division.policy)
    return Matcher(tuple(terms), subject, division, keys, divided)
