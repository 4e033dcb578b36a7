"""The check part is installed without Alembic."""

import sys
from pathlib import Path

import pytest

from service.errors import ConfigError
from service.store.sql import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where no store is yet."""
    return f"sqlite:///{tmp_path}/store.db"


def test_creating_needs_alembic(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, creating a store says what to install, and leaves no store that could be taken for one."""
    monkeypatch.setitem(sys.modules, "alembic", None)
    with pytest.raises(ConfigError, match="Alembic") as refused:
        Store.open(url, create=True)
    assert "rolewarden[setup]" in refused.value.mend


def test_opening_does_not_need_alembic(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is up to date is opened without it, even where it would be created."""
    Store.open(url, create=True).close()
    monkeypatch.setitem(sys.modules, "alembic", None)
    Store.open(url).close()
    Store.open(url, create=True).close()
