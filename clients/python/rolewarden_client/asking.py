"""Asking over HTTP, with and without `async`: one pool of connections, one time limit for a whole question.

A check changes nothing, so asking again is safe; it is done once, where the connection broke or the decision point
said that it cannot answer just now, and only while there is time left.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from rolewarden_client.wire import Decision, Question, body, decisions, unanswered

log = logging.getLogger("rolewarden_client")

UNIX = "unix:"
_AGAIN = frozenset({502, 503, 504})
_PAUSE = 0.02
"""Seconds before a question is asked again."""

_LONGEST = 4 * 2**20
"""Bytes of an answer; a thousand decisions with their reasons are a tenth of it."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One sending: until when it may take (`end`, on the monotonic clock), and whether no other may follow."""

    end: float
    last: bool

    @property
    def left(self) -> float:
        """Seconds until then."""
        return max(self.end - time.monotonic(), 0.001)


class _TooLong(Exception):
    """An answer that does not end in time, or that is longer than any answer is."""


class _Asking:
    """What both clients share: all but the sending."""

    def __init__(
        self, url: str, token: str = "", *, practice: str = "", timeout: float = 1.0, again: int = 1, most: int = 20
    ) -> None:
        """`url`: `http://127.0.0.1:8180`, `https://...` or `unix:/run/rolewarden/check.sock`.

        `practice`: asked about unless a question names another. `timeout`: seconds for a question, all attempts
        together. `again`: how often one is asked again. `most`: connections that are kept.
        """
        if timeout <= 0 or again < 0:
            raise ValueError("a time limit is longer than nothing, and asking again is counted from nought")
        if not re.match("https?://[^/]|unix:/", url):
            raise ValueError(
                f"`{url}` is not where a decision point can be: write http://..., https://... or unix:/..."
            )
        self.practice, self.timeout, self.again = practice, timeout, again
        self._socket = url.removeprefix(UNIX) if url.startswith(UNIX) else None
        self._options: dict[str, Any] = {
            "base_url": "http://localhost" if self._socket else url,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "follow_redirects": False,  # a decision comes from where it was asked for, or not at all
            "trust_env": False,  # no proxy of the environment hears who asks for what
        }
        self._limits = httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=60.0)

    def _question(self, user: str, action: str, screen: str, practice: str | None) -> Question:
        return Question.of(user, action, screen, self.practice if practice is None else practice)

    def _attempts(self) -> Iterator[_Attempt]:
        end = time.monotonic() + self.timeout
        for number in range(self.again + 1):
            if time.monotonic() >= end:
                return
            yield _Attempt(end, number == self.again)

    def _read(self, response: httpx.Response, content: bytes, asked: int) -> list[Decision]:
        if response.status_code != httpx.codes.OK:
            return self._failed(f"the decision point answered {response.status_code}", asked, response.status_code)
        try:
            return decisions(json.loads(content), asked, response.headers.get("X-Policy-Revision"))
        except (ValueError, RecursionError) as error:
            return self._failed(f"the answer cannot be read: {error}", asked)

    def _failed(self, problem: str, asked: int, status: int = 0) -> list[Decision]:
        log.warning("no decision: %s", problem)
        wrong_question = httpx.codes.is_client_error(status)
        return [unanswered(problem, retryable=not wrong_question)] * asked


class Rolewarden(_Asking):
    """Asks and waits. Any number of threads may use one; make it once, after forking."""

    def __init__(self, url: str, token: str = "", **options: Any) -> None:
        """As for both; see the module."""
        super().__init__(url, token, **options)
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket, limits=self._limits), **self._options
        )

    def may(self, user: str, action: str, screen: str, *, practice: str | None = None) -> Decision:
        """May the user do this on the screen, in the practice?"""
        return self.ask([self._question(user, action, screen, practice)])[0]

    def may_all(self, user: str, asked: Sequence[tuple[str, str]], *, practice: str | None = None) -> list[Decision]:
        """The same for several (action, screen), in one request and from one policy; a decision each, in order."""
        return self.ask([self._question(user, action, screen, practice) for action, screen in asked])

    def ask(self, questions: Sequence[Question]) -> list[Decision]:
        """The decision on each question, in order. Never raises for what happens on the way."""
        if not questions:
            return []
        path, content = body(questions)
        problem = "there was no time left"
        for attempt in self._attempts():
            try:
                with self._client.stream("POST", path, json=content, timeout=attempt.left) as response:
                    answer = self._whole(response, attempt)
                if attempt.last or response.status_code not in _AGAIN:
                    return self._read(response, answer, len(questions))
                problem = f"the decision point answered {response.status_code}"
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, _TooLong) as error:
                problem = f"{type(error).__name__}: {error}"
            time.sleep(_PAUSE)
        return self._failed(problem, len(questions))

    @staticmethod
    def _whole(response: httpx.Response, attempt: _Attempt) -> bytes:
        """The body. httpx limits each wait, not their sum: an answer that comes in drops would take for ever."""
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if time.monotonic() > attempt.end or len(content) > _LONGEST:
                raise _TooLong("the answer does not end")
        return bytes(content)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncRolewarden(_Asking):
    """The same for `async` code; one for each event loop."""

    def __init__(self, url: str, token: str = "", **options: Any) -> None:
        """As for both; see the module."""
        super().__init__(url, token, **options)
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=self._socket, limits=self._limits), **self._options
        )

    async def may(self, user: str, action: str, screen: str, *, practice: str | None = None) -> Decision:
        """May the user do this on the screen, in the practice?"""
        return (await self.ask([self._question(user, action, screen, practice)]))[0]

    async def may_all(
        self, user: str, asked: Sequence[tuple[str, str]], *, practice: str | None = None
    ) -> list[Decision]:
        """The same for several (action, screen), in one request and from one policy; a decision each, in order."""
        return await self.ask([self._question(user, action, screen, practice) for action, screen in asked])

    async def ask(self, questions: Sequence[Question]) -> list[Decision]:
        """The decision on each question, in order. Never raises for what happens on the way."""
        if not questions:
            return []
        path, content = body(questions)
        problem = "there was no time left"
        for attempt in self._attempts():
            try:
                async with (
                    asyncio.timeout(attempt.left),
                    self._client.stream("POST", path, json=content, timeout=attempt.left) as response,
                ):
                    answer = await self._whole(response)
                if attempt.last or response.status_code not in _AGAIN:
                    return self._read(response, answer, len(questions))
                problem = f"the decision point answered {response.status_code}"
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, TimeoutError, _TooLong) as error:
                problem = f"{type(error).__name__}: {error}"
            await asyncio.sleep(_PAUSE)
        return self._failed(problem, len(questions))

    @staticmethod
    async def _whole(response: httpx.Response) -> bytes:
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > _LONGEST:
                raise _TooLong("the answer does not end")
        return bytes(content)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
