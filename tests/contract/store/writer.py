"""A process of its own that writes to a store: `python writer.py URL create|race|stop`."""

import sys
import time
from typing import Any

from sqlalchemy import Engine, event

from service.errors import BaseMoved
from service.store.sql import Store
from tests.contract.store.builders import draft, row

RACE = 10
"""Changes that one racer publishes."""


def race(store: Store, name: str) -> None:
    """Publish until it worked so many times, whoever else does the same."""
    done = 0
    while done < RACE:
        try:
            store.commit(draft(store, [row(f"role, riverside, role:{name} {done}")]), {})
        except BaseMoved:
            continue
        done += 1


def stop(store: Store) -> None:
    """Get as far as the rows of the revision, say so, and stay there until killed."""

    @event.listens_for(Engine, "after_cursor_execute")
    def halfway(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO revision_row"):
            sys.stdout.write("halfway\n")
            sys.stdout.flush()
            time.sleep(60)

    store.commit(draft(store, [row(f"role, riverside, role:Unheard {n:05}") for n in range(20_000)]), {})


def main(url: str, action: str, name: str = "") -> None:
    """Do one of the three and end."""
    store = Store.open(url, create=action == "create")
    if action == "race":
        race(store, name)
    elif action == "stop":
        stop(store)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
