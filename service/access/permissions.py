"""Every endpoint there is, of both parts, in two tables, with what a caller needs for each.

The applications are built from these tables, so that nothing can be reached that does not stand here; and `admit`
(the check part) and `access.door` (the Setup part) ask for what a row says before anything of the request is read but
its headers. What is public tells counts, and places in policy files; never the name of a practice, a user or a screen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from service.access.tokens import authenticate
from service.errors import Forbidden
from service.live import Live, State
from service.store.base import Token
from service.values import Caller


class Needs(StrEnum):
    """What a request must bring."""

    PUBLIC = "public"
    """Nothing."""

    BEARER = "bearer token"
    """A token of ours, which also says about which practices its holder may ask."""

    SIGNED_IN = "signed in"
    """Somebody who has signed in, whatever they may do."""


class Scope(StrEnum):
    """What a token is good for."""

    CHECK = "check"
    """To ask the check part."""

    READ = "read"
    """To read practices, users, roles and changes by the admin API."""

    WRITE = "write"
    """To change them by it, too."""


class Right(NamedTuple):
    """What somebody who has signed in must be allowed in the practice that the path names, by our own policy."""

    screen: str
    action: str

    def __str__(self) -> str:
        return f"`{self.action}` on `{self.screen}`"


class Endpoint(NamedTuple):
    """One row of a table. Of several rights, one is enough."""

    path: str
    method: str
    needs: Needs | Scope | tuple[Right, ...]
    meaning: str

    @property
    def needed(self) -> str:
        """What it needs, in words."""
        match self.needs:
            case Needs():
                return self.needs.value
            case Scope():
                return f"token with `{self.needs.value}`"
            case _:
                return " or ".join(map(str, self.needs))


# --- the check part -----------------------------------------------------------------------------------------

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SEARCH_SUBJECT = "/access/v1/search/subject"
SEARCH_RESOURCE = "/access/v1/search/resource"
SEARCH_ACTION = "/access/v1/search/action"
METADATA = "/.well-known/authzen-configuration"
OPENAPI = "/openapi.json"
ALIVE = "/livez"
READY = "/readyz"
METRICS = "/metrics"

ENDPOINTS = (
    Endpoint(EVALUATION, "POST", Needs.BEARER, "Answers one access evaluation request of AuthZEN 1.0."),
    Endpoint(EVALUATIONS, "POST", Needs.BEARER, "Answers many of them at once, or one."),
    Endpoint(SEARCH_SUBJECT, "POST", Needs.BEARER, "Finds everyone who may do something."),
    Endpoint(SEARCH_RESOURCE, "POST", Needs.BEARER, "Finds everything on which a user may do something."),
    Endpoint(SEARCH_ACTION, "POST", Needs.BEARER, "Finds all that a user may do on something."),
    Endpoint(METADATA, "GET", Needs.PUBLIC, "Says where these are, for the identifier in `ROLEWARDEN_PDP_ID`."),
    Endpoint(OPENAPI, "GET", Needs.PUBLIC, "Describes all of this to tools, in OpenAPI 3.1."),
    Endpoint(ALIVE, "GET", Needs.PUBLIC, "Says that this process answers at all."),
    Endpoint(READY, "GET", Needs.PUBLIC, "Says whether checks may be routed here, and what is served."),
    Endpoint(METRICS, "GET", Needs.PUBLIC, "Numbers for Prometheus, summed over all workers."),
)


class Admitted(NamedTuple):
    """Who asks, and the state that knows them. Only `admit` makes one."""

    caller: Caller
    state: State


def admit(endpoint: Endpoint, authorization: str | None, live: Live) -> Admitted | None:
    """Let a request in, or raise `Unauthenticated`. None where anybody may come.

    INVARIANT: what is not public needs a token, whatever else a row may come to say.
    """
    if endpoint.needs is Needs.PUBLIC:
        return None
    state = live.state()
    token = authenticate(authorization, state.loaded.tokens)
    require_scope(token, Scope.CHECK)
    return Admitted(Caller(token.name, token.practices), state)


def require_scope(token: Token, scope: Scope) -> None:
    """Raise `Forbidden` where a token is good for something else."""
    if scope not in token.scopes:
        raise Forbidden(f"this token is not good for `{scope}`", "use a token that was made for it")


# --- the Setup part -----------------------------------------------------------------------------------------

VIEW_ROLES, EDIT_ROLES, ADD_ROLES = (Right("Setup - Roles", action) for action in ("view", "edit", "add"))
VIEW_USERS, EDIT_USERS, ADD_USERS = (Right("Setup - Users", action) for action in ("view", "edit", "add"))
VIEW_CHANGES = Right("Audit - Policy Changes", "view")

HOME = "/"
SIGN_IN = "/signin"
CALLBACK = "/signin/callback"
SIGN_IN_AS = "/signin/as"
SIGNED_OUT = "/signin/ended"
SIGN_OUT = "/signout"
STATIC = "/static/<name>"

SETUP_ENDPOINTS = (
    Endpoint(HOME, "GET", Needs.SIGNED_IN, "The practices of the person, or the one."),
    Endpoint(SIGN_IN, "GET", Needs.PUBLIC, "Begins to sign in."),
    Endpoint(SIGN_IN_AS, "POST", Needs.PUBLIC, "Signs in as somebody of the demonstration; elsewhere 404."),
    Endpoint(SIGN_OUT, "POST", Needs.PUBLIC, "Signs out, on every device."),
    Endpoint(SIGNED_OUT, "GET", Needs.PUBLIC, "Says that one has signed out."),
    Endpoint(STATIC, "GET", Needs.PUBLIC, "Style, script and pictures of the pages."),
    Endpoint(ALIVE, "GET", Needs.PUBLIC, "Says that this process answers at all."),
    Endpoint(READY, "GET", Needs.PUBLIC, "Says whether pages can be served."),
)
