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

    READ = "setup:read"
    """To read practices, users, roles and changes by the admin API, and to preview and try changes."""

    WRITE = "setup:write"
    """To change users, roles, levels and members by it."""

    PRACTICES = "setup:practices"
    """To create practices by it, and to rename them."""


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
FORWARD = "/forward-auth"
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
    Endpoint(FORWARD, "GET", Needs.BEARER, "Answers a proxy that has a request in hand; only where headers are set."),
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
MEMBERS = (EDIT_ROLES, EDIT_USERS)
ANY_CHANGE = (*MEMBERS, ADD_ROLES, ADD_USERS)
"""Whoever may change anything has a draft; what may stand in it is for the guard rails."""

ADMIN = "/admin/v1"
"""The admin API. A practice stands in the path; names that people chose, which may hold a slash, in the query."""
API_PAGE = "/docs/api"
API_PRACTICES = f"{ADMIN}/practices"
API_PRACTICE = f"{API_PRACTICES}/<practice>"
API_CHANGE = f"{API_PRACTICE}/changes/<number>"

ADMIN_ENDPOINTS = (
    Endpoint(f"{ADMIN}/screens", "GET", Scope.READ, "The screens, with their levels and actions."),
    Endpoint(f"{ADMIN}/templates", "GET", Scope.READ, "The role templates."),
    Endpoint(f"{ADMIN}/changes", "GET", Scope.READ, "The changes of all practices, newest first."),
    Endpoint(API_PRACTICES, "GET", Scope.READ, "The practices that the token is for."),
    Endpoint(API_PRACTICES, "POST", Scope.PRACTICES, "Creates a practice with its first administrator."),
    Endpoint(API_PRACTICE, "GET", Scope.READ, "One practice."),
    Endpoint(API_PRACTICE, "PUT", Scope.PRACTICES, "Renames a practice."),
    Endpoint(f"{API_PRACTICE}/users", "GET", Scope.READ, "The users of a practice, with their roles."),
    Endpoint(f"{API_PRACTICE}/user", "GET", Scope.READ, "One user."),
    Endpoint(f"{API_PRACTICE}/user", "PUT", Scope.WRITE, "Adds a user, renames one, or makes one active or inactive."),
    Endpoint(f"{API_PRACTICE}/roles", "GET", Scope.READ, "The roles of a practice, with levels and members."),
    Endpoint(f"{API_PRACTICE}/role", "GET", Scope.READ, "One role."),
    Endpoint(f"{API_PRACTICE}/role", "PUT", Scope.WRITE, "Adds a role, or changes its levels and members."),
    Endpoint(f"{API_PRACTICE}/role", "DELETE", Scope.WRITE, "Deletes a role."),
    Endpoint(f"{API_PRACTICE}/levels", "GET", Scope.READ, "Every level but Off, of a role, on a screen, or all."),
    Endpoint(f"{API_PRACTICE}/level", "GET", Scope.READ, "What a role holds on a screen."),
    Endpoint(f"{API_PRACTICE}/level", "PUT", Scope.WRITE, "Sets what a role holds on a screen."),
    Endpoint(f"{API_PRACTICE}/members", "GET", Scope.READ, "Who is in which role, of a role, a user, or all."),
    Endpoint(f"{API_PRACTICE}/member", "PUT", Scope.WRITE, "Puts a user into a role."),
    Endpoint(f"{API_PRACTICE}/member", "DELETE", Scope.WRITE, "Takes a user out of a role."),
    Endpoint(f"{API_PRACTICE}/preview", "POST", Scope.READ, "Says what edits would do, and writes nothing."),
    Endpoint(f"{API_PRACTICE}/try", "POST", Scope.READ, "Answers a check as if edits were made, and writes nothing."),
    Endpoint(f"{API_PRACTICE}/changes", "GET", Scope.READ, "The changes of a practice, newest first."),
    Endpoint(f"{API_PRACTICE}/changes", "POST", Scope.WRITE, "Makes several edits one change, or none of them."),
    Endpoint(API_CHANGE, "GET", Scope.READ, "One change: its rows, and who gained or lost."),
    Endpoint(f"{API_CHANGE}/undo", "POST", Scope.WRITE, "Undoes a change by a new one."),
    Endpoint(OPENAPI, "GET", Needs.PUBLIC, "Describes the admin API as an OpenAPI 3.1 document."),
    Endpoint(API_PAGE, "GET", Needs.PUBLIC, "The same as a page to read."),
)

HOME = "/"
SIGN_IN = "/signin"
CALLBACK = "/signin/callback"
SIGN_IN_AS = "/signin/as"
CONTINUE = "/signin/continue"
SIGNED_OUT = "/signin/ended"
SIGN_OUT = "/signout"
STATIC = "/static/<name>"
CHANGES = "/practices/<practice>/changes"
CHANGES_CSV = "/practices/<practice>/changes/table"
EVENTS = "/practices/<practice>/changes/events"
CHANGE = "/practices/<practice>/changes/<number>"
UNDO = "/practices/<practice>/changes/<number>/undo"

