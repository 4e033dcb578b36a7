"""What every command gets, and what it gives back.

A `Desk` is handed to each command by `service.cli`, which alone knows the settings. Nothing is read or opened before
a command asks for it, so that `--help` and a check of a folder work without a store and whatever is set.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from service.changes import Author
from service.commands.present import path
from service.config import Settings
from service.errors import StoreUnavailable
from service.live import Live
from service.policy.rows import name_problem
from service.publish import Press
from service.store.sql import Store
from service.values import ROLE_PREFIX, USER_PREFIX, How


class Exit(IntEnum):
    """How a command ended, for whoever called it. A command that returns nothing is done."""

    DONE = 0
    FAILED = 1
    DENIED = 2
    INVALID = 3
    # What `diff` makes of two of them, as such commands do everywhere: 1 is an answer, 2 is trouble.
    DIFFERS = 1
    TROUBLE = 2


class Trouble(Exception):
    """What went wrong in a command of which 1 is an answer, so that the error cannot be taken for one."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command may ask for. What is opened is closed again by the `with` that asked."""

    settings: Callable[..., Settings]
    operator: Callable[[], str]
    store: Callable[[], AbstractContextManager[Store]]
    press: Callable[[], AbstractContextManager[Press]]
    live: Callable[[], AbstractContextManager[Live]]

    def policies(self, named: Path | None) -> Path:
        """The policy folder: the one that was named, or the one that is set."""
        return self.settings().policies if named is None else named

    def author(self, how: How = How.COMMAND, reason: str = "", reference: str = "") -> Author:
        """On whose word this command makes a change."""
        return Author(f"operator:{self.operator()}", how, reason, reference)


def require_store(settings: Settings) -> None:
    """Say plainly that there is no embedded store, or that it is somebody else's: its driver says neither."""
    scheme, embedded, rest = settings.store_url.partition("sqlite:///")
    if scheme or not embedded:
        return
    file = Path(unquote(rest))
    try:
        file.stat()
    except FileNotFoundError as error:
        mend = "run `rolewarden init`, or set `ROLEWARDEN_HOME` to the folder that holds it"
        raise StoreUnavailable(f"there is no store at `{path(file)}`", mend) from error
    except OSError as error:
        mend = "run this as the account that the service runs as"
        raise StoreUnavailable(f"the store `{path(file)}`: {error.strerror}", mend) from error


class Name(click.ParamType[str]):
    """A name that can stand in a row: refused where it is typed, rather than where it would be published."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it was typed."""
        if problem := name_problem(str(value)):
            self.fail(problem[1], param, ctx)
        return str(value)


class UserId(Name):
    """The id of a user, which rows write behind `user:` and commands without it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id as it was typed."""
        user = super().convert(value, param, ctx)
        for prefix in (USER_PREFIX, ROLE_PREFIX):
            if user.startswith(prefix):
                self.fail(f"`{user}` begins with `{prefix}`; write the id alone", param, ctx)
        return user


folder = click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
"""The policy folder as an argument of a command."""


def form(*choices: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option `--format`; the first choice is what happens without it."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="How to print it.",
    )
