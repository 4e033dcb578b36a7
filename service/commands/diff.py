"""`rolewarden diff OLD NEW`: rows and effects between two policies, for a terminal, a pull request or a program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NoReturn

import click
from rich.text import Text

from service.commands import desk, present
from service.commands.desk import Desk, Exit
from service.decision.comparison import Comparison, Policy, compare
from service.decision.effect import Effect, Flip, Opened
from service.decision.words import State, told
from service.policy.lint import Screens
from service.policy.moves import Moved, as_replaced
from service.policy.practice import Practice
from service.policy.rows import dump_row
from service.sources import Source, change_number, of_change, of_files, side_by_side
from service.values import Row

MOST = 200
"""Lines of rows that a text shows for a reader; JSON has them all."""


class Comparing(click.Command):
    """A command whose 1 is an answer: whatever goes wrong ends it otherwise, a mistyped option too."""

    def make_context(self, *args: object, **extra: object) -> click.Context:
        """As any command does."""
        try:
            return super().make_context(*args, **extra)  # type: ignore[arg-type]
        except click.ClickException as error:
            _in_trouble(error)

    def invoke(self, ctx: click.Context) -> object:
        """As any command does."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001  told apart where all errors are
            _in_trouble(error)


def _in_trouble(error: Exception) -> NoReturn:
    raise desk.Trouble(error) from error


@click.command(cls=Comparing)
@click.argument("old")
@click.argument("new")
@desk.form("text", "markdown", "json")
@click.pass_obj
def diff(given: Desk, old: str, new: str, form: str) -> Exit:
    """Compare two policies: rows, and who may do what.

    OLD and NEW are each a folder, a change of the store (`@41`), or a folder in a commit (`HEAD~1:policies`). Ends with
    0 when everybody may do by the one what they may do by the other, and with 1 when somebody gains or loses.

    \b
    Example:
      rolewarden diff HEAD~1:policies policies --format markdown
    """
    first, second = _sources(given, old, new)
    sides = side_by_side(first, second)
    found = compare(*sides)
    if form == "json":
        present.as_json(data(found))
    elif form == "markdown":
        click.echo("\n".join(_markdown(found, sides, (first, second))))
    else:
        _print(found, sides, (first, second))
    return Exit.DONE if found.same else Exit.DIFFERS


def _sources(given: Desk, *names: str) -> list[Source]:
    """Both sides; the store is opened only for a change."""
    if all(change_number(name) is None for name in names):
        return [of_files(name) for name in names]
    found = []
    with given.store() as store:
        for name in names:
            number = change_number(name)
            if number is None:
                found.append(of_files(name))
                continue
            with store.reading() as view:
                found.append(of_change(view, number))
    return found


# --- what is told ---


def _sentences(
    found: Comparison, sides: tuple[Policy, Policy], sources: tuple[Source, Source]
) -> Iterator[tuple[str, str, bool]]:
    """(practice, sentence, gained) for everybody who gains or loses, practice by practice."""
    by_practice: dict[str, list[Flip]] = defaultdict(list)
    for flip in found.effect.flips:
        by_practice[flip.practice].append(flip)
    for practice, flips in by_practice.items():
        before, after = (
            _state(side, source.read.screens, practice) for side, source in zip(sides, sources, strict=True)
        )
        said = told(Effect(tuple(flips)), before, after)
        for sentence in (*said.lost, *said.gained):
            yield after.practice.name, sentence.text, sentence.gained


def _state(side: Policy, known: Screens, practice: str) -> State:
    rows = side.practices.get(practice, frozenset())
    return State(Practice.of(practice, rows), Opened(side.snapshot(practice).divisions.get(practice)), known)


def _counts(found: Comparison) -> str:
    """The first line: what differs, in numbers."""
    people = {True: {flip[:2] for flip in found.effect.gained}, False: {flip[:2] for flip in found.effect.lost}}
    if found.same:
        return "Nobody gains or loses anything."
    gains, loses = (
        f"{len(each) or 'nobody'} {'person' if len(each) == 1 else 'people' if each else ''} {verb}".replace("  ", " ")
        for each, verb in ((people[True], _verb("gain", people[True])), (people[False], _verb("lose", people[False])))
    )
    return f"{gains[:1].upper()}{gains[1:]}, {loses}{'' if people[False] else ' anything'}."


def _verb(word: str, people: set[tuple[str, str]]) -> str:
    return word if len(people) > 1 else f"{word}s"


def _moves(found: Comparison) -> list[tuple[str, Row]]:
    """Rows that come and go, a row that replaces another below it."""
    moves = [("-", row) for row in found.removed] + [("+", row) for row in found.added]
    return sorted(moves, key=lambda move: as_replaced(Moved(move[0] == "+", move[1])))


def _extent(found: Comparison) -> str:
    files = f", {present.count(len(found.files), 'file')} changed" if found.files else ""
    return f"{present.count(len(found.added), 'row')} added, {present.count(len(found.removed), 'row')} removed{files}"


def _print(found: Comparison, sides: tuple[Policy, Policy], sources: tuple[Source, Source]) -> None:
    console = present.out()
    moves = _moves(found)
    present.say(console, *(present.row(sign, row) for sign, row in moves[:MOST]))
    if len(moves) > MOST:
        present.say(console, f"and {present.count(len(moves) - MOST, 'more row')}; `--format json` has them all")
    present.say(console, *(present.row("~", path) for path in found.files))
    present.say(console, *([""] if moves or found.files else []), _counts(found))
    for practice, sentence, gained in _sentences(found, sides, sources):
        present.say(
            console,
            present.below(
                Text(
                    f"{present.visible(practice)}: {present.visible(sentence)}", present.STYLES["+" if gained else "-"]
                )
            ),
        )
    present.say(console, "", _extent(found))


def _markdown(found: Comparison, sides: tuple[Policy, Policy], sources: tuple[Source, Source]) -> Iterator[str]:
    """For a comment on a pull request: what it does first, the rows folded away."""
    yield f"### {_counts(found)}"
    yield ""
    for practice, sentence, gained in _sentences(found, sides, sources):
        yield f"- {'**gains**' if gained else '**loses**'} {_escaped(practice)}: {_escaped(sentence)}"
    moves = _moves(found)
    if moves:
        yield from ("", "<details>", f"<summary>{_extent(found)}</summary>", "", "```diff")
        yield from (f"{sign} {present.visible(dump_row(row)).replace('`' * 3, '` ` `')}" for sign, row in moves[:MOST])
        if len(moves) > MOST:
            yield f"# and {len(moves) - MOST:,} more rows"
        yield from ("```", "", "</details>")
    if found.files:
        yield from ("", f"Files: {', '.join(f'`{path}`' for path in found.files)}")


def _escaped(text: str) -> str:
    """A name cannot become markup, a mention or a link."""
    shown = present.visible(text)
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|@~&:" else sign for sign in shown)


def data(found: Comparison) -> dict[str, object]:
    """The comparison for a program. The names here never change their meaning."""
    return {
        "same_effect": found.same,
        "gained": len(found.effect.gained),
        "lost": len(found.effect.lost),
        "rows_added": [dump_row(row) for row in found.added],
        "rows_removed": [dump_row(row) for row in found.removed],
        "files": sorted(found.files),
        "effect": [flip._asdict() for flip in found.effect.flips],
    }
