"""Practices that are hard on pages: a large one, one with hostile names, and one with next to nothing in it.

Run as a script, it puts them into the home that `ROLEWARDEN_HOME` names, which must be a demonstration's, to be looked
at: `python -m tests.web.long`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from service.config import Settings
from service.publish import Press, publish
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Change, How, Row

USERS, ROLES = 5000, 500
LONG = ("Department of Very Long Names and Longer Titles " * 3)[:120].strip()
ARABIC_ROLE, ARABIC_NAME = "مكتب الاستقبال", "ليلى حسن"
HOSTILE_ROLE, HOSTILE_NAME = '<script>alert("role")</script>', "<img src=x onerror=alert(1)>"
QUOTED_ROLE, QUOTED_NAME = """O'Brien's "desk" & co.; a/b?c=d#e%20""", "Siobhán O'Neil"
UNBROKEN = "W" * 120
SCREENS = ("Task - Orders", "Task - Results", "Task - Fax", "Task - Patient Portal", "Task - Patient Portal - List")


def large(practice: str = "large", users: int = USERS, roles: int = ROLES) -> Iterator[Row]:
    """Many users and roles; everybody is in two roles, each role has a level on three screens."""
    dice = random.Random(1)  # noqa: S311 - the same world each time
    yield from _begun(practice, "Large Clinic")
    for number in range(roles):
        role = f"role:Role {number:03}"
        yield Row("role", (practice, role))
        for screen in dice.sample(SCREENS, 3):
            yield Row("p", (role, practice, screen, dice.choice(("Read", "Update", "Write"))))
    for number in range(users):
        yield Row("user", (practice, f"u{number:04}", f"Person {number:04} Surname", "active"))
        for role_number in dice.sample(range(roles), 2):
            yield Row("g", (f"user:u{number:04}", f"role:Role {role_number:03}", practice))


def hostile(practice: str = "hostile") -> Iterator[Row]:
    """Names of 120 characters, in Arabic, with quotes and with markup."""
    yield from _begun(practice, f"{HOSTILE_NAME} & {ARABIC_NAME}")
    for role in (LONG, ARABIC_ROLE, HOSTILE_ROLE, QUOTED_ROLE, UNBROKEN):
        yield Row("role", (practice, f"role:{role}"))
        yield Row("p", (f"role:{role}", practice, "Task - Patient Portal", "Read"))
    people = {"long": LONG, "layla": ARABIC_NAME, "script": HOSTILE_NAME, "o'neil": QUOTED_NAME, UNBROKEN: UNBROKEN}
    for (user, name), role in zip(
        people.items(), (LONG, ARABIC_ROLE, HOSTILE_ROLE, QUOTED_ROLE, UNBROKEN), strict=True
    ):
        yield Row("user", (practice, user, name, "active"))
        yield Row("g", (f"user:{user}", f"role:{role}", practice))


def empty(practice: str = "empty") -> Iterator[Row]:
    """Its administrator, and nothing else."""
    yield from _begun(practice, "New Practice")


def _begun(practice: str, name: str) -> Iterator[Row]:
    admin = "role:Practice Administrator"
    yield from (Row("practice", (practice, name)), Row("role", (practice, admin)))
    yield from (Row("p", (admin, practice, screen, "Write")) for screen in ("Setup - Roles", "Setup - Users"))
    yield from (Row("user", (practice, "pat", "Pat Pine", "active")), Row("g", ("user:pat", admin, practice)))


def put(press: Press, *worlds: Iterator[Row]) -> None:
    """These published, each as a change; all three where none is named."""
    for rows in worlds or (large(), hostile(), empty()):
        with press.store.reading() as view:
            base = view.head().number
        publish(Change(frozenset(rows), frozenset(), "operator:test", How.COMMAND, base), press)


if __name__ == "__main__":
    settings = Settings.from_environ(os.environ)
    put(Press(Store.open(settings.store_url), Counter.open(settings.counter)))
