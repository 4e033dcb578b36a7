"""The matcher: Casbin's expression language, read into alternatives that can be compiled exactly.

    matcher = all || all || ...           all  = term && term && ...          brackets stand anywhere
    term    = x == y, x != y, x < y ...   comparisons of fields, attributes (`r.sub.role`) and values
            | g(x, y), g(x, y, domain)    linked, for each role definition
            | keyMatch(x, pattern) ...    the functions of `patterns`, the pattern in a row or in the matcher
            | x in ("a", "b")             one of a list

Everything else is refused by name: above all `!`, under which a missing attribute would grant something, and `eval`,
under which a row would be a program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.policy import patterns
from service.policy.expression import (
    SIGNS,
    Asked,
    Compared,
    Conjunction,
    Fitting,
    Linked,
    Listed,
    Literal,
    Operand,
    Term,
    Written,
    operands,
)
from service.policy.findings import finding
from service.policy.regex import Unsupported
from service.values import Finding, Position

SUPPORTED = (
    "supported: comparisons, `g`, `in` with a list, `keyMatch` to `keyMatch5`, `globMatch`, `regexMatch` and "
    "`ipMatch`, joined by `&&` and `||`"
)
MOST_ALTERNATIVES = 64
DEEPEST = 32
"""Brackets within each other."""

Attribute = tuple[int, str]
"""An attribute that a matcher reads: the number of the field in `r`, and its name."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A disjunction of conjunctions. `attributes` are read behind the fields of the request, in this order."""

    alternatives: tuple[Conjunction, ...]
    attributes: tuple[Attribute, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all alternatives."""
        return tuple(term for terms in self.alternatives for term in terms)


_TOKEN = re.compile(
    r"\s*(?:([A-Za-z_][\w.]*)|(\"[^\"]*\"?|'[^']*'?)|(&&|\|\||[=!<>]=|[(),<>\[\]])|(\d[\w.]*)|(\S))", re.ASCII
)
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
_TRUTH = {"true": True, "false": False, "True": True, "False": False}
_KNOWN = re.compile(r"keyGet[23]?|timeMatch|eval|allMatch", re.ASCII)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


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
        return _Parser(text, request, policy, roles).matcher()
    except _Refused as refused:
        offset, what = refused.args
        found.append(finding("matcher-unsupported", at(offset), what, SUPPORTED))
    except Unsupported as unsupported:
        found.append(finding("pattern-unsupported", at(unsupported.offset), unsupported.found, unsupported.mend))
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
        self._tokens = [token for token in self._tokens if token[0]]
        self._tokens.append(("", max(0, len(text) - 1)))
        self._next = 0
        self._depth = 0
        self._attributes: list[Attribute] = []

    def matcher(self) -> Matcher:
        """The whole text, to its end."""
        alternatives = self._any()
        if self._peek():
            raise self._refuse()
        return Matcher(tuple(alternatives), tuple(self._attributes))

    def _any(self) -> list[Conjunction]:
        found = self._all()
        while self._joined("||"):
            found = self._bounded(found + self._all())
        return found

    def _all(self) -> list[Conjunction]:
        found = self._one()
        while self._joined("&&"):
            more = self._one()
            found = self._bounded([(*some, *others) for some in found for others in more])
        return found

    def _one(self) -> list[Conjunction]:
        if self._peek() != "(":
            return [(self._term(),)]
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Refused(self._offset(), f"brackets more than {DEEPEST} deep")
        self._next += 1
        found = self._any()
        self._expect(")")
        self._depth -= 1
        return found

    def _joined(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        offset = self._offset()
        if not (self._text[offset - 1].isspace() and self._text[offset + 2 : offset + 3].isspace()):
            # Casbin for Python writes a word in its place, and would make one name of what stands around it.
            raise _Refused(offset, f"`{sign}` without a blank on both sides")
        self._next += 1
        return True

    def _bounded(self, found: list[Conjunction]) -> list[Conjunction]:
        if len(found) > MOST_ALTERNATIVES:
            raise _Refused(self._offset(), f"more than {MOST_ALTERNATIVES} alternatives, brackets worked out")
        return found

    def _term(self) -> Term:
        offset = self._offset()
        if self._peek() in self._roles:
            term: Term = self._linked()
        elif self._peek() in patterns.FUNCTIONS and self._tokens[self._next + 1][0] == "(":
            term = self._fitting()
        else:
            term = self._compared()
        if not any(isinstance(operand, Asked | Written) for operand in operands(term)):
            raise _Refused(offset, "a term that looks at no field")
        return term

    def _linked(self) -> Linked:
        role = self._take()
        self._expect("(")
        lower = self._named()
        self._expect(",")
        upper = self._named()
        domain = None
        if self._roles[role] == len("_,_,_"[::2]):
            self._expect(",")
            domain = self._named()
        self._expect(")")
        return Linked(role, lower, upper, domain)

    def _named(self) -> Operand:
        """What stands in a role definition's brackets: a field, or a name in quotes."""
        offset, operand = self._offset(), self._operand()
        if isinstance(operand, Literal) and not isinstance(operand.value, str):
            raise _Refused(offset, "a value that is no name")
        return operand

    def _fitting(self) -> Fitting:
        function = self._take()
        self._expect("(")
        value = self._operand()
        self._expect(",")
        offset, pattern = self._offset(), self._operand()
        if isinstance(pattern, Asked):
            # Whoever asks would say which pattern they have to fit.
            raise _Refused(offset, "a pattern that comes with the request")
        if isinstance(pattern, Literal):
            try:
                patterns.compiled(function, str(pattern.value))
            except Unsupported as unsupported:
                raise unsupported.at(offset) from None
        self._expect(")")
        return Fitting(function, value, pattern)

    def _compared(self) -> Compared | Listed:
        left = self._operand()
        offset, sign = self._offset(), self._peek()
        if sign == "in":
            self._next += 1
            return Listed(left, self._list())
        if sign not in SIGNS:
            raise self._refuse("==")
        self._next += 1
        right = self._operand()
        if isinstance(left, Literal) or (isinstance(left, Written) and isinstance(right, Asked)):
            left, sign, right = right, _TURNED.get(sign, sign), left
        if sign not in ("==", "!=") and (isinstance(left, Written) or isinstance(right, Written)):
            raise _Refused(offset, f"`{sign}` on a field of a row, which is text")
        return Compared(left, sign, right)

    def _list(self) -> tuple[Literal, ...]:
        offset, closing = self._offset(), {"(": ")", "[": "]"}.get(self._peek())
        if closing is None:
            raise self._refuse("(")
        self._next += 1
        found = [self._literal()]
        while self._peek() == ",":
            self._next += 1
            found.append(self._literal())
        self._expect(closing)
        if closing == ")" and len(found) == 1:
            # To Casbin for Python that is the text itself, and `in` looks for a part of it.
            raise _Refused(offset, "a list of one, in round brackets")
        return tuple(found)

    def _literal(self) -> Literal:
        operand = self._operand()
        if not isinstance(operand, Literal):
            self._next -= 1
            raise self._refuse('"..."')
        return operand

    def _operand(self) -> Operand:
        token, offset = self._tokens[self._next]
        if token[:1] in ('"', "'"):
            if len(token) == 1 or token[-1] != token[0]:
                raise _Refused(offset, f"text {token}, whose quote is left open")
            if "\\" in token:
                raise _Refused(offset, f"text {token} with a backslash, which Casbins read differently")
            self._next += 1
            return Literal(token[1:-1])
        if token in _TRUTH:
            self._next += 1
            return Literal(_TRUTH[token])
        if _NUMBER.fullmatch(token):
            self._next += 1
            return Literal(float(token) if "." in token else int(token))
        return self._field()

    def _field(self) -> Operand:
        """A reference such as `r.sub`, `p.sub` or `r.sub.role`."""
        side, _, path = self._peek().partition(".")
        name, dot, attribute = path.partition(".")
        if side not in self._columns or name not in self._columns[side]:
            raise self._refuse()
        if dot and (side == "p" or not attribute or "." in attribute or attribute.startswith("_")):
            raise self._refuse()
        self._next += 1
        column = self._columns[side].index(name)
        if not dot:
            return Asked(column) if side == "r" else Written(column)
        if (column, attribute) not in self._attributes:
            self._attributes.append((column, attribute))
        return Asked(len(self._columns["r"]) + self._attributes.index((column, attribute)))

    def _peek(self) -> str:
        return self._tokens[self._next][0]

    def _offset(self) -> int:
        return self._tokens[self._next][1]

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][0]

    def _expect(self, token: str) -> None:
        if self._peek() != token:
            raise self._refuse(token)
        self._next += 1

    def _refuse(self, expected: str = "") -> _Refused:
        token, offset = self._tokens[self._next]
        following = self._tokens[self._next + 1][0] if token else ""
        return _Refused(offset, _describe(token, following, self._columns, expected))


def _describe(token: str, following: str, columns: Mapping[str, tuple[str, ...]], expected: str) -> str:
    """What stands where something else was expected, in the words of someone who knows Casbin."""
    side, _, name = token.partition(".")
    if not token:
        return "the matcher ends too early" + (f": a bracket or `{expected}` is missing" if expected else "")
    if _KNOWN.fullmatch(token) or (following == "(" and token.isidentifier()):
        return f"function `{token}`"
    if token == "!":  # noqa: S105  a token of the matcher, and no secret
        return "a negation, `!`"
    if side in columns and "." in name:
        return f"`{token}`, an attribute that cannot be read"
    if side in columns and name not in columns[side]:
        return f"`{token}`, a field that the model does not define"
    return f"`{token}`" + (f" where `{expected}` belongs" if expected else "")
