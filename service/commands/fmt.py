"""`rolewarden fmt`: policy files in their canonical form, so that a diff shows what changed and nothing else.

The rule it keeps: formatting changes how a file is written and never what it says. What it would write is read back
and compared before it replaces anything, and a file that does not parse is left as it is.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from service import folder as folders
from service.commands import present
from service.commands.desk import Desk, Exit
from service.errors import InvalidPolicy, UsageError
from service.policy import model, rows
from service.policy.bundle import MODEL
from service.policy.findings import errors, finding
from service.policy.model import Model
from service.values import Finding, Position

_LISTED = re.compile(r"[rp]|g\d*")
"""Definitions that are lists of names; a matcher or an effect is left as its author spaced it."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[DIR|FILE]...", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing: list what is not in its canonical form, and end with 1.")
@click.pass_obj
def fmt(given: Desk, paths: tuple[Path, ...], check: bool) -> Exit:
    """Write policy files in their canonical form.

    That is rows (.csv) and model.conf. Spacing and quotes are put right; comments, order and groups of rows stay.
    A file that does not parse is left as it is and ends the command with 3. Without a name, it is the policy folder.

    \b
    Example:
      rolewarden fmt policies
      rolewarden fmt --check policies/screens.csv
    """
    found, changed = run(paths or (given.policies(None),), write=not check)
    console = present.out()
    for path in changed:
        present.say(console, present.path(path))
    if found:
        raise InvalidPolicy(found)
    if not changed:
        present.say(present.err(), "every file is in its canonical form")
    return Exit.FAILED if check and changed else Exit.DONE


def run(paths: Iterable[Path], *, write: bool) -> tuple[list[Finding], list[Path]]:
    """Format these files and folders: what does not parse, and what was, or would be, changed."""
    found: list[Finding] = []
    changed: list[Path] = []
    for path in _files(paths):
        name = present.path(path)
        try:
            before = path.read_bytes().decode()
        except UnicodeDecodeError:
            found.append(finding("not-utf8", Position(name), "a byte that is not UTF-8", "save the file as UTF-8"))
            continue
        except OSError as error:
            raise UsageError(f"`{name}` cannot be read: {error.strerror}", "put its permissions right") from error
        after, problems = canonical(name, before, {} if path.name == MODEL else _widths(path))
        found += problems
        if not problems and after != before:
            changed.append(path)
            if write:
                replace(path, after)
    return found, changed


def canonical(name: str, text: str, widths: Mapping[str, int]) -> tuple[str, list[Finding]]:
    """The text of a file in its canonical form; as it was, with the errors, where it does not parse."""
    tidied = tidy_model(text) if Path(name).name == MODEL else rows.tidy(text, widths)
    before, problems = _meaning(name, text, widths)
    if problems:
        return text, problems
    # INVARIANT: what a file says is never changed, whatever mistake there may be in the tidying.
    if _meaning(name, tidied, widths) != (before, []) or _comments(tidied) != _comments(text):
        raise RuntimeError(f"formatting `{name}` would change what it says")
    return tidied, []


def _meaning(name: str, text: str, widths: Mapping[str, int]) -> tuple[object, list[Finding]]:
    """What a file says, however it is written."""
    if Path(name).name == MODEL:
        read, found = model.parse(name, text)
        return read and _definitions(read), errors(found)
    file, found = rows.parse(name, text, widths)
    return file.rows, errors(found)


def _definitions(read: Model) -> tuple[object, ...]:
    return read.request, read.policy, read.roles, read.effect, read.matcher


def _comments(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()[:1] in ("#", ";")]


def tidy_model(text: str) -> str:
    """A model in its canonical form: ` = ` around each sign, one blank line above a section and none below its name.

    A comment right above a section goes with it. Lines that continue another are indented by four blanks.
    """
    out: list[str] = []
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.strip()
        comment = bare[:1] in ("#", ";")
        if goes_on and bare and not comment:
            out.append(f"    {_spaced_end(bare)}")
        elif bare.startswith("["):
            _part(out)
            out.append(bare)
        elif bare:
            out.append(bare if comment else _definition(bare))
        elif out and out[-1] and not out[-1].startswith("["):
            out.append("")
        goes_on = bare.endswith("\\") and not comment
    while out and not out[-1]:
        out.pop()
    return "".join(f"{line}\n" for line in out)


def _part(out: list[str]) -> None:
    """Leave one blank line above the section that follows, and above the comment that belongs to it."""
    at = len(out)
    while at and out[at - 1][:1] in ("#", ";"):
        at -= 1
    if at and out[at - 1]:
        out.insert(at, "")


def _definition(bare: str) -> str:
    key, equals, value = bare.partition("=")
    if not equals:
        return bare
    key, value = key.strip(), value.strip()
    if _LISTED.fullmatch(key):
        value = ", ".join(part.strip() for part in value.split(","))
    return f"{key} = {_spaced_end(value)}".rstrip()


def _spaced_end(text: str) -> str:
    """A sign that the line goes on has one blank before it."""
    return f"{text[:-1].rstrip()} \\".lstrip() if text.endswith("\\") else text


# --- files ---


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files to format, each once, in order."""
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            names = [path / name for name in folders.read(path)]
            files |= dict.fromkeys(name for name in names if _is_formatted(name))
        elif not path.is_file():
            raise UsageError(f"there is no `{path}`", "name a policy folder, or files of one")
        elif not _is_formatted(path):
            raise UsageError(f"`{path}` has no canonical form", f"name `{MODEL}` or files of rows (`.csv`)")
        else:
            files[path] = None
    return list(files)


def _is_formatted(path: Path) -> bool:
    return path.name == MODEL or path.suffix == ".csv"


def _widths(path: Path) -> dict[str, int]:
    """How many fields each row type has, by the model of the folder that the file is in."""
    for folder in path.absolute().parents[:2]:
        file = folder / MODEL
        if file.is_file():
            try:
                read, found = model.parse(present.path(file), file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"`{present.path(file)}` cannot be read", str(error)) from error
            if read is None:
                raise InvalidPolicy(found)
            return read.widths
    raise UsageError(
        f"there is no `{MODEL}` beside `{present.path(path)}` or above it", "name a file of a policy folder"
    )


def replace(path: Path, text: str) -> None:
    """Put a text in the place of a file, wholly or not at all. Its mode stays, and so does a link to it."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                if target.exists():
                    os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"`{present.path(path)}` cannot be written: {error.strerror}", "put its permissions right"
        ) from error
