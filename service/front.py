"""A short way past Flask for what is asked all day long: a WSGI application that stands before another.

A path and a method that it knows are answered here; all the rest is the other's. No behaviour lives in it: an answer is
the same function behind every door. What it leaves out is the price of a framework that these requests do not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from service.exchange import Reply, read_body

Body = Callable[[int], bytes]
"""Reads the body, of up to so many bytes."""

Answer = Callable[[Mapping[str, str], Body], Reply]
"""Answers a request, whatever becomes of it: raises nothing. Header names are in lower case."""

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_PLAIN = ("content-type", "content-length")


def before(behind: WSGIApplication, answers: Mapping[tuple[str, str], Answer], read: Iterable[str]) -> WSGIApplication:
    """The application that gives these answers, by method and path, itself. `read`: the headers that they look at."""
    variables = [(name, _variable(name)) for name in read]

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        answer = answers.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if answer is None:
            return behind(environ, start)
        headers = {name: environ[variable] for name, variable in variables if variable in environ}
        reply = answer(headers, partial(read_body, environ))
        start(_STATUS_LINES[reply.status], [*reply.headers.items(), ("Content-Length", str(len(reply.body)))])
        return (reply.body,)

    return application


def _variable(name: str) -> str:
    """Where WSGI keeps a header."""
    variable = name.upper().replace("-", "_")
    return variable if name in _PLAIN else f"HTTP_{variable}"
