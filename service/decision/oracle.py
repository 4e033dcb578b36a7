"""The second opinion: stock pycasbin, asked the same questions.

The only module that imports `casbin`, which the check part is installed without: whoever can do without a second
opinion imports this module late, and gets a ConfigError where Casbin is missing. It never answers a request; it is
asked in tests, by `rolewarden check --with-casbin`, and of what a change can reach. Where we differ from it on
purpose, the difference has a name in `DIFFERENCES`, and a page in the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.errors import ConfigError
from service.policy.model import Model
from service.values import Request, Row

try:
    import casbin
    from casbin.persist import Adapter
except ModuleNotFoundError as missing:
    raise ConfigError("stock Casbin is not installed", "install `rolewarden[setup]`") from missing

DIFFERENCES = {
    "only-deciding-rows": "an explanation names rows that decided; Casbin also names a `deny` row that it ignored",
    "no-empty-allow": "a request of empty names is refused; Casbin allows it under an empty policy",
    "deny-by-default": "no matching row is a refusal under every effect; Casbin allows it under deny-override",
    "exact-effect": "a row says exactly `allow` or `deny`; Casbin ignores a row that says `Deny`",
    "no-lost-rows": "a row of an unknown type or length is refused; Casbin drops it, or raises when it is reached",
    "one-role-depth": "circles and chains over nine links are refused; Casbin's decisions and reports disagree on them",
    "literal-text": "text is never rewritten; Casbin replaces `!`, `&&` and `r.x` inside quotes of a matcher",
    "real-quotes": "quotes in CSV are quotes, in and out; Casbin for Python reads them as part of the name",
    "typed-subject": "only users can ask and only actions be asked for; Casbin says yes to a role or a level by name",
    "known-names": "unknown and inactive users, and actions of other screens, are refused before any row is read",
}


class Oracle:
    """A stock `casbin.Enforcer` over rows that we parsed. Cost: linear in the number of rows for each question."""

    def __init__(self, model: Model, rows: Iterable[Row]) -> None:
        text = casbin.Enforcer.new_model(text=model.text)
        self._enforcer = casbin.Enforcer(text, _Rows(model, rows))

    def allows(self, request: Request) -> bool:
        """What stock Casbin says."""
        return bool(self._enforcer.enforce(*request))

    def explain(self, request: Request) -> tuple[bool, Row | None]:
        """What stock Casbin says, and the one row that it names."""
        allowed, fields = self._enforcer.enforce_ex(*request)
        return bool(allowed), Row("p", tuple(fields)) if fields else None


class _Rows(Adapter):  # type: ignore[misc]
    """Hands rows to Casbin as its own adapters do after splitting a line."""

    def __init__(self, model: Model, rows: Iterable[Row]) -> None:
        self._kinds = model.widths
        self._rows = rows

    def load_policy(self, model: Any) -> None:
        for row in self._rows:
            if row.kind in self._kinds:
                model.model[row.kind[0]][row.kind].policy.append(list(row.fields))
