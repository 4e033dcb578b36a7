"""The door of the Setup part: lets a request in as its row of the table says, or says why not.

    1. addressed to us, and from a page of ours    `access.origin`, for every request
    2. who is it                                   `access.sessions` or `access.tokens`
    3. a practice of theirs                        any other is not found, whether it exists or not
    4. what may they do there                      our own policy, through `decide`

The rule kept here: whoever is let in is so by a row, and by nothing that a view finds out later. Only this module makes
a `Visit`.
"""

from __future__ import annotations

from dataclasses import replace

from service.access import origin, sessions
from service.access.permissions import Endpoint, Needs, Right, Scope, require_scope
from service.access.person import Office, Visit, answer_about
from service.access.tokens import authenticate
from service.errors import AccessRefused, Forbidden, NotFound, StoreUnavailable, Unauthenticated
from service.exchange import Asked


def let_in(endpoint: Endpoint, asked: Asked, office: Office) -> Visit:
    """Let a request in, of which only the headers were read.

    Raises Unauthenticated where nobody has signed in or the token is not known, NotFound for a practice of others,
    AccessRefused with what the person is shown, and Forbidden.
    """
    settings = office.settings
    # 1. What is public and tells nothing, a supervisor may ask for under any name.
    if asked.path not in origin.ANY_HOST:
        origin.require_own_host(asked.headers, settings.setup_address)
    origin.require_own_page(asked.method, asked.headers, settings.setup_address, settings.scheme)
    visit = Visit(asked, office)
    # 2, 3, 4
    match endpoint.needs:
        case Needs.PUBLIC:
            return visit
        case Needs.SIGNED_IN:
            return _with_person(visit)
        case Scope() as scope:
            return _with_token(visit, scope)
        case tuple() as rights:
            return _allowed(_in_practice(_with_person(visit)), rights)
        case _:
            raise Forbidden("nobody is let in here")


def seen_by(asked: Asked, office: Office) -> Visit:
    """Whoever stands before a closed door, and in which practice of theirs: for what is said to them, and no more."""
    visit = Visit(asked, office)
    person = sessions.signed_in(office, asked.cookies)
    if person is None:
        return visit
    named = asked.names.get("practice", "")
    practice = named if named in person.practices else ""
    return replace(visit, person=person, taken=office.live.state(), practice=practice)


def _with_person(visit: Visit) -> Visit:
    person = sessions.signed_in(visit.office, visit.asked.cookies)
    if person is None:
        raise Unauthenticated("nobody has signed in here", "sign in first")
    return replace(visit, person=person, taken=visit.office.live.state())


def _with_token(visit: Visit, scope: Scope) -> Visit:
    state = visit.office.live.state()
    token = authenticate(visit.asked.headers.get("authorization"), state.loaded.tokens)
    require_scope(token, scope)
    practice = visit.asked.names.get("practice", "")
    if practice and token.practices is not None and practice not in token.practices:
        raise NotFound("there is no such practice, or this token is not good for it")
    return replace(visit, token=token, taken=state, practice=practice)


def _in_practice(visit: Visit) -> Visit:
    practice = visit.asked.names.get("practice", "")
    if not practice or practice not in visit.someone.practices:
        raise NotFound("there is no such practice here, or it is not one of yours")
    return replace(visit, practice=practice)


def _allowed(visit: Visit, rights: tuple[Right, ...]) -> Visit:
    answers = [answer_about(right, visit) for right in rights]
    if any(answer.decision.allowed for answer in answers):
        return visit
    first = answers[0]
    if first.decision.reason.retryable:
        raise StoreUnavailable(first.user_message)
    raise AccessRefused(
        first.user_message,
        actor=visit.someone.actor,
        reason=first.decision.reason.value,
        right=str(rights[0]),
        sign=first.code,
    )
