"""`rolewarden` as it is really run: a process, its streams, its exit code, and the rights of its account."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
ASKED = ("riverside", "eve", "respond", "Task - Patient Portal")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A home and a copy of the shipped policies, and nothing else of ours."""
    copytree(ROOT / "policies", tmp_path / "policies")
    own = {"ROLEWARDEN_HOME": str(tmp_path / "home"), "ROLEWARDEN_POLICIES": str(tmp_path / "policies")}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **own}


def run(env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "service", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def on_a_terminal(env: dict[str, str], *args: str) -> str:
    """What somebody at a terminal of 80 columns sees."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "service", *args],
        env=env | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # the other end was closed
            os.close(ours)
    return seen.decode()


def test_the_first_day(env: dict[str, str]) -> None:
    """Check, make the store, make a practice, ask, change, and find it all in the log."""
    steps: list[tuple[int, tuple[str, ...]]] = [
        (0, ("check",)),
        (0, ("init",)),
        (0, ("practice", "create", "riverside", "--admin", "pat")),
        (0, ("ask", "riverside", "pat", "edit", "Setup - Roles")),
        (2, ("ask", "riverside", "ann", "edit", "Setup - Roles")),
        (0, ("user", "add", "riverside", "ann", "--name", "Ann Alder")),
        (2, ("ask", "riverside", "ann", "edit", "Setup - Roles")),
        (0, ("plan",)),
        (0, ("apply",)),
        (0, ("export",)),
    ]
    for code, step in steps:
        ended = run(env, *step)
        assert ended.returncode == code, (step, ended.stderr)
        assert ended.stderr == ""
    log = json.loads(run(env, "log", "--format", "json").stdout)
    assert [(each["revision"], each["how"]) for each in log] == [(3, "command"), (2, "command"), (1, "files")]


def test_a_refusal_is_asked_of_a_folder_alone(env: dict[str, str]) -> None:
    """Without a store a folder can be asked, and a refusal ends with 2."""
    ended = run(env, "ask", "--policies", env["ROLEWARDEN_POLICIES"], *ASKED)
    assert (ended.returncode, ended.stderr) == (2, "")
    assert not Path(env["ROLEWARDEN_HOME"]).exists()


def test_an_error_is_an_error_stream_and_a_code(env: dict[str, str]) -> None:
    """Nothing of it is on standard output."""
    ended = run(env, "log")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: there is no store")


def test_a_terminal_gets_colour_unless_it_asks_for_none(env: dict[str, str]) -> None:
    """The same words either way, and none of them wider than the terminal."""
    coloured, plain = on_a_terminal(env, "check"), on_a_terminal(env | {"NO_COLOR": "1"}, "check")
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80


def test_a_reader_that_leaves_is_no_error(env: dict[str, str]) -> None:
    """`rolewarden export | head -1` ends quietly."""
    run(env, "init")
    with subprocess.Popen(
        [sys.executable, "-m", "service", "export"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_that_knows_only_ascii_is_no_error(env: dict[str, str]) -> None:
    """A name that it cannot show is shown as escapes."""
    directory = Path(env["ROLEWARDEN_POLICIES"]) / "demo" / "directory.yaml"
    directory.write_text(directory.read_text("utf-8").replace("Eve Elm", "Éve Elm"), "utf-8")
    ended = run(env | {"PYTHONIOENCODING": "ascii"}, "ask", "--policies", env["ROLEWARDEN_POLICIES"], *ASKED)
    assert ended.returncode == 2
    assert ended.stdout.startswith("\\xc9ve Elm may not")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_is_told_so(env: dict[str, str]) -> None:
    """A store that one may not read is not said to be missing."""
    run(env, "init")
    ended = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, "log"], env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "Permission denied" in ended.stderr
    assert "Traceback" not in ended.stderr


# Imported first, since the other account need not be able to read the program.
_AS_NOBODY = f"""
import os
from service.cli import main
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
main()
"""
