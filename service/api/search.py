"""The three searches of AuthZEN 1.0: subject, resource and action.

What is searched for is found by `service.search`; here it is read, cut into pages, recorded and written. A search
without a limit is answered whole. The pages of one search fit together, or the caller is told to begin again.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple

import msgspec

from service.access.permissions import Admitted
from service.access.tokens import TOKEN
from service.api.intake import REVISION, Call, take_in
from service.api.pages import ENDLESS, Place, Seal
from service.api.wire import JSON, Object, read_entity, read_object, read_question, write_json
from service.config import DecisionContext, Settings
from service.errors import BadRequest, PageExpired, PageInvalid
from service.exchange import Reply
from service.live import Live
from service.observe import Recorder
from service.policy.request import Part
from service.search import Found, search
from service.values import Question

_canonical = msgspec.json.Encoder(order="sorted").encode


class Page(NamedTuple):
    """What a request says of pages. `limit` None: no limit; `token` None: the first page."""

    token: str | None
    limit: int | None
    properties: Object


def find(
    part: Part,
    headers: Mapping[str, str],
    body: bytes,
    admitted: Admitted | None,
    *,
    live: Live,
    settings: Settings,
    recorder: Recorder,
) -> Reply:
    """Answer one search request (A-40 to A-56).

    Raises `RequestError`, and `StoreUnavailable` while no policy could ever be read.
    """
    # 1-3
    asked = take_in(headers, body, admitted, live, settings)
    question = _read(part, asked.body, asked.at_least)
    page = _page(asked.body)
    seal = _seal(part, question, page, asked)
    place = _place(page, seal)
    # 4-7
    found = search(part, question, asked.caller, asked.state)
    if place.revision not in (0, found.revision):
        raise PageExpired("the policy has changed since the first page", "begin again without `page.token`")
    # 9
    recorder.searched(part, found, question, asked.caller, asked.request_id, perf_counter() - asked.began)
    # 10
    told = _told(part, question, found, place, seal, settings.decision_context)
    return Reply(200, {"Content-Type": JSON, REVISION: str(found.revision)}, write_json(told))


def _read(part: Part, request: Object, at_least: int) -> Question:
    """The question with its gap. What a request names there itself is not looked at (A-42, A-44)."""
    gap: Object = {"name": ""} if part == "action" else {**read_entity(request, part), "id": ""}
    return read_question({**request, part: gap}, at_least)


def _page(request: Object) -> Page:
    page = read_object(request, "page") if "page" in request else {}
    properties = read_object(page, "properties") if "properties" in page else {}
    return Page(_token(page), _limit(page), properties)


def _token(page: Object) -> str | None:
    if "token" not in page:
        return None
    token = page["token"]
    if not isinstance(token, str):
        raise BadRequest("`page.token` must be a string")
    return token


def _limit(page: Object) -> int | None:
    if "limit" not in page:
        return None
    limit = page["limit"]
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise BadRequest("`page.limit` must be a whole number, 0 or more")
    return limit


def _seal(part: Part, question: Question, page: Page, asked: Call) -> Seal:
    """The seal of this search for this caller: over all that was asked, but for which page of it (A-53)."""
    secret = TOKEN.search(asked.authorization)
    assert secret is not None  # noqa: S101 - who was let in has shown a token
    query = question._replace(
        subject_properties=dict(question.subject_properties),
        resource_properties=dict(question.resource_properties),
        action_properties=dict(question.action_properties),
        at_least=0,
    )
    return Seal(secret[0].encode("ascii"), _canonical((part, asked.caller.name, query, page.properties)))


def _place(page: Page, seal: Seal) -> Place:
    """Where the page begins that is asked for. Of a first page the revision is not known yet, and 0."""
    if page.token is None:
        return Place(0, ENDLESS if page.limit is None else min(page.limit, ENDLESS), 0)
    place = seal.open(page.token)
    if page.limit not in (None, place.limit):
        raise PageInvalid("`page.limit` is not that of the first page", "leave it as it was, or leave it out")
    return place


def _told(part: Part, question: Question, found: Found, place: Place, seal: Seal, said: DecisionContext) -> Object:
    """The answer, `page` first (A-45). Where nothing was found, the reason is that of a single question."""
    end = place.offset + place.limit
    names, total = found.names[place.offset : end], len(found.names)
    token = seal.close(Place(end, place.limit, found.revision)) if end < total else ""
    told: Object = {"page": {"next_token": token, "count": len(names), "total": total}}
    if not total and said is not DecisionContext.NONE:
        told["context"] = {"reason": {"code": found.reason.value}}
    if part == "action":
        told["results"] = [{"name": name} for name in names]
    else:
        kind = question.subject_type if part == "subject" else question.resource_type
        told["results"] = [{"type": kind, "id": name} for name in names]
    return told
