"""The automaton: a pattern worked out into a table, so that matching takes one look-up for each character.

A pattern is a small tree of `Sign`, `Series`, `Choice` and `Repeat`. It is worked out when policy is loaded; a value
can neither make it backtrack nor grow, and a pattern whose table would be too large is refused then, never at a check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_PLACES = 600
"""Places in a pattern, repetitions written out."""
MOST_STATES = 400
"""Rows of a table."""

_DEAD = -1
_OTHER = ""
"""Stands for every character that the pattern does not name."""


class TooLarge(Exception):
    """The table of a pattern would be too large."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One character: one of these, or (`other`) any but these."""

    signs: frozenset[str]
    other: bool = False

    def takes(self, sign: str) -> bool:
        """Whether it takes a character; `_OTHER` is one that no pattern names."""
        return (sign in self.signs) is not self.other


@dataclass(frozen=True, slots=True)
class Series:
    """One after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again; `most` None: any number of times."""

    part: Pattern
    least: int = 0
    most: int | None = None


Pattern = Sign | Series | Choice | Repeat

NOT_A_LINE_BREAK = Sign(frozenset("\n"), other=True)
NOT_A_SLASH = Sign(frozenset("/"), other=True)
ANYTHING = Repeat(NOT_A_LINE_BREAK)
"""`.*`, which to every Casbin ends at a line break."""
SEGMENT = Repeat(NOT_A_SLASH, 1)
"""`[^/]+`."""


def literally(text: str) -> Series:
    """The text itself."""
    return Series(tuple(Sign(frozenset(sign)) for sign in text))


class Automaton:
    """A pattern as a table. It fits a value as a whole or not at all."""

    __slots__ = ("_accepting", "_others", "_table")

    def __init__(self, pattern: Pattern) -> None:
        places = _Places()
        end = places.add(pattern, places.new())
        alphabet = sorted({sign for edges in places.edges for edge, _ in edges for sign in edge.signs})
        numbers: dict[frozenset[int], int] = {}
        waiting: list[frozenset[int]] = []

        def number(states: frozenset[int]) -> int:
            if not states:
                return _DEAD
            if states not in numbers:
                if len(numbers) >= MOST_STATES:
                    raise TooLarge
                numbers[states] = len(numbers)
                waiting.append(states)
            return numbers[states]

        number(places.closure([0]))
        self._table: list[dict[str, int]] = []
        self._others: list[int] = []
        for states in waiting:  # grows as it is walked
            targets = {sign: number(places.after(states, sign)) for sign in (*alphabet, _OTHER)}
            other = targets.pop(_OTHER)
            self._others.append(other)
            self._table.append({sign: target for sign, target in targets.items() if target != other})
        self._accepting = frozenset(at for states, at in numbers.items() if end in states)

    def fits(self, value: str) -> bool:
        """Whether the pattern fits the whole value. One look-up for each character, and none once it is lost."""
        state, table, others = 0, self._table, self._others
        for sign in value:
            state = table[state].get(sign, others[state])
            if state < 0:
                return False
        return state in self._accepting


class _Places:
    """The places of a pattern, with what leads from one to another: a character, or nothing."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[Sign, int]]] = []
        self._free: list[list[int]] = []

    def new(self) -> int:
        """A further place."""
        if len(self.edges) >= MOST_PLACES:
            raise TooLarge
        self.edges.append([])
        self._free.append([])
        return len(self.edges) - 1

    def add(self, pattern: Pattern, start: int) -> int:
        """Add a pattern behind a place; returns the place at its end."""
        if isinstance(pattern, Sign):
            end = self.new()
            self.edges[start].append((pattern, end))
            return end
        if isinstance(pattern, Series):
            for part in pattern.parts:
                start = self.add(part, start)
            return start
        if isinstance(pattern, Choice):
            ends = [self.add(part, self._step(start)) for part in pattern.parts]
            end = self.new()
            for one in ends:
                self._free[one].append(end)
            return end
        return self._repeat(pattern, start)

    def _repeat(self, pattern: Repeat, start: int) -> int:
        for _ in range(pattern.least):
            start = self.add(pattern.part, start)
        if pattern.most is None:
            start = self._step(start)
            self._free[self.add(pattern.part, start)].append(start)
            return self._step(start)
        end = self.new()
        for _ in range(pattern.most - pattern.least):
            self._free[start].append(end)
            start = self.add(pattern.part, start)
        self._free[start].append(end)
        return end

    def _step(self, start: int) -> int:
        end = self.new()
        self._free[start].append(end)
        return end

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """These places and those that are reached from them without a character."""
        reached, waiting = set(states), list(states)
        while waiting:
            for other in self._free[waiting.pop()]:
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return frozenset(reached)

    def after(self, states: Iterable[int], sign: str) -> frozenset[int]:
        """Where a character leads."""
        return self.closure({end for state in states for edge, end in self.edges[state] if edge.takes(sign)})
