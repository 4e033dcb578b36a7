"""Staging: every practice that a change is about, as it is and as it would be, compiled aside.

Those whose rows change, and those that hold a level which the files let open something else: their people gain or lose
although no row of theirs moves. One practice is held at a time, so that files can change under any number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from service import inspection
from service.audit.chain import rows_digest
from service.decision import trial
from service.decision.effect import Opened
from service.decision.engine import Ruleset, Snapshot
from service.decision.reach import Docket, Levels, Side
from service.decision.words import State
from service.inspection import Base
from service.policy.bundle import Bundle
from service.policy.practice import Practice
from service.store.sql import Store
from service.values import Row


@dataclass(frozen=True, slots=True)
class Stage:
    """One practice before and after a change. `changed`: its own rows that come or go; none where only files change."""

    practice: str
    before: Side
    after: Side
    changed: frozenset[Row]


class Staging:
    """All practices of a change. Iterating gives their stages in order; those that changed themselves come first."""

    def __init__(
        self, base: Base, after: Mapping[str, frozenset[Row]], old: Bundle, read: Bundle, store: Store
    ) -> None:
        self._base, self._after, self._store = base, after, store
        self._bundles = (old, read)
        self._kept: dict[str, Stage] = {}
        self._reshaped = (old.model.policy, old.model.effect) != (read.model.policy, read.model.effect)
        self._moved: Levels = frozenset() if old is read else _moved(old, read, self._reshaped)
        touched = sorted(after.keys() - {""})
        self.practices = (*touched, *sorted(self._beneath() - after.keys()))

    @cached_property
    def _rules(self) -> tuple[Ruleset, Ruleset]:
        old, read = self._bundles
        return trial.ruleset(old), trial.ruleset(read)

    def __iter__(self) -> Iterator[Stage]:
        return map(self.stage, self.practices)

    def docket(self) -> Docket:
        """An empty docket for what can be asked about these practices, before or after."""
        before, after = (each.catalog.vocabulary for each in self._bundles)
        actions = {
            screen: sorted(before.get(screen, frozenset()) | after.get(screen, frozenset()))
            for screen in before.keys() | after.keys()
        }
        return Docket(actions, self._moved, max(1, len(self.practices)))

    def stage(self, practice: str) -> Stage:
        """One practice. Its rows are read anew where they do not change."""
        if practice not in self._after:
            return self._untouched(practice)
        if practice not in self._kept:
            rows = self._base.rows[practice], self._after[practice]
            exists = practice in self._base.practices, any(row.kind == "practice" for row in rows[1])
            self._kept[practice] = self._built(practice, rows, exists)
        return self._kept[practice]

    def states(self, practice: str, mark: Callable[[str], str] = str) -> tuple[State, State]:
        """One practice before and after, to be spoken of."""
        before, after = (
            State(Practice.of(practice, side.rows), Opened(side.snapshot.divisions.get(practice)), bundle.screens, mark)
            for side, bundle in zip(self.sides(practice), self._bundles, strict=True)
        )
        return before, after

    def sides(self, practice: str) -> tuple[Side, Side]:
        """One practice before and after."""
        stage = self.stage(practice)
        return stage.before, stage.after

    def _untouched(self, practice: str) -> Stage:
        # One reading each: a long one would keep others from committing. Should the base move, step 9 finds it.
        with self._store.reading() as view:
            rows = frozenset(view.rows(practice))
            intact = rows_digest(rows) == view.recorded_digest(practice)
        if self._reshaped:
            inspection.refuse(inspection.misshapen(self._bundles[1], practice, rows))
        # Rows that were altered beneath their revisions are refused to everybody, before as after.
        return self._built(practice, (rows, rows), (intact, intact))

    def _built(self, practice: str, rows: tuple[frozenset[Row], frozenset[Row]], exists: tuple[bool, bool]) -> Stage:
        before, after = (
            Side(Snapshot(rules, {practice: rules.compile(own)} if own and there else {}), own, bundle.shared.rows)
            for rules, own, there, bundle in zip(self._rules, rows, exists, self._bundles, strict=True)
        )
        return Stage(practice, before, after, rows[0] ^ rows[1])

    def _beneath(self) -> frozenset[str]:
        """The practices whose people the files may reach."""
        if not self._moved and not self._reshaped:
            return frozenset()
        with self._store.reading() as view:
            return view.practice_ids() if self._reshaped else view.practices_holding(self._moved)


def _moved(old: Bundle, read: Bundle, reshaped: bool) -> Levels:
    """The levels that open something else than before; all of them where the model is another."""
    before, after = old.screens.granted, read.screens.granted
    return frozenset(each for each in before.keys() | after.keys() if reshaped or before.get(each) != after.get(each))
