"""The witness: stock Casbin in a process of its own, asked the questions that a change can answer otherwise.

A process of its own, because Casbin is slow and holds the interpreter, and because what it evaluates is text. It is
started when it is first needed, by `exec` and never by a fork of a server with threads; knows nothing of our settings;
is asked in lines of JSON; and ends when its pipe is closed, however we end. The Setup part has one for each process.

Fail closed: a change is published only when the witness was heard and agrees. `Silence` names the ways in which it may
not have been.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from threading import Lock
from typing import IO, Any

from service.decision.reach import Hearing, Slice
from service.errors import ConfigError, InvalidPolicy
from service.policy.model import Model, parse
from service.values import Request, Row

PATIENCE = 10.0
"""Seconds for all that is asked about one change."""

ENOUGH = 1_000
"""Questions after which the time may be over before every answer that changes was heard, as in a large import."""

MOST_MEMORY = 2 << 30
"""Bytes that the witness may take."""

_COMMAND = (sys.executable, "-I", "-m", "service.witness")
_READY = "ready"
"""What the witness says first."""

_KEPT = ("PATH", "LD_LIBRARY_PATH")
"""What of our environment the witness gets: no secret is among it."""


class Silence(StrEnum):
    """Why a change was not heard enough to be published. Each refuses it (`second-opinion-missing`)."""

    ABSENT = "absent"
    """Stock Casbin is not installed, or its process could not be started."""

    ENDED = "ended"
    """The process ended while it was asked, and its successor did, too."""

    LATE = "late"
    """Too few answers that change were heard in time: neither all nor `ENOUGH`. Others may be cut short, and the number
    of those asked says where."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that stock Casbin answers otherwise than we do, before a change or after it."""

    request: Request
    after: bool
    ours: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What the witness said: to how many questions it was heard, where it differs, and why it was not heard enough."""

    asked: int
    differ: tuple[Difference, ...] = ()
    silence: Silence | None = None


def nobody(hearings: Iterable[Hearing]) -> Statement:  # noqa: ARG001
    """The opinion of a press that was given none: silence, by which nothing is published."""
    return Statement(0, silence=Silence.ABSENT)


class Witness:
    """Stock Casbin, asked through a pipe. Threads may share it: one change is heard at a time."""

    def __init__(self, patience: float = PATIENCE, command: Sequence[str] = _COMMAND) -> None:
        self._patience = patience
        self._command = command
        self._lock = Lock()
        self._pipe: _Pipe | None = None

    def prepare(self) -> None:
        """Start the process without waiting for it, so that nobody waits when a change is to be heard."""
        with self._lock:
            self._open()

    def close(self) -> None:
        """Let the witness go. It is started again when it is asked again."""
        with self._lock:
            self._end()

    def hear(self, hearings: Iterable[Hearing]) -> Statement:
        """Ask about a change until all is asked, the time is over, or an answer differs."""
        deadline = time.monotonic() + self._patience
        if not self._lock.acquire(timeout=self._patience):
            return Statement(0, silence=Silence.LATE)
        asked, flips = 0, True
        try:
            for hearing in hearings:
                flips = hearing.flips
                before = self._answers(hearing.before, deadline)
                after = before if hearing.after is hearing.before else self._answers(hearing.after, deadline)
                answers = [before, after]
                if differ := _differing(hearing, answers):
                    return Statement(asked, differ)
                asked += len(hearing.after.requests)
        except TimeoutError:
            self._end()  # it may be in the middle of an answer
            return Statement(asked, silence=Silence.LATE if flips and asked < ENOUGH else None)
        except _Absent:
            self._end()
            return Statement(asked, silence=Silence.ABSENT)
        except _Ended:
            return Statement(asked, silence=Silence.ENDED)
        finally:
            self._lock.release()
        return Statement(asked)

    def _answers(self, asked: Slice, deadline: float) -> list[bool]:
        """The answers to a slice; of a second process where the first one ends."""
        try:
            return self._exchange(asked, deadline)
        except _Ended:
            return self._exchange(asked, deadline)

    def _exchange(self, asked: Slice, deadline: float) -> list[bool]:
        try:
            return self._open().exchange(asked, deadline)
        except _Ended:
            self._end()
            raise

    def _open(self) -> _Pipe:
        """The pipe to a process that runs and is ours; after a fork it is another process's."""
        if self._pipe is not None and not self._pipe.usable():
            self._end()
        if self._pipe is None:
            self._pipe = _Pipe(self._command)
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None


