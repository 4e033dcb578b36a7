"""A request that is sent twice is carried out once: the first answer is kept under the `Idempotency-Key`, and replayed.

The key is reserved before anything is done, and the change takes note of it in its own transaction. So whatever is
killed in between, a repeated request finds either nothing, and is carried out, or its change, and is told of it. Kept
are answers that would not differ if the same were asked again; an error of ours or of the store frees the key.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import msgspec

from service.api import problem
from service.api.admin_request import Handler, Request
from service.api.admin_write import answered
from service.errors import Declined, RolewardenError, StoreUnavailable, UsageError
from service.exchange import Reply
from service.store.base import Answered, RequestKey

KEPT = timedelta(hours=24)
"""How long an answer is kept."""

PATIENCE = timedelta(seconds=60)
"""After this long, whoever reserved a key without an answer is taken to have ended."""

REPLAYED = "Idempotency-Replayed"
_KEY = re.compile("[!-~]{1,128}")
_CREATED, _SERVER = 201, 500


class _Kept(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    headers: dict[str, str]
    body: str


def carried_out_once(request: Request, handler: Handler) -> Reply:
    """The answer to a request: the first one, where its key was there before."""
    given = request.visit.asked.headers.get("idempotency-key")
    if given is None:
        return handler(request)
    if not _KEY.fullmatch(given):
        raise Declined("parameter-invalid", "`Idempotency-Key` may have up to 128 visible ASCII characters")
    store, key = request.press.store, RequestKey(request.token.id, given)
    store.forget_answers(_ago(request, KEPT))
    earlier = _reserve(request, key)
    if earlier is not None:
        return _again(request, earlier)
    try:
        reply = handler(replace(request, press=replace(request.press, request=key)))
    except UsageError as error:
        # Somebody else carried it out: whoever waited too long finds here what became of it.
        with store.reading() as view:
            known = view.answered(key)
        if known is None or not known.revision:
            return _kept(request, key, problem.of(error, request.visit.asked.id))
        return _again(request, known)
    except StoreUnavailable:
        with suppress(StoreUnavailable):
            store.release(key)
        raise
    except RolewardenError as error:
        return _kept(request, key, problem.of(error, request.visit.asked.id))
    except Exception:
        with suppress(StoreUnavailable):
            store.release(key)
        raise
    return _kept(request, key, reply)


def _reserve(request: Request, key: RequestKey) -> Answered | None:
    """Take the key; where it is taken, what became of the request before."""
    store, digest = request.press.store, _digest(request)
    earlier = store.reserve(key, digest, request.visit.office.now())
    if earlier is None:
        return None
    if earlier.request != digest:
        raise Declined("key-reused", "this `Idempotency-Key` came with another request before", "send a new key")
    if not earlier.status and not earlier.revision and earlier.created < _ago(request, PATIENCE):
        store.release(key)
        return store.reserve(key, digest, request.visit.office.now())
    return earlier


def _again(request: Request, earlier: Answered) -> Reply:
    """The answer that was given, or would have been."""
    if earlier.status:
        kept = msgspec.json.decode(earlier.body, type=_Kept)
        return Reply(earlier.status, {**kept.headers, REPLAYED: "true"}, kept.body.encode())
    if earlier.revision:
        reply = answered(
            request, earlier.revision, created=_CREATED in request.operation.answers, practice=_practice(request)
        )
        return _kept(request, earlier.key, reply)
    raise Declined("key-busy", "a request with this `Idempotency-Key` is being carried out", "try again in a moment")


def _kept(request: Request, key: RequestKey, reply: Reply) -> Reply:
    """The answer, kept. That it cannot be kept takes nothing from it: then the change itself says what became of it."""
    if reply.status < _SERVER:
        with suppress(StoreUnavailable):
            kept = _Kept(reply.headers, reply.body.decode())
            request.press.store.answer(key, reply.status, msgspec.json.encode(kept).decode())
    else:
        with suppress(StoreUnavailable):
            request.press.store.release(key)
    return reply


def _practice(request: Request) -> str:
    """The practice that a request is about: that of its path, or the one that it creates."""
    return request.practice or request.body.id


def _digest(request: Request) -> str:
    """Of all that makes a request what it is."""
    asked = request.visit.asked
    told = [asked.method, asked.path, sorted(asked.query), request.base]
    return sha256(msgspec.json.encode(told) + asked.body).hexdigest()


def _ago(request: Request, time: timedelta) -> str:
    return (request.visit.office.clock() - time).isoformat(timespec="microseconds")
