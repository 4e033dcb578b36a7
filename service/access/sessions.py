"""Sign-ins that last: what a browser holds, and what the store knows of it.

A browser holds 256 random bits in a cookie, and the store their SHA-256: neither the database nor a backup of it lets
anybody in. Whoever signs in gets a new one each time, so that nobody can be made to use one that another knows. A
sign-in is over when nothing was asked for a while, after some hours in any case, and everywhere at once for whoever
signs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from service.access.person import Office, Person
from service.config import Settings
from service.store.base import Session

NAME = "rolewarden"
SEEN_EVERY = timedelta(seconds=60)
"""How often it is noted that somebody is still there: a sign-in may end so much earlier than the setting says."""


def cookie_name(settings: Settings, name: str = NAME) -> str:
    """The name of a cookie. Browsers take `__Host-` from us alone, and only by a way that nobody can listen to."""
    return f"__Host-{name}" if is_secure(settings) else name


def is_secure(settings: Settings) -> bool:
    """Whether cookies may go over TLS only. The demonstration has none to go over."""
    return not (settings.demo and settings.tls_cert is None)


def cookie(settings: Settings, value: str, seconds: int | None = None, name: str = NAME) -> str:
    """A whole `Set-Cookie`; with `seconds` 0, the one that takes the cookie away."""
    ages = "" if seconds is None else f"; Max-Age={seconds}"
    secure = "; Secure" if is_secure(settings) else ""
    return f"{cookie_name(settings, name)}={value}; Path=/; HttpOnly; SameSite=Lax{ages}{secure}"


def begin(
    office: Office, user: str, name: str, practices: frozenset[str], *, cookies: Mapping[str, str]
) -> tuple[Person, str]:
    """A new sign-in, and the cookie for it. The one of this browser ends, and those that are over are forgotten."""
    now, settings = office.clock(), office.settings
    secret = secrets.token_urlsafe(32)
    session = Session(_hash(secret), user, name, practices, office.now(), office.now())
    office.press.store.end_old_sessions(
        seen_before=_text(now - timedelta(seconds=settings.session_idle)),
        created_before=_text(now - timedelta(seconds=settings.session_lifetime)),
    )
    if before := cookies.get(cookie_name(settings)):
        office.press.store.end_session(_hash(before))
    office.press.store.add_session(session)
    return _person(session), cookie(settings, secret)


def signed_in(office: Office, cookies: Mapping[str, str]) -> Person | None:
    """Whoever has signed in with this browser and is not too late; notes that they are there."""
    secret = cookies.get(cookie_name(office.settings), "")
    if not secret:
        return None
    with office.press.store.reading() as view:
        session = view.session(_hash(secret))
    if session is None or is_over(session, office.clock(), office.settings):
        return None
    if office.clock() - datetime.fromisoformat(session.seen) >= SEEN_EVERY:
        office.press.store.touch_session(session.id_hash, office.now())
    return _person(session)


def is_over(session: Session, now: datetime, settings: Settings) -> bool:
    """Whether a sign-in has ended by time: idle for too long, or too old."""
    idle, age = now - datetime.fromisoformat(session.seen), now - datetime.fromisoformat(session.created)
    return idle >= timedelta(seconds=settings.session_idle) or age >= timedelta(seconds=settings.session_lifetime)


def _person(session: Session) -> Person:
    return Person(session.user, session.name, session.practices, session.id_hash)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")
