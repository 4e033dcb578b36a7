"""What all tests have: a PostgreSQL for those that need one, and a way to be alone.

A test marked `serial` has the machine to itself, however many workers run. A test holds the room while it runs: a
serial one alone, the others together. Each waits for the room at the door, one at a time, so that tests which come and
go cannot keep a serial one waiting for ever. Two files that are always there carry the locks.
"""

import fcntl
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgresql

# A slow machine is no fault of the code, so no example of a property has a time limit.
settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

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


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> postgresql.Server:
    """The PostgreSQL of this test run; skipped aloud where there is none."""
    postgresql.require()
    base, worker = tmp_path_factory.getbasetemp(), "PYTEST_XDIST_WORKER" in os.environ
    # Workers have folders within that of the process that started them, and end before it does.
    return postgresql.shared(base.parent if worker else base, os.getppid() if worker else os.getpid())
