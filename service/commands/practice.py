"""`rolewarden practice` and `rolewarden user`: who exists. What they may do is decided by rows, not here."""

from __future__ import annotations

from collections import defaultdict

import click
from rich.text import Text

from service.changes import carry_out, of_new_practice, of_user
from service.commands import present
from service.commands.desk import Desk, Name, UserId
from service.commands.policy import require_practice
from service.errors import InvalidPolicy, UsageError
from service.policy import bundle
from service.store.view import View
from service.values import ROLE_PREFIX, USER_PREFIX, Row


@click.group()
def practice() -> None:
    """Create practices, and see which there are."""


@click.group()
def user() -> None:
    """Add, disable and enable users, and see who is there."""


@practice.command()
@click.argument("practice", metavar="ID", type=Name())
@click.option("--admin", required=True, metavar="USER", type=UserId(), help="Its first administrator.")
@click.option("--name", type=Name(), help="Its name for people; the id unless given.")
@click.pass_obj
def create(given: Desk, practice: str, admin: str, name: str | None) -> None:
    """Create a practice with one administrator, who gets the template Practice Administrator.

    \b
    Example:
      rolewarden practice create riverside --admin pat --name "Riverside Family Practice"
    """
    author = given.author()
    with given.press() as press:
        revision = carry_out(
            press,
            lambda view: of_new_practice(view, author, practice, name or practice, admin, _templates(view)),
        )
    number = revision.number if revision else 0
    present.say(present.out(), f"created `{practice}`, with `{admin}` as Practice Administrator (revision {number})")


@practice.command("list")
@click.pass_obj
def list_practices(given: Desk) -> None:
    """List the practices.

    \b
    Example:
      rolewarden practice list
    """
    practices = []
    with given.store() as store:
        with store.reading() as view:
            names = sorted(view.practice_ids())
        for name in names:  # one reading each: whoever wants to change something does not wait for the whole
            with store.reading() as view:
                practices.append((name, view.rows(name)))
    console = present.out()
    if not practices:
        present.say(console, "no practices yet")
        present.advise(console, "`rolewarden practice create ID --admin USER`")
        return
    table = present.table("Practice", "Name", "Users", "Inactive", "Roles")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, rows in practices:
        states = [row.fields[3] for row in rows if row.kind == "user"]
        shown = next((row.fields[1] for row in rows if row.kind == "practice"), "")
        inactive, roles = states.count("inactive"), sum(row.kind == "role" for row in rows)
        table.add_row(
            present.visible(name), present.visible(shown), *(f"{n:,}" for n in (len(states), inactive, roles))
        )
    present.say(console, table)


@user.command()
@click.argument("practice")
@click.argument("user", type=UserId())
@click.option("--name", required=True, type=Name(), help="The user's name for people.")
@click.pass_obj
def add(given: Desk, practice: str, user: str, name: str) -> None:
    """Add a user to a practice. A new user has no role, and so no access.

    \b
    Example:
      rolewarden user add riverside zoe --name "Zoe Zander"
    """
    author = given.author()
    with given.press() as press:
        revision = carry_out(press, lambda view: of_user(view, author, practice, user, name=name, active=True))
    number = revision.number if revision else 0
    present.say(present.out(), f"added `{user}` to `{practice}`, without any role (revision {number})")


@user.command()
@click.argument("practice")
@click.argument("user")
@click.pass_obj
def disable(given: Desk, practice: str, user: str) -> None:
    """Refuse a user everything, from the very next check on. Their roles are kept.

    \b
    Example:
      rolewarden user disable riverside lou
    """
    _activate(given, practice, user, active=False)


@user.command()
@click.argument("practice")
@click.argument("user")
@click.pass_obj
def enable(given: Desk, practice: str, user: str) -> None:
    """Let a user have again what their roles give them.

    \b
    Example:
      rolewarden user enable riverside lou
    """
    _activate(given, practice, user, active=True)


@user.command("list")
@click.argument("practice")
@click.pass_obj
def list_users(given: Desk, practice: str) -> None:
    """List the users of a practice with their roles.

    \b
    Example:
      rolewarden user list riverside
    """
    with given.store() as store, store.reading() as view:
        require_practice(practice, view.practice_ids())
        rows = view.rows(practice)
    roles: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.kind == "g" and row.fields[0].startswith(USER_PREFIX):
            roles[row.fields[0].removeprefix(USER_PREFIX)].append(row.fields[1].removeprefix(ROLE_PREFIX))
    console = present.out()
    users = [row for row in rows if row.kind == "user"]
    if not users:
        present.say(console, f"no users in `{practice}`")
        present.advise(console, f"`rolewarden user add {practice} USER --name NAME`")
        return
    table = present.table("User", "Name", "Roles", "")
    for row in users:
        _, name, shown, state = row.fields
        inactive = state == "inactive"
        cells = (name, shown, ", ".join(roles[name]) or "(none)", "inactive" if inactive else "")
        table.add_row(*(Text(present.visible(cell)) for cell in cells), style="dim" if inactive else "")
    present.say(console, table)


def _activate(given: Desk, practice: str, user: str, *, active: bool) -> None:
    author, state = given.author(), "active" if active else "inactive"
    with given.press() as press:
        revision = carry_out(press, lambda view: of_user(view, author, practice, user, name=None, active=active))
    if revision is None:
        present.say(present.out(), f"`{user}` of `{practice}` is {state} already")
    else:
        present.say(present.out(), f"`{user}` of `{practice}` is {state} from now on (revision {revision.number})")


def _templates(view: View) -> list[Row]:
    """The template rows of the published files."""
    texts = view.files()
    if not texts:
        raise UsageError("no policy is published yet", "run `rolewarden init`, or `rolewarden apply DIR`")
    read, found = bundle.load({path: text.encode() for path, text in texts.items()})
    if read is None:
        raise InvalidPolicy(found)
    return list(read.templates.rows)
