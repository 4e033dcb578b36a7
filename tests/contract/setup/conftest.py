"""The demonstration's Setup part, one for each test."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.log import configure_log
from tests.contract.setup.doors import Setup
from tests.unit.site import Site, make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that is made once and copied."""
    site = make(tmp_path_factory.mktemp("made"))
    site.close()
    return site.root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Site]:
    """A store with the shipped policy and the demonstration's practices."""
    copied = Site(made).copy(tmp_path)
    yield copied
    copied.close()


@pytest.fixture
def log() -> io.BytesIO:
    """What is logged in this process."""
    stream = io.BytesIO()
    configure_log(stream)
    return stream


@pytest.fixture
def setup(site: Site, log: io.BytesIO) -> Setup:
    """The Setup part of the demonstration."""
    return Setup.demonstration(site)


@pytest.fixture
def pat(setup: Setup) -> Setup:
    """The same, with Pat signed in, who administers Riverside."""
    setup.sign_in_as("pat")
    return setup
