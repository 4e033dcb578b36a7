"""Homes with a published demonstration, made once and copied, and a service for tests that leave it as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access import tokens
from tests import postgresql
from tests.flow.harness import TOKEN, Home, Service, serving

LIMITED = "rw_00000000a1de_" + "7" * 64
"""A token for `lakeside` alone."""


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the demonstration is published, with a token for all practices and one for `lakeside`."""
    return furnished(Home.make(tmp_path_factory.mktemp("seed")))


def furnished(home: Home) -> Home:
    """A home as it is after the demonstration is published into it, with both tokens."""
    done = home.run("init", "--demo")
    assert done.returncode == 0, done.stderr
    now = "2026-01-11T08:00:00.000000+00:00"
    with home.press() as press, press.counter.changing():
        press.store.add_token(tokens.from_text(TOKEN, "demonstration", None, now))
        press.store.add_token(tokens.from_text(LIMITED, "lakeside-ehr", frozenset({"lakeside"}), now))
    return home


@pytest.fixture(scope="session")
def killable() -> Iterator[postgresql.Server]:
    """A PostgreSQL that may be killed, and that writes for good what it acknowledges."""
    postgresql.require()
    server = postgresql.start(safe=True)
    yield server
    postgresql.stop(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """A home with the published demonstration, on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("seed").copy(tmp_path)
        return
    server: postgresql.Server = request.getfixturevalue("killable")
    with server.database(empty=True) as url:
        yield furnished(Home.make(tmp_path, url))


@pytest.fixture
def home(seed: Home, tmp_path: Path) -> Home:
    """A home of one test's own, with the published demonstration."""
    return seed.copy(tmp_path)


@pytest.fixture(scope="module")
def standing(seed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running demonstration, both parts, for tests that leave it as it is."""
    with serving(seed.copy(tmp_path_factory.mktemp("standing")), "--demo") as service:
        yield service
