"""The admin API, operation by operation: what each takes, what it gives, and what stands behind it.

`OPERATIONS` has one entry for each row of `access.permissions.ADMIN_ENDPOINTS` that is below `/admin/v1`. Requests are
read by it, and the OpenAPI document is made from it, so that neither can say something else than the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from service.access import record
from service.access.permissions import ADMIN, ADMIN_ENDPOINTS, API_CHANGE, API_PRACTICE, API_PRACTICES
from service.access.person import View, Visit
from service.api import admin_history as history
from service.api import admin_preview, admin_read, admin_request, admin_write
from service.api import admin_values as values
from service.api.admin_once import carried_out_once
from service.api.admin_request import PAGED, WHY, Handler, Operation, Parameter, Request, a_moment, a_name
from service.api.paging import Page
from service.audit.events import AuditEvent
from service.errors import ChangeRefused, InvalidPolicy
from service.exchange import Reply

_ROLE = a_name("role", "The role.", required=True)
_SCREEN = a_name("screen", "The screen.", required=True)
_USER = a_name("user", "The id of the user.", required=True)
_ID = a_name("id", "The id of the user.", required=True)
_NAME = a_name("name", "The name of the role.", required=True)
_FILTERS = (
    a_name("person", "Only changes by which this user gains or loses, or that name them."),
    a_name("screen", "Only changes by which somebody gains or loses on this screen, or that name it."),
    a_moment("since", "Only changes from this time on."),
    a_moment("until", "Only changes before this time."),
)


def _reads(handler: Handler, answer: object, *query: Parameter, refusals: tuple[str, ...] = ()) -> Mapping[str, object]:
    return {"handler": handler, "answers": {200: answer}, "query": query, "refusals": refusals}


def _one(handler: Handler, answer: object, *query: Parameter) -> Mapping[str, object]:
    return {**_reads(handler, answer, *query), "fresh": True}


def _part(handler: Handler, answer: object, *query: Parameter) -> Mapping[str, object]:
    return _reads(handler, answer, *query, *PAGED, refusals=("cursor-invalid", "list-moved"))


def _writes(handler: Handler, *query: Parameter, body: object = None, created: bool = False) -> Mapping[str, object]:
    """A change. With a body that has the reasons, they do not stand in the query as well."""
    why = () if body is values.EditList or body is values.Why else WHY
    return {
        "handler": handler,
        "answers": {200: values.Saved, 201: values.Saved} if created else {200: values.Saved},
        "query": (*query, *why),
        "body": body,
        "conditional": True,
        "once": True,
    }


_DESCRIBED: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("GET", f"{ADMIN}/screens"): _reads(admin_read.screens, values.Screens),
    ("GET", f"{ADMIN}/templates"): _reads(admin_read.templates, values.Templates),
    ("GET", f"{ADMIN}/changes"): _part(
        history.changes_of_all,
        Page[values.ChangeListed],
        a_name("practice", "Only changes of this practice."),
        *_FILTERS,
    ),
    ("GET", API_PRACTICES): _part(admin_read.practices, Page[values.PracticeListed]),
    ("POST", API_PRACTICES): {
        "handler": admin_write.create_practice,
        "answers": {201: values.Saved},
        "body": values.NewPractice,
        "once": True,
    },
    ("GET", API_PRACTICE): _one(admin_read.practice, values.PracticeShown),
    ("PUT", API_PRACTICE): _writes(admin_write.rename_practice, body=values.PracticeName),
    ("GET", f"{API_PRACTICE}/users"): _part(admin_read.users, Page[values.UserShown]),
    ("GET", f"{API_PRACTICE}/user"): _one(admin_read.user, values.UserShown, _ID),
    ("PUT", f"{API_PRACTICE}/user"): _writes(admin_write.put_user, _ID, body=values.UserState),
    ("GET", f"{API_PRACTICE}/roles"): _part(admin_read.roles, Page[values.RoleShown]),
    ("GET", f"{API_PRACTICE}/role"): _one(admin_read.role, values.RoleShown, _NAME),
    ("PUT", f"{API_PRACTICE}/role"): _writes(admin_write.put_role, _NAME, body=values.RoleState),
    ("DELETE", f"{API_PRACTICE}/role"): _writes(admin_write.delete_role, _NAME),
    ("GET", f"{API_PRACTICE}/levels"): _part(
        admin_read.levels,
        Page[values.LevelShown],
        a_name("role", "Only those of this role."),
        a_name("screen", "Only those on this screen."),
    ),
    ("GET", f"{API_PRACTICE}/level"): _one(admin_read.level, values.LevelShown, _ROLE, _SCREEN),
    ("PUT", f"{API_PRACTICE}/level"): _writes(admin_write.put_level, _ROLE, _SCREEN, body=values.LevelState),
    ("GET", f"{API_PRACTICE}/members"): _part(
        admin_read.members,
        Page[values.MemberShown],
        a_name("role", "Only those of this role."),
        a_name("user", "Only those of this user."),
    ),
    ("PUT", f"{API_PRACTICE}/member"): _writes(admin_write.put_member, _ROLE, _USER),
    ("DELETE", f"{API_PRACTICE}/member"): _writes(admin_write.delete_member, _ROLE, _USER),
    ("POST", f"{API_PRACTICE}/preview"): {
        "handler": admin_preview.preview,
        "answers": {200: values.PreviewShown},
        "body": values.EditList,
    },
    ("POST", f"{API_PRACTICE}/try"): {
        "handler": admin_preview.try_it,
        "answers": {200: values.Answer},
        "body": values.Trial,
        "refusals": ("change-refused", "policy-invalid"),
    },
    ("GET", f"{API_PRACTICE}/changes"): _part(history.changes_of_practice, Page[values.ChangeListed], *_FILTERS),
    ("POST", f"{API_PRACTICE}/changes"): _writes(admin_write.post_change, body=values.EditList, created=True),
    ("GET", API_CHANGE): _reads(history.change_of_practice, values.ChangeShown),
    ("POST", f"{API_CHANGE}/undo"): _writes(admin_write.undo, body=values.Why, created=True),
}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    (row.method, row.path): Operation(row, **_DESCRIBED[row.method, row.path])  # type: ignore[arg-type] # from above
    for row in ADMIN_ENDPOINTS
    if row.path.startswith(ADMIN)
}


def perform(operation: Operation, visit: Visit) -> Reply:
    """Carry out an operation. What a guard rail stops is kept in the record, with the token that asked for it."""
    request = admin_request.read(operation, visit)
    return carried_out_once(request, _carried_out) if operation.once else _carried_out(request)


def _carried_out(request: Request) -> Reply:
    visit = request.visit
    try:
        return request.operation.handler(request)
    except (ChangeRefused, InvalidPolicy) as error:
        rule = error.rule if isinstance(error, ChangeRefused) else error.code
        actor = f"token:{request.token.name}"
        record.keep_or_log(visit.office, AuditEvent.API_CHANGE_REFUSE, actor, visit.practice, rule=rule)
        raise


VIEWS: Mapping[tuple[str, str], View] = {key: partial(perform, operation) for key, operation in OPERATIONS.items()}
"""What stands behind each endpoint, for `setup_web`."""
