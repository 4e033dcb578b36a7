"""The composition root of the Setup part, and Flask's door to it.

Each row of `access.permissions.SETUP_ENDPOINTS` becomes one route with the view that `ui` or `api` has for it; a row
without a view, or a view without a row, keeps the service from starting. What every answer has in common is here: the
request id, the headers, and the way from an error to a page in words.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from service import ui
from service.access import headers as guards
from service.access import record, sessions
from service.access.door import let_in, seen_by
from service.access.permissions import API_PAGE, CONTINUE, HOME, OPENAPI, SETUP_ENDPOINTS, SIGN_IN, Endpoint
from service.access.person import Office, View, Visit
from service.access.provider import Provider
from service.api import admin, openapi, problem
from service.audit.events import AuditEvent
from service.config import Settings
from service.errors import (
    AccessRefused,
    BadRequest,
    Declined,
    NotFound,
    ProviderAway,
    RequestError,
    SignInFailed,
    StoreUnavailable,
    Unauthenticated,
)
from service.exchange import Asked, Fields, Reply, read_body, see_other
from service.live import READ_PATIENCE, Live
from service.log import configure_log
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from service.ui import docs_api
from service.ui.render import Frame, frame, framed
from service.witness import Witness

API = "/admin/"
"""Paths below it are for programs, which get their errors as JSON."""

MOST_FIELDS = 20_000
MOST_KEPT = 2**20
"""Bytes of a form that is kept for somebody whose sign-in has ended."""

_REQUEST_ID = re.compile("[!-~]{1,128}")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_INTERNAL = 500


def create_app(settings: Settings) -> Flask:
    """Build everything and wire it together, in the process that is going to answer."""
    configure_log()
    counter = Counter.open(settings.counter)
    live = Live(
        Store.open(settings.store_url, patience=READ_PATIENCE),
        counter,
        max_policy_age=settings.max_policy_age,
        keep_practices=settings.keep_practices,
    )
    live.start()
    provider = Provider(settings) if settings.oidc_issuer else None
    if provider is not None:
        provider.ask_early()
    witness = Witness()
    witness.prepare()
    press = Press(Store.open(settings.store_url), counter, opinion=witness.hear)
    return flask_app(Office(settings, press, live, provider))


def flask_app(office: Office) -> Flask:
    """The door that Flask makes: one route for each row of the table, and no other."""
    app = Flask("rolewarden-setup", static_folder=None)
    app.url_map.merge_slashes = False
    for endpoint, view in paired(SETUP_ENDPOINTS, ui.VIEWS, api_views()).items():
        app.add_url_rule(
            endpoint.path,
            endpoint=f"{endpoint.method} {endpoint.path}",
            view_func=_route(endpoint, view, office),
            methods=[endpoint.method],
            provide_automatic_options=False,
        )

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """What goes wrong before a view: no such route, or another method."""
        asked = heading({})
        return _to_flask(finished(answer_to(error, asked, office, None), asked, office))

    return app


def api_views() -> dict[tuple[str, str], View]:
    """What stands behind the endpoints of the admin API, and the two that describe it."""
    return {
        **admin.VIEWS,
        ("GET", OPENAPI): openapi.answer,
        ("GET", API_PAGE): partial(docs_api.page, openapi.document(), problem.KINDS),
    }


def paired(endpoints: tuple[Endpoint, ...], *views: Mapping[tuple[str, str], View]) -> dict[Endpoint, View]:
    """Each row of the table with its view; there is none of either without the other."""
    known = {key: view for some in views for key, view in some.items()}
    rows = {(endpoint.method, endpoint.path): endpoint for endpoint in endpoints}
    if len(known) != sum(map(len, views)) or len(rows) != len(endpoints) or rows.keys() != known.keys():
        raise LookupError(f"rows and views differ: {sorted(rows.keys() ^ known.keys())}")
    return {endpoint: known[key] for key, endpoint in rows.items()}


def _route(endpoint: Endpoint, view: View, office: Office) -> Callable[..., Response]:
    def route(**names: str) -> Response:
        asked = heading(names)
        visit = None
        try:
            visit = let_in(endpoint, asked, office)
            reply = view(replace(visit, asked=_with_body(asked, office.settings.setup_max_body)))
        except Exception as error:  # noqa: BLE001 - INVARIANT: no error leaves by any other way than `answer_to`
            reply = answer_to(error, asked, office, visit)
        return _to_flask(finished(reply, asked, office))

    return route


# --- requests -----------------------------------------------------------------------------------------------


def heading(names: Mapping[str, str]) -> Asked:
    """A request as far as its headers tell. Nothing of the body is read before somebody is let in."""
    given = request.headers.get("X-Request-ID", "")
    return Asked(
        request.method,
        request.path,
        names,
        Fields(tuple(request.args.items(multi=True))),
        {name.lower(): value for name, value in request.headers.items()},
        dict(request.cookies),
        id=given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8),
    )


def _with_body(asked: Asked, most: int) -> Asked:
    """The same with its body and, where that is a form, with its fields."""
    if asked.method in ("GET", "HEAD"):
        return asked
    body = read_body(request.environ, most)
    if request.mimetype not in _FORMS:
        return replace(asked, body=body)
    try:
        parser = FormDataParser(max_form_memory_size=most, max_form_parts=MOST_FIELDS, silent=False)
        _, form, files = parser.parse(io.BytesIO(body), request.mimetype, len(body), request.mimetype_params)
    except (HTTPException, ValueError) as error:
        raise BadRequest("the form cannot be read") from error
    sent = {}
    for name, file in files.items():
        sent[name] = file.read()
        file.close()
    return replace(asked, body=body, form=Fields(tuple(form.items(multi=True))), files=sent)


# --- answers ------------------------------------------------------------------------------------------------


def finished(reply: Reply, asked: Asked, office: Office) -> Reply:
    """The answer with what every one has."""
    settings = office.settings
    common = guards.of_every_answer(
        settings.setup_address, office.provider.known_addresses() if office.provider else ()
    )
    return reply._replace(headers={**common, **reply.headers, "X-Request-ID": asked.id})


def answer_to(error: Exception, asked: Asked, office: Office, visit: Visit | None) -> Reply:
    """The one place where an error becomes an answer of the Setup part. The detail of a bug stays with us."""
    if asked.path.startswith(API):
        return _for_programs(error, asked)
    status, _, message, mend = told(error)
    logger = structlog.get_logger()
    if status == _INTERNAL:
        _note_bug(error, asked)
    if isinstance(error, AccessRefused):
        _keep_refusal(error, asked, office)
    if isinstance(error, SignInFailed):
        logger.warning("sign_in_failed", why=error.why, request_id=asked.id)
    if isinstance(error, ProviderAway):
        logger.error("provider_away", problem=error.message, request_id=asked.id)
    if isinstance(error, Unauthenticated):
        return see_other(f"{SIGN_IN}?{urlencode({'next': _onward(asked, office)})}")
    return framed(
        _frame_of(asked, office, visit),
        "error.html",
        status,
        heading=_HEADINGS.get(status, "That did not work"),
        message=message,
        mend=mend,
        back=SIGN_IN if isinstance(error, SignInFailed | ProviderAway) else HOME,
        back_words="Sign in again" if isinstance(error, SignInFailed | ProviderAway) else "Go to the first page",
        request_id=asked.id if status >= _INTERNAL else "",
    )


def _frame_of(asked: Asked, office: Office, visit: Visit | None) -> Frame:
    """The frame around an error: that of the person, as far as they got, so that they can go on from there."""
    try:
        return frame(seen_by(asked, office) if visit is None else visit)
    except Exception:  # noqa: BLE001 - what went wrong may go wrong here, too; then the page does without
        return Frame(demo=office.settings.demo)


def told(error: Exception) -> tuple[int, str, str, str]:
    """Status, code, what happened and what to do."""
    match error:
        case AccessRefused():
            return error.status, error.code, error.message, ""
        case RequestError():
            return error.status, error.code, _sentence(error.message), _sentence(error.mend)
        case ProviderAway():
            return 503, error.code, "We can't reach your sign-in provider right now.", "Try again in a minute."
        case StoreUnavailable():
            return 503, error.code, "We can't check your access right now.", "Try again in a minute. Nothing is lost."
        case HTTPException(code=int(status)) if status < _INTERNAL:
            known = NotFound.code if status == HTTPStatus.NOT_FOUND else BadRequest.code
            return status, known, _WORDS.get(status, "The request cannot be read."), ""
        case _:
            return _INTERNAL, "internal", "Something went wrong on our side.", "Nothing was saved. Please try again."


_HEADINGS = {
    400: "That cannot be read",
    403: "You don't have access to this",
    404: "There is nothing here",
    413: "That is too long",
    500: "Something went wrong",
    503: "Not right now",
}
_WORDS = {404: "There is no page under this address.", 405: "This page does not know that."}


def _sentence(text: str) -> str:
    """A message of ours as a sentence for people."""
    return text and f"{text[:1].upper()}{text[1:]}."


def _for_programs(error: Exception, asked: Asked) -> Reply:
    """The same for whoever asks the admin API. What Flask refuses before a view is said in the API's own words."""
    allowed = {}
    if isinstance(error, HTTPException) and error.code is not None and error.code < _INTERNAL:
        allowed = {name: value for name, value in error.get_headers() if name == "Allow"}
        error = Declined("method-unknown" if allowed else "not-found", "there is no such endpoint", f"see `{API_PAGE}`")
    reply = problem.of(error, asked.id)
    if reply.status == _INTERNAL:
        _note_bug(error, asked)
    return reply._replace(headers={**reply.headers, **allowed})


def _note_bug(error: Exception, asked: Asked) -> None:
    structlog.get_logger().error("internal_error", exc_info=error, request_id=asked.id)


def _keep_refusal(error: AccessRefused, asked: Asked, office: Office) -> None:
    record.keep_or_log(
        office,
        AuditEvent.PAGE_REFUSE,
        error.actor,
        asked.names.get("practice", ""),
        path=asked.path,
        right=error.right,
        reason=error.reason,
        code=error.sign,
    )


def _onward(asked: Asked, office: Office) -> str:
    """Where to go after signing in: to what was asked for, or to what was about to be sent."""
    if asked.method == "GET":
        return asked.place
    with suppress(RequestError, StoreUnavailable):
        if not sessions.has_ended(office, asked.cookies):
            return HOME  # whoever was never in is not listened to
        sent = _with_body(asked, MOST_KEPT)
        if not sent.files and sessions.leave(office, asked.cookies, asked.place, sent.form):
            return CONTINUE
    return HOME


def _to_flask(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, reply.headers)
    for cookie in reply.cookies:
        response.headers.add("Set-Cookie", cookie)
    return response
