"""`rolewarden plan`, `apply` and `export`: the policy files on their way to the store, and the rows on their way out.

Only files are planned and applied, never the rows of practices: those belong to the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from service.audit.chain import rows_digest
from service.changes import carry_out, of_files
from service.commands import check, desk, findings, fmt, present
from service.commands.desk import Desk, Name
from service.errors import ChangeRefused, InvalidPolicy, UsageError
from service.policy.bundle import Bundle
from service.policy.rows import dump
from service.publish import rehearse
from service.store.sql import Store
from service.store.view import View
from service.values import Change, How, Row

_TRIES = 5
CASBIN = ("p", "g", "g2")
"""The kinds of rows that a Casbin loads; the directory of practices and users is not among them."""

DIRECTORY = ("practice", "user", "role")
"""Who and what exists. A Casbin passes over rows of these kinds."""


@click.command()
@desk.folder
@click.pass_obj
def plan(given: Desk, folder: Path | None) -> None:
    """Show what `apply` would change.

    It goes through all that `apply` would, short of saving it. Ends with 0 whether or not there is something to
    change, and as `apply` would where that would refuse.

    \b
    Example:
      rolewarden plan policies
    """
    root = given.policies(folder)
    read, summary = _read(root)
    with given.store() as store:
        with store.reading() as view:
            change = of_files(view, given.author(How.FILES), read)
            before = view.files()
        rehearse(change, store, read.texts)
    console = present.out()
    present.say(console, summary)
    _show(console, change, before, read.texts)


@click.command()
@desk.folder
@click.option("--reason", type=Name(), help="Why, for the record.")
@click.option("--reference", type=Name(), help="Where more about it stands, such as a pull request.")
@click.pass_obj
def apply(given: Desk, folder: Path | None, reason: str | None, reference: str | None) -> None:
    """Publish the policy files.

    They are the model, screens, catalog, templates and cases. Rows of practices that are kept as files are checked
    and not published. When this returns, every worker of this host answers from the new revision.

    \b
    Example:
      rolewarden apply policies --reason "Fax queue added" --reference PR-112
    """
    read, _ = _read(given.policies(folder))
    author = given.author(How.FILES, reason or "", reference or "")
    with given.press() as press:
        revision = carry_out(press, lambda view: of_files(view, author, read), read.texts)
    if revision is None:
        present.say(present.out(), "nothing to publish: the files are as they were published")
    else:
        what = extent(revision.added, revision.removed)
        present.say(present.out(), f"published as revision {revision.number}: {what}")


@click.command()
@click.option("--revision", type=click.IntRange(min=1), help="As it was after this revision, not as it is now.")
@click.option("--practice", help="The rows of this practice only, with the screens that all share.")
@click.option("--directory", is_flag=True, help="Practices, users and roles as well, so that it can be imported.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, wholly or not at all."
)
@click.pass_obj
def export(given: Desk, revision: int | None, practice: str | None, directory: bool, output: Path | None) -> None:
    """Print the rows as canonical Casbin CSV.

    Any Casbin can load it, with the model of the policy folder. Equal policy gives equal bytes: sorted, each row
    once, quotes where they are needed.

    \b
    Example:
      rolewarden export --revision 3 --practice riverside -o riverside.csv
    """
    with given.store() as store:
        rows = _now(store, practice) if revision is None else _then(store, practice, revision)
    text = dump(row for row in rows if row.kind in CASBIN or (directory and row.kind in DIRECTORY))
    if output is None:
        click.echo(text.encode(), nl=False)
    else:
        fmt.replace(output, text)


def _read(root: Path) -> tuple[Bundle, str]:
    """A folder that holds, and a line on what was looked at."""
    result = check.run(root)
    if result.bundle is None or not result.holds:
        raise InvalidPolicy(result.found)
    looked = findings.looked(result.files, result.bundle)
    return result.bundle, f"`{present.path(root)}` holds: {looked}; {findings.numbers(result.found)}"


# --- what would change ---


def _show(console: Console, change: Change, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Rows and files that would come, go or differ, and how many there are."""
    if not change.added and not change.removed:
        present.say(console, f"nothing to do: the files are those of revision {change.base}")
        return
    present.say(console, "")
    rows = [(row, "-") for row in change.removed] + [(row, "+") for row in change.added]
    rows = [(row, sign) for row, sign in rows if row.kind in CASBIN]
    # A row that replaces another stands below it.
    for row, sign in sorted(rows, key=lambda each: (each[0].fields[-1], each[0].fields[0], each[1] == "+", each[0])):
        present.say(console, present.row(sign, row))
    if rows:
        present.say(console, "")
    for path in sorted({row.fields[0] for row in change.added | change.removed if row.kind == "file"}):
        present.say(console, _file(path, before.get(path), after.get(path)))
    what = extent(change.added, change.removed)
    present.say(console, "", f"`rolewarden apply` would publish revision {change.base + 1}: {what}")


