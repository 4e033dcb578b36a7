"""Comparison: two policies held side by side, rows and effect. What `rolewarden diff` tells.

Pure, and the same work as the effect diff of a change: whoever may do something in a practice by the one policy and not
by the other. Comparing the other way round gives the inverse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from service.decision.effect import Effect, effect
from service.decision.engine import Ruleset, Snapshot
from service.values import Row

PEOPLE = ("practice", "user", "role")
"""Kinds of rows that no Casbin has; a diff of rows shows them, too."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy: the rules, the rows that are nobody's own (`g2`, templates), files, and practices by id."""

    rules: Ruleset
    common: frozenset[Row]
    files: Mapping[str, str]
    practices: Mapping[str, frozenset[Row]] = field(default_factory=dict)

    def snapshot(self, practice: str) -> Snapshot:
        """One practice, compiled; one that is not there is nobody's."""
        rows = self.practices.get(practice, frozenset())
        return Snapshot(self.rules, {practice: self.rules.compile(rows)} if _exists(rows) else {})

    def rows(self) -> frozenset[Row]:
        """Every row."""
        return self.common.union(*self.practices.values())


def _exists(rows: frozenset[Row]) -> bool:
    return any(row.kind == "practice" for row in rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the new policy has and the old one has not, and the other way round. `files`: path -> text before, after."""

    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    files: Mapping[str, tuple[str | None, str | None]]
    effect: Effect

    @property
    def same(self) -> bool:
        """Whether everybody may do by the one what they may do by the other."""
        return not self.effect.flips


def compare(old: Policy, new: Policy) -> Comparison:
    """Hold two policies side by side, practice by practice."""
    before, after = old.rows(), new.rows()
    return Comparison(
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
        dict(_files(old.files, new.files)),
        Effect.of(
            effect(old.snapshot(practice), new.snapshot(practice), [practice])
            for practice in sorted(old.practices.keys() | new.practices.keys())
        ),
    )


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield path, (old.get(path), new.get(path))
