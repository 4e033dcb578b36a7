"""The second opinion: stock pycasbin, asked the same questions.

The only module that imports `casbin`, which the check part is installed without: whoever can do without a second
opinion imports this module late, and gets a ConfigError where Casbin is missing. It never answers a request; it is
asked in tests, by `rolewarden check --with-casbin`, and of what a change can reach. Where we differ from it on
purpose, the difference has a name in `DIFFERENCES`, and a page in the reference.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from service.errors import ConfigError
from service.policy.expression import Value
from service.policy.model import Model
from service.values import Row

try:
    import casbin
    from casbin.persist import Adapter
    from casbin.util import expression as evaluator
except ModuleNotFoundError as missing:
    raise ConfigError("stock Casbin is not installed", "install `rolewarden[setup]`") from missing

# Casbin has its matcher parsed anew for each question, which is a third of its time. Python gives the same tree for the
# same text, and nobody changes it; all else is as shipped.
evaluator.ast = SimpleNamespace(parse=lru_cache(maxsize=64)(ast.parse))

DIFFERENCES = {
    "only-deciding-rows": "an explanation names rows that decided; Casbin also names a `deny` row that it ignored",
    "no-empty-allow": "a request of empty names is refused; Casbin allows it under an empty policy",
    "deny-by-default": "a policy without any row refuses under every effect; Casbin allows all under deny-override",
    "exact-effect": "a row says exactly `allow` or `deny`; Casbin ignores a row that says `Deny`",
    "no-lost-rows": "a row of an unknown type or length is refused; Casbin drops it, or raises when it is reached",
    "one-role-depth": "circles and chains over nine links are refused; Casbin's decisions and reports disagree on them",
    "literal-text": "text is never rewritten; Casbin replaces `!`, `&&` and `r.x` inside quotes of a matcher",
    "real-quotes": "quotes in CSV are quotes, in and out; Casbin for Python reads them as part of the name",
    "typed-subject": "only users can ask and only actions be asked for; Casbin says yes to a role or a level by name",
    "known-names": "unknown and inactive users, and actions of other screens, are refused before any row is read",
    "missing-attribute": "a missing attribute satisfies no comparison, `!=` included, and no link; Casbin raises",
    "never-raises": "values that cannot be compared, and what is no address, do not match; Casbin raises",
    "kinds-apart": "`true` is not 1, and 1 names no domain; to Casbin for Python they are, and it does",
    "either-truth": "`true` and `True` mean the same in a matcher; Casbin for Go knows one, for Python the other",
    "whole-value": "a pattern fits a whole value; Casbin for Python passes over a line break at its end",
    "plain-dots": "a dot in a pattern of keyMatch2 to keyMatch5 is a dot; to Casbin it is any character",
}


class Oracle:
    """A stock `casbin.Enforcer` over rows that we parsed. Cost: linear in the number of rows for each question."""

    def __init__(self, model: Model, rows: Iterable[Row]) -> None:
        text = casbin.Enforcer.new_model(text=model.text)
        text["m"]["m"].value = _TRUTH.sub(_capital, text["m"]["m"].value)
        self._model = model
        self._enforcer = casbin.Enforcer(text, _Rows(model, rows))
        for definition in self._enforcer.model.model.get("g", {}).values():
            definition.rm = _Links(definition.rm)

    def allows(self, request: tuple[Value, ...]) -> bool:
        """What stock Casbin says; a refusal where it raises (`never-raises`)."""
        return self.explain(request)[0]

    def explain(self, request: tuple[Value, ...]) -> tuple[bool, Row | None]:
        """What stock Casbin says, and the one row that it names."""
        try:
            allowed, fields = self._enforcer.enforce_ex(*self._objects(request))
        except Exception:  # noqa: BLE001 - on values that a matcher cannot compare, Casbin raises whatever Python does
            return False, None
        return bool(allowed), Row("p", tuple(fields)) if fields else None

    def _objects(self, request: tuple[Value, ...]) -> list[Any]:
        """The request as Casbin takes it: what has attributes is an object that has them."""
        width = len(self._model.request)
        given: list[Any] = [_MISSING if value is None else value for value in request[:width]]
        for (column, name), value in zip(self._model.matcher.attributes, request[width:], strict=True):
            if not isinstance(given[column], _Named):
                given[column] = _Named(given[column])
            setattr(given[column], name, _MISSING if value is None else value)
        return given


class _Named(str):  # noqa: SLOT000 - attributes of any name are the point
    """A name with attributes."""


class _Missing:
    """What no comparison holds for. As a domain Casbin takes it as text."""

    def __str__(self) -> str:
        return _NOWHERE

    __hash__ = object.__hash__  # it is equal to nothing, and yet Casbin looks it up

    def _never(self, _other: object) -> bool:
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never


class _Links:
    """The links of a role definition. In a domain that is missing there are none, not even of a name to itself."""

    def __init__(self, stock: Any) -> None:
        self._stock = stock

    def has_link(self, lower: str, upper: str, *domain: str) -> bool:
        return _NOWHERE not in domain and bool(self._stock.has_link(lower, upper, *domain))


_NOWHERE = "\0"
_MISSING = _Missing()
_TRUTH = re.compile(r"\"[^\"]*\"|'[^']*'|\b(?:true|false)\b")


def _capital(found: re.Match[str]) -> str:
    """`True` for `true`, as Python spells it (`either-truth`); texts stay as they are."""
    return found[0].capitalize() if found[0] in ("true", "false") else found[0]


class _Rows(Adapter):  # type: ignore[misc]
    """Hands rows to Casbin as its own adapters do after splitting a line."""

    def __init__(self, model: Model, rows: Iterable[Row]) -> None:
        self._kinds = model.widths
        self._rows = rows

    def load_policy(self, model: Any) -> None:
        for row in self._rows:
            if row.kind in self._kinds:
                model.model[row.kind[0]][row.kind].policy.append(list(row.fields))
