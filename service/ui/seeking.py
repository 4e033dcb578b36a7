"""Finding: screens, roles and people by any part of their names, and long lists a page at a time.

Pure. Names are compared without regard to capitals; each word that was typed must be there, in whatever order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.policy.practice import User

T = TypeVar("T")

A_PAGE = 50
"""Entries of a long list on one page."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list. Pages count from 1; a number that there is not becomes the nearest one."""

    entries: Sequence[T]
    total: int
    number: int = 1
    pages: int = 1

    @property
    def first(self) -> int:
        """Which entry of all the first one here is, from 1."""
        return (self.number - 1) * A_PAGE + 1

    @property
    def last(self) -> int:
        """Which entry of all the last one here is."""
        return self.first + len(self.entries) - 1


def part(entries: Sequence[T], number: str, size: int = A_PAGE) -> Part[T]:
    """The page of this number, as it was typed."""
    pages = max(1, -(-len(entries) // size))
    wanted = min(max(1, int(number)), pages) if re.fullmatch("[0-9]{1,6}", number) else 1
    return Part(entries[(wanted - 1) * size : wanted * size], len(entries), wanted, pages)


def matching(wanted: str, entries: Iterable[T], words: Callable[[T], str]) -> list[T]:
    """Those of the entries whose words hold everything that was typed."""
    parts = wanted.casefold().split()
    return [entry for entry in entries if all(part in words(entry).casefold() for part in parts)]


def people(wanted: str, users: Iterable[User]) -> list[User]:
    """The users whose name or User ID holds what was typed. One whose id is exactly that stands first."""
    found = matching(wanted, users, lambda user: f"{user.name} {user.id}")
    exact = wanted.strip()
    return sorted(found, key=lambda user: user.id != exact) if exact else found
