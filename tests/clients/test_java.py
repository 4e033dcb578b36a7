"""The Java client, compiled and run: what is an allow, and that nothing else is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rolewarden_client.wire import SORRY
from tests.clients.decision_point import answering

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "clients" / "java" / "Rolewarden.java"
TASK = "Task - Patient Portal"
EVE = ("eve", "respond", TASK, "riverside")
NO = {"decision": False, "context": {"reason": {"code": "no_level", "user_message": "Nein \u00e9\u4e2d. Code 7F3K."}}}


class Answer(NamedTuple):
    """A line that `Asks` printed."""

    allowed: str
    code: str
    message: str
    retryable: str
    revision: str
    problem: str


class Java:
    """A virtual machine with the client in it, which asks what a test wants: starting one takes a second or two."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, url: str, *questions: tuple[str, ...], limit: int = 5000) -> list[Answer]:
        """What the client answers to these questions."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("|".join((url, str(limit), *(part for question in questions for part in question))) + "\n")
        stdin.flush()
        lines = iter(lambda: stdout.readline().rstrip("\n"), "")
        return [Answer(*line.split("|", 5)) for line in lines]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Java]:
    """The client, compiled without a warning, and running."""
    folder = tmp_path_factory.mktemp("java")
    options = ["-Xlint:all", "-Werror", "--release", "17", "-encoding", "UTF-8", "-d", str(folder)]
    subprocess.run(["javac", *options, str(CLIENT), str(HERE / "Asks.java")], check=True)
    command = ["java", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"]
    command += ["-cp", str(folder), "Asks"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8") as process:
        yield Java(process)
        process.kill()


def test_an_allow(java: Java) -> None:
    """`true` is an allow; names arrive as they are, whatever they hold; the token is sent."""
    strange = "O'Brien \"\\\n\u0007 \u0639\u0644\u064a \U0001f642"
    written = strange.replace("\n", "%0a").replace("\u0007", "%07")
    with answering({"decision": True}, headers={"X-Policy-Revision": "41"}) as point:
        [answer] = java.ask(point.url, (written, "respond", TASK, "riverside"))
    assert (answer.allowed, answer.code, answer.revision) == ("true", "allowed", "41")
    [(path, body)] = point.asked
    assert path == "/access/v1/evaluation"
    assert body["subject"] == {"type": "user", "id": strange}
    assert body["context"] == {"practice": "riverside"}


def test_a_refusal(java: Java) -> None:
    """A refusal carries its code and what to show."""
    with answering(NO) as point:
        [answer] = java.ask(point.url, EVE)
    assert answer[:4] == ("false", "no_level", "Nein \u00e9\u4e2d. Code 7F3K.", "false")


def test_several(java: Java) -> None:
    """Several questions are one request, and the decisions come in their order."""
    with answering({"evaluations": [{"decision": True}, NO]}) as point:
        answers = java.ask(point.url, EVE, EVE)
    assert [answer.allowed for answer in answers] == ["true", "false"]
    assert [path for path, _ in point.asked] == ["/access/v1/evaluations"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[" * 100_000,
        b'{"decision":true} x',
        b'{"decision":true,"decision":true}',
        b'{"decision":true,"x":01}',
        b'{"decision":true,"x":"\xff"}',
        b'{"decision":true,"x":"\\u12"}',
        b'{"decision":true,"x":"a\nb"}',
        {"decision": "true"},
        {"decision": 1},
        {"evaluations": [{"decision": True}]},
    ],
    ids=lambda body: repr(body)[:40],
)
def test_what_is_no_decision_is_no(java: Java, body: object) -> None:
    """Whatever a 200 holds that is not a decision in strict JSON refuses, with the sentence for it."""
    with answering(body) as point:
        [answer] = java.ask(point.url, EVE)
    assert answer[:4] == ("false", "unanswered", SORRY, "true")


@pytest.mark.parametrize(("status", "asked"), [(201, 1), (301, 1), (401, 1), (500, 1), (503, 2)])
def test_another_status_is_no(java: Java, status: int, asked: int) -> None:
    """Another status than 200 refuses, whatever its body says; what may pass is asked once more."""
    with answering({"decision": True}, status=status, headers={"Location": "/access/v1/evaluation"}) as point:
        [answer] = java.ask(point.url, EVE)
    assert answer[:2] == ("false", "unanswered")
    assert len(point.asked) == asked


def test_asked_again(java: Java) -> None:
    """A connection that broke is no answer, and the question is asked once more."""
    with answering({"decision": True}, drop_first=True) as point:
        [answer] = java.ask(point.url, EVE)
    assert (answer.allowed, len(point.asked)) == ("true", 2)


def test_nobody_there(java: Java) -> None:
    """A decision point that is not there refuses, and so does one whose answer does not end in time."""
    [answer] = java.ask("http://127.0.0.1:9", EVE)
    assert answer[:2] == ("false", "unanswered")
    with answering({"decision": True}, drip=True) as point:
        began = time.monotonic()
        [answer] = java.ask(point.url, EVE, limit=300)
    assert (answer.allowed, answer.problem) == ("false", "no answer in time")
    assert time.monotonic() - began < 20