def _file(path: str, before: str | None, after: str | None) -> Text:
    sign = "+" if before is None else "-" if after is None else "~"
    old, new = ((text or "").splitlines() for text in (before, after))
    moves = [move for move in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if move[0] != "equal"]
    added, removed = sum(m[4] - m[3] for m in moves), sum(m[2] - m[1] for m in moves)
    lines = [
        f"{present.count(number, 'line')} {what}" for number, what in ((added, "added"), (removed, "removed")) if number
    ]
    return Text.assemble(present.row(sign, path), (f"  {', '.join(lines)}", "dim"))


def extent(added: frozenset[Row] | tuple[Row, ...], removed: frozenset[Row] | tuple[Row, ...]) -> str:
    """`2 rows added, 1 row removed, 3 files changed`, as the record has them."""
    files = {row.fields[0] for row in (*added, *removed) if row.kind == "file"}
    counted = [
        (len([row for row in rows if row.kind != "file"]), what)
        for rows, what in ((added, "added"), (removed, "removed"))
    ]
    said = [f"{present.count(number, 'row')} {what}" for number, what in counted if number]
    if files:
        said.append(f"{present.count(len(files), 'file')} changed")
    return ", ".join(said)


# --- what is exported ---


def _now(store: Store, practice: str | None) -> set[Row]:
    """The current rows, read practice by practice: nobody who wants to change something waits for the whole."""
    for _ in range(_TRIES):
        with store.reading() as view:
            head, known = view.head(), view.practice_ids()
        if practice is not None:
            require_practice(practice, known)
        rows: set[Row] = set()
        for name in ("", *sorted(known if practice is None else [practice])):
            with store.reading() as view:
                if view.head() != head:
                    break
                rows.update(_intact(view, name))
        else:
            return rows
    raise UsageError("the policy changed while it was exported", "export a revision with `--revision`, or try again")


def _intact(view: View, name: str) -> tuple[Row, ...]:
    """The rows of a practice. Those that were altered beneath their revisions are not passed off as policy."""
    current = view.rows(name)
    if rows_digest(current) != (view.recorded_digest(name) or rows_digest(())):
        what = f"practice `{name}`" if name else "the shared screens and files"
        mend = f"`rolewarden export --revision {view.head().number}` gives those that were published"
        raise ChangeRefused("rows-altered", f"the rows of {what} are not those of their revisions", mend)
    return current


def _then(store: Store, practice: str | None, revision: int) -> set[Row]:
    """The rows after a revision, replayed from the record."""
    with store.reading() as view:
        head = view.head().number
        if revision > head:
            raise UsageError(f"there is no revision {revision}", f"the newest is {head}; see `rolewarden log`")
        if practice is None:
            return set(view.rows_at(revision))
        own = view.rows_at(revision, practice)
        if not own:
            raise UsageError(f"there is no practice `{practice}` in revision {revision}", "see `rolewarden log`")
        return {*own, *view.rows_at(revision, "")}


def require_practice(practice: str, known: frozenset[str]) -> None:
    """Refuse a practice that does not exist, offering one that may have been meant."""
    if practice not in known:
        similar = present.similar(practice, known)
        raise UsageError(f"there is no practice `{practice}`", similar or "see `rolewarden practice list`")
