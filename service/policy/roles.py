"""Links: who reaches whom through the rows of a role definition, within one domain.

Reaching includes the name itself, and is the same for decisions and reports. Circles and chains of more than nine
links are refused when policy is checked, so that no walk here needs a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LONGEST_CHAIN = 9
"""Links in a chain that stock Casbin still follows for decisions."""


class Links:
    """The links of one domain: `g, user:ann, role:Front Desk` lets `user:ann` reach `role:Front Desk`."""

    __slots__ = ("_above", "_below")

    def __init__(self, links: Iterable[tuple[str, str]]) -> None:
        self._above: dict[str, list[str]] = {}
        self._below: dict[str, list[str]] = {}
        for lower, upper in links:
            self._above.setdefault(lower, []).append(upper)
            self._below.setdefault(upper, []).append(lower)

    @property
    def names(self) -> set[str]:
        """Every name that stands in a link."""
        return self._above.keys() | self._below.keys()

    def above(self, name: str) -> frozenset[str]:
        """Every name that this one reaches, itself included."""
        return _walk(self._above, name)

    def below(self, name: str) -> frozenset[str]:
        """Every name that reaches this one, itself included."""
        return _walk(self._below, name)

    def direct(self, name: str) -> list[str]:
        """The names one link above this one."""
        return self._above.get(name, [])

    def fault(self) -> list[str] | None:
        """The names along a circle, or along a chain that is too long; None where there is neither."""
        length: dict[str, int] = {}
        path: list[str] = []
        stack = [(name, False) for name in sorted(self._above)]
        while stack:
            name, done = stack.pop()
            if done:
                path.pop()
                length[name] = max((length[above] + 1 for above in self._above.get(name, ())), default=0)
                if length[name] > LONGEST_CHAIN:
                    return self._longest(name, length)
            elif name in path:
                return [*path[path.index(name) :], name]
            elif len(path) > LONGEST_CHAIN:
                return [*path, name]
            elif name not in length:
                path.append(name)
                stack.append((name, True))
                stack.extend((above, False) for above in sorted(self._above.get(name, ())))
        return None

    def _longest(self, name: str, length: Mapping[str, int]) -> list[str]:
        chain = [name]
        while above := self._above.get(chain[-1]):
            chain.append(max(above, key=length.__getitem__))
        return chain


def _walk(edges: Mapping[str, list[str]], name: str) -> frozenset[str]:
    reached, waiting = {name}, [name]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return frozenset(reached)
