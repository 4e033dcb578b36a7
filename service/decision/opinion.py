"""The second opinion on a bundle: every question that its worlds can be asked, put to us and to stock Casbin.

Needs Casbin (`oracle`), so it is apart from `trial`, which every part of the product uses. `rolewarden check
--with-casbin` comes through here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import NamedTuple

from service.decision.oracle import Oracle
from service.decision.rulebook import Rulebook
from service.decision.trial import ruleset, snapshot
from service.policy.bare import Bare
from service.policy.bundle import Bundle
from service.policy.expression import Value
from service.values import USER_PREFIX, Reason, Request, Row


class Practice(NamedTuple):
    """A practice of a case or of a world, with all that is known of it."""

    world: str
    name: str
    rows: tuple[Row, ...]

    def users(self, state: str) -> list[str]:
        """The ids of its users who are `active`, or those who are `inactive`."""
        return [row.fields[1] for row in self.rows if row.kind == "user" and row.fields[3] == state]


class Difference(NamedTuple):
    """A question that stock Casbin answers otherwise than we do."""

    world: str
    request: tuple[Value, ...]
    ours: bool
    casbins: bool


class Opinion(NamedTuple):
    """How many questions stock Casbin was asked, and where it differs."""

    asked: int
    differ: tuple[Difference, ...]


def practices(bundle: Bundle) -> Iterator[Practice]:
    """Every practice of every case's world, then those of the worlds kept as files."""
    for case in bundle.cases:
        yield from _divided(case.name, case.world(bundle.templates.rows))
    for world in bundle.worlds:
        yield from _divided(world.name, world.rows())


def second_opinion(bundle: Bundle, practice: Practice) -> Opinion:
    """Ask both every question of a practice.

    Its inactive users are left out: Casbin knows no directory (the named difference `known-names`).
    """
    # Casbin takes time in the number of rows: it gets those of the practice asked about, and never another one's.
    ours = snapshot(ruleset(bundle), practice.rows)
    theirs = Oracle(bundle.model, [*bundle.shared.rows, *practice.rows])
    asked, differ = 0, []
    for request in _questions(bundle, practice):
        asked += 1
        allowed = ours.decide(request).allowed
        if theirs.allows(request) != allowed:
            differ.append(Difference(practice.world, request, allowed, not allowed))
    return Opinion(asked, tuple(differ))


MOST_QUESTIONS = 10_000
"""Combinations of what a folder without practices declares that stock Casbin is asked about."""


def opinion_of_bare(bare: Bare) -> Opinion:
    """Ask both what the cases ask, and what can be asked of the entities that are declared."""
    ours, theirs = Rulebook(bare.model, bare.rows.rows), Oracle(bare.model, bare.rows.rows)
    asked, differ = 0, []
    for request in dict.fromkeys(_bare_questions(bare)):
        asked += 1
        allowed = ours.decide(request).allowed
        if theirs.allows(request) != allowed:
            differ.append(Difference("policy.csv", request, allowed, not allowed))
    return Opinion(asked, tuple(differ))


def _bare_questions(bare: Bare) -> Iterator[tuple[Value, ...]]:
    asked = [expected.question for case in bare.cases for expected in case.expected]
    parts = [tuple(bare.request_map.listed(part) or ()) for part in ("subject", "action", "resource")]
    for question in asked[:1]:
        for subject, action, resource in islice(product(*parts), MOST_QUESTIONS):
            asked.append(question._replace(subject_id=subject, action=action, resource_id=resource))
    for question in asked:
        request = bare.request_map.read(question)
        if not isinstance(request, Reason):
            yield request


def _questions(bundle: Bundle, practice: Practice) -> Iterator[Request]:
    for user in practice.users("active"):
        for screen, actions in bundle.catalog.vocabulary.items():
            for action in sorted(actions):
                yield USER_PREFIX + user, practice.name, screen, action


def _divided(world: str, rows: Iterable[Row]) -> Iterator[Practice]:
    own: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        own[row.practice].append(row)
    for name in sorted(own):
        yield Practice(world, name, tuple(own[name]))
