"""Invented practices of any number, the same for everyone who asks for the same size.

A practice has 50 users with 2 of its 10 roles each; a role holds a level on 20 of the 42 screens, so that
about half of all random questions are allowed. A size counts what a Casbin would load (`p`, `g` and `g2`
rows) and is met by whole practices; the directory (`practice`, `user` and `role` rows) comes on top. Practice
number n is the same in every size, and a user id stands in one practice only.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

from service.decision.engine import Ruleset, Snapshot, divide
from service.policy import model as models
from service.policy import rows as texts
from service.policy.model import Model
from service.values import Request, Row

POLICIES = Path(__file__).resolve().parent.parent / "policies"
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1M": 1_000_000}

USERS, ROLES, SCREENS = 50, 10, 42
ROLES_OF_A_USER, SCREENS_OF_A_ROLE = 2, 20
ROWS_OF_A_PRACTICE = ROLES * SCREENS_OF_A_ROLE + USERS * ROLES_OF_A_USER

LEVELS = ("Read", "Update", "Write")
LADDER = ("view", "edit", "add")
"""What each level adds on a screen that is not of the portal."""
_QUEUES = (
    *("Communication", "Orders", "Results", "Superbill", "SOAP Notes", "eDocuments", "Prescription", "Reminder"),
    *("Fax", "Fax Updocx", "Case Mgmt.", "NYSED"),
)
_PORTAL = {"Task - Patient Portal - List": ("open_queue",), "Task - Patient Portal": ("open_message", "respond")}
_ROLES = tuple(f"role:Role {number}" for number in range(1, ROLES + 1))


def vocabulary() -> dict[str, frozenset[str]]:
    """The screens with their actions: those of the portal, the other queues, and `Screen 15` to `Screen 42`."""
    names = [*(f"Task - {queue}" for queue in _QUEUES), *(f"Screen {number}" for number in range(15, SCREENS + 1))]
    usual = frozenset(LADDER)
    return {screen: frozenset(actions) for screen, actions in _PORTAL.items()} | dict.fromkeys(names, usual)


def screens() -> list[Row]:
    """The `g2` rows: on the portal screens each level behaves as Write, on the others Write holds Update holds Read."""
    rows: list[tuple[str, str, str]] = []
    for screen in vocabulary():
        if screen in _PORTAL:
            rows += [(action, "Write", screen) for action in _PORTAL[screen]]
            rows += [("Write", "Read", screen), ("Write", "Update", screen)]
        else:
            rows += [(action, level, screen) for action, level in zip(LADDER, LEVELS, strict=True)]
            rows += [("Read", "Update", screen), ("Update", "Write", screen)]
    return [Row("g2", row) for row in rows]


def opens() -> dict[tuple[str, str], frozenset[str]]:
    """What `screens()` comes to: the actions that each (screen, level) opens, worked out without the engine."""
    opened: dict[tuple[str, str], frozenset[str]] = {}
    for screen, actions in vocabulary().items():
        for place, level in enumerate(LEVELS):
            ladder = frozenset(LADDER[: place + 1])
            opened[screen, level] = actions if screen in _PORTAL else ladder
    return opened


def practice_id(number: int) -> str:
    """The id of a practice."""
    return f"practice-{number:05}"


def users(number: int) -> list[str]:
    """The ids of the users of a practice, without their prefix."""
    return [f"{practice_id(number)}-{user:02}" for user in range(1, USERS + 1)]


def practice(number: int) -> tuple[list[Row], list[Row]]:
    """The directory rows of one practice, and its `p` and `g` rows."""
    name, chance = practice_id(number), random.Random(number)
    directory = [Row("practice", (name, f"Practice {number}"))]
    directory += [Row("user", (name, user, f"User {user[-2:]}", "active")) for user in users(number)]
    directory += [Row("role", (name, role)) for role in _ROLES]
    every = tuple(vocabulary())
    rows = [
        Row("p", (role, name, screen, chance.choice(LEVELS)))
        for role in _ROLES
        for screen in chance.sample(every, SCREENS_OF_A_ROLE)
    ]
    rows += [
        Row("g", (f"user:{user}", role, name))
        for user in users(number)
        for role in chance.sample(_ROLES, ROLES_OF_A_USER)
    ]
    return directory, rows


class World:
    """Practices number 1 to `practices`, with all their rows in memory as a parser would leave them."""

    def __init__(self, size: int) -> None:
        self.model = model()
        self.vocabulary = vocabulary()
        self.screens = screens()
        self.practices = self.count(size)
        self.directory: list[Row] = []
        self.policy: list[Row] = []
        for number in range(1, self.practices + 1):
            directory, rows = practice(number)
            self.directory += directory
            self.policy += rows

    @staticmethod
    def count(size: int) -> int:
        """How many practices come closest to this many rows."""
        return max(1, round((size - len(screens())) / ROWS_OF_A_PRACTICE))

    @property
    def rows(self) -> list[Row]:
        """Every row, those of the directory too."""
        return self.screens + self.directory + self.policy

    def __len__(self) -> int:
        """The rows that a Casbin would load."""
        return len(self.screens) + len(self.policy)

    def snapshot(self) -> Snapshot:
        """The engine over this world."""
        return compiled(self.model, self.rows, self.vocabulary)

    def questions(self, count: int, seed: int = 1) -> list[Request]:
        """Questions about known users, screens and actions, spread evenly over the whole world."""
        chance = random.Random(seed)
        people = [users(number) for number in range(1, self.practices + 1)]
        prefixed = [[f"user:{user}" for user in group] for group in people]
        asked = [(screen, action) for screen, actions in self.vocabulary.items() for action in sorted(actions)]
        questions: list[Request] = []
        for _ in range(count):
            number = chance.randrange(self.practices)
            screen, action = chance.choice(asked)
            questions.append((chance.choice(prefixed[number]), practice_id(number + 1), screen, action))
        return questions


def model() -> Model:
    """The model that the product ships."""
    file = POLICIES / "model.conf"
    read, found = models.parse(str(file), file.read_text("utf-8"))
    assert read is not None, found
    return read


def compiled(model: Model, rows: list[Row], words: dict[str, frozenset[str]]) -> Snapshot:
    """Rows to engine, in the two steps that the product takes: divide, then compile each division."""
    shared, divisions = divide(model, rows)
    ruleset = Ruleset(model, shared, words)
    return Snapshot(ruleset, {name: ruleset.compile(group) for name, group in divisions.items()}, 1)


def write(folder: Path, size: int) -> int:
    """Write a policy folder with a world of this size in `world/`; returns the number of rows in its CSV files.

    One CSV file a practice, as a person would keep them, and one directory for all.
    """
    world = folder / "world"
    world.mkdir(parents=True)
    (folder / "cases").mkdir()
    for name in ("model.conf", "request.yaml"):
        copy(POLICIES / name, folder / name)
    (folder / "screens.csv").write_text(texts.dump(screens()), "utf-8")
    (folder / "templates.csv").write_text("", "utf-8")
    (folder / "catalog.yaml").write_text("\n".join(_catalog()) + "\n", "utf-8")
    count = World.count(size)
    with (world / "directory.yaml").open("w", encoding="utf-8") as directory:
        for number in range(1, count + 1):
            _, rows = practice(number)
            (world / f"{practice_id(number)}.csv").write_text(texts.dump(rows), "utf-8")
            directory.write(f"{practice_id(number)}:\n  name: Practice {number}\n  users:\n")
            directory.writelines(f"    {user}: User {user[-2:]}\n" for user in users(number))
    return len(screens()) + count * ROWS_OF_A_PRACTICE


def _catalog() -> Iterator[str]:
    """A catalog with an entry for every screen; JSON strings are YAML strings."""
    yield 'levels: [Read, Update, Write]\nclosing: "Ask your administrator. Code {code}."'
    yield 'unavailable: "Try again in a minute."\nscreens:'
    for screen, actions in vocabulary().items():
        yield f"  {json.dumps(screen)}:\n    group: Invented\n    description: Invented\n    actions:"
        yield from (f"      {action}: {action} on {json.dumps(screen)[1:-1]}" for action in sorted(actions))
        yield f"    security_message: {json.dumps(f'You have no access to {screen}.')}"
