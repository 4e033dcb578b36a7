"""Lets a test marked `serial` have the machine to itself, however many workers run.

A test holds the room while it runs: a serial one alone, the others together. Each waits for the room at the
door, one at a time, so that tests which come and go cannot keep a serial one waiting for ever. Two files that
are always there carry the locks.
"""

import fcntl
from collections.abc import Generator
from pathlib import Path

import pytest

DOOR = Path(__file__)
ROOM = Path(__file__).parent.parent / "pyproject.toml"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the room for set-up, test and tear-down."""
    serial = item.get_closest_marker("serial") is not None
    with ROOM.open("rb") as room:
        with DOOR.open("rb") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if serial else fcntl.LOCK_SH)
            fcntl.flock(door, fcntl.LOCK_UN)
        try:
            return (yield)
        finally:
            # Unlocked by name, not by closing: a forked child may still hold the file open.
            fcntl.flock(room, fcntl.LOCK_UN)
