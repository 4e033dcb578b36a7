"""`rolewarden log`: the revisions, newest first."""

from __future__ import annotations

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from service.audit.chain import evidence_as_json
from service.commands import desk, present
from service.commands.desk import Desk
from service.commands.policy import require_practice
from service.policy.moves import Moved, as_replaced
from service.policy.rows import dump_row
from service.values import Revision, Row

MOST_PRACTICES = 3
"""Practices that one line names; a revision may touch any number."""

DIGITS = 12
"""Of the digest of a file, as a person sees it."""

HEADS = ("Time", "Rows", "By", "Practices")

SHARED = "(all)"
"""Where the name of a practice would stand: what all practices share."""


@click.command()
@click.option("--practice", help="Only revisions that touched this practice.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--rows", is_flag=True, help="Show the rows that each added and removed.")
@desk.form("human", "json")
@click.pass_obj
def log(given: Desk, practice: str | None, limit: int, rows: bool, form: str) -> None:
    """List the revisions, newest first.

    That is: what changed, when (UTC), by whom and why.

    \b
    Example:
      rolewarden log --practice riverside --rows
    """
    with given.store() as store, store.reading() as view:
        revisions = view.revisions(practice, limit)
        if practice is not None and not revisions:
            require_practice(practice, view.practice_ids())
    console = present.out()
    if form == "json":
        present.as_json([data(revision, rows=rows) for revision in revisions])
    elif not revisions:
        present.say(console, "no revisions yet")
        present.advise(console, "`rolewarden init` publishes the policy files")
    elif rows:
        for number, revision in enumerate(revisions):
            present.say(console, *([""] if number else []))
            _whole(console, revision)
    else:
        present.say(console, _table(revisions))


def data(revision: Revision, *, rows: bool) -> dict[str, object]:
    """A revision for a program. The names here never change their meaning."""
    made: dict[str, object] = {
        "revision": revision.number,
        "time": revision.time,
        "actor": revision.actor,
        "how": revision.how.value,
        "reason": revision.reason,
        "reference": revision.reference,
        "practices": [practice for practice, _ in revision.practices if practice],
        "shared": any(not practice for practice, _ in revision.practices),
        "added": len(revision.added),
        "removed": len(revision.removed),
        "digest": revision.digest,
        "evidence": None if revision.evidence is None else evidence_as_json(revision.evidence),
    }
    if rows:
        made["rows_added"] = [dump_row(row) for row in sorted(revision.added)]
        made["rows_removed"] = [dump_row(row) for row in sorted(revision.removed)]
    return made


def _table(revisions: tuple[Revision, ...]) -> Table:
    """A line for each, and below it why: a reason is prose, and would make a narrow column."""
    lines = [
        (present.moment(each.time), _moves(each), present.visible(each.actor), present.visible(_practices(each)))
        for each in revisions
    ]
    widths = [max(map(cell_len, (head, *column))) for head, column in zip(HEADS, zip(*lines, strict=True), strict=True)]
    table = present.table("Revision", "  ".join(map(set_cell_size, HEADS, widths)))
    table.columns[0].justify = "right"
    for revision, cells in zip(revisions, lines, strict=True):
        line = Text("  ".join(map(set_cell_size, cells, widths)).rstrip())
        line.highlight_regex(r"(?<= )\+[\d,]+(?= )", present.STYLES["+"])
        line.highlight_regex(r"(?<= )-[\d,]+(?= )", present.STYLES["-"])
        why = _why(revision)
        table.add_row(str(revision.number), Group(line, present.words(why)) if why else line)
    return table


def _whole(console: Console, revision: Revision) -> None:
    """One revision with every row."""
    head = f"  {present.moment(revision.time)}  {revision.actor} ({revision.how.value})  {_practices(revision)}"
    present.say(console, Text.assemble((f"revision {revision.number}", "bold"), present.visible(head)))
    for line in filter(None, (_why(revision), evidence(revision))):
        present.say(console, present.below(line))
    moves = [(row, "-") for row in revision.removed] + [(row, "+") for row in revision.added]
    for row, sign in sorted(moves, key=lambda move: as_replaced(Moved(move[1] == "+", move[0]))):
        present.say(console, present.below(present.row(sign, _short(row))))


def _short(row: Row) -> Row:
    """A row as somebody can read it: of a file's digest, the beginning tells one from another."""
    return Row(row.kind, (row.fields[0], row.fields[1][:DIGITS])) if row.kind == "file" else row


def _practices(revision: Revision) -> str:
    return present.series([practice or SHARED for practice, _ in revision.practices], MOST_PRACTICES)


def evidence(revision: Revision) -> str:
    """What was known of it when it was published; empty where nothing was kept."""
    known = revision.evidence
    if known is None:
        return ""
    flags = f"; look at: {present.series(known.flags)}" if known.flags else ""
    fared = f"{known.gained:,} gained, {known.lost:,} lost"
    return f"{fared} (by user, screen and action); Casbin agreed on {known.asked:,} of {known.of:,}{flags}"


def _moves(revision: Revision) -> str:
    signs = (("+", len(revision.added)), ("-", len(revision.removed)))
    return " ".join(f"{sign}{number:,}" for sign, number in signs if number)


def _why(revision: Revision) -> str:
    return f"{revision.reason} ({revision.reference})".lstrip() if revision.reference else revision.reason
