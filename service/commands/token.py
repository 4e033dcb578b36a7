"""`rolewarden token`: what callers of the service show. Only the hash of a token is kept."""

from __future__ import annotations

import click
from rich.text import Text

from service.access.permissions import Scope
from service.access.tokens import mint
from service.commands import present
from service.commands.desk import Desk, Name
from service.commands.policy import require_practice
from service.errors import UsageError
from service.store.base import Token

MOST_PRACTICES = 5


@click.group()
def token() -> None:
    """Make and revoke the bearer tokens of callers."""


@token.command()
@click.option("--name", required=True, type=Name(), help="Who will show it, for the log and for revoking it.")
@click.option(
    "--practice", "practices", multiple=True, metavar="ID", help="A practice it may ask about; repeat for more."
)
@click.option("--all-practices", is_flag=True, help="It may ask about every practice, those to come too.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=[Scope.CHECK.value],
    show_default=True,
    help="What it is good for; repeat for more.",
)
@click.pass_obj
def create(given: Desk, name: str, practices: tuple[str, ...], all_practices: bool, scopes: tuple[str, ...]) -> None:
    """Make a token and print it, this once.

    The token alone goes to standard output, so that a script can put it where it belongs.

    \b
    Example:
      rolewarden token create --name ehr --practice riverside --practice lakeside
      rolewarden token create --name ehr-setup --practice riverside --scope setup:read --scope setup:write
    """
    if all_practices == bool(practices):
        raise UsageError("a token is for some practices or for all", "give `--practice ID`, or `--all-practices`")
    with given.press() as press:
        with press.store.reading() as view:
            for practice in practices:
                require_practice(practice, view.practice_ids())
        made, text = mint(name, None if all_practices else frozenset(practices), press.now(), frozenset(scopes))
        with press.counter.changing():
            press.store.add_token(made)
    click.echo(text)
    present.say(
        present.err(),
        f"This is the token of `{name}`, {_good(made)}. It cannot be shown again.",
    )


@token.command("list")
@click.pass_obj
def list_tokens(given: Desk) -> None:
    """List the tokens, revoked ones too. What was printed when they were made is not kept.

    \b
    Example:
      rolewarden token list
    """
    with given.store() as store, store.reading() as view:
        tokens = view.tokens()
    console = present.out()
    if not tokens:
        present.say(console, "no tokens yet")
        present.advise(console, "`rolewarden token create --name NAME --practice ID`")
        return
    table = present.table("Name", "Practices", "Scopes", "Made", "Revoked")
    for each in tokens:
        times = (present.moment(each.created), present.moment(each.revoked or ""))
        cells = (each.name, _practices(each), _scopes(each), *times)
        table.add_row(*(Text(present.visible(cell)) for cell in cells), style="dim" if each.revoked else "")
    present.say(console, table)


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(given: Desk, name: str) -> None:
    """Have a token refused, from the very next request on.

    \b
    Example:
      rolewarden token revoke ehr
    """
    with given.press() as press, press.counter.changing():
        press.store.revoke_token(name, press.now())
    present.say(present.out(), f"the token `{name}` is refused from now on")


def _good(made: Token) -> str:
    return f"good for {_scopes(made)} in {_practices(made)}"


def _practices(made: Token) -> str:
    return "all practices" if made.practices is None else present.series(sorted(made.practices), MOST_PRACTICES)


def _scopes(made: Token) -> str:
    return present.series([scope.value for scope in Scope if scope in made.scopes])
