"""The composition root of the check part, and what every answer has in common whatever the door it leaves by.

`respond` is all of HTTP that is not a door's: the request id, the headers, and the way from an error to a status.
There are two doors. Flask's has a route for everything; the one before it (`front`) carries checks and searches past
Flask. Either only brings a request here and takes a reply back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service.access.permissions import (
    ALIVE,
    ENDPOINTS,
    EVALUATION,
    EVALUATIONS,
    FORWARD,
    METADATA,
    METRICS,
    OPENAPI,
    READY,
    SEARCH_ACTION,
    SEARCH_RESOURCE,
    SEARCH_SUBJECT,
    Admitted,
    Endpoint,
    admit,
)
from service.access.tokens import CHALLENGE
from service.api import authzen, batch, description, discovery, forward, health, intake, search
from service.api.wire import JSON, write_error
from service.config import Settings
from service.errors import BadRequest, RequestError, StoreUnavailable, Unauthenticated
from service.exchange import Reply, read_body
from service.folder import Glance
from service.front import Answer, Body, before
from service.live import READ_PATIENCE, Live
from service.log import configure_log
from service.observe import Recorder, watch
from service.policy import bundle
from service.store.counter import Counter
from service.store.sql import Store

Headers = Mapping[str, str]
Handler = Callable[[Headers, bytes, Admitted | None], Reply]

HEADERS_OF_EVERY_ANSWER = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_REQUEST_ID = re.compile("[!-~]{1,128}")
_INTERNAL = 500


def require_ready(settings: Settings) -> None:
    """Raise what would keep every worker from starting, before there is one."""
    Store.open(settings.store_url).close()
    Counter.open(settings.counter).close()


def create_app(settings: Settings) -> WSGIApplication:
    """Build everything and wire it together, in the process that is going to answer."""
    configure_log()
    live = Live(
        Store.open(settings.store_url, patience=READ_PATIENCE),
        Counter.open(settings.counter),
        max_policy_age=settings.max_policy_age,
        keep_practices=settings.keep_practices,
    )
    recorder = Recorder(settings.log_decisions, settings.shadow)
    if recorder.shadow is not None:
        recorder.shadow.start()
    live.start()
    watch(live, recorder)
    return doors(settings, live, recorder)


def doors(settings: Settings, live: Live, recorder: Recorder) -> WSGIApplication:
    """Both doors, the short one first."""
    short = {
        (endpoint.method, path): answer
        for path, endpoint, answer in _answers(settings, live, recorder)
        if endpoint.method == "POST"
    }
    return before(flask_app(settings, live, recorder), short, intake.HEADERS)


def flask_app(settings: Settings, live: Live, recorder: Recorder) -> Flask:
    """The door that Flask makes: one route for each row of `access.permissions`, and no other."""
    app = Flask("rolewarden", static_folder=None)
    app.url_map.merge_slashes = False  # a path is an endpoint or it is not; nothing is redirected
    read = (*intake.HEADERS, *(settings.forward_auth or ()))
    for path, endpoint, answer in _answers(settings, live, recorder):
        app.add_url_rule(
            path,
            endpoint=endpoint.path,
            view_func=_view(answer, read),
            methods=[endpoint.method],
            provide_automatic_options=False,
        )

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """What goes wrong before a handler: no such route, another method, a body that does not arrive."""
        return _to_flask(respond(_raising(error), _headers(read), recorder))

    return app


def _answers(settings: Settings, live: Live, recorder: Recorder) -> Iterator[tuple[str, Endpoint, Answer]]:
    """Each endpoint, where it is, and what answers there."""
    handlers = _handlers(settings, live, recorder)

    def complete(answer: Callable[[Headers, Body], Reply]) -> Answer:
        return lambda headers, body: respond(lambda known: answer(known, body), headers, recorder)

    for path, endpoint in _places(settings):
        yield path, endpoint, complete(guarded(endpoint, handlers[endpoint.path], live, settings.max_body))


def guarded(endpoint: Endpoint, handler: Handler, live: Live, max_body: int) -> Callable[[Headers, Body], Reply]:
    """A handler behind what its row of the table asks for, so that a row cannot be open by an oversight.

    Who may not come in is told so before the body is read, and where no body belongs, none is.
    """

    def answer(headers: Headers, body: Body) -> Reply:
        admitted = admit(endpoint, headers.get(intake.AUTHORIZATION), live)
        return handler(headers, b"" if endpoint.method == "GET" else body(max_body), admitted)

    return answer


def respond(answer: Callable[[Headers], Reply], headers: Headers, recorder: Recorder) -> Reply:
    """The reply to a request, or the one its error becomes, with what every answer has.

    `headers` are those that are read, as far as the request has them. `answer` always finds a request id there.
    """
    request_id = ""
    try:
        request_id = _request_id(headers)
        reply = answer({**headers, intake.REQUEST_ID: request_id})
    except Exception as error:  # noqa: BLE001 - INVARIANT: no error leaves by any other way than `error_response`
        reply = error_response(error)
        recorder.failed(error, reply.status, request_id)
    echo = {"X-Request-ID": request_id} if request_id else {}
    return reply._replace(headers={**HEADERS_OF_EVERY_ANSWER, **reply.headers, **echo})


def error_response(error: Exception) -> Reply:
    """The one place where an error becomes an HTTP status (A-18, A-19). The detail of a bug stays with us."""
    headers = {"Content-Type": JSON}
    match error:
        case RequestError():
            if isinstance(error, Unauthenticated):
                headers["WWW-Authenticate"] = CHALLENGE
            return Reply(error.status, headers, write_error(error.code, error.message, error.mend))
        case StoreUnavailable():
            headers["Retry-After"] = "1"
            return Reply(503, headers, write_error(error.code, "there is no policy yet", "try again in a moment"))
        case HTTPException(code=int(status)) if status < _INTERNAL:
            headers |= {name: value for name, value in error.get_headers() if name == "Allow"}
            return Reply(status, headers, write_error(*_HTTP.get(status, _UNREADABLE)))
        case _:
            return Reply(_INTERNAL, headers, write_error("internal", "an error of ours", "tell us the request id"))


_HTTP = {
    404: ("not_found", "there is nothing here"),
    405: ("method_not_allowed", "this endpoint does not know that method"),
}
_UNREADABLE = (BadRequest.code, "the request cannot be read")


def _places(settings: Settings) -> Iterator[tuple[str, Endpoint]]:
    """Each endpoint and where it is. The place of the metadata follows from what we are called; or there is none."""
    for endpoint in ENDPOINTS:
        if endpoint.path == FORWARD and settings.forward_auth is None:
            continue
        if endpoint.path != METADATA:
            yield endpoint.path, endpoint
        elif settings.pdp_id:
            yield discovery.place(settings.pdp_id), endpoint


def _handlers(settings: Settings, live: Live, recorder: Recorder) -> dict[str, Handler]:
    """What stands behind each path."""
    glance = Glance(settings.policies, bundle.published)
    given: Any = {"live": live, "settings": settings, "recorder": recorder}
    return {
        EVALUATION: partial(authzen.evaluate, **given),
        EVALUATIONS: partial(batch.evaluate_all, **given),
        SEARCH_SUBJECT: partial(search.find, "subject", **given),
        SEARCH_RESOURCE: partial(search.find, "resource", **given),
        SEARCH_ACTION: partial(search.find, "action", **given),
        FORWARD: partial(forward.forward, **given),
        METADATA: lambda *_: discovery.configuration(settings.pdp_id),
        OPENAPI: lambda *_: description.description(),
        ALIVE: lambda *_: health.livez(),
        READY: lambda *_: health.readyz(live, glance),
        METRICS: lambda *_: health.metrics(recorder),
    }


def _request_id(headers: Headers) -> str:
    """The caller's id for this request, or a new one (A-20). What could forge a header or a line is refused."""
    given = headers.get(intake.REQUEST_ID)
    if not given:
        return f"{random.getrandbits(64):016x}"  # it names this request, and guards nothing
    if not _REQUEST_ID.fullmatch(given):
        raise BadRequest("`X-Request-ID` may have up to 128 visible ASCII characters")
    return given


# --- Flask's door -------------------------------------------------------------------------------------------


def _view(answer: Answer, read: Iterable[str]) -> Callable[[], Response]:
    return lambda: _to_flask(answer(_headers(read), partial(read_body, request.environ)))


def _headers(read: Iterable[str]) -> dict[str, str]:
    return {name: value for name in read if (value := request.headers.get(name)) is not None}


def _raising(error: Exception) -> Callable[[Headers], Reply]:
    def answer(_headers: Headers) -> Reply:
        raise error

    return answer


def _to_flask(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers)
