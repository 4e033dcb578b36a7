import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestedRangeNotSatisfiable

from service.config import LogDecisions
from service.errors import (
    BadRequest,
    ChangeRefused,
    ConfigError,
    Forbidden,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
)
from service.exchange import Reply
from service.log import configure_log
from service.observe import Recorder
from service.web import error_response, respond


@pytest.fixture
def log() -> io.BytesIO:
    """What is logged."""
    stream = io.BytesIO()
    configure_log(stream)
    return stream


def lines(log: io.BytesIO) -> list[Any]:
    """The lines of a log, each of which must be JSON."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def raising(error: Exception) -> Callable[..., Reply]:
    """A handler that fails."""

    def handler(*_: object) -> Reply:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadRequest("why"), 400, "bad_request"),
        (Unauthenticated("why"), 401, "unauthenticated"),
        (Forbidden("why"), 403, "forbidden"),
        (TooLarge("why"), 413, "too_large"),
        (StoreUnavailable("why"), 503, "store_unavailable"),
        (NotFound(), 404, "not_found"),
        (MethodNotAllowed(["POST"]), 405, "method_not_allowed"),
        (RequestedRangeNotSatisfiable(), 416, "bad_request"),
        (ConfigError("why"), 500, "internal"),
        (ChangeRefused("rule", "why"), 500, "internal"),
        (ZeroDivisionError("why"), 500, "internal"),
        (HTTPException("why"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_status(error: Exception, status: int, code: str) -> None:
    """Every error becomes one status with a code and a message in JSON (A-18)."""
    reply = error_response(error)
    told = json.loads(reply.body)["error"]
    assert (reply.status, reply.headers["Content-Type"], told["code"]) == (status, "application/json", code)
    assert told["message"]


def test_the_detail_of_a_bug_stays_in_the_log(log: io.BytesIO) -> None:
    """A caller is told nothing of an error of ours; the log has it whole, under the same request id."""
    reply = respond(raising(ZeroDivisionError("riverside")), {"x-request-id": "r1"}, Recorder(LogDecisions.DENIALS))
    assert (reply.status, reply.headers["X-Request-ID"]) == (500, "r1")
    assert b"riverside" not in reply.body
    assert b"Zero" not in reply.body
    [line] = lines(log)
    assert (line["event"], line["level"], line["request_id"]) == ("internal_error", "error", "r1")
    assert "ZeroDivisionError: riverside" in line["exception"]
    assert "test_web.py" in line["exception"]


def test_what_the_store_says_stays_in_the_log(log: io.BytesIO) -> None:
    """Where the store is, and what its driver says, is for operators."""
    reply = respond(raising(StoreUnavailable("no `/srv/rw.db`")), {}, Recorder(LogDecisions.DENIALS))
    assert b"/srv" not in reply.body
    assert reply.headers["Retry-After"] == "1"
    [line] = lines(log)
    assert (line["event"], line["status"], line["why"]) == ("no_decision", 503, "no `/srv/rw.db`")


def test_a_handler_finds_the_request_id(log: io.BytesIO) -> None:
    """Given or made, the request id is there before a handler is, and leaves with its reply."""

    def handler(headers: Any) -> Reply:
        return Reply(200, {"Seen": headers["x-request-id"]}, b"")

    recorder = Recorder(LogDecisions.DENIALS)
    assert respond(handler, {"x-request-id": "r1"}, recorder).headers["Seen"] == "r1"
    made = respond(handler, {}, recorder).headers
    assert made["Seen"] == made["X-Request-ID"] != ""
    assert lines(log) == []


@pytest.mark.parametrize("given", ["r1\r\nSet-Cookie: a=b", "r\x00", "r1\n", "é", "\x7f", "r" * 129])
def test_a_request_id_cannot_forge_a_header(log: io.BytesIO, given: str) -> None:
    """What is not visible ASCII is refused, whatever a server has let through (A-20)."""
    reply = respond(raising(AssertionError()), {"x-request-id": given}, Recorder(LogDecisions.DENIALS))
    assert reply.status == 400
    assert "X-Request-ID" not in reply.headers
    assert given.encode() not in log.getvalue()


def test_every_reply_has_the_common_headers(log: io.BytesIO) -> None:
    """They are added in one place, to a reply and to an error alike."""
    for error in (BadRequest("x"), NotFound(), ZeroDivisionError()):
        headers = respond(raising(error), {}, Recorder(LogDecisions.DENIALS)).headers
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
