"""A practice as its people know it: users, and roles with levels and members, read from its rows.

Names are those that people type: `Front Desk`, `ann`, without the prefixes by which rows tell roles from users. The
rows stay the truth; everything here is worked out from them, and `service.policy.edits` gives new rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from service.policy.catalog import OFF, Duties
from service.policy.roles import Links
from service.values import ROLE_PREFIX, USER_PREFIX, Row

_TITLES = frozenset({"Dr", "Miss", "Mr", "Mrs", "Ms", "Mx", "Nurse", "Prof", "Sister"})
"""Words before a name that nobody is called by alone."""


class User(NamedTuple):
    """A person of the practice's directory. An inactive one is refused everything, whatever their roles."""

    id: str
    name: str
    active: bool


class Role(NamedTuple):
    """A role as it is written: `levels` maps screens to levels other than Off, `members` are ids of users.

    `within`: the roles whose levels it has as well, because its own row puts it in them. `denied`: each (screen, level)
    that it takes away from its members, whoever gives it; empty unless the model has rows that deny.
    """

    name: str
    levels: Mapping[str, str]
    members: frozenset[str]
    within: frozenset[str]
    denied: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Practice:
    """One practice, from the rows that belong to it. What is asked for is worked out once and never changes."""

    id: str
    rows: frozenset[Row]

    @classmethod
    def of(cls, practice: str, rows: Iterable[Row]) -> Practice:
        """The practice that these rows are about; those of other practices are left aside."""
        return cls(practice, frozenset(row for row in rows if row.practice == practice))

    @cached_property
    def name(self) -> str:
        """Its name for people; the id where it does not exist."""
        return next((row.fields[1] for row in self.rows if row.kind == "practice"), self.id)

    @cached_property
    def users(self) -> dict[str, User]:
        """Everybody in the directory, by id, in the order of names."""
        rows = (row.fields for row in self.rows if row.kind == "user")
        people = [User(user, name, state == "active") for _, user, name, state in rows]
        return {user.id: user for user in sorted(people, key=lambda user: (user.name.casefold(), user.id))}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Every role by name, in the order of names."""
        levels: dict[str, dict[str, str]] = defaultdict(dict)
        denied: dict[str, set[tuple[str, str]]] = defaultdict(set)
        members: dict[str, set[str]] = defaultdict(set)
        within: dict[str, set[str]] = defaultdict(set)
        names = set()
        # Sorted, so that of two levels which a role has on a screen it is always the same one.
        for row in sorted(row for row in self.rows if row.kind == "p"):
            role, _, screen, level = row.fields[:4]
            if row.denies:
                denied[bare(role)].add((screen, level))
            else:
                levels[bare(role)][screen] = level
        for row in self.rows:
            if row.kind == "role":
                names.add(bare(row.fields[1]))
            elif row.kind == "g" and row.fields[0].startswith(USER_PREFIX):
                members[bare(row.fields[1])].add(bare(row.fields[0]))
            elif row.kind == "g":
                within[bare(row.fields[0])].add(bare(row.fields[1]))
        return {
            name: Role(name, levels[name], frozenset(members[name]), frozenset(within[name]), frozenset(denied[name]))
            for name in sorted(names.union(levels, denied, members, within), key=lambda n: (n.casefold(), n))
        }

    @cached_property
    def links(self) -> Links:
        """Who is in what, roles within roles included, with the prefixes of rows."""
        return Links(row.fields[:2] for row in self.rows if row.kind == "g")  # type: ignore[misc] # two of the three

    @cached_property
    def _short(self) -> Counter[str]:
        """How many people's names begin with each word."""
        return Counter(user.name.partition(" ")[0] for user in self.users.values())

    def called(self, user: str) -> str:
        """What a user is called in a sentence: by their first name where nobody else could be meant, else in full.

        An id that the directory does not have stands for itself.
        """
        known = self.users.get(user)
        if known is None:
            return user
        first, _, last = known.name.partition(" ")
        plain = first.isalpha() and first.istitle() and last.isalpha() and first not in _TITLES
        return first if plain and self._short[first] == 1 else known.name

    def level(self, role: str, screen: str) -> str:
        """What a role itself holds on a screen: a level, or `Off`."""
        known = self.roles.get(role)
        return known.levels.get(screen, OFF) if known else OFF

    def gives(self, role: str, granted: Mapping[tuple[str, str], Collection[str]]) -> Duties:
        """All that a role gives, what it has by roles it is within included. `granted`: as in `lint.Screens`.

        What it denies itself it does not give.
        """
        names = (bare(name) for name in self.links.above(ROLE_PREFIX + role))
        reached = [self.roles[name] for name in names if name in self.roles]

        def opened(levels: Iterable[tuple[str, str]]) -> Duties:
            return frozenset(
                (screen, action) for screen, level in levels for action in granted.get((screen, level), ())
            )

        given = opened(entry for each in reached for entry in each.levels.items())
        return given - opened(entry for each in reached for entry in each.denied)

    def roles_of(self, user: str) -> tuple[str, ...]:
        """The roles that a user was put into, in the order of names."""
        return tuple(name for name, role in self.roles.items() if user in role.members)

    def reached_by(self, user: str) -> frozenset[str]:
        """Every role that a user has, also through a role within a role."""
        return frozenset(bare(name) for name in self.links.above(USER_PREFIX + user) if name.startswith(ROLE_PREFIX))


def bare(name: str) -> str:
    """A role or user without its prefix."""
    return name.removeprefix(ROLE_PREFIX if name.startswith(ROLE_PREFIX) else USER_PREFIX)
