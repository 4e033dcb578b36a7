"""Signing in through the provider: out to it and back, and what must fit when somebody comes back.

On the way out, the browser gets a cookie that we signed, good for ten minutes, with what only this sign-in knows:
`state` (this browser began it), `nonce` (the token is for it) and the PKCE verifier (the code is of use to nobody
else).
On the way back all of it must fit, and then the directory of a practice must know the user, as active.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer

from service.access import idtoken, record, sessions
from service.access.idtoken import Expected, Vouched
from service.access.person import Office, Person
from service.access.provider import Provider
from service.audit.events import AuditEvent
from service.config import Settings
from service.errors import SignInFailed
from service.exchange import Fields
from service.policy.practice import Practice
from service.values import USER_PREFIX

MINUTES = 10
_STATE = re.compile("[A-Za-z0-9_-]{43}")
_CODE_OF_AN_ERROR = re.compile("[a-z_]{1,40}")


class Begun(NamedTuple):
    """A sign-in that is under way: what the browser brings back, and where it goes then."""

    state: str
    nonce: str
    verifier: str
    onward: str


def begin(provider: Provider, settings: Settings, onward: str) -> tuple[str, str]:
    """Where to send the browser, and the cookie that it takes along. Raises ProviderAway."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    begun = Begun(state, nonce, verifier, onward)
    address = provider.authorization_url(begun.state, begun.nonce, begun.verifier)
    return address, sessions.cookie(settings, _signer(settings).dumps(begun), MINUTES * 60, name_for(begun.state))


def finish(
    office: Office, provider: Provider, query: Fields, cookies: Mapping[str, str]
) -> tuple[Person, str, tuple[str, str]]:
    """Who has signed in, where they go on to, and their cookies: the new one, and the end of the one before.

    Raises SignInFailed for whatever does not fit, and ProviderAway.
    """
    settings = office.settings
    begun = recognised(settings, query.one("state"), cookies)
    _require_same_provider(provider, settings, query)
    if error := query.one("error"):
        told = f" (`{error}`)" if _CODE_OF_AN_ERROR.fullmatch(error) else ""
        raise SignInFailed(f"your sign-in provider did not let you in{told}", why=f"the provider said `{error[:80]}`")
    tokens = provider.tokens(query.one("code"), begun.verifier)
    given = tokens.get("id_token")
    if not isinstance(given, str):
        raise SignInFailed("your sign-in provider does not say who you are", why="no ID token")
    access_token = tokens.get("access_token")
    expected = Expected(
        settings.oidc_issuer,
        settings.oidc_client_id,
        begun.nonce,
        access_token if isinstance(access_token, str) else "",
        int(office.clock().timestamp()),
    )
    claims = idtoken.claims_of(given, provider.keys, expected)
    vouched = idtoken.vouched(claims, settings.oidc_user_claim, settings.oidc_practices_claim)
    person, cookie = _admitted(office, vouched, cookies)
    return person, begun.onward, (cookie, sessions.cookie(settings, "", 0, name_for(begun.state)))


def recognised(settings: Settings, state: str, cookies: Mapping[str, str]) -> Begun:
    """The sign-in that this browser began with this state. Raises SignInFailed where it began none, or long ago."""
    again = "this was begun in another browser, or more than ten minutes ago"
    if not _STATE.fullmatch(state):
        raise SignInFailed(again, why="no state of ours")
    try:
        text = cookies.get(sessions.cookie_name(settings, name_for(state)), "")
        begun = Begun(*_signer(settings).loads(text, max_age=MINUTES * 60))
    except (BadData, TypeError) as error:
        raise SignInFailed(again, why=f"{type(error).__name__}: the cookie of this sign-in") from error
    if not secrets.compare_digest(begun.state, state):
        raise SignInFailed(again, why="the state is another one")
    return begun


def name_for(state: str) -> str:
    """The name of the cookie of one sign-in: there may be several at once, in windows of one browser."""
    return f"{sessions.NAME}-signin-{state[:8]}"


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    # It signs with the last key and takes all; ours are written with the newest first.
    return URLSafeTimedSerializer(list(reversed(settings.session_keys)), salt="rolewarden sign-in")


def _require_same_provider(provider: Provider, settings: Settings, query: Fields) -> None:
    """RFC 9207: the answer is from the provider that was asked, and not from another that a browser was sent to."""
    must = provider.metadata().get("authorization_response_iss_parameter_supported") is True
    if (must or "iss" in query) and query.one("iss") != settings.oidc_issuer:
        raise SignInFailed("this answer is not from the sign-in provider that was asked", why="another issuer")


def _admitted(office: Office, vouched: Vouched, cookies: Mapping[str, str]) -> tuple[Person, str]:
    """Begin the sign-in of somebody whom the directories of their practices know."""
    actor = f"{USER_PREFIX}{vouched.user}"
    names = {}
    with office.press.store.reading() as view:
        for practice in sorted(view.existing(sorted(vouched.practices))):
            user = Practice.of(practice, view.rows(practice)).users.get(vouched.user)
            if user is not None and user.active:
                names[practice] = user.name
    if not names:
        why = "no practice of the claim knows the user as active"
        record.keep_or_log(office, AuditEvent.SESSION_REFUSE, actor, why=why, claimed=str(len(vouched.practices)))
        raise SignInFailed(
            f"no practice here knows the user `{vouched.user}` as active", "ask your practice administrator", why=why
        )
    person, cookie = sessions.begin(office, vouched.user, next(iter(names.values())), frozenset(names), cookies=cookies)
    for practice in names:
        record.keep(office, AuditEvent.SESSION_BEGIN, actor, practice, by="provider")
    return person, cookie
