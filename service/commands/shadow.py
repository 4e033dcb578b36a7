"""`rolewarden shadow`: where an EHR that still decides by itself decides otherwise than this policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import click

from service import shadow as ledger
from service.commands import desk, present
from service.commands.desk import Desk
from service.shadow import Difference, Report

MOST = 50
"""Lines of one table; `--format json` has them all."""

BY = ("screen", "action", "user")


@click.group()
def shadow() -> None:
    """Compare what an EHR still decides by itself with what this policy says, before a practice goes live."""


@shadow.command()
@click.option("--practice", help="This practice only.")
@click.option(
    "--by", type=click.Choice(BY), multiple=True, help="Sum up by these, in their order; all of them unless given."
)
@desk.form("human", "json")
@click.pass_obj
def report(given: Desk, practice: str | None, by: tuple[str, ...], form: str) -> int:
    """List where the two differ: what users would lose, and what they would gain.

    Ends with 0 when nothing differs and something was compared, so that a script can wait for it; with 1 otherwise.

    \b
    Example:
      rolewarden shadow report --practice riverside
    """
    found = ledger.read(given.settings().shadow, practice)
    if form == "json":
        present.as_json(_data(found))
    else:
        _tell(found, by or BY)
    return desk.Exit.DONE if found.asked and not found.differ and not found.unreadable else desk.Exit.FAILED


@shadow.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clear(given: Desk, yes: bool) -> None:
    """Begin to compare anew: forget what was taken down on this host.

    \b
    Example:
      rolewarden shadow clear --yes
    """
    path = given.settings().shadow
    if not yes:
        click.confirm(f"forget what stands in {present.path(path)}?", abort=True)
    path.unlink(missing_ok=True)
    present.say(present.out(), "forgotten")


def _data(found: Report) -> dict[str, object]:
    return {
        "compared": found.asked,
        "same": dict(sorted(found.same.items())),
        "differ": [{**entry._asdict(), "times": number} for entry, number in sorted(found.differ.items())],
        "unreadable": found.unreadable,
    }


def _tell(found: Report, by: tuple[str, ...]) -> None:
    console = present.out()
    if not found.asked:
        present.say(console, "nothing was compared yet")
        present.advise(console, f"let the EHR send `context.{ledger.CONTEXT}`, true or false, with each question")
    else:
        differing = sum(found.differ.values())
        present.say(
            console,
            f"{present.count(found.asked, 'answer')} compared, {f'{differing:,}' if differing else 'none'} differ",
        )
    for gained, title in ((False, "would lose"), (True, "would gain")):
        some = {entry: number for entry, number in found.differ.items() if entry.gained is gained}
        if some:
            present.say(console, "", f"{present.count(len({(e.practice, e.user) for e in some}), 'user')} {title}")
            _table(some, by)
    if found.unreadable:
        present.say(console, "", f"{present.count(found.unreadable, 'line')} of the file could not be read")


def _table(differ: Mapping[Difference, int], by: tuple[str, ...]) -> None:
    times: Counter[tuple[str, ...]] = Counter()
    for entry, number in differ.items():
        times[entry.practice, *(getattr(entry, name) for name in by)] += number
    table = present.table("Practice", *(name.capitalize() for name in by), "Times")
    table.columns[-1].justify = "right"
    rows = sorted(times.items(), key=lambda row: (-row[1], row[0]))
    for names, number in rows[:MOST]:
        table.add_row(*(present.visible(name) for name in names), f"{number:,}")
    present.say(present.out(), table)
    if len(rows) > MOST:
        present.say(present.out(), present.below(f"and {len(rows) - MOST:,} more; `--format json` has them all"))
