"""The Python client: what is an allow, and that nothing else is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest
from flask import Flask

from rolewarden_client import AsyncRolewarden, Decision, Entity, Question, Rolewarden
from rolewarden_client.flask import Guard
from rolewarden_client.wire import SORRY
from tests.clients.decision_point import answering

LIST, TASK = "Task - Patient Portal - List", "Task - Patient Portal"
EVE = Question.of("eve", "respond", TASK, "riverside")
NO = {
    "decision": False,
    "context": {"reason": {"code": "no_level", "screen": TASK, "user_message": "No. Code 7F3K.", "retryable": False}},
}
Ask = Callable[..., list[Decision]]


def with_threads(url: str, questions: Sequence[Question], **options: object) -> list[Decision]:
    """Ask with the client that waits."""
    with Rolewarden(url, "rw_token", **options) as client:
        return client.ask(questions)


def with_async(url: str, questions: Sequence[Question], **options: object) -> list[Decision]:
    """Ask with the client for `async` code."""

    async def ask() -> list[Decision]:
        async with AsyncRolewarden(url, "rw_token", **options) as client:
            return await client.ask(questions)

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [with_threads, with_async])


@both
def test_an_allow(ask: Ask) -> None:
    """`true` is an allow, and the request is the one of the standard."""
    with answering(
        {"decision": True}, headers={"Content-Type": "application/json", "X-Policy-Revision": "41"}
    ) as point:
        [answer] = ask(point.url, [EVE])
    assert answer
    assert (answer.code, answer.user_message, answer.revision) == ("allowed", "", 41)
    assert point.asked == [
        (
            "/access/v1/evaluation",
            {
                "subject": {"type": "user", "id": "eve"},
                "action": {"name": "respond"},
                "resource": {"type": "screen", "id": TASK},
                "context": {"practice": "riverside"},
            },
        )
    ]


@both
def test_a_refusal(ask: Ask) -> None:
    """A refusal carries its code and what to show; it is not asked again."""
    with answering(NO) as point:
        [answer] = ask(point.url, [EVE])
    assert not answer
    assert (answer.code, answer.user_message, answer.retryable) == ("no_level", "No. Code 7F3K.", False)
    assert len(point.asked) == 1


@both
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"true",
        {},
        {"decision": 1},
        {"decision": "true"},
        {"decision": None},
        {"decisions": True},
        {"evaluations": [{"decision": True}]},
    ],
    ids=lambda body: repr(body)[:40],
)
def test_what_is_no_decision_is_no(ask: Ask, body: object) -> None:
    """Whatever a 200 holds that is not a decision refuses, with the sentence for it."""
    with answering(body) as point:
        [answer] = ask(point.url, [EVE])
    assert (bool(answer), answer.code, answer.user_message) == (False, "unanswered", SORRY)


@both
@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504])
def test_another_status_is_no(ask: Ask, status: int) -> None:
    """Another status than 200 refuses, whatever its body says, and no redirection is followed."""
    with answering({"decision": True}, status=status, headers={"Location": "/access/v1/evaluation"}) as point:
        [answer] = ask(point.url, [EVE])
    assert (bool(answer), answer.code) == (False, "unanswered")
    assert answer.retryable is not (400 <= status < 500)
    assert len(point.asked) == (2 if status in (502, 503, 504) else 1)


@both
def test_asked_again(ask: Ask) -> None:
    """Where the decision point could not answer, or the connection broke, it is asked once more."""
    with answering((503, {}), {"decision": True}) as point:
        assert ask(point.url, [EVE])[0]
    with answering({"decision": True}, drop_first=True) as point:
        assert ask(point.url, [EVE])[0]
        assert len(point.asked) == 2
    with answering((503, {}), {"decision": True}) as point:
        assert not ask(point.url, [EVE], again=0)[0]


@both
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore leaves a Unix socket open
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "unix:/nowhere/check.sock"])
def test_nobody_there(ask: Ask, url: str) -> None:
    """A decision point that is not there refuses."""
    [answer] = ask(url, [EVE])
    assert (bool(answer), answer.code, answer.user_message) == (False, "unanswered", SORRY)
    assert answer.problem


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://127.0.0.1", "unix:check.sock"])
def test_nowhere_to_ask(url: str) -> None:
    """A client that could never be answered is not made."""
    with pytest.raises(ValueError, match="write http"):
        Rolewarden(url)


@both
def test_an_answer_in_drops(ask: Ask) -> None:
    """The time limit is for the whole answer, not for each piece of it."""
    with answering({"decision": True}, drip=True) as point:
        began = time.monotonic()
        [answer] = ask(point.url, [EVE], timeout=0.3)
    assert not answer
    assert time.monotonic() - began < 10


@both
def test_several(ask: Ask) -> None:
    """Several questions are one request, and the decisions come in their order."""
    with answering({"evaluations": [{"decision": True}, NO]}) as point:
        answers = ask(point.url, [Question.of("eve", "open_queue", LIST, "riverside"), EVE])
    assert [bool(answer) for answer in answers] == [True, False]
    assert answers[1].user_message == "No. Code 7F3K."
    [(path, body)] = point.asked
    assert path == "/access/v1/evaluations"
    assert [item["action"]["name"] for item in body["evaluations"]] == ["open_queue", "respond"]


@both
@pytest.mark.parametrize("items", [[], [{"decision": True}], [{"decision": True}] * 3, [{"decision": True}, {}], None])
def test_fewer_or_more_than_asked(ask: Ask, items: object) -> None:
    """An answer that has not exactly one decision for each question refuses all of them."""
    with answering({"evaluations": items}) as point:
        answers = ask(point.url, [EVE, EVE])
    assert [bool(answer) for answer in answers] == [False, False]


def test_any_decision_point() -> None:
    """Entities of other kinds and their properties are asked as the standard writes them."""
    question = Question(
        Entity("user", "bob", {"role": "admin"}),
        "delete",
        Entity("record", "record-1"),
        action_properties={"soft": True},
    )
    with answering({"decision": True, "context": {"advice": "log it"}}) as point, Rolewarden(point.url) as client:
        [answer] = client.ask([question])
    assert answer.context == {"advice": "log it"}
    assert point.asked[0][1] == {
        "subject": {"type": "user", "id": "bob", "properties": {"role": "admin"}},
        "action": {"name": "delete", "properties": {"soft": True}},
        "resource": {"type": "record", "id": "record-1"},
        "context": {},
    }


def test_nothing_asked() -> None:
    """No question is no request."""
    with Rolewarden("http://127.0.0.1:9") as client:
        assert client.ask([]) == []


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"evaluations": [{"decision": True}] * 2}, 200, "in"),
        ({"evaluations": [{"decision": True}, NO]}, 403, "No. Code 7F3K."),
        (b"", 503, SORRY),
    ],
)
def test_requires(answer: object, status: int, text: str) -> None:
    """A view runs only when all that it requires is allowed; a refused user reads the security message."""
    app = Flask(__name__)
    with answering(answer) as point, Rolewarden(point.url) as client:
        guard = Guard(client, user=lambda: "eve", practice=lambda: "riverside")

        @app.get("/")
        @guard.requires("open_message", "respond", screen=TASK)
        def view() -> str:
            return "in"

        got = app.test_client().get("/")
    assert (got.status_code, got.text) == (status, text)


@pytest.mark.parametrize(("user", "practice"), [(None, "riverside"), ("eve", None), ("", "riverside")])
def test_requires_somebody(user: str | None, practice: str | None) -> None:
    """Nobody signed in, or no practice: the view does not run, and nobody is asked."""
    app = Flask(__name__)
    with answering({"decision": True}) as point, Rolewarden(point.url) as client:
        guard = Guard(client, user=lambda: user, practice=lambda: practice)
        app.add_url_rule("/", view_func=guard.requires("respond", screen=TASK)(lambda: "in"))
        assert app.test_client().get("/").status_code == 403
    assert point.asked == []


def test_requires_nothing() -> None:
    """A guard that requires nothing is a mistake, and is said to be one when the view is made."""
    with Rolewarden("http://127.0.0.1:9") as client, pytest.raises(ValueError, match="needs no guard"):
        Guard(client, user=lambda: "eve", practice=lambda: "riverside").requires(screen=TASK)
