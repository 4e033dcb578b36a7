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
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
    """Stock Casbin, asked through pipes. Threads may share it: one change is heard at a time.

    `processes`: by how many at once, for changes with many questions.
    """

    def __init__(self, patience: float = PATIENCE, command: Sequence[str] = _COMMAND, processes: int = 1) -> None:
        self._patience = patience
        self._command = command
        self._processes = processes
        self._lock = Lock()
        self._pipes: dict[int, _Pipe] = {}

    def prepare(self) -> None:
        """Start a process without waiting for it, so that nobody waits when a change is to be heard."""
        with self._lock:
            self._open(0)

    def close(self) -> None:
        """Let the witness go. It is started again when it is asked again."""
        with self._lock:
            self._end()

    def hear(self, hearings: Iterable[Hearing]) -> Statement:
        """Ask about a change until all is asked, the time is over, or an answer differs."""
        deadline = time.monotonic() + self._patience
        if not self._lock.acquire(timeout=self._patience):
            return Statement(0, silence=Silence.LATE)
        asked = 0
        try:
            for hearing, *answers in self._heard(hearings, deadline):
                if differ := _differing(hearing, answers):
                    return Statement(asked, differ)
                asked += len(hearing.after.requests)
        except TimeoutError:
            left = self._end()  # it may be in the middle of an answer
            return Statement(
                asked, silence=Silence.LATE if any(each.flips for each in left) and asked < ENOUGH else None
            )
        except _Absent:
            self._end()
            return Statement(asked, silence=Silence.ABSENT)
        except _Ended:
            self._end()
            return Statement(asked, silence=Silence.ENDED)
        finally:
            if any(pipe.asked for pipe in self._pipes.values()):
                self._end()  # it would answer what nobody waits for any more
            self._lock.release()
        return Statement(asked)

    def _heard(self, hearings: Iterable[Hearing], deadline: float) -> Iterator[_Answered]:
        """Each hearing, answered, in order. While some are answered, the next is put together and written."""
        waiting: deque[int] = deque()
        for number, hearing in enumerate(hearings):
            which = number % self._processes
            self._open(which).ask(hearing, deadline)
            waiting.append(which)
            if len(waiting) > self._processes:
                yield self._answered(waiting.popleft(), deadline)
        while waiting:
            yield self._answered(waiting.popleft(), deadline)

    def _answered(self, which: int, deadline: float) -> _Answered:
        """The oldest of what a process was asked; of a second one where it ends."""
        try:
            return self._pipes[which].answered(deadline)
        except _Ended:
            left = [*self._pipes[which].asked]
            self._pipes.pop(which).close()
            for hearing in left:
                self._open(which).ask(hearing, deadline)
            return self._pipes[which].answered(deadline)

    def _open(self, which: int) -> _Pipe:
        """The pipe to a process that runs and is ours; after a fork it is another process's."""
        pipe = self._pipes.get(which)
        if pipe is not None and not pipe.asked and not pipe.usable():
            self._pipes.pop(which).close()
            pipe = None
        if pipe is None:
            pipe = self._pipes[which] = _Pipe(self._command)
        return pipe

    def _end(self) -> list[Hearing]:
        """Let the processes go; what they were asked and had not answered."""
        left = [hearing for pipe in self._pipes.values() for hearing in pipe.asked]
        while self._pipes:
            self._pipes.popitem()[1].close()
        return left


_Answered = tuple[Hearing, list[bool], list[bool]]
"""A hearing, and the answers before and after."""


class _Absent(Exception):
    """There is no witness to ask."""


class _Ended(Exception):
    """The witness ended, or what it said is no answer."""


class _Pipe:
    """One process and the pipe to it. Neither writing nor reading waits longer than the deadline says.

    `asked`: what it was asked and has not answered yet, oldest first.
    """

    def __init__(self, command: Sequence[str]) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.asked: deque[Hearing] = deque()
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

    def ask(self, hearing: Hearing, deadline: float) -> None:
        """Ask without waiting for the answer. That the process has ended is found when its answer is read."""
        self.asked.append(hearing)
        with suppress(_Ended):
            for each in (hearing.before,) if hearing.before is hearing.after else hearing[:2]:
                self._write(json.dumps(each).encode("ascii") + b"\n", deadline)

    def answered(self, deadline: float) -> _Answered:
        """The oldest of what was asked, with its answers."""
        if not self._ready:
            if self._said(deadline, _Absent) != [_READY]:
                raise _Absent
            self._ready = True
        hearing = self.asked[0]
        before = self._answers(hearing.before, deadline)
        after = before if hearing.before is hearing.after else self._answers(hearing.after, deadline)
        self.asked.popleft()
        return hearing, before, after

    def _answers(self, asked: Slice, deadline: float) -> list[bool]:
        """One answer for each request, or it is none."""
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
