"""How far a store has come before a test begins: not there, empty, published, with people."""

from pathlib import Path
from shutil import copytree

import pytest

from tests.unit.commands.line import SHIPPED, CommandLine


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The shipped policies, copied, and no store; the folder is the one that one stands in."""
    copytree(SHIPPED, tmp_path / "policies")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "home", tmp_path / "policies")


@pytest.fixture
def empty(bare: CommandLine) -> CommandLine:
    """A store in which nothing was published yet."""
    return bare.initialize()


@pytest.fixture
def line(empty: CommandLine) -> CommandLine:
    """A store with the shipped policy published, and no practice."""
    empty("apply", "policies")
    return empty


@pytest.fixture
def demo(line: CommandLine) -> CommandLine:
    """A store with the people of the demonstration."""
    return line.add_worlds()
