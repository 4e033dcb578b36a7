"""What all commands have in common: how they end, and what they say when they cannot."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service import errors
from service.cli import exit_code, rolewarden
from service.commands.desk import Exit
from service.errors import InvalidPolicy, RolewardenError
from tests.unit.commands.line import CommandLine


def tree(kind: type[RolewardenError]) -> Iterator[type[RolewardenError]]:
    """A class of error and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words by which each command is called, groups too."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_only_an_invalid_policy_exits_3() -> None:
    """Every error of our tree ends with 1, but for a policy that does not hold; none ends like a decision."""
    made = {kind: kind.__new__(kind) for kind in tree(errors.RolewardenError)}
    assert {kind: exit_code(error) for kind, error in made.items()} == {
        kind: Exit.INVALID if issubclass(kind, InvalidPolicy) else Exit.FAILED for kind in made
    }


@pytest.mark.parametrize("words", sorted(commands(rolewarden)), ids=" ".join)
def test_each_help_explains_itself_whatever_is_set(bare: CommandLine, words: tuple[str, ...]) -> None:
    """Help needs neither settings nor a store, and that of a command has an example of calling it."""
    bare.env["ROLEWARDEN_NONSENSE"] = "1"
    shown = bare(*words, "--help").stdout
    is_group = shown.rstrip().rpartition("\n\n")[2].startswith("Commands:")
    assert is_group or f"  rolewarden {' '.join(words)}" in shown.partition("Example:")[2]


def test_without_a_command_the_commands_are_listed(bare: CommandLine) -> None:
    """`rolewarden` alone is a question, and ends with 0."""
    assert "Commands:" in bare().stdout


def test_a_mistyped_option_is_no_denial(bare: CommandLine) -> None:
    """It ends with 1, so that no script takes it for a refusal of access, and says where help is."""
    result = bare("ask", "--bogus", code=1)
    assert result.stdout == ""
    assert result.stderr == "error: no such option `--bogus`\n  try: `rolewarden ask --help`\n"


def test_a_missing_store_is_named(bare: CommandLine) -> None:
    """The path that was looked at, and what makes one."""
    result = bare("log", code=1)
    assert result.stderr.startswith("error: there is no store at `home/rolewarden.db`\n  try: run `rolewarden init`")


def test_an_unknown_setting_is_named(bare: CommandLine) -> None:
    """A variable that nothing reads is a mistake, not a default."""
    bare.env["ROLEWARDEN_HOEM"] = "x"
    assert "there is no setting `ROLEWARDEN_HOEM`" in bare("log", code=1).stderr


def test_a_bug_of_ours_is_one_line(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in our tree shows no traceback, and says how to get one."""
    monkeypatch.setattr("service.commands.check.folders.read", _broken)
    result = bare("check", code=1)
    assert result.stderr.startswith("error: this is a bug of ours: ZeroDivisionError")
    assert "Traceback" not in result.output


def test_debug_shows_where_an_error_came_from(bare: CommandLine) -> None:
    """With `--debug` the traceback of any error stands above its line."""
    result = bare("--debug", "log", code=1)
    assert result.stderr.startswith("Traceback")
    assert result.stderr.rstrip().splitlines()[-2].startswith("error: there is no store")


def test_nothing_is_wrapped_or_coloured_for_a_program(bare: CommandLine) -> None:
    """Without a terminal a long line stays one line, and no line ends in blanks."""
    bare.edit("catalog.yaml", 'say: "Queue only:', f'say: "{"long " * 100}Queue only:')
    out = bare("check").stdout
    assert "\x1b" not in out
    assert any(len(text) > 500 for text in out.splitlines())
    assert not [text for text in out.splitlines() if text != text.rstrip()]


def _broken(_folder: Path) -> None:
    raise ZeroDivisionError("by nought")


@pytest.mark.parametrize("name", ["a?b", "a%41", "a b#c", "ä&=;", "a%3Fb"])
def test_any_home(bare: CommandLine, tmp_path: Path, name: str) -> None:
    """The store is in the home that is set, whatever its name has in it that means something in a URL."""
    home = tmp_path / name
    bare.env["ROLEWARDEN_HOME"] = str(home)
    assert name in bare("log", code=1).output.replace("\n", "")
    bare("init")
    assert (home / "rolewarden.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()].count(name) == 1
    bare("log")


def test_the_token_of_the_demonstration_disturbs_nobody(demo: CommandLine) -> None:
    """Where it is exported, commands that do not want it work; what would serve without `--demo` does not."""
    demo.env["ROLEWARDEN_DEMO_TOKEN"] = "rw_something"
    demo("ask", "riverside", "ann", "respond", "Task - Patient Portal")
    demo("practice", "list")
    for command in ("init", "serve"):
        assert "ROLEWARDEN_DEMO_TOKEN" in demo(command, code=1).output
