"""`rolewarden` in this process, with a home and a policy folder of its own."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from service.changes import Author, carry_out, of_worlds
from service.cli import rolewarden
from service.folder import read
from service.policy import bundle
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from tests.witness import WITNESS

SHIPPED = Path(__file__).parents[3] / "policies"


class CommandLine:
    """Runs commands one after the other against the same store and folder."""

    def __init__(self, home: Path, policies: Path) -> None:
        self.home, self.policies = home, policies
        self.env: dict[str, str | None] = {"ROLEWARDEN_HOME": str(home), "ROLEWARDEN_POLICIES": str(policies)}

    def __call__(self, *args: str, code: int = 0) -> Result:
        """Run a command that has to end with this code."""
        result = CliRunner(env=self.env).invoke(rolewarden, list(args))
        assert result.exit_code == code, result.output
        return result

    def press(self) -> Press:
        """The store, for what no command does."""
        return Press(
            Store.open(f"sqlite:///{self.home / 'rolewarden.db'}"),
            Counter.open(self.home / "counter"),
            opinion=WITNESS.hear,
        )

    def initialize(self) -> CommandLine:
        """An empty store."""
        Store.open(f"sqlite:///{self.home / 'rolewarden.db'}", create=True).close()
        Counter.create(self.home / "counter").close()
        return self

    def add_worlds(self) -> CommandLine:
        """The practices of the folder's worlds, as in the demonstration."""
        loaded, _ = bundle.load(read(self.policies))
        assert loaded is not None
        press = self.press()
        carry_out(press, lambda view: of_worlds(view, Author("operator:test"), loaded))
        press.store.close()
        press.counter.close()
        return self

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a text in a policy file."""
        path = self.policies / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
