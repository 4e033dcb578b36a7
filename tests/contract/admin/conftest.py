"""An admin API of a test's own, over the shipped policy and the demonstration's practices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.admin.api import Api
from tests.unit.site import Site, make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that is made once and copied."""
    site = make(tmp_path_factory.mktemp("made") / "site")
    site.close()
    return site.root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Site]:
    """A store with practices Riverside and Lakeside."""
    copied = Site(made).copy(tmp_path / "site")
    yield copied
    copied.close()


@pytest.fixture
def api(site: Site) -> Api:
    """The admin API over it."""
    return Api(site)
