"""`rolewarden constants`: the names of a policy as source code, so that a compiler finds the one that was mistyped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from service.commands import check, desk, fmt
from service.commands.desk import Desk
from service.errors import InvalidPolicy, UsageError
from service.policy.catalog import Catalog
from service.values import Reason

Names = Mapping[str, Mapping[str, str]]
"""What is named (`Screen`, `Action`, `Reason`) -> constant -> the name itself."""


@click.command()
@desk.folder
@click.option("--language", type=click.Choice(["python", "java"]), required=True, help="What to write.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, wholly or not at all."
)
@click.pass_obj
def constants(given: Desk, folder: Path | None, language: str, output: Path | None) -> None:
    """Print the names of screens, actions and reasons as source code.

    The same folder gives the same text. Ends with 3 where the folder does not hold.

    \b
    Example:
      rolewarden constants policies --language java -o src/main/java/Names.java
    """
    result = check.run(given.policies(folder))
    if result.bundle is None or not result.holds:
        raise InvalidPolicy(result.found)
    text = WRITERS[language](names(result.bundle.catalog))
    if output is None:
        click.echo(text, nl=False)
    else:
        fmt.replace(output, text)


def names(catalog: Catalog) -> Names:
    """Every name under its constant. UsageError where two names come to the same constant."""
    actions = sorted({action for screen in catalog.screens.values() for action in screen.actions})
    return {
        "Screen": _named(catalog.screens),
        "Action": _named(actions),
        "Reason": _named(reason.value for reason in Reason),
    }


def _named(every: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in every:
        constant = re.sub(r"\W+", "_", name).strip("_").upper()
        constant = f"_{constant}" if not constant or constant[0].isdigit() else constant
        if found.setdefault(constant, name) != name:
            mend = "rename one of them, or write the constants by hand"
            raise UsageError(f"`{found[constant]}` and `{name}` would both be {constant}", mend)
    return found


_ABOUT = "Made by `rolewarden constants` from a policy folder."


def python(names: Names) -> str:
    """A module with an enumeration of each kind. A member is its text, and can be passed where one is asked for."""
    lines = [f'"""The names of the policy. {_ABOUT}"""', "", "from enum import StrEnum", ""]
    meanings = {
        "Screen": "A screen.",
        "Action": "What can be asked about screens.",
        "Reason": "Why a decision is what it is.",
    }
    for kind, constants in names.items():
        lines += ["", f"class {kind}(StrEnum):", f'    """{meanings[kind]}"""', ""]
        lines += [f"    {constant} = {_quoted(name)}" for constant, name in constants.items()]
        lines.append("")
    return "\n".join(lines)


def java(names: Names) -> str:
    """A class with one class of constants for each kind."""
    lines = [f"/** The names of the policy. {_ABOUT} */", "public final class Names {"]
    for kind, constants in names.items():
        lines += ["", f"    public static final class {kind} {{"]
        lines += [
            f"        public static final String {constant} = {_quoted(name)};" for constant, name in constants.items()
        ]
        lines += ["", f"        private {kind}() {{}}", "    }"]
    return "\n".join([*lines, "", "    private Names() {}", "}", ""])


def _quoted(name: str) -> str:
    """A text as both languages write it; no name of a policy has a control character."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


WRITERS: Mapping[str, Callable[[Names], str]] = {"python": python, "java": java}
