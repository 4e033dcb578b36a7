"""The command line: `rolewarden`. The only place, beside `web`, where settings are read and objects are built.

The commands are in `service.commands`; each gets a `Desk` and returns how it ended. `exit_code` is the one function
that turns an error into an exit code: 0 done, 1 failed, 2 denied, 3 invalid policy.
"""

from __future__ import annotations

import os
import pwd
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NoReturn

import click

from service.commands import (
    ask,
    bring,
    check,
    constants,
    diff,
    fmt,
    health,
    log,
    policy,
    practice,
    present,
    serve,
    shadow,
    token,
    upgrade,
)
from service.commands.desk import Desk, Exit, Trouble, require_store
from service.config import Settings
from service.errors import InvalidPolicy, RolewardenError
from service.live import Live
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from service.witness import Witness

MOST_FINDINGS = 10
"""Errors of a policy that are shown when something else was asked for than its check."""

_STANDARD_ERROR = 2

_MOST_WITNESSES = 4
"""Processes of stock Casbin for a command, which may publish a great deal and is not waited for by anybody else."""


def main() -> NoReturn:
    """What the `rolewarden` script runs."""
    _occupy_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # where it was closed
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # as the interpreter made them
    rolewarden.main(prog_name="rolewarden")


def _occupy_standard_streams() -> None:
    """Put nothing where a standard stream was closed: else the next file, a database say, would be taken for it."""
    free = os.open(os.devnull, os.O_RDWR)
    while free <= _STANDARD_ERROR:
        free = os.dup(free)
    os.close(free)


def exit_code(error: Exception) -> Exit:
    """How a command ends that ended in an error. A refusal is none: `ask` returns `Exit.DENIED` by itself.

    What is not in our tree (a mistyped option, a bug of ours) is a failure, and never looks like a decision. Of a
    command of which 1 is an answer, a failure is 2.
    """
    if isinstance(error, Trouble):
        return Exit.INVALID if isinstance(error.cause, InvalidPolicy) else Exit.TROUBLE
    return Exit.INVALID if isinstance(error, InvalidPolicy) else Exit.FAILED


class Door(click.Group):
    """The group of all commands: where every error becomes a line to read and an exit code, and nothing leaks out."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and exit with its code."""
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show(sys.stdout)
            code = Exit.DONE
        except click.Abort:
            present.error("stopped")
            code = Exit.FAILED
        except Exception as error:  # noqa: BLE001 - nothing passes this door as a traceback
            _show(error.cause if isinstance(error, Trouble) else error)
            code = exit_code(error)
        sys.exit(int(code or Exit.DONE))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click asks
        """The commands in the order in which somebody comes to need them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; with `--debug`, show where an error came from before it goes on."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:
            if ctx.params["debug"]:
                traceback.print_exc()
            raise


def _show(error: Exception) -> None:
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "rolewarden"
        present.error(_as_ours(error.format_message()), f"`{command} --help`")
    elif isinstance(error, click.ClickException):
        present.error(_as_ours(error.format_message()))
    elif isinstance(error, InvalidPolicy):
        errors = [finding for finding in error.findings if finding.severity == "error"]
        shown = [f"{finding.position}: {finding.rule}: {finding.found}" for finding in errors[:MOST_FINDINGS]]
        if len(errors) > MOST_FINDINGS:
            shown.append(f"and {present.count(len(errors) - MOST_FINDINGS, 'more error')}")
        present.error(f"the policy does not hold: {present.count(len(errors), 'error')}", error.mend, shown)
    elif isinstance(error, RolewardenError):
        present.error(error.message, error.mend)
    else:
        text = f"{type(error).__name__}: {error}"
        present.error(f"this is a bug of ours: {text}", "`rolewarden --debug ...` shows where; please report it")


def _as_ours(message: str) -> str:
    """A message of click, written as ours are: lower case, no full stop, what was typed in backticks."""
    return re.sub(r"'([^']*)'", r"`\1`", message[:1].lower() + message[1:].rstrip("."))


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.version_option(package_name="rolewarden", message="rolewarden %(version)s")
@click.pass_context
def rolewarden(context: click.Context, debug: bool) -> None:  # noqa: ARG001 - `Door.invoke` looks at it
    """Decides who may open what in an electronic health record, from Casbin policy.

    Exit codes: 0 done, 1 failed, 2 denied, 3 invalid policy.

    \b
    Example:
      rolewarden check policies
      rolewarden ask riverside eve respond "Task - Patient Portal"
    """
    context.obj = Desk(settings=_settings, operator=_operator, store=_store, press=_press, live=_live)


for command in (
    serve.init,
    serve.serve,
    health.health,
    check.check,
    fmt.fmt,
    constants.constants,
    ask.ask,
    diff.diff,
    policy.plan,
    policy.apply,
    policy.export,
    bring.bring,
    log.log,
    practice.practice,
    practice.user,
    shadow.shadow,
    upgrade.upgrade,
    token.token,
):
    rolewarden.add_command(command)


# --- what is built, each when a command asks for it ---


def _settings(*, demo: bool | None = None) -> Settings:
    return Settings.from_environ(os.environ, demo=demo)


def _operator() -> str:
    """The account that runs this, as the system knows it; no variable can say otherwise."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@contextmanager
def _store() -> Iterator[Store]:
    settings = _settings()
    require_store(settings)
    with closing(Store.open(settings.store_url)) as store:
        yield store


@contextmanager
def _press() -> Iterator[Press]:
    witness = Witness(processes=min(os.cpu_count() or 1, _MOST_WITNESSES))
    with _store() as store, closing(Counter.open(_settings().counter)) as counter, closing(witness):
        yield Press(store, counter, opinion=witness.hear)


@contextmanager
def _live() -> Iterator[Live]:
    settings = _settings()
    with _press() as press:
        yield Live(
            press.store,
            press.counter,
            max_policy_age=settings.max_policy_age,
            keep_practices=settings.keep_practices,
        )
