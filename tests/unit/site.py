"""A place where policy is published and answered from: a real store, its counter and a policy folder.

A `Site` is copied from one that was made once, with the shipped policy and the demonstration's practices published.
Rows are written as in a policy file; `site.change(add=..., remove=...)` makes a change of them.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from service import changes, folder
from service.audit.chain import rows_digest
from service.changes import Author
from service.decide import Answer, decide
from service.live import Live, State
from service.policy import bundle, rows
from service.policy.bundle import Bundle
from service.publish import Press, publish
from service.store.counter import Counter
from service.store.sql import Store
from service.store.view import View
from service.values import Caller, Change, How, Question, Revision, Row
from tests.witness import WITNESS

SHIPPED = Path(__file__).parents[2] / "policies"
LIST, TASK, ORDERS, ROLES = "Task - Patient Portal - List", "Task - Patient Portal", "Task - Orders", "Setup - Roles"
OPERATOR = Author("operator:test", reason="a test")
ANYWHERE = Caller("ehr", None)

Edits = Mapping[str, tuple[str, str]]
"""Path of a policy file -> a text that stands in it, and what to write instead."""


def row(text: str) -> Row:
    """`row("g, user:ann, role:Nurse, riverside")`."""
    kind, *fields = text.split(", ")
    return Row(kind, tuple(fields))


def some(text: str) -> frozenset[Row]:
    """One row a line."""
    return frozenset(row(line.strip()) for line in text.splitlines() if line.strip())


def load(files: Mapping[str, bytes]) -> Bundle:
    """A folder that can be read as a whole."""
    read, found = bundle.load(files)
    assert read is not None, found
    return read


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A store, its counter and a copy of the shipped policies, all in `root`."""

    root: Path
    lives: list[Live] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.root / "store.db"

    @property
    def policies(self) -> Path:
        return self.root / "policies"

    @cached_property
    def store(self) -> Store:
        return Store.open(f"sqlite:///{self.database}", create=True, patience=0.5)

    @cached_property
    def counter(self) -> Counter:
        return Counter.create(self.root / "counter")

    @property
    def press(self) -> Press:
        return Press(self.store, self.counter, opinion=WITNESS.hear)

    def copy(self, root: Path) -> Site:
        """The same site at another place, while nobody uses this one."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Site(root)

    def close(self) -> None:
        for live in self.lives:
            live.stop()
        self.store.close()
        self.counter.close()

    # -- what stands in the store --

    @contextmanager
    def view(self) -> Iterator[View]:
        with self.store.reading() as view:
            yield view

    def head(self) -> int:
        with self.view() as view:
            return view.head().number

    def rows(self, practice: str) -> frozenset[Row]:
        with self.view() as view:
            return frozenset(view.rows(practice))

    def dump(self) -> str:
        """Everything in the database, as SQL."""
        with closing(sqlite3.connect(self.database)) as connection:
            return "\n".join(connection.iterdump())

    # -- changes --

    def change(self, add: str = "", remove: str = "", *, behind: int = 0) -> Change:
        """A change of these rows, made from the newest revision or from one that is so many `behind`."""
        return Change(some(add), some(remove), "operator:test", How.COMMAND, self.head() - behind)

    def publish(self, add: str = "", remove: str = "") -> Revision:
        return publish(self.change(add, remove), self.press)

    def of_files(self, edits: Edits, added: Mapping[str, str] | None = None) -> tuple[Change, dict[str, str]]:
        """The change to these edits of the published files, with `added` ones, and the texts that it needs.

        It is worked out without reading the files as a policy, so that they need not hold.
        """
        with self.view() as view:
            texts, current = view.files(), frozenset(view.rows(""))
        for path, (old, new) in edits.items():
            assert old in texts[path], f"`{old}` does not stand in {path}"
            texts[path] = texts[path].replace(old, new)
        texts |= added or {}
        screens, _ = rows.parse("screens.csv", texts["screens.csv"], {"g2": 3})
        wanted = {Row("file", (path, sha256(text.encode()).hexdigest())) for path, text in texts.items()}
        wanted |= set(screens.rows)
        change = replace(self.change(), added=frozenset(wanted - current), removed=frozenset(current - wanted))
        return change, {row.fields[0]: texts[row.fields[0]] for row in change.added if row.kind == "file"}

    def publish_files(self, edits: Edits) -> Revision:
        change, texts = self.of_files(edits)
        return publish(change, self.press, texts)

    def publish_shipped(self, *, demo: bool = False, policies: Path = SHIPPED) -> Revision:
        """Publish the policy folder, or another, and, with `demo`, the practices of its worlds."""
        read = load(folder.read(policies))

        def wanted(view: View) -> Change:
            files = changes.of_files(view, OPERATOR, read)
            return changes.together(files, changes.of_worlds(view, OPERATOR, read)) if demo else files

        done = changes.carry_out(self.press, wanted, read.texts)
        assert done is not None
        return done

    def set_active(self, user: str, active: bool, practice: str = "riverside") -> Revision:
        """Disable or enable a user, who must be the other now."""
        done = changes.carry_out(
            self.press, lambda view: changes.of_user(view, OPERATOR, practice, user, name=None, active=active)
        )
        assert done is not None
        return done

    # -- past the service --

    def commit_unannounced(self, add: str = "", remove: str = "") -> Revision:
        """Publish, and be killed before the counter was raised."""
        told = (self.root / "counter").read_bytes()
        done = self.publish(add, remove)
        with (self.root / "counter").open("r+b") as counter:
            counter.write(told)
        return done

    def sql(self, statement: str, *values: object) -> None:
        """Change the database behind everybody's back."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            connection.execute(statement, values)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database is not there."""
        hidden = self.database.with_name("hidden.db")
        self.database.rename(hidden)
        try:
            yield
        finally:
            hidden.rename(self.database)

    # -- answers --

    def live(self, clock: Callable[[], float] | None = None, *, max_age: float = 100, keep: float = 100) -> Live:
        """What answers from this store; without its poll, unless a test starts it."""
        live = Live(self.store, self.counter, max_policy_age=max_age, keep_practices=keep, clock=clock or Clock())
        self.lives.append(live)
        return live


