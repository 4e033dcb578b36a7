"""A provider of identities in this process: says of itself what a real one does, and signs whatever a test wants."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

ISSUER = "https://id.example.org/realm"
CLIENT = "rolewarden setup"
SECRET = "s3cr:t/% of us two alone"


@dataclass
class Identity:
    """What it says and does; a test changes it, and then somebody signs in."""

    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    keys: list[Any] = field(default_factory=list)
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    away: bool = False
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    now: int = 0

    def __post_init__(self) -> None:
        self.keys = self.keys or [self.key]

    def transport(self) -> httpx.MockTransport:
        """The way to it."""
        return httpx.MockTransport(self.answer)

    def told(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth?realm=a",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "end_session_endpoint": f"{ISSUER}/logout",
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def sent_to(self, address: str) -> dict[str, str]:
        """Somebody was sent there to sign in; what they brought along."""
        self.begun = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return self.begun

    def id_token(self) -> str:
        """An ID token for who was sent last, with whatever the test wants to be otherwise."""
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": "pat",
            "practices": ["riverside"],
            "nonce": self.begun["nonce"],
            "iat": self.now,
            "exp": self.now + 300,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256" if isinstance(self.key, ECKey) else "RS256", "kid": self.key.kid} | self.header
        return jwt.encode({k: v for k, v in header.items() if v is not None}, claims, self.key)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request to it."""
        path = request.url.path.removeprefix("/realm")
        self.asked.append(path)
        if self.away:
            raise httpx.ConnectError("nobody there", request=request)
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.told())
        if path == "/keys":
            return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))
        return self._tokens(request)

    def _tokens(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        challenge = _s256(form.get("code_verifier", ""))
        basic = base64.b64encode(b"rolewarden%20setup:s3cr%3At%2F%25%20of%20us%20two%20alone").decode()
        right = (
            request.headers.get("authorization") == f"Basic {basic}"
            and form["grant_type"] == "authorization_code"
            and form["code"] == "the code"
            and challenge == self.begun["code_challenge"]
            and form["redirect_uri"] == self.begun["redirect_uri"]
        )
        if not right:
            return httpx.Response(400, json={"error": "invalid_grant"})
        token = self.id_token() if self.token is None else self.token
        return httpx.Response(200, json={"access_token": "at", "token_type": "Bearer", "id_token": token})


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
