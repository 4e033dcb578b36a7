"""A terminal in which the commands of a page are typed one after the other, and what they print is compared."""

import os
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

PATIENCE = 60.0  # seconds for one command
SOON = 10.0  # seconds for a change to be live; the pages say one, on a machine that has time for it
_MARK = "---ended---"

# What differs each time, on a page and in what was printed alike.
_VARYING = (
    (re.compile(r"Code [0-9A-Z]{4}\b"), "Code XXXX"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+(\+00:00|Z))?"), "(time)"),
    (re.compile(r"operator:\S+"), "operator:(account)"),
    (re.compile(r" {2,}"), "  "),
)


class Step(NamedTuple):
    """A command, and what the page says that it prints."""

    command: str
    printed: str


class Shell:
    """One bash for one page."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "-s"],
            cwd=folder,
            env={**environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )

    def run(self, command: str) -> str:
        """What a command prints, to standard output and standard error. `$?` is kept for the next one."""
        assert self._process.stdin is not None
        ended = f"__code=$?; printf '\\n%s\\n' {_MARK}; (exit $__code)"
        self._process.stdin.write(f"{command}\n{ended}\n".encode())
        return self._read_to_mark(command)

    def _read_to_mark(self, command: str) -> str:
        assert self._process.stdout is not None
        printed, deadline, end = b"", time.monotonic() + PATIENCE, f"\n{_MARK}\n".encode()
        while not printed.endswith(end):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            assert more, f"`{command}` did not end: {printed!r}"
            printed += more
        return printed.removesuffix(end).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started in the background, and the shell."""
        try:
            self.run("jobs -p | xargs -r kill; wait")
        finally:
            self._process.kill()
            self._process.communicate()


def steps(console: str) -> Iterator[Step]:
    """The commands of a block, each behind `$ `; a line that ends in a backslash goes on in the next."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        yield Step("\n".join(lines[:length]), "\n".join(lines[length:]))


def follow(shell: Shell, step: Step) -> None:
    """Type a command, and see that it prints what the page says. Who only asks may have to ask again."""
    deadline = time.monotonic() + SOON
    while True:
        printed = shell.run(step.command)
        if fits(step.printed, printed):
            return
        if time.monotonic() > deadline or not step.command.startswith(("rolewarden ask", "curl")):
            raise AssertionError(f"$ {step.command}\n{printed}\n--- the page says ---\n{step.printed}")
        time.sleep(0.1)


def fits(said: str, printed: str) -> bool:
    """Whether something was printed as said. `...` stands for anything, alone on a line for any number of lines."""
    lines = [r"(?:[^\n]*\n)*?" if line == "..." else f"{_anything(line)}\n" for line in _same(said).splitlines()]
    return re.fullmatch("".join(lines), f"{_same(printed)}\n" if printed.strip() else "") is not None


def _anything(line: str) -> str:
    return r"[^\n]*?".join(map(re.escape, line.split("...")))


def _same(text: str) -> str:
    """A text without what differs each time, and without blanks at the ends of lines."""
    for varying, constant in _VARYING:
        text = varying.sub(constant, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
