"""The commands on the pages run, in their order, and print what the pages say."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml

from service.cli import rolewarden
from tests.contract.endpoint.doors import free_port
from tests.docs.pages import ROOT, blocks, pages
from tests.docs.shell import Shell, follow, steps

README = ROOT / "README.md"
HOW_TO = ROOT / "docs" / "how-to"
BIN = Path(sys.executable).parent
ADDRESS = "127.0.0.1:8180"

Type = Callable[[Path], None]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A terminal in a fresh clone, as far as the pages look at it, on an address of its own."""
    for name in ("bash", "curl"):
        if shutil.which(name) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{name} is missing")
            pytest.skip(f"{name} is missing")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROLEWARDEN_")}
    environ |= {"PATH": f"{BIN}{os.pathsep}{environ['PATH']}", "ROLEWARDEN_BIND": f"127.0.0.1:{free_port()}"}
    environ["ROLEWARDEN_SETUP_BIND"] = f"127.0.0.1:{free_port()}"
    with Shell(tmp_path, {**environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}) as opened:
        opened.run("unset PROMPT_COMMAND")
        yield opened


@pytest.fixture
def type_all(shell: Shell) -> Type:
    """Types every command of a page."""
    address = shell.run('printf "$ROLEWARDEN_BIND"')

    def type_page(page: Path, token: str = "") -> None:
        consoles = [block.text for block in blocks(page) if block.language == "console"]
        assert consoles
        for console in consoles:
            for step in steps(console.replace(ADDRESS, address).replace("rw_...", token)):
                follow(shell, step)

    return type_page


def test_readme(shell: Shell, type_all: Callable[[Path, str], None]) -> None:
    """The README holds, from the printed `curl` to the change that does not pass."""
    demonstration(shell)
    token = re.search(r"rw_\w+", shell.run("cat demonstration.log"))
    assert token is not None
    type_all(README, token[0])


def test_the_printed_curl_is_the_one_in_the_readme(shell: Shell) -> None:
    """What `make run` prints to be copied is what the README shows."""
    demonstration(shell)
    printed = re.search(r"^curl .*?'$", shell.run("cat demonstration.log"), re.MULTILINE | re.DOTALL)
    shown = next(step.command for block in blocks(README) if block.language == "console" for step in steps(block.text))
    assert printed is not None
    bare = re.sub(r"127.0.0.1:\d+", ADDRESS, re.sub(r"rw_\w+", "rw_...", printed[0]))
    assert bare.split() == shown.split()


def demonstration(shell: Shell) -> None:
    """Start what `make run` starts, and wait for what it prints."""
    shell.run("rolewarden serve --demo > demonstration.log 2>&1 &")
    waited = shell.run("for i in $(seq 300); do grep -q Ctrl-C demonstration.log && break; sleep 0.1; done; echo $i")
    assert int(waited) < 300, shell.run("cat demonstration.log")


def test_the_two_commands_of_the_readme() -> None:
    """`make run` and `make test` are there, and `make run` starts the demonstration."""
    first = blocks(README)[0].text
    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)
    assert targets == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^run: .*\n\t@.*rolewarden serve --demo", makefile, re.MULTILINE)
    assert re.search(r"^test: .*\n(\t.*\n)*\t@.*pytest", makefile, re.MULTILINE)


def test_tutorial(type_all: Type) -> None:
    """The tutorial holds, from an empty folder to somebody who leaves."""
    type_all(ROOT / "docs" / "tutorial.md")


def test_pull_request(shell: Shell, type_all: Type) -> None:
    """The steps of the pull request's check pass on the shipped policy, and fail as shown on a mistake."""
    page = HOW_TO / "check-in-a-pull-request.md"
    [workflow] = [yaml.safe_load(block.text) for block in blocks(page) if block.language == "yaml"]
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert commands[0] == "make .venv/ready"
    for command in commands[1:]:
        assert shell.run(f"{command} > printed 2>&1; echo $?") == "0\n", shell.run("cat printed")
    type_all(page)


def test_backup(shell: Shell, type_all: Type) -> None:
    """The copy of the store that the page makes is a whole store."""
    shell.run("rolewarden init")
    type_all(HOW_TO / "back-up-the-store.md")
    assert (
        "revision"
        in shell.run("mkdir copy; cp backup.db copy/rolewarden.db; ROLEWARDEN_HOME=copy rolewarden log").lower()
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists(page: Path) -> None:
    """Whatever is shown as a command of ours, in whichever block or sentence, is one."""
    text = re.sub(r"\\\n", " ", page.read_text(encoding="utf-8"))
    for words in re.findall(r"(?:^|[`$(/ ])rolewarden ((?:[a-z][a-z-]* ?)+)", text, re.MULTILINE):
        command: click.Command = rolewarden
        for word in words.split():
            if not isinstance(command, click.Group) or word in NO_COMMANDS:
                break
            assert word in command.commands, words
            command = command.commands[word]


NO_COMMANDS = {"itself", "rolewarden"}
"""Words behind the name that are none: in a sentence, and where the first is the name of the container."""
