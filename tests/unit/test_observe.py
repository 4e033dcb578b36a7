import io
import json
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from select import PIPE_BUF
from typing import Any, BinaryIO

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service.access.tokens import mint
from service.config import LogDecisions
from service.decide import Answer
from service.live import Health
from service.log import NEVER_LOGGED, SINK, LineHandler, configure_log, formatter
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


class Pieces(io.BytesIO):
    """A log that keeps what it is given apart, as a pipe does."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[bytes] = []

    def write(self, text: Any) -> int:
        self.given.append(bytes(text))
        return super().write(text)


class TestBatches:
    def test_lines_in_order(self, log: io.BytesIO) -> None:
        """Each refusal of a batch is a line as if it came alone, in their order, and all at one time."""
        answers = [answer(reason, user) for user in "abc" for reason in (Reason.NO_LEVEL, Reason.ALLOWED)]
        Recorder(LogDecisions.DENIALS).decided_all(answers, EHR, "r1", 0.001)
        Recorder(LogDecisions.DENIALS).decided(answers[0], EHR, "r1", 0.001)
        *several, alone = lines(log)
        assert [line["user"] for line in several] == ["a", "b", "c"]
        assert len({line["timestamp"] for line in several}) == 1
        assert {**several[0], "timestamp": ""} == {**alone, "timestamp": ""}

    @given(st.lists(st.integers(1, 200), max_size=60))
    def test_no_line_is_cut(self, sizes: list[int]) -> None:
        """Lines are written together as far as a pipe takes them in one piece; so those of workers never mingle."""
        configure_log(stream := Pieces())
        answers = [answer(Reason.UNKNOWN_USER, str(number) * size) for number, size in enumerate(sizes)]
        Recorder(LogDecisions.DENIALS).decided_all(answers, EHR, "r1", 0.001)
        assert [line["user"] for line in lines(stream)] == [each.question.subject_id[:200] for each in answers]
        assert all(text.endswith(b"}\n") and len(text) <= PIPE_BUF for text in stream.given)
        assert len(stream.given) <= 2 * sum(map(len, stream.given)) // PIPE_BUF + 1

    def test_a_line_longer_than_a_pipe_takes(self) -> None:
        """It goes alone, so that it spoils no other."""
        configure_log(stream := Pieces())
        long = "\N{ZERO WIDTH JOINER}" * 200
        answers = [answer(Reason.NO_LEVEL, user) for user in ("ann", long, "cam", "dan")]
        answers[1] = answers[1]._replace(practice=long, question=answers[1].question._replace(resource_id=long))
        Recorder(LogDecisions.DENIALS).decided_all(answers, Caller("ehr", None), long, 0.001)
        assert [len(text) > PIPE_BUF for text in stream.given] == [False, True, False]
        assert [line["user"] for line in lines(stream)] == ["ann", long, "cam", "dan"]

    def test_all_that_is_lost_is_counted(self) -> None:
        """Where nothing can be written, as many lines are lost as there were; whoever asked never knows."""
        with full() as stream:
            configure_log(stream)
            recorder = Recorder(LogDecisions.ALL)
            recorder.decided_all([answer(Reason.NO_LEVEL, user * 200) for user in "abcdefghijklmnopqrs"], EHR, "", 0.1)
            assert "rolewarden_log_failures_total 19.0\n" in recorder.exposition().decode()
            configure_log(io.BytesIO())

    @pytest.mark.parametrize("user", ["zo\u00eb", "\u2028", "\x7f", '"\\\n\t', "\ud800"])
    def test_any_text(self, log: io.BytesIO, user: str) -> None:
        """Ids of any signs make one line of ASCII, from which they can be read again, half a sign, too."""
        recorder = Recorder(LogDecisions.DENIALS)
        recorder.decided_all([answer(Reason.NO_LEVEL, name) for name in (user, "eve")], EHR, "r1", 0.001)
        assert log.getvalue().isascii()
        assert [line["user"] for line in lines(log)] == [user, "eve"]

    def test_a_token_as_an_id(self, log: io.BytesIO) -> None:
        """Who sends a token where an id belongs does not find it in the log."""
        token, text = mint("ehr", None, "")
        Recorder(LogDecisions.DENIALS).decided_all([answer(Reason.UNKNOWN_USER, text)], EHR, "r1", 0.001)
        assert lines(log)[0]["user"] == f"rw_{token.id}_***"


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
        configure_log(stream := Narrow(10))
        structlog.get_logger().info("first")
        stream.room = 10_000
        structlog.get_logger().info("second")
        first, second = stream.getvalue().splitlines()
        assert len(first) == 10
        assert json.loads(second)["event"] == "second"

    @pytest.mark.parametrize("more", range(-1, 2))
    def test_behind_half_a_line(self, more: int) -> None:
        """Lines that just fill a pipe are still whole when one more sign has to end a line that broke off."""
        configure_log(broken := Narrow(1))
        structlog.get_logger().info("first")
        broken.close()
        SINK.open(stream := Pieces())
        line = b"x" * (PIPE_BUF // 2 - 1)
        SINK.write(line + b"y" * more if more > 0 else line[: len(line) + more], line, line)
        assert stream.getvalue().count(b"\n") == 4
        assert all(len(text) <= PIPE_BUF and text.endswith(b"\n") for text in stream.given)

    def test_some_lines_of_several(self) -> None:
        """Where there was room for the first of several, it stands whole, and the next line begins behind it."""
        recorder = Recorder(LogDecisions.DENIALS)
        answers = [answer(Reason.NO_LEVEL, user) for user in "abc"]
        configure_log(stream := Narrow(10_000))
        recorder.decided_all(answers[:1], EHR, "r1", 0.001)
        configure_log(stream := Narrow(len(stream.getvalue())))
        recorder.decided_all(answers, EHR, "r1", 0.001)
        assert stream.room == 0
        stream.room = 10_000
        recorder.decided_all(answers[2:], EHR, "r1", 0.001)
        assert [line["user"] for line in lines(stream)] == ["a", "c"]
        assert "rolewarden_log_failures_total 2.0\n" in recorder.exposition().decode()


class Narrow(io.BytesIO):
    """A log on a disk with little room: so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, text: Any) -> int:
        written = super().write(bytes(text)[: self.room])
        self.room -= written
        return written


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
