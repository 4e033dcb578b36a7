"""Log lines: one JSON object each, and the one sink that all of them go through.

Two rules are kept here. Ids may be logged; bodies and tokens never are, whatever the settings say. And no line is
worth an answer: where one cannot be written, on a full disk or because nobody reads any more, it is lost and
counted, and whoever logged it never knows.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, MutableMapping
from io import FileIO, RawIOBase
from typing import Any, BinaryIO

import structlog

from service.access.tokens import TOKEN

NEVER_LOGGED = frozenset({"authorization", "body", "database_url", "password", "secret", "token"})
"""Fields that no line has, whoever logs it."""

_FIRST = ("timestamp", "level", "event")
"""What somebody looks for in a line stands at its beginning."""

_STANDARD_ERROR = 2
_encode = json.JSONEncoder(default=repr, separators=(",", ":")).encode
_TOKENS = re.compile(TOKEN.pattern.encode())


class Sink:
    """Where lines go. INVARIANT: `write` raises nothing; a line that is lost is counted, here and by `on_failure`."""

    def __init__(self) -> None:
        self.failures = 0
        self.on_failure: Callable[[], object] = lambda: None
        self._lock = threading.RLock()  # a signal handler may log while its own thread is writing
        self._stream: BinaryIO | RawIOBase | None = None
        self._broken_off = False

    def open(self, stream: BinaryIO | None) -> None:
        """Write to `stream` from now on, or to standard error.

        The latter past Python's buffer: what could not be written would stay in it, and be tried again for ever.
        """
        if stream is None and sys.stderr is not None:
            self._stream = FileIO(_STANDARD_ERROR, "wb", closefd=False)
        else:
            self._stream = stream

    def write(self, line: bytes) -> None:
        """Write one line, or count it as lost."""
        try:
            with self._lock:
                self._write(line + b"\n")
        except Exception:  # noqa: BLE001 - see the invariant
            self.lose()

    def lose(self) -> None:
        """Count a line that could not be made or written."""
        self.failures += 1
        self.on_failure()

    def _write(self, line: bytes) -> None:
        rest = b"\n" + line if self._broken_off else line  # half a line is no reason to spoil the next
        while rest:
            written = None if self._stream is None else self._stream.write(rest)
            if not written:
                raise OSError("nothing can be written")
            rest = rest[written:]
            self._broken_off = bool(rest)


SINK = Sink()
"""The sink of this process."""


class LineHandler(logging.Handler):
    """Brings what others log through the standard library to the same sink, in the same form."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            SINK.write(self.format(record).encode())
        except Exception:  # noqa: BLE001 - a record whose text cannot be made is a line that is lost
            SINK.lose()


def configure_log(stream: BinaryIO | None = None) -> None:
    """Write what is logged from now on as JSON, one object a line, to standard error or to `stream`."""
    SINK.open(stream)
    structlog.configure(
        processors=[*_PROCESSORS, _to_sink],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def formatter() -> structlog.stdlib.ProcessorFormatter:
    """The form of our lines for what is logged through the standard library."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_PROCESSORS,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _to_text],
    )


def tell(event: str, **fields: object) -> None:
    """Write a line for information by a shorter way than structlog's: one of those that each decision makes."""
    _to_sink(None, "", _STAMP(None, "", {"level": "info", "event": event, **fields}))


_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
_PROCESSORS: list[structlog.typing.Processor] = [structlog.processors.add_log_level, _STAMP]


def _to_sink(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    try:
        line = _line(event)
    except Exception:  # noqa: BLE001 - whatever was to be logged, whoever logs it goes on
        SINK.lose()
    else:
        SINK.write(line)
    return ""


def _to_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return _line(event).decode()


def _line(event: MutableMapping[str, Any]) -> bytes:
    told = structlog.processors.format_exc_info(None, "", event)
    named = {name: told[name] for name in (*_FIRST, *told) if name in told and name not in NEVER_LOGGED}
    # ASCII alone: some tools take other characters than ours for the end of a line, and a file name may be no text.
    line = _encode(named).encode("ascii")
    # The last look at every line: a token may have come within the text of an error.
    return _TOKENS.sub(rb"rw_\1_***", line) if b"rw_" in line else line
