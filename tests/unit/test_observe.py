import io
import json
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import structlog

from service.access.tokens import mint
from service.config import LogDecisions
from service.decide import Answer
from service.live import Health
from service.log import NEVER_LOGGED, LineHandler, configure_log, formatter
from service.observe import ALARMING_AGE, Recorder, watch
from service.values import Caller, Decision, Question, Reason

EHR = Caller("ehr", None)


@pytest.fixture
def log() -> io.BytesIO:
    """What is logged."""
    stream = io.BytesIO()
    configure_log(stream)
    return stream


def lines(log: io.BytesIO) -> list[Any]:
    """The lines of a log, each of which must be JSON."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def answer(reason: Reason, user: str = "eve") -> Answer:
    """An answer about one user."""
    question = Question("user", user, "respond", "screen", "Task - Patient Portal", {"practice": "riverside"})
    return Answer(Decision(reason, 41), question, "riverside", "You don't have access.", "7F3K")


def health(**changed: Any) -> Health:
    """A worker that fares well, but for what is changed."""
    usual: dict[str, Any] = {
        "revision": 41,
        "practices": 2,
        "loaded": 1,
        "age": 0.5,
        "too_old": False,
        "problem": "",
        "folder_digest": "",
        "folder_status": None,
        "altered": (),
    }
    return Health(**(usual | changed))


class TestDecisions:
    def test_a_refusal_is_one_line(self, log: io.BytesIO) -> None:
        """A line says who was refused what, why, by which revision, for whom, and under which request id."""
        Recorder(LogDecisions.DENIALS).decided(answer(Reason.NO_LEVEL), EHR, "r1", 0.001)
        [line] = lines(log)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
        assert line == {
            "event": "decision",
            "level": "info",
            "allowed": False,
            "reason": "no_level",
            "practice": "riverside",
            "user": "eve",
            "screen": "Task - Patient Portal",
            "action": "respond",
            "revision": 41,
            "code": "7F3K",
            "caller": "ehr",
            "request_id": "r1",
        }

    @pytest.mark.parametrize(("setting", "count"), [(LogDecisions.DENIALS, 0), (LogDecisions.ALL, 1)])
    def test_an_allow_by_setting(self, log: io.BytesIO, setting: LogDecisions, count: int) -> None:
        """An allow is a line only where the setting says `all`."""
        Recorder(setting).decided(answer(Reason.ALLOWED), EHR, "r1", 0.001)
        assert len(lines(log)) == count

    def test_what_one_looks_for_comes_first(self, log: io.BytesIO) -> None:
        """Every line begins with when, how bad, and what: ours, and those of others."""
        Recorder(LogDecisions.DENIALS).decided(answer(Reason.NO_LEVEL), EHR, "r1", 0.001)
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, "text", (), None)
        for line in (lines(log)[0], json.loads(formatter().format(record))):
            assert list(line)[:3] == ["timestamp", "level", "event"]

    def test_a_line_has_bounds(self, log: io.BytesIO) -> None:
        """An id of any length or content makes one line of bounded length, and cannot forge a second."""
        forged = 'x\r\n{"event":"decision"}\n' + "y" * 50_000
        Recorder(LogDecisions.DENIALS).decided(answer(Reason.UNKNOWN_USER, forged), EHR, "r1", 0.001)
        assert log.getvalue().count(b"\n") == 1
        assert len(log.getvalue()) < 1000
        assert lines(log)[0]["user"] == forged[:200]


class TestSecrets:
    @pytest.mark.parametrize("name", sorted(NEVER_LOGGED))
    def test_fields_that_no_line_has(self, log: io.BytesIO, name: str) -> None:
        """Some fields are left out whoever logs them."""
        structlog.get_logger().error("event", **{name: "hush", "kept": 1})
        assert b"hush" not in log.getvalue()
        assert lines(log)[0]["kept"] == 1

    def test_a_token_in_an_error(self, log: io.BytesIO) -> None:
        """A token within any text, a traceback too, is struck out; its id stays, to find whose it was."""
        token, text = mint("ehr", None, "")
        try:
            raise ValueError(f"no header {text!r}")
        except ValueError as error:
            Recorder(LogDecisions.DENIALS).failed(error, 500, "r1")
        assert text.encode() not in log.getvalue()
        assert f"rw_{token.id}_***" in lines(log)[0]["exception"]

    def test_what_others_log(self) -> None:
        """Lines of the standard library take the same form, with the same care."""
        text = mint("ehr", None, "")[1]
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, "no %s", (text,), None)
        line = json.loads(formatter().format(record))
        assert (line["level"], line["event"][:6], text in line["event"]) == ("warning", "no rw_", False)


class Unspeakable(Exception):
    """An error that has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def full() -> BinaryIO:
    """A log on a disk without room."""
    return Path("/dev/full").open("wb", buffering=0)


