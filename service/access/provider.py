"""The OpenID Connect provider, as far as we talk to it: what it says of itself, its keys, and a code for tokens.

Everything here has a bound: seconds, bytes, and how often keys are asked for anew. A provider that is away, or that
says of itself what cannot be, is `ProviderAway`; people are told to try again, and those who have signed in go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.config import Settings
from service.errors import ProviderAway, SignInFailed
from service.setting import on_this_host

TIMEOUT = httpx.Timeout(5.0)
MOST_BYTES = 2**20
KEEP_SECONDS = 3600.0
"""How long is believed what the provider said of itself."""

KEYS_EVERY = 1.0
"""Seconds between two times that keys are asked for anew: a token may name a key that nobody has."""

_OK = 200
_REFUSED = 500


class Provider:
    """The provider that is set. Threads of a process share one."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._transport, self._clock = settings, transport, clock
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._lock = threading.Lock()

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to."""
        return f"{self._settings.setup_url.rstrip('/')}/signin/callback"

    def metadata(self) -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery). Raises ProviderAway."""
        kept = self._metadata
        if kept is not None and self._clock() < kept[0] + KEEP_SECONDS:
            return kept[1]
        try:
            told = self._json(get_well_known_url(self._settings.oidc_issuer, external=True))
            self._require_sound(told)
        except ProviderAway:
            if kept is None:
                raise
            told = dict(kept[1])  # what it said an hour ago: whether it is there at all, the next step finds out
        self._metadata = (self._clock(), told)
        return told

    def ask_early(self) -> None:
        """Ask once, aside, so that pages know where a form of theirs may lead before anybody has signed in here."""

        def ask() -> None:
            with suppress(ProviderAway):
                self.metadata()

        threading.Thread(target=ask, name="rolewarden-provider", daemon=True).start()

    def known_addresses(self) -> list[str]:
        """Addresses of the provider's to which a form of ours may lead."""
        known = self._metadata[1] if self._metadata else {}
        names = ("authorization_endpoint", "end_session_endpoint")
        return [self._settings.oidc_issuer, *(known[name] for name in names if known.get(name))]

    def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send somebody who wants to sign in (authorization code with PKCE, S256)."""
        settings = self._settings
        client = OAuth2Client(
            None,
            settings.oidc_client_id,
            scope=settings.oidc_scopes,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )
        address, _ = client.create_authorization_url(
            self.metadata()["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
        )
        return str(address)

    def logout_url(self, back: str) -> str:
        """Where somebody signs out at the provider, too; empty where it has no such place, or is away."""
        try:
            endpoint = self.metadata().get("end_session_endpoint")
        except ProviderAway:
            return ""
        asked = {"client_id": self._settings.oidc_client_id, "post_logout_redirect_uri": back}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}" if endpoint else ""

    def tokens(self, code: str, verifier: str) -> Mapping[str, Any]:
        """What the provider gives for a code. Raises SignInFailed where it gives nothing for this one."""
        settings, metadata = self._settings, self.metadata()
        supported = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
        client, secret = settings.oidc_client_id, settings.oidc_client_secret
        if method == "client_secret_basic":
            client, secret = quote(client, safe=""), quote(secret, safe="")  # RFC 6749, 2.3.1
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        url, headers, body = ClientAuth(client, secret, method).prepare(
            "POST",
            metadata["token_endpoint"],
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode({**form, "redirect_uri": self.redirect_uri}),
        )
        return self._json(url, body, headers)

    def keys(self, anew: bool) -> KeySet:
        """The keys that the provider signs with now. Raises ProviderAway."""
        with self._lock:
            kept = self._keys
            age = KEEP_SECONDS if kept is None else self._clock() - kept[0]
            if kept is None or age >= KEEP_SECONDS or (anew and age >= KEYS_EVERY):
                told = self._json(self.metadata()["jwks_uri"])
                try:
                    self._keys = kept = (self._clock(), KeySet.import_key_set({"keys": _readable(told.get("keys"))}))
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise ProviderAway("the keys of the sign-in provider cannot be read") from error
            return kept[1]

    def _json(self, url: str, form: str | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            with (
                httpx.Client(timeout=TIMEOUT, transport=self._transport, follow_redirects=False) as client,
                client.stream("GET" if form is None else "POST", url, content=form, headers=headers) as answer,
            ):
                read = b""
                for part in answer.iter_bytes():
                    read += part
                    if len(read) > MOST_BYTES:
                        raise ProviderAway("the sign-in provider answers without end")
            if form is not None and _OK < answer.status_code < _REFUSED:
                raise SignInFailed(
                    "your sign-in provider does not confirm this", why=f"token endpoint: {answer.status_code}"
                )
            told = httpx.Response(answer.status_code, content=read).json() if answer.status_code == _OK else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProviderAway(f"the sign-in provider cannot be asked: {type(error).__name__}") from error
        if not isinstance(told, dict):
            raise ProviderAway(f"the sign-in provider answers {answer.status_code}, and nothing that can be used")
        return told

    def _require_sound(self, told: Mapping[str, Any]) -> None:
        issuer = self._settings.oidc_issuer
        if told.get("issuer") != issuer:
            raise ProviderAway(f"who answers under `{issuer}` calls itself otherwise")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_address(name, told.get(name), issuer)
        if told.get("end_session_endpoint") is not None:
            _require_address("end_session_endpoint", told["end_session_endpoint"], issuer)


def _require_address(name: str, address: object, issuer: str) -> None:
    if not isinstance(address, str) or urlsplit(address).scheme not in ("https", "http"):
        raise ProviderAway(f"the sign-in provider has no `{name}`")
    if address.startswith("http:") and not (on_this_host(address) and on_this_host(issuer)):
        raise ProviderAway(f"`{name}` of the sign-in provider is not secured")


def _readable(keys: object) -> list[dict[str, Any]]:
    """The keys that we could use: a set may hold kinds that nobody here knows, beside those that sign."""
    if not isinstance(keys, list):
        raise TypeError("no list of keys")
    known = [key for key in keys if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")]
    return [key for key in known if key.get("use", "sig") == "sig"]
