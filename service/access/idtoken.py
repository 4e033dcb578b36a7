"""An ID token, read with suspicion: what a provider signed for us, for this one sign-in, and for now.

Nothing is believed before the signature holds, by a key of the provider's and an algorithm of our list. Then issuer,
audience, authorized party, times and the nonce of this very sign-in must fit (OpenID Connect Core 3.1.3.7). Which
claims say who it is, and in which practices, are settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from service.errors import SignInFailed

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key that only the provider has. `none`, and a secret that two share, are not among them."""

LEEWAY_SECONDS = 60
"""How far the clock of the provider may be from ours."""

LONGEST = 256


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say to be for us."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now: int


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for: an id of a user, and ids of practices."""

    user: str
    practices: frozenset[str]


Keys = Callable[[bool], KeySet]
"""The keys of the provider; with True, asked for anew."""


def claims_of(token: str, keys: Keys, expected: Expected) -> Mapping[str, Any]:
    """The claims of a token that holds. Raises SignInFailed for any that does not, with the reason for the log."""
    try:
        read = _verified(token, keys)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": expected.issuer},
                "aud": {"essential": True, "value": expected.client_id},
            },
            {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token},
        )
        claims.validate(expected.now, LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignInFailed(
            "what your sign-in provider sent does not hold", why=f"{type(error).__name__}: {error}"
        ) from error
    return dict(claims)


def _verified(token: str, keys: Keys) -> jwt.Token:
    try:
        return jwt.decode(token, keys(False), algorithms=ALGORITHMS)
    except InvalidKeyIdError:
        # The provider has changed its keys since we asked. Once: a token may name any key.
        return jwt.decode(token, keys(True), algorithms=ALGORITHMS)


def vouched(claims: Mapping[str, Any], user_claim: str, practices_claim: str) -> Vouched:
    """Whom the claims are about. Raises SignInFailed where they do not say so."""
    user, practices = claims.get(user_claim), claims.get(practices_claim)
    named = [practices] if isinstance(practices, str) else practices
    if not isinstance(user, str) or not _is_name(user):
        raise SignInFailed("your sign-in provider does not say who you are", why=f"no text in claim `{user_claim}`")
    if not isinstance(named, list) or not all(map(_is_name, named)):
        raise SignInFailed(
            "your sign-in provider does not say in which practices you work",
            why=f"no texts in claim `{practices_claim}`",
        )
    return Vouched(user, frozenset(named))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST
