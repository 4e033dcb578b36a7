"""Bearer tokens: how one is made, and how the one that a request shows is found.

A token reads `rw_<id>_<secret>`. The id finds the stored token; of the secret, 256 random bits, only the SHA-256
is stored. A slow hash would add nothing: nobody guesses 256 bits, and every check would pay for it. The rule kept
here: neither an answer nor the time it takes tells an unknown token from a revoked one or from a wrong secret.
(AuthZEN A-3, A-71, A-72.)
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from service.errors import Unauthenticated, UsageError
from service.store.base import Token

CHALLENGE = 'Bearer realm="rolewarden"'
"""The `WWW-Authenticate` that goes with every 401."""

TOKEN = re.compile("rw_([0-9a-f]{12})_([0-9a-f]{64})")
"""The shape of a token, by which scanners for leaked secrets can know one, and our own log strikes it out."""

_BEARER = re.compile(f"(?i:bearer) +{TOKEN.pattern}")
_NO_HASH = hashlib.sha256().hexdigest()  # compared with where there is no such token


CHECK = frozenset({"check"})
"""What a token is good for unless more is said: to ask the check part."""


def mint(
    name: str, practices: frozenset[str] | None, created: str, scopes: frozenset[str] = CHECK
) -> tuple[Token, str]:
    """A new token, and its text, which is shown once and then known to nobody but its owner.

    With `practices` None it is good for all of them; `created` is UTC in ISO 8601.
    """
    text = f"rw_{secrets.token_hex(6)}_{secrets.token_hex(32)}"
    return from_text(text, name, practices, created, scopes), text


def from_text(
    text: str, name: str, practices: frozenset[str] | None, created: str, scopes: frozenset[str] = CHECK
) -> Token:
    """The token to store for a text that was made elsewhere, such as `ROLEWARDEN_DEMO_TOKEN`."""
    parts = TOKEN.fullmatch(text)
    if not parts:
        raise UsageError("this is not a token", "write rw_, 12 digits, _ and 64 digits, each of 0-9 and a-f")
    return Token(parts[1], name, _hash(parts[2]), practices, created, scopes=scopes)


def authenticate(authorization: str | None, tokens: Mapping[str, Token]) -> Token:
    """The token that an `Authorization` header holds; `tokens` by id. What it is good for is for others to ask.

    Raises `Unauthenticated`.
    """
    if authorization is None:
        raise Unauthenticated("the request has no bearer token", _HOW)
    parts = _BEARER.fullmatch(authorization)
    if not parts:
        raise Unauthenticated("the `Authorization` header holds no token of ours", _HOW)
    token = tokens.get(parts[1])
    right = hmac.compare_digest(_hash(parts[2]), _NO_HASH if token is None else token.secret_hash)
    if token is None or token.revoked is not None or not right:
        raise Unauthenticated("the token is not valid", _HOW)
    return token


_HOW = "send `Authorization: Bearer` with a token made by `rolewarden token create`"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
