"""The decision endpoint of AuthZEN 1.0 as one plain function: headers and a body in, a reply out.

It knows no server and no framework, so that any door may call it and all doors answer alike. What gets no
decision, a caller who may not ask or a request that cannot be read, is raised; the door turns it into a status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import perf_counter

from service.access.permissions import Admitted
from service.api.wire import JSON, read_question, write_answer
from service.config import DecisionContext, Settings
from service.decide import decide
from service.errors import BadRequest, TooLarge, Unauthenticated
from service.exchange import Reply
from service.live import Live
from service.observe import Recorder

AUTHORIZATION = "authorization"
CONTENT_TYPE = "content-type"
AT_LEAST = "x-policy-revision-at-least"
REQUEST_ID = "x-request-id"
HEADERS = (AUTHORIZATION, CONTENT_TYPE, AT_LEAST, REQUEST_ID)
"""The request headers that are read, in lower case; a door passes on these and no others."""

REVISION = "X-Policy-Revision"

_NUMBER = re.compile("[0-9]{1,15}")
_MEDIA = re.compile(r"application/json[ \t]*(?:;[ \t]*charset=(?:utf-8|\"utf-8\")[ \t]*)?", re.IGNORECASE)


def evaluate(
    headers: Mapping[str, str],
    body: bytes,
    admitted: Admitted | None,
    *,
    live: Live,
    settings: Settings,
    recorder: Recorder,
) -> Reply:
    """Answer one access evaluation request (A-10, A-11), in the steps of `service.decide`.

    Raises `RequestError`, and `StoreUnavailable` while no policy could ever be read.
    """
    began = perf_counter()
    # 1, 2. Done at the door. Only a caller whom we know may make us wait for a revision.
    if admitted is None:
        raise Unauthenticated("nobody is answered here without a token")
    caller, state = admitted
    at_least = _revision(headers.get(AT_LEAST))
    if at_least > state.loaded.revision:
        state = live.state(at_least)
    # 3
    _require_json(headers.get(CONTENT_TYPE, ""))
    if len(body) > settings.max_body:
        raise TooLarge(f"the body is longer than {settings.max_body} bytes")
    question = read_question(body, at_least)
    # 4-8. The rows behind an allow are told where the setting says so; those behind a refusal are for operators, and
    # cost a walk through every name that somebody may have meant.
    answer = decide(question, caller, state)
    if answer.decision.allowed and settings.decision_context is DecisionContext.ALL:
        answer = decide(question, caller, state, explain=True)
    # 9
    recorder.decided(answer, caller, headers.get(REQUEST_ID, ""), perf_counter() - began)
    # 10
    told = write_answer(answer, settings.decision_context)
    return Reply(200, {"Content-Type": JSON, REVISION: str(answer.decision.revision)}, told)


def _require_json(content_type: str) -> None:
    """A-10. The one parameter that may stand here is a charset, and UTF-8 the only one that we read."""
    if content_type != JSON and not _MEDIA.fullmatch(content_type):
        raise BadRequest("the request must be `Content-Type: application/json`, in UTF-8")


def _revision(text: str | None) -> int:
    """The revision that the caller has seen already and must not be answered from before."""
    if text is None:
        return 0
    if not _NUMBER.fullmatch(text):
        raise BadRequest("`X-Policy-Revision-At-Least` must be the number of a revision")
    return int(text)
