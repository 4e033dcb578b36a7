"""Signing in and out, as pages. How somebody signs in is a matter of `access`; who they are in the demonstration, of
whom they click.
"""

from __future__ import annotations

from typing import NamedTuple

from service.access import origin, record, sessions, signin
from service.access.permissions import (
    CALLBACK,
    CONTINUE,
    EDIT_ROLES,
    EDIT_USERS,
    HOME,
    SIGN_IN,
    SIGN_IN_AS,
    SIGN_OUT,
    SIGNED_OUT,
    VIEW_CHANGES,
    VIEW_ROLES,
)
from service.access.person import Person, Visit
from service.audit.events import AuditEvent
from service.decide import decide
from service.errors import Forbidden, NotFound
from service.exchange import Reply, see_other
from service.live import State
from service.policy.catalog import Profile
from service.policy.practice import Practice, User
from service.ui.render import page
from service.values import Caller

PHRASES = (
    ((EDIT_ROLES, EDIT_USERS), "changes roles and users"),
    ((VIEW_ROLES,), "sees roles"),
    ((VIEW_CHANGES,), "reads the record of changes"),
)
"""What is said of somebody who holds all of these rights. The first phrase that fits is taken."""

NOTHING = "nothing in Setup"


class Somebody(NamedTuple):
    """A person of the demonstration whom one can be."""

    user: User
    phrase: str


def sign_in(visit: Visit) -> Reply:
    """Begin to sign in. In the demonstration: choose who to be."""
    onward, office = origin.own_place(visit.asked.query.one("next")), visit.office
    if office.provider is not None:
        address, cookie = signin.begin(office.provider, office.settings, onward)
        return see_other(address, cookie)
    if not office.settings.demo:
        return page(visit, "signin/unavailable.html", status=503)
    origin.require_no_proxy(visit.asked.headers)
    state = visit.office.live.state()
    with visit.office.press.store.reading() as view:
        practices = [Practice.of(name, view.rows(name)) for name in sorted(view.practice_ids(), reverse=True)]
    people = [(practice, _people(practice, state)) for practice in practices]
    return page(visit, "signin/as.html", people=people, onward=onward, action=SIGN_IN_AS)


def come_back(visit: Visit) -> Reply:
    """Somebody comes back from the provider."""
    if visit.office.provider is None:
        raise NotFound("there is nothing here")
    asked = visit.asked
    _, onward, cookies = signin.finish(visit.office, visit.office.provider, asked.query, asked.cookies)
    return see_other(onward, *cookies)


def sign_in_as(visit: Visit) -> Reply:
    """Be somebody of the demonstration."""
    office, form = visit.office, visit.asked.form
    if not office.settings.demo:
        raise NotFound("there is nothing here")
    origin.require_no_proxy(visit.asked.headers)
    name, user = form.one("practice"), form.one("user")
    with office.press.store.reading() as view:
        known = Practice.of(name, view.rows(name)).users.get(user) if name else None
    if known is None or not known.active:
        raise Forbidden("there is nobody of that name here who could sign in", "choose somebody from the list")
    person, cookie = sessions.begin(office, user, known.name, frozenset({name}), cookies=visit.asked.cookies)
    record.keep(office, AuditEvent.SESSION_BEGIN, person.actor, name, by="demonstration")
    return see_other(origin.own_place(form.one("next")), cookie)


def go_on(visit: Visit) -> Reply:
    """Show what somebody was about to send when their sign-in ended. It is sent only when they press the button."""
    found = sessions.left(visit.office, visit.someone)
    if found is None:
        return see_other(HOME)
    place, form = found
    return page(visit, "signin/continue.html", place=place, fields=list(form))


def sign_out(visit: Visit) -> Reply:
    """Sign out, on every device."""
    office = visit.office
    person = sessions.signed_in(office, visit.asked.cookies)
    if person is not None:
        end_everywhere(visit, person)
    onward = SIGNED_OUT
    if person is not None and office.provider is not None:
        # At the provider, too, where it offers that: else the next person at this desk would be signed in by one click.
        onward = office.provider.logout_url(f"{office.settings.setup_url.rstrip('/')}{SIGNED_OUT}") or onward
    return see_other(onward, sessions.cookie(office.settings, "", 0))


def end_everywhere(visit: Visit, person: Person) -> None:
    """End every sign-in of a person. Each of their practices has it on record, as those who review read their own."""
    ended = visit.office.press.store.end_sessions(person.user)
    for practice in sorted(person.practices) or [""]:
        record.keep_or_log(visit.office, AuditEvent.SESSION_END, person.actor, practice, ended=str(ended))


def signed_out(visit: Visit) -> Reply:
    """Say that it is done."""
    return page(visit, "signin/ended.html")


def _people(practice: Practice, state: State) -> list[Somebody]:
    """Everybody of a practice: first those who have something to do in Setup, last those who can be nobody."""
    phrases = [*(phrase for _, phrase in PHRASES), *map(_has, state.loaded.catalog.profiles)]
    people = [Somebody(user, _phrase(practice.id, user, state)) for user in practice.users.values()]
    rank = {phrase: place for place, phrase in enumerate(phrases)}
    return sorted(people, key=lambda person: (not person.user.active, rank.get(person.phrase, len(rank))))


def _has(profile: Profile) -> str:
    return f"{profile.topic}: {profile.name}"


def _phrase(practice: str, user: User, state: State) -> str:
    """What somebody may do in Setup, or else what they have of the topics of the catalog; our own policy is asked."""
    if not user.active:
        return "is inactive, and refused everything"

    def may(screen: str, action: str) -> bool:
        asked = {"user": user.id, "practice": practice, "screen": screen, "action": action}
        question = state.loaded.request_map.asking(**asked)
        return decide(question, Caller("setup", frozenset({practice})), state).decision.allowed

    for rights, phrase in PHRASES:
        if all(may(*right) for right in rights):
            return phrase
    catalog = state.loaded.catalog
    duties = frozenset(duty for about in catalog.topics.values() for duty in about if may(*duty))
    return "; ".join(map(_has, catalog.having(duties).values())) or NOTHING


VIEWS = {
    ("GET", SIGN_IN): sign_in,
    ("GET", CALLBACK): come_back,
    ("POST", SIGN_IN_AS): sign_in_as,
    ("GET", CONTINUE): go_on,
    ("POST", SIGN_OUT): sign_out,
    ("GET", SIGNED_OUT): signed_out,
}
