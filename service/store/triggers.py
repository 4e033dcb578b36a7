"""Triggers: what the database itself refuses, in the words of SQLite and of PostgreSQL.

INVARIANT: what has been published is never changed or removed, not even by hand. Released migrations are made of these
statements, so what one of them does is never changed either; a new rule is a new function.
"""

from __future__ import annotations

from collections.abc import Iterable

REFUSAL = (
    "CREATE FUNCTION rolewarden_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
)
"""PostgreSQL: what the triggers without a condition call."""


def never_changed(dialect: str, table: str) -> Iterable[str]:
    """Rows of the table are neither updated nor deleted."""
    message = f"{table}: never changed or removed"
    if dialect == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            yield _sqlite(f"{table}_never_{verb.lower()}d", f"{verb} ON {table}", message)
    else:
        yield _postgresql(f"{table}_never_changed", f"UPDATE OR DELETE OR TRUNCATE ON {table}", message)


def closed(dialect: str, table: str) -> Iterable[str]:
    """The table takes no rows for a revision that is published: one whose number the head has reached.

    SQLite needs such triggers all the more: `INSERT OR REPLACE` removes a row without asking the trigger on DELETE.
    """
    condition = "NEW.number <= (SELECT number FROM head)"
    message = f"{table}: a published revision takes nothing more"
    yield from _unless(dialect, f"{table}_closed", table, condition, message)


def stands_already(dialect: str, table: str, key: str) -> Iterable[str]:
    """A row whose key is there is refused before anything could replace it."""
    condition = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of our own
    yield from _unless(dialect, f"{table}_closed", table, condition, f"{table}: stands already")


def head_steps(dialect: str) -> Iterable[str]:
    """The head is one row, which stays, and whose number goes up by one at a time."""
    steps, single, stays = "head: numbers have no gaps", "head: there is one", "head: never removed"
    if dialect == "sqlite":
        yield _sqlite("head_steps", "UPDATE ON head WHEN NEW.number <> OLD.number + 1", steps)
        yield _sqlite("head_single", "INSERT ON head", single)
        yield _sqlite("head_stays", "DELETE ON head", stays)
    else:
        yield _postgresql("head_steps", "UPDATE ON head", steps, "FOR EACH ROW WHEN (NEW.number <> OLD.number + 1)")
        yield _postgresql("head_single", "INSERT ON head", single)
        yield _postgresql("head_stays", "DELETE OR TRUNCATE ON head", stays)


def _unless(dialect: str, name: str, table: str, condition: str, message: str) -> Iterable[str]:
    if dialect == "sqlite":
        yield _sqlite(name, f"INSERT ON {table} WHEN {condition}", message)
        return
    # A condition of a trigger may not ask other tables there, so a function of its own does.
    yield (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {condition} THEN RAISE EXCEPTION '{message}'; END IF; RETURN NEW; END $$"
    )
    yield f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


def _sqlite(name: str, when: str, message: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} BEGIN SELECT RAISE(ABORT, '{message}'); END"


def _postgresql(name: str, when: str, message: str, each: str = "FOR EACH STATEMENT") -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} {each} EXECUTE FUNCTION rolewarden_refuse('{message}')"
