"""Trial: the cases of a bundle, asked of the engine; and what would happen if a row were different.

Where the pure policy meets the pure engine. `rolewarden check`, publishing, and `--mutate` all come through here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from service.decision.engine import Ruleset, Snapshot, divide
from service.decision.rulebook import Answering, Known, Rulebook
from service.policy import barecases
from service.policy.bare import Bare
from service.policy.bundle import Bundle
from service.policy.cases import Case, judge
from service.policy.lint import Screens, screens
from service.policy.rows import RowFile
from service.values import Finding, Position, Question, Reason, Row


@lru_cache(maxsize=2)
def ruleset(bundle: Bundle) -> Ruleset:
    """What the files of a bundle of practices say, compiled. Kept for the next change, which mostly has the same."""
    kinds = bundle.request_map.subject_type, bundle.request_map.resource_type
    return Ruleset(bundle.model, bundle.shared.rows, bundle.catalog.vocabulary, kinds)


def snapshot(rules: Ruleset, rows: Iterable[Row], revision: int = 0) -> Snapshot:
    """A world of practices, compiled."""
    _, divisions = divide(rules.model, rows)
    return Snapshot(rules, {practice: rules.compile(own) for practice, own in divisions.items()}, revision)


def rulebook(bare: Bare, revision: int = 0) -> Rulebook:
    """A folder without practices, compiled."""
    listed = [bare.request_map.listed(part) for part in ("subject", "resource", "action")]
    subjects, resources, actions = (None if names is None else tuple(names) for names in listed)
    kinds = bare.request_map.subject_type, bare.request_map.resource_type
    return Rulebook(bare.model, bare.rows.rows, Known(subjects, resources, actions, kinds), revision)


def unloaded(bundle: Bundle, revision: int) -> Answering:
    """What a bundle answers from while no practice is loaded."""
    return Snapshot(ruleset(bundle), {}, revision) if bundle.bare is None else rulebook(bundle.bare, revision)


def compile_worlds(bundle: Bundle) -> Sequence[Answering]:
    """Every world of a bundle, compiled: whatever was accepted can be answered from."""
    if bundle.bare is not None:
        return [rulebook(bundle.bare)]
    rules = ruleset(bundle)
    return [snapshot(rules, world.rows()) for world in bundle.worlds]


def run_cases(bundle: Bundle) -> list[Finding]:
    """Every expectation of every case that does not hold."""
    if bundle.bare is not None:
        return run_bare(bundle.bare, bundle.bare.rows.rows)
    rules = ruleset(bundle)
    return [problem for case in bundle.cases for problem in _judge(case, rules, bundle.templates.rows)]


def _judge(case: Case, rules: Ruleset, templates: Sequence[Row]) -> list[Finding]:
    world = snapshot(rules, case.world(templates))
    return judge(case, lambda request: world.decide(request).reason)


def run_bare(bare: Bare, rows: Iterable[Row]) -> list[Finding]:
    """Every expectation of a folder without practices that does not hold, were these its rows."""
    book = Rulebook(bare.model, rows)

    def ask(question: Question) -> Reason:
        request = bare.request_map.read(question)
        return request if isinstance(request, Reason) else book.decide(request).reason

    return [problem for case in bare.cases for problem in barecases.judge(case, ask)]


class Mutant(NamedTuple):
    """A row of the shipped files that could be changed without any case noticing; `changes` says to what."""

    position: Position
    row: Row
    changes: tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """How well the cases guard the rows: `unnoticed` of `rows`."""

    rows: int
    unnoticed: tuple[Mutant, ...]


def mutate(bundle: Bundle) -> Mutation:
    """Take out each row of screens and templates, and move it to each other level, and see whether a case fails.

    A change that comes to the same is none: Read in the place of Write, say, where Read acts as Write.
    """
    if bundle.bare is not None:
        return _mutate_bare(bundle.bare)
    unnoticed = []
    files = (bundle.shared, bundle.templates)
    guards, known = _guards(bundle), bundle.screens
    for file in files:
        for index, row in enumerate(file.rows):
            changes = tuple(
                change
                for change in _changes(row, bundle.catalog.levels)
                if not _comes_to_the_same(bundle, known, row, change)
                and not _noticed(bundle, row, change, guards[row.fields[2]])
            )
            if changes:
                unnoticed.append(Mutant(file.position(index), row, changes))
    return Mutation(sum(len(file.rows) for file in files), tuple(unnoticed))


def _mutate_bare(bare: Bare) -> Mutation:
    """Take out each row in turn."""
    rows = bare.rows.rows
    unnoticed = [
        Mutant(bare.rows.position(index), row, (None,))
        for index, row in enumerate(rows)
        if not run_bare(bare, [*rows[:index], *rows[index + 1 :]])
    ]
    return Mutation(len(rows), tuple(unnoticed))


def _changes(row: Row, levels: Sequence[str]) -> Iterator[Row | None]:
    """The row taken out (None), and the row with each other level."""
    yield None
    column = 3 if row.kind == "p" else 1
    for level in levels:
        if level not in row.fields[:2] and level != row.fields[column]:
            yield Row(row.kind, (*row.fields[:column], level, *row.fields[column + 1 :]))


def _guards(bundle: Bundle) -> Mapping[str, list[Case]]:
    """The cases that ask about each screen: no other case can notice a change to its rows."""
    guards: dict[str, list[Case]] = defaultdict(list)
    for case in bundle.cases:
        for screen in {expected.request[2] for expected in case.expected}:
            guards[screen].append(case)
    return guards


def _comes_to_the_same(bundle: Bundle, known: Screens, row: Row, change: Row | None) -> bool:
    """Whether every level opens what it opened, and the row's level, where it is a level that is changed, as well."""
    if row.kind != "p":
        return screens(bundle.catalog, _changed(bundle.shared, row, change)).granted == known.granted
    if change is None:
        return False
    screen, was, becomes = row.fields[2], row.fields[3], change.fields[3]
    return known.granted.get((screen, was)) == known.granted.get((screen, becomes))


def _noticed(bundle: Bundle, row: Row, change: Row | None, cases: Sequence[Case]) -> bool:
    rules = Ruleset(bundle.model, _changed(bundle.shared, row, change), bundle.catalog.vocabulary)
    templates = _changed(bundle.templates, row, change)
    return any(_judge(case, rules, templates) for case in cases)


def _changed(file: RowFile, row: Row, change: Row | None) -> list[Row]:
    return [new for old in file.rows if (new := change if old == row else old) is not None]