def question(user: str, action: str, screen: str, practice: object = "riverside", **others: Any) -> Question:
    """`question("ann", "respond", TASK)`."""
    context = {} if practice is None else {"practice": practice}
    return Question("user", user, action, "screen", screen, context)._replace(**others)


def ask(state: State | Live, user: str, action: str, screen: str, practice: str = "riverside") -> Answer:
    """The answer to a caller who may ask about every practice."""
    state = state.state() if isinstance(state, Live) else state
    return decide(question(user, action, screen, practice), ANYWHERE, state)


def reason(state: State | Live, user: str, action: str, screen: str, practice: str = "riverside") -> str:
    """The reason in that answer."""
    return ask(state, user, action, screen, practice).decision.reason.value


@contextmanager
def transactions(pause: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Collects an entry for each transaction that this process begins meanwhile; `pause` is called in each."""
    begun: list[int] = []

    def began(_: object) -> None:
        begun.append(1)
        pause()

    event.listen(Engine, "begin", began)
    try:
        yield begun
    finally:
        event.remove(Engine, "begin", began)


def intact(site: Site, practice: str) -> bool:
    """Whether the rows of a practice are those of its revisions."""
    with site.view() as view:
        return rows_digest(view.rows(practice)) == view.recorded_digest(practice)


def make(root: Path, alter: Callable[[Path], None] = lambda _: None) -> Site:
    """A site with the shipped policy, altered perhaps, published, and then the demonstration's practices."""
    shutil.copytree(SHIPPED, root / "policies")
    alter(root / "policies")
    site = Site(root)
    site.publish_shipped(policies=site.policies)
    site.publish_shipped(policies=site.policies, demo=True)
    return site


def with_effects(policies: Path) -> None:
    """Have every row of a copy of the shipped policy say `allow`, so that others may say `deny`."""
    for file in (path for path in policies.rglob("*.*") if path.suffix in (".csv", ".yaml", ".conf")):
        if "examples" not in file.parts:
            text = re.sub(r"^( *p, .*)$", r"\1, allow", file.read_text(), flags=re.MULTILINE)
            text = text.replace("p = role, practice, screen, level", "p = role, practice, screen, level, eft")
            both = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
            file.write_text(text.replace("e = some(where (p.eft == allow))", f"e = {both}"))
