"""A decision as a sentence, in the words that practices use: who may or may not do what, and what stands behind it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

from service.commands import present
from service.decide import Answer
from service.decision.engine import Division
from service.loaded import Loaded
from service.values import ROLE_PREFIX, USER_PREFIX, Reason, Row

NOTHING = "(empty)"
"""Where a name would stand of which nothing was typed."""


@dataclass(frozen=True)
class Told:
    """An answer, what it was read from, and what was asked by the names of `request.yaml`."""

    answer: Answer
    loaded: Loaded
    asked: Mapping[str, str]

    @property
    def division(self) -> Division | None:
        """The practice that was asked about, if it could be asked."""
        return self.loaded.snapshot.divisions.get(self.asked["practice"])

    @property
    def subject(self) -> str:
        """The user as rows name them."""
        return USER_PREFIX + self.asked["user"]

    @cached_property
    def who(self) -> str:
        """The user's name as people know it; the id where the directory has none."""
        return self._named("user", 1, self.asked["user"], 2)

    @cached_property
    def where(self) -> str:
        """The practice's name as people know it."""
        return self._named("practice", 0, self.asked["practice"], 1)

    def _named(self, kind: str, key: int, wanted: str, column: int) -> str:
        rows = self.division.rows if self.division else ()
        names = (row.fields[column] for row in rows if row.kind == kind and row.fields[key] == wanted)
        return next(names, f"`{wanted or NOTHING}`")

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that decided, and those by which the user comes to their roles."""
        explained = self.answer.explanation
        return (*explained.rows, *explained.links) if explained else ()

    @property
    def roles(self) -> list[str]:
        """Every role that the user has, through another one too."""
        reached = self.division.reached(self.subject) if self.division else frozenset()
        return sorted(bare(name) for name in reached if name.startswith(ROLE_PREFIX))

    @property
    def message(self) -> str:
        """What the user is shown on this refusal."""
        return self.answer.message_without_code


def sentence(told: Told) -> str:
    """The whole answer in a sentence or two."""
    reason, asked = told.answer.decision.reason, told.asked
    if reason in (Reason.ALLOWED, Reason.NO_LEVEL):
        may = "may" if reason is Reason.ALLOWED else "may not"
        phrase = told.loaded.catalog.screens[asked["screen"]].actions[asked["action"]]
        why = _because(told) if reason is Reason.ALLOWED else _why_not(told)
        return f"{told.who} {may} {phrase}: {why}."
    shown = {name: value or NOTHING for name, value in asked.items()}
    return f"{_REFUSED[reason].format(**shown, who=told.who, where=told.where)}.{_hint(told)}"


_REFUSED = {
    Reason.UNKNOWN_PRACTICE: "There is no practice `{practice}`",
    Reason.UNKNOWN_USER: "{where} has no user `{user}`",
    Reason.INACTIVE_USER: "{who} is inactive at {where}, and inactive users are refused everything",
    Reason.UNKNOWN_SCREEN: "There is no screen `{screen}`",
    Reason.UNKNOWN_ACTION: "`{screen}` has no action `{action}`",
    Reason.UNKNOWN_TYPE: "The policy does not answer questions of this type",
    Reason.PRACTICE_MISSING: "The question names no practice",
    Reason.POLICY_UNAVAILABLE: "The policy of `{practice}` cannot be read now, so everything is refused",
    Reason.POLICY_TOO_OLD: "The policy that is loaded is too old, so everything is refused",
    Reason.ROWS_ALTERED: "The rows of `{practice}` are not those that were published, so everything is refused",
}


def bare(role: str) -> str:
    """A role as people write it."""
    return role.removeprefix(ROLE_PREFIX)


def _because(told: Told) -> str:
    """The rows that decided; of a refusal, those that deny."""
    explained = told.answer.explanation
    return present.series([_holds(told, row, "role ") for row in explained.rows]) if explained else ""


def _why_not(told: Told) -> str:
    """What denies it, or the levels that are not enough, or that there are none."""
    screen = told.asked["screen"]
    if not told.roles:
        return f"{told.who} has no role at {told.where}"
    if denied := _because(told):
        return denied
    held = [
        row
        for row in (told.division.rows if told.division else ())
        if row.kind == "p" and bare(row.fields[0]) in told.roles and row.fields[2] == screen and not row.denies
    ]
    if held:
        return present.series([_holds(told, row, "role ", "has only") for row in sorted(held)])
    if len(told.roles) == 1:
        return f"role {told.roles[0]} has no level on {screen}"
    return f"none of their roles has a level on {screen}"


def _holds(told: Told, row: Row, before: str = "", has: str = "has") -> str:
    """`role Nurse has Read (same as Write on this screen) on Task - Patient Portal`, or what it denies."""
    role, _, screen, level = row.fields[:4]
    same = _acts_as(told, row)
    shown = f"{level} (same as {same} on this screen)" if same else level
    return f"{before}{bare(role)} {'denies' if row.denies else has} {shown} on {screen}"


def _acts_as(told: Told, row: Row) -> str:
    """The highest level above that of the row that opens exactly the same; empty where there is none."""
    *grant, level = row.fields[:4]
    division, levels = told.division, told.loaded.catalog.levels
    if division is None:
        return ""

    def opened(by: str) -> set[Hashable]:
        return set(division.ruleset.keys(Row("p", (*grant, by)), division.links))

    above = levels[levels.index(level) + 1 :]
    return next((other for other in reversed(above) if opened(other) == opened(level) != set()), "")


def _hint(told: Told) -> str:
    """What may have been meant. Names are never taken for others that look like them; they are only offered."""
    explained = told.answer.explanation
    if explained and explained.similar:
        return f" {present.meant(explained.similar).replace('did', 'Did', 1)}"
    screen = told.loaded.catalog.screens.get(told.asked["screen"])
    if told.answer.decision.reason is Reason.UNKNOWN_ACTION and screen:
        return f" It has {present.series([f'`{name}`' for name in screen.actions])}."
    return ""
