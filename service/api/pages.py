"""Page tokens: where the next page of a search begins, sealed so that it is good for that search alone (A-50 to A-56).

A token holds offset, limit and revision. The seal covers them, the query and the name of the caller, under the secret
of the caller's own bearer token. So nothing is kept here; whichever worker or host gets the next request can open it;
and a token of another query or another caller opens nothing. docs/adr/0017-pages.md has the reasons.
"""

from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple

from service.errors import PageInvalid

_VERSION = 1
_FORM = struct.Struct(">BQQQ")
_SEAL = 17
"""Bytes of the seal that are kept: with what they seal, a whole number of signs of base 64."""

_TOKEN = re.compile("[A-Za-z0-9_-]{56}")

ENDLESS = 2**63
"""A limit that no search reaches."""


class Place(NamedTuple):
    """Where a page begins, how long it may be, and which revision it is of."""

    offset: int
    limit: int
    revision: int


class Seal:
    """Makes and opens the tokens of one query of one caller. `secret`: what the caller showed to be let in."""

    def __init__(self, secret: bytes, query: bytes) -> None:
        self._key = sha256(b"rolewarden page\0" + secret).digest()
        self._query = sha256(query).digest()

    def close(self, place: Place) -> str:
        """The token of a place."""
        told = _FORM.pack(_VERSION, *place)
        return urlsafe_b64encode(told + self._over(told)).decode("ascii")

    def open(self, token: str) -> Place:
        """The place in a token. Raises `PageInvalid` for one that was not made for this query and this caller."""
        if _TOKEN.fullmatch(token):
            held = urlsafe_b64decode(token)
            told, seal = held[: _FORM.size], held[_FORM.size :]
            if hmac.compare_digest(seal, self._over(told)):
                _, *place = _FORM.unpack(told)
                return Place(*place)
        raise PageInvalid(
            "`page.token` does not belong to this request",
            "send the request as it was with the token from its last answer, or begin again without a token",
        )

    def _over(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told + self._query, "sha256")[:_SEAL]
