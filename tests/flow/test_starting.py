"""What does not start, and what it says."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.flow.harness import TOKEN, Home, free_port


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a published policy that is no demonstration. Whatever does not start leaves it as it is."""
    home = Home.make(tmp_path_factory.mktemp("real"))
    assert home.run("init").returncode == 0
    return home


def one_clear_line(done: "subprocess.CompletedProcess[str]") -> str:
    """What a refusal to start says: a line on what is wrong, one on what to do, and exit code 1."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "bug of ours" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) <= 3, done.stderr
    assert re.match(r"error: \S", lines[0])
    return " ".join(" ".join(lines).split())


class TestTheMark:
    @pytest.mark.parametrize("command", [["serve"], ["serve", "check"], ["serve", "setup"], ["init"]], ids=" ".join)
    def test_its_store_is_served_by_nothing_else(self, home: Home, command: list[str]) -> None:
        """A store with the mark of the demonstration is refused by whatever is not the demonstration."""
        said = one_clear_line(home.run(*command, BIND=f"127.0.0.1:{free_port()}"))
        assert "this store is a demonstration's" in said

    def test_it_serves_no_other_store(self, real: Home) -> None:
        """The demonstration refuses a store without its mark, and leaves it as it was."""
        before = real.database.read_bytes()
        for command in (["serve", "--demo"], ["serve", "setup", "--demo"], ["init", "--demo"]):
            said = one_clear_line(real.run(*command, BIND=f"127.0.0.1:{free_port()}"))
            assert "not a demonstration's" in said
        assert real.database.read_bytes() == before

    @pytest.mark.parametrize("bind", ["0.0.0.0:8180", "[::]:8180", "example.org:8180"])
    @pytest.mark.parametrize("more", [{}, {"TLS_PROXY": "true"}], ids=["plain", "behind-a-proxy"])
    def test_loopback_only(self, home: Home, bind: str, more: dict[str, str]) -> None:
        """The demonstration answers nowhere beyond loopback, whatever else is set."""
        said = one_clear_line(home.run("serve", "--demo", BIND=bind, **more))
        assert bind in said
        assert "loopback" in said or "beyond this host" in said


class TestHalfConfigured:
    def test_nothing_there(self, tmp_path: Path) -> None:
        """Without a store, each part says so and names the command that makes one; none is made by accident."""
        home = Home.make(tmp_path)
        for command in (["serve"], ["serve", "check"], ["serve", "setup"]):
            assert "rolewarden init" in one_clear_line(home.run(*command, BIND=f"127.0.0.1:{free_port()}"))
        assert not home.database.exists()

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"BIND": "0.0.0.0:8180"}, "TLS"),
            ({"BIND": "8180"}, "ROLEWARDEN_BIND"),
            ({"TLS_CERT": "/nowhere/cert.pem"}, "ROLEWARDEN_TLS_KEY"),
            ({"TLS_CERT": "/nowhere/cert.pem", "TLS_KEY": "/nowhere/key.pem"}, "ROLEWARDEN_TLS_CERT"),
            ({"DEMO_TOKEN": TOKEN}, "ROLEWARDEN_DEMO_TOKEN"),
            ({"WORKER": "2"}, "ROLEWARDEN_WORKERS"),
            ({"MAX_POLICY_AGE": "never"}, "ROLEWARDEN_MAX_POLICY_AGE"),
            ({"DATABASE_URL": "postgres://u:hidden@h/d"}, "not the URL of a store"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
    )
    def test_settings(self, real: Home, settings: dict[str, str], said: str) -> None:
        """A setting that is missing, malformed, unknown or that contradicts another keeps the service from starting."""
        told = one_clear_line(real.run("serve", **settings))
        assert said in told
        assert "hidden" not in told
        assert TOKEN not in told

    def test_no_counter(self, real: Home, tmp_path: Path) -> None:
        """A counter that is missing is said plainly too."""
        home = real.copy(tmp_path)
        (home.var / "counter").unlink()
        assert "rolewarden init" in one_clear_line(home.run("serve", BIND=f"127.0.0.1:{free_port()}"))

    def test_a_token_that_is_none(self, home: Home) -> None:
        """A token for the demonstration of another shape is refused, and not repeated."""
        done = home.run("serve", "--demo", BIND=f"127.0.0.1:{free_port()}", DEMO_TOKEN="swordfish")
        assert "swordfish" not in one_clear_line(done)
        assert not home.processes()

    def test_no_policy_that_holds(self, tmp_path: Path) -> None:
        """`init` with a folder that does not hold says where, exits with 3, and the service does not start after it."""
        home = Home.make(tmp_path)
        text = (home.policies / "screens.csv").read_text()
        home.rewrite("screens.csv", text.replace("g2, respond, Write", "g2, respond, Wirte"))
        done = home.run("init")
        assert (done.returncode, "screens.csv:" in done.stderr) == (3, True)
        assert "init" in one_clear_line(home.run("serve", BIND=f"127.0.0.1:{free_port()}"))
