"""The shared look of everything that is printed: calm, the same everywhere, and safe.

Colour is for terminals, and `NO_COLOR` turns it off; without a terminal nothing is wrapped or cut, so that other
programs can read it. What is data goes to standard output; progress, advice and errors go to standard error.

INVARIANT: a name or a file cannot speak to the terminal: control and invisible characters are shown, not sent.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from service.decide import similar_names
from service.policy.rows import HIDDEN, dump_row
from service.values import Position, Row

UNBOUND = 100_000
"""Columns of a line where there is no terminal that would have to show it."""

PATIENCE = 1.0
"""Seconds after which somebody wants to see how far it is."""

STYLES = {"error": "bold red", "warning": "yellow", "notice": "cyan", "+": "green", "-": "red", "~": "yellow"}


def out() -> Console:
    """Where results go."""
    return _console(stderr=False)


def err() -> Console:
    """Where advice, progress and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    if not console.is_terminal:
        console.width = UNBOUND
    return console


def words(text: str, style: str = "") -> Text:
    """Text for people; what was typed, in backticks, stands out."""
    shown = Text(visible(text), style)
    shown.highlight_regex(r"`[^`]+`", "cyan")
    return shown


def visible(text: str) -> str:
    """The text with every character that a terminal would obey, or nobody would see, in place of itself a sign."""
    return HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", " ").replace("\n", " "))


def say(console: Console, *parts: RenderableType | str) -> None:
    """Print these, one below the other, and no blanks at the end of a line."""
    for part in parts:
        shown = words(part) if isinstance(part, str) else part
        for line in console.render_lines(shown, pad=False):
            console.print(Segments([*_trimmed(line), Segment.line()]), end="")


def _trimmed(line: list[Segment]) -> list[Segment]:
    while line and not line[-1].text.strip():
        line.pop()
    return [*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else []


def below(text: str | Text, indent: int = 2) -> Padding:
    """A paragraph that belongs to what stands above it, and stays indented where it wraps."""
    return Padding(words(text) if isinstance(text, str) else text, (0, 0, 0, indent))


def advise(console: Console, mend: str, label: str = "try") -> None:
    """The line that says what to do."""
    if mend:
        say(console, below(Text.assemble((f"{label}: ", "bold"), words(mend))))


def error(message: str, mend: str = "", details: Iterable[str] = ()) -> None:
    """An error: what is wrong, then what to do."""
    console = err()
    say(console, Text.assemble(("error: ", STYLES["error"]), words(message)))
    say(console, *(below(detail) for detail in details))
    advise(console, mend)


def row(changed: str, policy_row: Row | str) -> Text:
    """One row as it stands in a file, with `+` or `-` before it; `changed` may be empty."""
    text = policy_row if isinstance(policy_row, str) else dump_row(policy_row)
    return Text(f"{changed} {visible(text)}" if changed else visible(text), STYLES.get(changed, ""))


def table(*columns: str) -> Table:
    """A table without lines. Cells wrap; nothing is cut."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def facts(*lines: tuple[str, RenderableType | str]) -> Padding:
    """What is to be known about something: a label and a value each, one below the other."""
    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in lines:
        grid.add_row(visible(label), words(value) if isinstance(value, str) else value)
    return Padding(grid, (0, 0, 0, 2))


def as_json(value: object) -> None:
    """Print a value as JSON: the same bytes for the same value, and never wrapped."""
    click.echo(json.dumps(value, indent=2))


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `no rows`; words that end in `y` take `ies`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number or 'no':,} {noun if number == 1 else plural}" if number else f"no {plural}"


def series(names: Sequence[str], most: int | None = None, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; beyond `most`, how many more there are."""
    if most is not None and len(names) > most:
        names = [*names[:most], f"{len(names) - most:,} more"]
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def similar(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` where a known name is close to one that nobody has; empty where none is."""
    return meant(similar_names(name, sorted(known)))


def meant(names: Iterable[str]) -> str:
    """`did you mean a or b?`; empty where there is nothing to offer."""
    offered = [f"`{name}`" for name in names]
    return f"did you mean {series(offered, last='or')}?" if offered else ""


def moment(iso: str) -> str:
    """A time of the store to the second, in UTC."""
    return iso[:19].replace("T", " ")


def path(where: Path) -> str:
    """A path as somebody standing here would write it."""
    here = Path.cwd()
    return str(where.relative_to(here)) if where.is_absolute() and where.is_relative_to(here) else str(where)


def place(root: Path, position: Position) -> str:
    """A place in a policy folder, as an editor opens it."""
    return str(position._replace(file=path(root / position.file)))


@contextmanager
def progress(label: str, total: int, *, large: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, for terminals only; the function takes how much more is done.

    It comes when it has taken `PATIENCE`, or at once where that is `large`, and leaves nothing behind.
    """
    console = err()
    looks = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bar = Progress(*looks, console=console, transient=True, disable=not console.is_terminal)
    task, since = bar.add_task(label, total=total), time.monotonic()

    def done(more: int) -> None:
        if time.monotonic() - since > PATIENCE:
            bar.start()
        bar.advance(task, more)

    if large:
        bar.start()
    try:
        yield done
    finally:
        bar.stop()