def closed() -> BinaryIO:
    """A log that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "wb", buffering=0)


class TestLost:
    """Lines that cannot be written."""

    @pytest.mark.parametrize("broken", [full, closed])
    def test_nobody_notices(self, broken: Callable[[], BinaryIO]) -> None:
        """A log that is full or closed stops nothing; what is lost is counted."""
        with broken() as stream:
            configure_log(stream)
            recorder = Recorder(LogDecisions.ALL)
            recorder.decided(answer(Reason.NO_LEVEL), EHR, "r1", 0.001)
            recorder.failed(ZeroDivisionError(), 500, "r1")
            recorder.watched(health(problem="gone"))
            LineHandler().handle(logging.LogRecord("gunicorn.error", logging.ERROR, "", 0, "text", (), None))
            assert "rolewarden_log_failures_total 4.0\n" in recorder.exposition().decode()
            configure_log(io.BytesIO())

    def test_what_has_no_text(self, log: io.BytesIO) -> None:
        """An error, a value or a record that cannot be told is a lost line, and nothing else."""
        recorder = Recorder(LogDecisions.ALL)
        recorder.failed(Unspeakable(), 500, "r1")
        recorder.failed(Unspeakable(), 400, "r1")
        LineHandler().handle(logging.LogRecord("gunicorn.error", logging.ERROR, "", 0, "%d", ("x",), None))
        structlog.get_logger().error("event", value=Path("\udcff"), name="\udcff")
        told = recorder.exposition().decode()
        assert 'rolewarden_errors_total{status="500"} 1.0\n' in told
        assert lines(log)[-1]["name"] == "\udcff"
        assert log.getvalue().isascii()

    def test_half_a_line(self) -> None:
        """A line that broke off, where a disk was full for a while, does not spoil the next."""

        class Narrow(io.BytesIO):
            room = 10

            def write(self, text: Any) -> int:
                written = super().write(bytes(text)[: self.room])
                self.room -= written
                return written

        stream = Narrow()
        configure_log(stream)
        structlog.get_logger().info("first")
        stream.room = 10_000
        structlog.get_logger().info("second")
        first, second = stream.getvalue().splitlines()
        assert len(first) == 10
        assert json.loads(second)["event"] == "second"


class TestWatch:
    def test_it_survives_anything(self, log: io.BytesIO) -> None:
        """Whatever goes wrong when the health is taken down, it is told once, and taken down again and again."""
        asked = 0

        class Ailing:
            def health(self) -> Health:
                nonlocal asked
                asked += 1
                if asked < 4:
                    raise ZeroDivisionError
                return health(revision=asked)

        recorder = Recorder(LogDecisions.DENIALS)
        watch(Ailing(), recorder, 0.001)
        deadline = time.monotonic() + 10
        while asked < 10 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert asked >= 10
        assert [line["event"] for line in lines(log)] == ["internal_error"]
        assert "rolewarden_policy_revision 0.0" not in recorder.exposition().decode()


class TestNumbers:
    def test_decisions_by_reason(self, log: io.BytesIO) -> None:
        """Each decision is counted under its reason, and timed."""
        recorder = Recorder(LogDecisions.DENIALS)
        for reason in (Reason.ALLOWED, Reason.ALLOWED, Reason.NO_LEVEL):
            recorder.decided(answer(reason), EHR, "r1", 0.0003)
        told = recorder.exposition().decode()
        assert 'rolewarden_decisions_total{reason="allowed"} 2.0\n' in told
        assert 'rolewarden_decisions_total{reason="no_level"} 1.0\n' in told
        assert 'rolewarden_check_seconds_bucket{le="0.0002"} 0.0\n' in told
        assert 'rolewarden_check_seconds_bucket{le="0.0005"} 3.0\n' in told

    def test_errors_by_status(self, log: io.BytesIO) -> None:
        """Each error is counted under its status; one that we do not expect, under `other`."""
        recorder = Recorder(LogDecisions.DENIALS)
        for status in (400, 401, 401, 418, 451):
            recorder.failed(ValueError(), status, "r1")
        told = recorder.exposition().decode()
        assert 'rolewarden_errors_total{status="401"} 2.0\n' in told
        assert 'rolewarden_errors_total{status="other"} 2.0\n' in told

    def test_the_number_of_series_is_fixed(self, log: io.BytesIO) -> None:
        """Whatever callers send, no series is added."""
        recorder = Recorder(LogDecisions.ALL)
        before = len(recorder.exposition().splitlines())
        for number in range(50):
            recorder.decided(answer(Reason.UNKNOWN_USER, f"user {number}"), EHR, f"r{number}", number)
            recorder.failed(ValueError(str(number)), 400 + number, f"r{number}")
        assert len(recorder.exposition().splitlines()) == before


class TestPolicy:
    def test_a_policy_that_fares_well(self, log: io.BytesIO) -> None:
        """Nothing is logged while nothing happens."""
        recorder = Recorder(LogDecisions.DENIALS)
        for _ in range(3):
            recorder.watched(health())
        assert lines(log) == []

    def test_a_failure_is_told_when_it_begins_and_ends(self, log: io.BytesIO) -> None:
        """A store that is away for long is one line when it goes, one when it is back, and one failure."""
        recorder = Recorder(LogDecisions.DENIALS)
        for problem in ("", "gone", "gone", "gone", ""):
            recorder.watched(health(problem=problem))
        assert [line["problem"] for line in lines(log)] == ["gone", None]
        assert "rolewarden_policy_read_failures_total 1.0\n" in recorder.exposition().decode()

    def test_an_age_that_alarms(self, log: io.BytesIO) -> None:
        """From a minute without a word from the store there is an alarm, and a line when it ends."""
        recorder = Recorder(LogDecisions.DENIALS)
        for age in (ALARMING_AGE - 1, ALARMING_AGE, ALARMING_AGE + 1, 0.0):
            recorder.watched(health(age=age))
        assert [(line["event"], line["alarming"]) for line in lines(log)] == [
            ("policy_age", True),
            ("policy_age", False),
        ]

    def test_nothing_was_ever_read(self, log: io.BytesIO) -> None:
        """Before the first reading there is no revision: nought, and a line that says why."""
        recorder = Recorder(LogDecisions.DENIALS)
        recorder.watched(health(revision=None, age=None, problem="no store"))
        assert "rolewarden_policy_revision 0.0\n" in recorder.exposition().decode()
        assert lines(log)[0]["problem"] == "no store"
