"""Sign-ins that last: what a browser holds, and what the store knows of it.

A browser holds 256 random bits in a cookie, and the store their SHA-256: neither the database nor a backup of it lets
anybody in. Whoever signs in gets a new one each time, so that nobody can be made to use one that another knows. A
sign-in is over when nothing was asked for a while, after some hours in any case, and everywhere at once for whoever
signs out. What somebody sends afterwards is not done, and not lost: it is kept for the same person in the same browser,
who is shown it after signing in again and may send it once more.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256

from service.access import record
from service.access.person import Office, Person
from service.audit.events import AuditEvent
from service.config import Settings
from service.errors import StoreUnavailable
from service.exchange import Fields
from service.store.base import Session
from service.values import USER_PREFIX

NAME = "rolewarden"
SEEN_EVERY = timedelta(seconds=60)
"""How often it is noted that somebody is still there: a sign-in may end so much earlier than the setting says."""


KEPT = timedelta(hours=1)
"""How long it is known whose a sign-in was that has ended, and what they sent then."""

LONGEST = 2**20


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
        seen_before=_text(now - timedelta(seconds=settings.session_idle) - KEPT),
        created_before=_text(now - timedelta(seconds=settings.session_lifetime) - KEPT),
    )
    store = office.press.store
    store.forget_unfinished(ended_before=_text(now - KEPT))
    if before := cookies.get(cookie_name(settings)):
        store.end_session(_hash(before))
        store.hand_over(_hash(before), session)
    store.add_session(session)
    return _person(session), cookie(settings, secret)


def signed_in(office: Office, cookies: Mapping[str, str]) -> Person | None:
    """Whoever has signed in with this browser and is not too late; notes that they are there."""
    secret = cookies.get(cookie_name(office.settings), "")
    if not secret:
        return None
    with office.press.store.reading() as view:
        session = view.session(_hash(secret))
    if session is None:
        return None
    if is_over(session, office.clock(), office.settings):
        if office.press.store.expire_session(session.id_hash, office.now()):
            for practice in sorted(session.practices):
                record.keep_or_log(office, AuditEvent.SESSION_EXPIRE, f"{USER_PREFIX}{session.user}", practice)
        return None
    if office.clock() - datetime.fromisoformat(session.seen) >= SEEN_EVERY:
        with suppress(StoreUnavailable):  # while nothing can be written, it does not last any longer
            office.press.store.touch_session(session.id_hash, office.now())
    return _person(session)


def has_ended(office: Office, cookies: Mapping[str, str]) -> bool:
    """Whether this browser is that of somebody whose sign-in ended by time, not long ago."""
    secret = cookies.get(cookie_name(office.settings), "")
    with office.press.store.reading() as view:
        return bool(secret) and view.unfinished(_hash(secret)) is not None


def leave(office: Office, cookies: Mapping[str, str], place: str, form: Fields) -> bool:
    """Keep what somebody sent whose sign-in had ended, for when they have signed in again; False where nobody did."""
    secret = cookies.get(cookie_name(office.settings), "")
    told = json.dumps(form.pairs)
    return len(told) <= LONGEST and office.press.store.leave_unfinished(_hash(secret), place, told)


def left(office: Office, person: Person) -> tuple[str, Fields] | None:
    """What this person was about to send when their sign-in ended, and where to; None where it was nothing."""
    with office.press.store.reading() as view:
        found = view.unfinished(person.session)
    if found is None or not found.place or found.user != person.user:
        return None
    return found.place, Fields(tuple((name, value) for name, value in json.loads(found.form)))


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
