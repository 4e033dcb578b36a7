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
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from io import FileIO, RawIOBase
from select import PIPE_BUF
from typing import Any, BinaryIO

import structlog

from service.access.tokens import TOKEN
from service.asciijson import spelled

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

    def write(self, *lines: bytes) -> None:
        """Write lines, as many at once as a pipe takes in one piece; or count them as lost."""
        for several in _at_once(lines):
            with self._lock:
                left = self._write(b"\n".join(several) + b"\n")
            for _ in range(min(left.count(b"\n"), len(several))):
                self.lose()

    def lose(self) -> None:
        """Count a line that could not be made or written."""
        self.failures += 1
        self.on_failure()

    def _write(self, text: bytes) -> bytes:
        """Write a text; what of it could not be written."""
        rest = b"\n" + text if self._broken_off else text  # half a line is no reason to spoil the next
        with suppress(Exception):
            while rest and self._stream is not None and (written := self._stream.write(rest)):
                self._broken_off = not rest[:written].endswith(b"\n")
                rest = rest[written:]
        return rest


def _at_once(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The lines in groups.

    INVARIANT: what is longer may reach a pipe in pieces, between which another worker writes. So only a line that is
    longer by itself is.
    """
    begin, size = 0, 0
    for at, line in enumerate(lines):
        size += len(line) + 1
        if size >= PIPE_BUF and at > begin:  # one more may come before them, behind half a line
            yield lines[begin:at]
            begin, size = at, len(line) + 1
    if lines:
        yield lines[begin:]


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


def tell(event: str, *told: Mapping[str, str | int]) -> None:
    """Write a line for information about each, by a shorter way than structlog's: those that decisions make."""
    first = {**_STAMP(None, "", {}), "level": "info", "event": event}
    lines = []
    for fields in told:
        try:
            lines.append(_line_quickly({**first, **fields}))
        except Exception:  # noqa: BLE001 - one that cannot be made is no reason to lose the others
            SINK.lose()
    SINK.write(*lines)


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
    return _masked(_encode(named).encode("ascii"))


def _line_quickly(event: MutableMapping[str, Any]) -> bytes:
    """The same for an event whose names are in their order and whose values are texts and numbers."""
    return _masked(spelled(event)) if NEVER_LOGGED.isdisjoint(event) else _line(event)


def _masked(line: bytes) -> bytes:
    """The last look at every line: a token may have come within the text of an error, or as somebody's id."""
    return _TOKENS.sub(rb"rw_\1_***", line) if b"rw_" in line else line