class _Absent(Exception):
    """There is no witness to ask."""


class _Ended(Exception):
    """The witness ended, or what it said is no answer."""


class _Pipe:
    """One process and the pipe to it. Neither writing nor reading waits longer than the deadline says."""

    def __init__(self, command: Sequence[str]) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._owner = os.getpid()
        self._rest = b""
        self._ready = False
        try:
            # A group of its own: Ctrl-C reaches it through us, since it sees the end of its input when we end.
            self._process = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept, start_new_session=True
            )
        except OSError as error:
            raise _Absent from error
        assert self._process.stdin is not None  # noqa: S101  they were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)

    def usable(self) -> bool:
        """Whether it runs, and is a child of this very process."""
        return self._owner == os.getpid() and self._process.poll() is None

    def exchange(self, asked: Slice, deadline: float) -> list[bool]:
        """Ask, and wait for the answers: one for each request, or it is none."""
        if not self._ready:
            if self._said(deadline, _Absent) != [_READY]:
                raise _Absent
            self._ready = True
        self._write(json.dumps(asked).encode("ascii") + b"\n", deadline)
        answers = self._said(deadline, _Ended)
        if len(answers) != len(asked.requests) or not all(isinstance(answer, bool) for answer in answers):
            raise _Ended
        return answers

    def _write(self, line: bytes, deadline: float) -> None:
        while line:
            _wait(self._in, selectors.EVENT_WRITE, deadline)
            try:
                line = line[os.write(self._in.fileno(), line) :]
            except OSError as error:
                raise _Ended from error

    def _said(self, deadline: float, ended: type[Exception]) -> list[Any]:
        """The next line that it says, which is a list in JSON."""
        while b"\n" not in self._rest:
            _wait(self._out, selectors.EVENT_READ, deadline)
            more = os.read(self._out.fileno(), 1 << 16)
            if not more:
                raise ended
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            said = json.loads(line)
        except ValueError as error:
            raise ended from error
        if not isinstance(said, list):
            raise ended
        return said

    def close(self) -> None:
        """End the process, where it is ours, and close the pipe."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self._process.returncode = 0  # the child of another process, which will wait for it
        self._in.close()
        self._out.close()


def _wait(pipe: IO[bytes], event: int, deadline: float) -> None:
    """Until the pipe can be read or written. TimeoutError when the deadline comes first."""
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, event)
        if not ready.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError


def _differing(hearing: Hearing, answers: list[list[bool]]) -> tuple[Difference, ...]:
    return tuple(
        Difference(request, after, ours)
        for after, theirs, mine in zip((False, True), answers, hearing.ours, strict=True)
        for request, their, ours in zip(hearing.after.requests, theirs, mine, strict=True)
        if their != ours
    )


# --- the other end of the pipe ---


def main() -> None:
    """Answer lines until there are no more. What cannot be answered ends the process, and so the change."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        from service.decision.oracle import Oracle  # noqa: PLC0415  whoever asks can do without Casbin
    except ConfigError:
        return
    _say([_READY])
    for line in sys.stdin.buffer:
        text, rows, requests = json.loads(line)
        model = _model(text)
        oracle = Oracle(model, [Row(kind, tuple(fields)) for kind, fields in rows])
        _say([oracle.allows(tuple(request)) for request in requests])


@lru_cache(maxsize=2)
def _model(text: str) -> Model:
    model, found = parse("model.conf", text)
    if model is None:
        raise InvalidPolicy(found)
    return model


def _say(answer: list[Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # Whoever asked has gone. Not `sys.exit`: the interpreter would complain of what it can't write any more.
        os._exit(0)
