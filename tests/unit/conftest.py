"""A site is made once, and copied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.site import Site, make


@pytest.fixture(scope="session")
def model_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site that others are copied from; nobody changes it."""
    site = make(tmp_path_factory.mktemp("model") / "site")
    site.close()
    return site


@pytest.fixture
def site(model_site: Site, tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own: revision 1 published the policy, revision 2 the demonstration's practices."""
    site = model_site.copy(tmp_path / "site")
    yield site
    site.close()


@pytest.fixture
def unpublished(tmp_path: Path) -> Iterator[Site]:
    """A site with a policy folder and an empty store."""
    site = Site(tmp_path / "bare")
    site.root.mkdir()
    site.store  # noqa: B018 - opening it makes it
    yield site
    site.close()
