"""Writing by the admin API: every request becomes edits of one practice, which are saved as one change or not at all.

A PUT or DELETE says in the words of HTTP what one or a few edits say; all of them go the way of `service.drafts`, past
the guard rails of `service.publish`. When an answer has arrived, no check of this host is answered from before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote

import msgspec

from service import changes, drafts
from service import undo as taking_back
from service.access.permissions import API_PRACTICES, Scope
from service.api import admin_values as values
from service.api.admin_history import affected, require_touched, theirs
from service.api.admin_read import standing, told
from service.api.admin_request import Request, number, require_scope
from service.drafts import Draft
from service.errors import Declined, PracticeMoved
from service.exchange import Reply
from service.policy import edits
from service.policy.catalog import OFF
from service.policy.edits import Edit
from service.policy.practice import Practice
from service.policy.rows import NAME_MENDS, name_problem
from service.values import ROLE_PREFIX, USER_PREFIX, How, Revision

_CREATED, _DONE = 201, 200


# --- one thing ----------------------------------------------------------------------------------------------


def put_user(request: Request) -> Reply:
    """A user as the body says, who may be new."""
    user, wanted = request.query["id"], request.body
    with standing(request) as (_, found, _change):
        known = found.users.get(user)
    steps: list[Edit] = [edits.RenameUser(user, wanted.name)] if known else [edits.AddUser(user, wanted.name)]
    if (known.active if known else True) != wanted.active:
        steps.append(edits.SetActive(user, wanted.active))
    return saved(request, steps)


def put_role(request: Request) -> Reply:
    """A role as the body says, which may be new; what the body leaves out stays as it is."""
    name, wanted = request.query["name"], request.body
    with standing(request) as (_, found, _change):
        steps: list[Edit] = [] if name in found.roles else [edits.AddRole(name)]
        steps += _levels(found, name, wanted) + _members(found, name, wanted)
    return saved(request, steps)


def _levels(found: Practice, role: str, wanted: values.RoleState) -> list[Edit]:
    if wanted.levels is msgspec.UNSET:
        return []
    now = found.roles[role].levels if role in found.roles else {}
    off = [edits.SetLevel(role, screen, OFF) for screen in sorted(now.keys() - wanted.levels.keys())]
    return [*off, *(edits.SetLevel(role, screen, level) for screen, level in wanted.levels.items())]


def _members(found: Practice, role: str, wanted: values.RoleState) -> list[Edit]:
    if wanted.members is msgspec.UNSET:
        return []
    now = found.roles[role].members if role in found.roles else frozenset[str]()
    out = [edits.RemoveMember(role, user) for user in sorted(now - set(wanted.members))]
    return [*out, *(edits.AddMember(role, user) for user in sorted(set(wanted.members) - now))]


def delete_role(request: Request) -> Reply:
    """There is no such role; where there was none, that is so already."""
    name = request.query["name"]
    with standing(request) as (_, found, _change):
        there = name in found.roles
    return saved(request, [edits.DeleteRole(name)] if there else [])


def put_level(request: Request) -> Reply:
    """A role holds the level of the body on a screen."""
    return saved(request, [edits.SetLevel(request.query["role"], request.query["screen"], request.body.level)])


def put_member(request: Request) -> Reply:
    """A user is in a role."""
    return saved(request, [edits.AddMember(request.query["role"], request.query["user"])])


def delete_member(request: Request) -> Reply:
    """A user is not in a role."""
    return saved(request, [edits.RemoveMember(request.query["role"], request.query["user"])])


def rename_practice(request: Request) -> Reply:
    """A practice is called what the body says."""
    return saved(request, [edits.RenamePractice(request.body.name)])


# --- several things -----------------------------------------------------------------------------------------


def post_change(request: Request) -> Reply:
    """The edits of the body, together or not at all."""
    _require_scope_of(request, request.body.edits)
    return saved(request, request.body.edits, created=True)


def undo(request: Request) -> Reply:
    """A new change that takes back what an earlier one did to this practice."""
    wanted, author = number(request.visit.asked.names["number"]), request.author()
    with standing(request) as (view, _, _change):
        require_touched(view, wanted, request.practice)
    save = partial(taking_back.save, request.press, author, request.practice, wanted, request.base)
    return _carried_out(request, save, created=True)


def create_practice(request: Request) -> Reply:
    """A practice with one administrator. The token must be for every practice, those to come too."""
    if request.token.practices is not None:
        raise Declined("forbidden", "this token is for some practices", "use one that was made with `--all-practices`")
    wanted = request.body
    for name, text in (("id", wanted.id), ("name", wanted.name), ("administrator", wanted.administrator)):
        require_name(name, text)
    if "/" in wanted.id or wanted.id in (".", ".."):
        raise Declined("body-invalid", "`id`: it must do as a part of a path", "leave out slashes")
    author = changes.Author(f"token:{request.token.name}", How.API)
    revision = changes.carry_out(
        request.press,
        lambda view: changes.of_new_practice(
            view, author, wanted.id, wanted.name, wanted.administrator, changes.published_templates(view)
        ),
    )
    return outcome(request, revision, created=True, practice=wanted.id)


# --- how it ends --------------------------------------------------------------------------------------------


def saved(request: Request, steps: Iterable[Edit], *, created: bool = False) -> Reply:
    """Save edits of the practice, made from the change in `If-Match`."""
    draft = Draft(request.practice, request.base, tuple(steps))  # type: ignore[arg-type] # each is one of `AnyEdit`
    author = request.author()
    return _carried_out(request, lambda: drafts.save(request.press, author, draft), created=created)


def _carried_out(request: Request, save: Callable[[], Revision | None], *, created: bool) -> Reply:
    try:
        revision = save()
    except PracticeMoved as moved:
        with request.press.store.reading() as view:
            others = theirs(view, moved.practice, moved.base)
        mend = "look at `theirs`, read the practice again, and send what you still want"
        raise Declined("practice-moved", moved.message, mend, change=moved.head, theirs=others) from moved
    return outcome(request, revision, created=created)


def outcome(request: Request, revision: Revision | None, *, created: bool = False, practice: str = "") -> Reply:
    """The answer to a change that was made; `revision` is None where all was so already."""
    return answered(request, revision.number if revision else 0, created=created, practice=practice)


def answered(request: Request, change: int, *, created: bool, practice: str = "") -> Reply:
    """The answer to a change by its number, as it can also be given later; 0 where all was so already."""
    practice = practice or request.practice
    with request.press.store.reading() as view:
        if not change:
            newest = view.last_touched(practice)
            return told(values.Saved(False, newest), newest)
        effects = tuple(affected(view, change, practice))
    place = f"{API_PRACTICES}/{quote(practice, safe='')}"
    where = {"Location": f"{place}/changes/{change}"} if created else {}
    return told(values.Saved(True, change, effects), change, _CREATED if created else _DONE, **where)


def require_name(field: str, name: str) -> None:
    """Raise for what cannot be a name, wherever it stands in a row."""
    problem = name_problem(name)
    if problem:
        raise Declined("body-invalid", f"`{field}`: {problem[1]}", NAME_MENDS[problem[0]])
    if name.startswith((USER_PREFIX, ROLE_PREFIX)):
        raise Declined("body-invalid", f"`{field}`: `{name}` begins with the prefix of rows", "write the id alone")


def _require_scope_of(request: Request, steps: Iterable[Edit]) -> None:
    """To rename a practice takes its own scope, also as one edit of several."""
    if any(isinstance(step, edits.RenamePractice) for step in steps):
        require_scope(request, Scope.PRACTICES)
