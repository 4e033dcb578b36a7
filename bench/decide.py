"""One decision of the engine against a plain dictionary that knows the same answers.

The dictionary is as plain as can be: user -> set of roles, (practice, screen, action) -> set of roles, and
whether the two are disjoint. Its users are keyed by their id alone, which an invented world allows (no id
stands in two practices) and a real one does not: with (practice, user) for a key, as in the second column, it
answers what the engine answers. The targets hold against the first. Both are one function of one request, and
are asked the same 200,000 questions about known users, screens and actions, in random order over the whole
world; both must give the same answers before they are timed. A number is the median of nine passes, taken in
turn, in a fresh process for each size.

Targets: at most three times the dictionary at every size; from the smallest size to the largest, the engine
grows by at most 1.5 times what the dictionary grows by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.measure import Report, Target, apart, each, interleaved
from bench.worlds import World, opens
from service.values import Request, Row

TITLE = "One decision"
QUESTIONS, REPEATS = 200_000, 9
TIMES, GROWTH = 3.0, 1.5


def run(sizes: Mapping[str, int]) -> Report:
    """Measure each size in a process of its own."""
    report = Report(
        TITLE, ("rows", "practices", "allowed", "engine", "dictionary", "ratio", "by (practice, user)", "ratio")
    )
    found = {name: apart(_size, size) for name, size in sizes.items()}
    for engine, plain, paired, rows, practices, allowed in found.values():
        report.lines.append(
            (
                *(f"{rows:,}", f"{practices:,}", f"{allowed:.0%}", f"{engine:.0f} ns", f"{plain:.0f} ns"),
                *(f"{engine / plain:.2f}", f"{paired:.0f} ns", f"{engine / paired:.2f}"),
            )
        )
    worst = max(engine / plain for engine, plain, *_ in found.values())
    report.targets.append(Target(f"at most {TIMES:g} x the dictionary", f"{worst:.2f} x at most", worst <= TIMES))
    if len(found) > 1:
        least, most = min(sizes, key=lambda name: sizes[name]), max(sizes, key=lambda name: sizes[name])
        grown = [found[most][column] / found[least][column] for column in range(2)]
        growth = grown[0] / grown[1]
        report.targets.append(
            Target(
                f"from {least} to {most}, at most {GROWTH:g} x the growth of the dictionary",
                f"{growth:.2f} x (engine {grown[0]:.2f}, dictionary {grown[1]:.2f})",
                growth <= GROWTH,
            )
        )
    return report


def plain(rows: Iterable[Row]) -> Callable[[Request], bool]:
    """The dictionary answer."""
    roles, granted = _tables(rows)
    nothing: frozenset[str] = frozenset()

    def answer(request: Request) -> bool:
        user, practice, screen, action = request
        return not roles.get(user, nothing).isdisjoint(granted.get((practice, screen, action), nothing))

    return answer


def paired(rows: Sequence[Row]) -> Callable[[Request], bool]:
    """The same with (practice, user) for a key, right also where one id stands in several practices."""
    practices = {row.fields[0]: row.fields[2] for row in rows if row.kind == "g"}
    of_id, granted = _tables(rows)
    roles = {(practices[user], user): held for user, held in of_id.items()}
    nothing: frozenset[str] = frozenset()

    def answer(request: Request) -> bool:
        user, practice, screen, action = request
        return not roles.get((practice, user), nothing).isdisjoint(granted.get((practice, screen, action), nothing))

    return answer


def _tables(rows: Iterable[Row]) -> tuple[dict[str, set[str]], dict[tuple[str, str, str], set[str]]]:
    opened = opens()
    roles: dict[str, set[str]] = defaultdict(set)
    granted: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.kind == "g":
            roles[row.fields[0]].add(row.fields[1])
        elif row.kind == "p":
            role, practice, screen, level = row.fields
            for action in opened[screen, level]:
                granted[practice, screen, action].add(role)
    return dict(roles), dict(granted)


def _size(size: int) -> tuple[float, float, float, int, int, float]:
    """The nanoseconds of engine and dictionaries; rows, practices, and the share of questions that is allowed."""
    world = World(size)
    snapshot = world.snapshot()
    dictionary, pairs = plain(world.policy), paired(world.policy)
    questions = world.questions(QUESTIONS)
    answers = [snapshot.decide(question).allowed for question in questions]
    assert answers == [dictionary(question) for question in questions]
    assert answers == [pairs(question) for question in questions]
    times = interleaved(
        REPEATS,
        lambda: each(snapshot.decide, questions),
        lambda: each(dictionary, questions),
        lambda: each(pairs, questions),
    )
    return times[0], times[1], times[2], len(world), world.practices, sum(answers) / len(answers)
