"""`rolewarden ask --trace`: the numbered steps of `service.decide`, each with what was found at it.

The steps are worked out again from the same state, by the engine's own index, and end where the decision was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from service.commands import present
from service.commands.sentences import Told
from service.decision.engine import Division
from service.policy.rows import dump_row
from service.values import Reason, Row


class Step(NamedTuple):
    """One step: its number in `service.decide`, its name, and a line for each thing that was found."""

    number: int
    name: str
    found: tuple[str, ...]


def steps(told: Told) -> list[Step]:
    """All steps, as far as it came."""
    return list(_steps(told))


def table(made: Iterable[Step]) -> Table:
    """The steps for people."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", justify="right", no_wrap=True)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for step in made:
        grid.add_row(str(step.number), step.name, Text("\n").join(present.words(line) for line in step.found))
    return grid


def _steps(told: Told) -> Iterator[Step]:
    loaded, asked, decision = told.loaded, told.asked, told.answer.decision
    fields = loaded.request_map.fields
    practices = present.count(len(loaded.practices), "practice")
    source = f"revision {loaded.revision}" if loaded.revision else "a folder, not published"
    yield Step(1, "state", (f"{source}: {practices}",))
    yield Step(2, "caller", ("the command line",))
    yield Step(3, "question", tuple(f"{field.source}: {asked[field.name]}" for field in fields))
    yield Step(4, "may ask", ("yes, about every practice",))
    request = loaded.request_map.read(told.answer.question)
    if isinstance(request, Reason):
        yield Step(5, "request", (f"none: {request.value}",))
    else:
        named = zip(fields, request, strict=True)
        yield Step(5, "request", tuple(f"r.{field.name} = {value}" for field, value in named))
        division = told.division
        yield Step(6, "practice", (_practice(told, division),))
        if division is not None and decision.reason in (Reason.ALLOWED, Reason.NO_LEVEL):
            yield from _matching(told, division, division.ruleset.key(tuple(map(str, request))))
    by = f", by revision {decision.revision}" if decision.revision else ""
    yield Step(8, "decision", (f"{decision.reason.value}{by}",))
    yield Step(9, "record", ("none: a command is no access",))
    yield Step(10, "answer", ("allowed, exit 0" if decision.allowed else "refused, exit 2",))


def _practice(told: Told, division: Division | None) -> str:
    if division is None:
        return f"`{told.asked['practice']}` is unknown or cannot be read"
    users = present.count(len(division.held) + len(division.inactive), "user")
    levels = sum(row.kind == "p" for row in division.rows)
    return (
        f"{told.where}: {users}, {present.count(levels, 'level')} held by {present.count(len(division.roles), 'role')}"
    )


def _matching(told: Told, division: Division, key: object) -> Iterator[Step]:
    """Step 7: the rows that the index gives for screen and action, and those of them that fit this user."""
    ruleset = division.ruleset
    reached = division.reached(told.subject)
    candidates = [row for row in division.rows if row.kind == "p" and key in ruleset.keys(row, division.links)]
    column = ruleset.joint.subject.policy
    matched = [row for row in candidates if row.fields[column] in reached]
    links = [row for row in division.rows if row.kind == "g" and row.fields[0] in reached]
    yield Step(7, "candidates", _written(candidates))
    yield Step(7, "roles", _written(links))
    yield Step(7, "matched", _written(matched))
    yield Step(7, "effect", (f"{ruleset.model.effect.value}: {present.count(len(matched), 'row')} matched",))


def _written(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dump_row(row) for row in sorted(rows)) or ("none",)
