"""What a request goes through before its question is read, whatever it asks: who calls, from which revision, in what
form. Steps 1 to 3 of `service.decide`, as far as an evaluation, a batch and a search share them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple

from service.access.permissions import Admitted
from service.api import strictjson
from service.api.wire import JSON, Object
from service.config import Settings
from service.errors import BadRequest, TooLarge, Unauthenticated
from service.live import Live, State
from service.values import Caller

AUTHORIZATION = "authorization"
CONTENT_TYPE = "content-type"
AT_LEAST = "x-policy-revision-at-least"
REQUEST_ID = "x-request-id"
HEADERS = (AUTHORIZATION, CONTENT_TYPE, AT_LEAST, REQUEST_ID)
"""The request headers that are read, in lower case; a door passes on these and no others."""

REVISION = "X-Policy-Revision"

_NUMBER = re.compile("[0-9]{1,15}")
_MEDIA = re.compile(r"application/json[ \t]*(?:;[ \t]*charset=(?:utf-8|\"utf-8\")[ \t]*)?", re.IGNORECASE)


class Call(NamedTuple):
    """A request that was let in. `body` is the JSON object that it holds, of which nothing has been looked at yet."""

    caller: Caller
    state: State
    at_least: int
    body: Object
    authorization: str
    request_id: str
    began: float


def take_in(headers: Mapping[str, str], body: bytes, admitted: Admitted | None, live: Live, settings: Settings) -> Call:
    """Read a request as far as all are alike (A-10, A-13, A-17, A-75).

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
    request = strictjson.read(body)
    if not isinstance(request, dict):
        raise BadRequest("the body must be a JSON object")
    authorization, request_id = headers.get(AUTHORIZATION, ""), headers.get(REQUEST_ID, "")
    return Call(caller, state, at_least, request, authorization, request_id, began)


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
