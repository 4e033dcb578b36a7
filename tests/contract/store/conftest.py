"""The stores that the contract is asked of: one for each database that is supported."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from service.store.sql import Store
from tests import postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store can be made; nothing is there yet, unless the test asks for a store, too."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    with server.database(empty="store" not in request.fixturenames) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    store = Store.open(url, create=True)
    yield store
    store.close()


@pytest.fixture
def by_hand(url: str) -> Iterator[Engine]:
    """A way to the database that goes past the store."""
    engine = create_engine(url, poolclass=NullPool)
    yield engine
    engine.dispose()