# Whoever may make changes sees their own; the view holds that.
SEE_CHANGES = (VIEW_CHANGES, *ANY_CHANGE)

SETUP_ENDPOINTS = (
    Endpoint(HOME, "GET", Needs.SIGNED_IN, "The practices of the person, or the one."),
    Endpoint(SIGN_IN, "GET", Needs.PUBLIC, "Begins to sign in."),
    Endpoint(CALLBACK, "GET", Needs.PUBLIC, "Where the sign-in provider sends people back to."),
    Endpoint(SIGN_IN_AS, "POST", Needs.PUBLIC, "Signs in as somebody of the demonstration; elsewhere 404."),
    Endpoint(CONTINUE, "GET", Needs.SIGNED_IN, "Shows what one was about to send when the sign-in ended."),
    Endpoint(SIGN_OUT, "POST", Needs.PUBLIC, "Signs out, on every device."),
    Endpoint(SIGNED_OUT, "GET", Needs.PUBLIC, "Says that one has signed out."),
    Endpoint(CHANGES, "GET", SEE_CHANGES, "The changes of the practice; one's own for whoever may only make them."),
    Endpoint(CHANGES_CSV, "GET", SEE_CHANGES, "The same as a table for spreadsheets (CSV)."),
    Endpoint(EVENTS, "GET", (VIEW_CHANGES,), "Sign-ins, sign-outs and refusals."),
    Endpoint(CHANGE, "GET", SEE_CHANGES, "One change, with who gained and lost by it."),
    Endpoint(UNDO, "GET", ANY_CHANGE, "What undoing a change would do."),
    Endpoint(UNDO, "POST", ANY_CHANGE, "Undoes a change."),
    Endpoint(STATIC, "GET", Needs.PUBLIC, "Style, script and pictures of the pages."),
    Endpoint(ALIVE, "GET", Needs.PUBLIC, "Says that this process answers at all."),
    Endpoint(READY, "GET", Needs.PUBLIC, "Says whether pages can be served."),
    Endpoint(
        "/practices/<practice>/roles", "GET", (VIEW_ROLES,), "Screens and roles, found; one screen with its roles."
    ),
    Endpoint("/practices/<practice>/roles/compare", "GET", (VIEW_ROLES,), "Two roles side by side."),
    Endpoint("/practices/<practice>/role", "GET", (VIEW_ROLES,), "One role: its members and levels."),
    Endpoint("/practices/<practice>/role", "POST", (ADD_ROLES,), "Renames a role, in the draft."),
    Endpoint("/practices/<practice>/role/new", "GET", (ADD_ROLES,), "What a new role begins with."),
    Endpoint("/practices/<practice>/role/new", "POST", (ADD_ROLES,), "Makes a role, in the draft."),
    Endpoint(
        "/practices/<practice>/limit", "GET", MEMBERS, "Whom to limit to forwarded messages, and what defeats it."
    ),
    Endpoint("/practices/<practice>/limit", "POST", MEMBERS, "Limits people, in the draft."),
    Endpoint("/practices/<practice>/users", "GET", (VIEW_USERS,), "The directory of users."),
    Endpoint("/practices/<practice>/users", "POST", (ADD_USERS,), "Adds a user, in the draft."),
    Endpoint("/practices/<practice>/users/import", "GET", (ADD_USERS,), "Asks for a list of users."),
    Endpoint(
        "/practices/<practice>/users/import", "POST", (ADD_USERS,), "Shows a list of users; takes it into the draft."
    ),
    Endpoint("/practices/<practice>/user", "GET", (VIEW_USERS,), "One user: roles, and what they can do and why."),
    Endpoint("/practices/<practice>/user", "POST", (ADD_USERS,), "Renames a user, in the draft."),
    Endpoint(
        "/practices/<practice>/try", "GET", (VIEW_ROLES, VIEW_USERS), "Answers a question as the EHR would get it."
    ),
    Endpoint("/practices/<practice>/upgrade", "GET", (ADD_ROLES,), "Who had the old permission for the portal."),
    Endpoint("/practices/<practice>/upgrade", "POST", (ADD_ROLES,), "Puts them into the role for it, in the draft."),
    Endpoint("/practices/<practice>/draft", "GET", ANY_CHANGE, "What is not saved yet, to be looked at once more."),
    Endpoint("/practices/<practice>/draft", "POST", ANY_CHANGE, "Changes the draft, saves it, or discards it."),
    *ADMIN_ENDPOINTS,
)
