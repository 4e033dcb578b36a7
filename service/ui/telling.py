"""Changes in words: one edit of a draft, or the rows that somebody else changed, as a line that people can read.

Pure. Names stand in the text as they are; the page escapes and isolates them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from service.policy.catalog import OFF
from service.policy.edits import (
    AddMember,
    AddRole,
    AddUser,
    DeleteRole,
    Edit,
    RemoveMember,
    RenamePractice,
    RenameRole,
    RenameUser,
    SetActive,
    SetLevel,
)
from service.policy.practice import Practice, bare
from service.values import Row

FIRST, LAST = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def isolated(name: str) -> str:
    """A name within a sentence: in a script that runs the other way, it does not turn the sentence around.

    No name can hold these two signs itself: they are hidden characters, which names may not have.
    """
    return f"{FIRST}{name}{LAST}"


def person(practice: Practice, user: str) -> str:
    """Somebody by name; by their id, where the directory does not have them."""
    known = practice.users.get(user)
    return isolated(known.name if known else user)


def edit(made: Edit, practice: Practice) -> str:  # noqa: C901 - one line for each kind
    """One edit of a draft. `practice` is as it is without the draft."""
    name = isolated
    match made:
        case SetLevel(role, screen, level):
            return f"{name(role)}: {level} on {screen}, was {practice.level(role, screen)}"
        case AddMember(role, user):
            return f"{person(practice, user)} joins {name(role)}"
        case RemoveMember(role, user):
            return f"{person(practice, user)} leaves {name(role)}"
        case AddRole(role, template, like):
            begins = f", like {name(like)}" if like else f", from the template {name(template)}" if template else ""
            return f"New role {name(role)}{begins}"
        case RenameRole(role, to):
            return f"{name(role)} is called {name(to)}"
        case DeleteRole(role):
            return f"{name(role)} is deleted"
        case AddUser(user, shown):
            return f"New user {name(shown)} ({name(user)})"
        case RenameUser(user, shown):
            return f"{person(practice, user)} is called {name(shown)}"
        case SetActive(user, active):
            return f"{person(practice, user)} is {'active again' if active else 'inactive'}"
        case RenamePractice(shown):
            return f"The practice is called {name(shown)}"
        case _:
            raise TypeError(made)


def rows(added: Iterable[Row], removed: Iterable[Row], practice: Practice) -> list[str]:
    """What somebody else changed, a line for each thing. `practice` knows the names of people."""
    new, old = _levels(added), _levels(removed)
    lines = [
        f"{isolated(role)}: {new.get((role, screen), OFF)} on {screen}, was {old.get((role, screen), OFF)}"
        for role, screen in sorted(new.keys() | old.keys())
    ]
    for some, member, role, denial, user in (
        (added, "{} joined {}", "New role {}", "{} denies {} on {}", "{} is in the directory, {}"),
        (removed, "{} left {}", "Role {} is gone", "{} no longer denies {} on {}", ""),
    ):
        for row in sorted(some):
            if row.kind == "g":
                who, where = (bare(field) for field in row.fields[:2])
                lines.append(member.format(person(practice, who), isolated(where)))
            elif row.kind == "role":
                lines.append(role.format(isolated(bare(row.fields[1]))))
            elif row.denies:
                lines.append(denial.format(isolated(bare(row.fields[0])), row.fields[3], row.fields[2]))
            elif row.kind == "user" and user:
                lines.append(user.format(isolated(row.fields[2]), row.fields[3]))
    return lines


def _levels(some: Iterable[Row]) -> dict[tuple[str, str], str]:
    return {(bare(row.fields[0]), row.fields[2]): row.fields[3] for row in some if row.kind == "p" and not row.denies}


def count(number: int, one: str, many: str = "") -> str:
    """`1 person`, `2 people`, `nobody` is for the caller to say."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(iso: str) -> str:
    """A time of the store as nobody can misread it: `28 Nov 2026, 08:31 UTC`."""
    return f"{datetime.fromisoformat(iso):%-d %b %Y, %H:%M} UTC"


def who(actor: str, practice: Practice) -> str:
    """Who made a change, as people know them."""
    kind, _, name = actor.partition(":")
    return person(practice, name) if kind == "user" else "The EHR" if kind == "token" else "An operator"
