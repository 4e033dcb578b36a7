"""Reading by the admin API: practices, users, roles, levels, members and screens, as they are published now.

Every answer about a practice carries the newest change that touched it as its `ETag`: what a later `If-Match` names.
Rows that were altered beneath their revisions are not passed off as policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from service.api import admin_values as values
from service.api import paging
from service.api.admin_request import Request
from service.api.wire import JSON
from service.audit.chain import rows_digest
from service.changes import published_templates
from service.errors import Declined
from service.exchange import Reply
from service.policy import lint
from service.policy.catalog import Screen
from service.policy.practice import Practice, bare
from service.store.view import View

T = TypeVar("T")


# --- one practice -------------------------------------------------------------------------------------------


@contextmanager
def standing(request: Request) -> Iterator[tuple[View, Practice, int]]:
    """The practice that the path names, as it stands, with the newest change that touched it.

    Raises `Declined` where there is none, in the words in which the door refuses one of others.
    """
    with request.press.store.reading() as view:
        if request.practice not in view.existing([request.practice]):
            raise no_practice()
        rows = view.rows(request.practice)
        if rows_digest(rows) != view.recorded_digest(request.practice):
            raise Declined(
                "rows-altered", "the rows of this practice are not those of its changes", "tell the operator"
            )
        yield view, Practice.of(request.practice, rows), view.last_touched(request.practice)


def no_practice() -> Declined:
    """Said of a practice that is not there, and of one that the token is not for."""
    return Declined("not-found", "there is no such practice, or this token is not for it")


def told(value: Any, change: int | None = None, status: int = 200, **headers: str) -> Reply:
    """An answer. `change`: what a later `If-Match` names."""
    etag = {} if change is None else {"ETag": f'"{change}"'}
    return Reply(status, {"Content-Type": JSON, **etag, **headers}, msgspec.json.encode(value))


def _fresh(request: Request, change: int, value: Callable[[], Any]) -> Reply:
    """The answer, or 304 where the caller has it already."""
    known = {tag.strip().removeprefix("W/") for tag in request.visit.asked.headers.get("if-none-match", "").split(",")}
    if f'"{change}"' in known:
        return Reply(304, {"ETag": f'"{change}"'}, b"")
    return told(value(), change)


def practice(request: Request) -> Reply:
    """One practice."""
    with standing(request) as (_, found, change):
        return _fresh(
            request,
            change,
            lambda: values.PracticeShown(found.id, found.name, len(found.users), len(found.roles), change),
        )


def users(request: Request) -> Reply:
    """The users, by id."""

    def find(found: Practice) -> list[values.UserShown]:
        roles = _roles_by_user(found)
        people = (found.users[user] for user in sorted(found.users))
        return [values.UserShown(who.id, who.name, who.active, tuple(roles.get(who.id, ()))) for who in people]

    return _listed(request, find, lambda user: (user.id,))


def user(request: Request) -> Reply:
    """One user."""
    with standing(request) as (_, found, change):
        if request.query["id"] not in found.users:
            raise Declined("not-found", f"there is no user `{request.query['id']}`")
        return _fresh(request, change, lambda: user_shown(found, request.query["id"]))


def user_shown(found: Practice, user: str) -> values.UserShown:
    """A user as an answer shows them."""
    who = found.users[user]
    return values.UserShown(who.id, who.name, who.active, found.roles_of(user))


def roles(request: Request) -> Reply:
    """The roles, by name."""
    return _listed(
        request,
        lambda found: [_role_shown(found, name) for name in sorted(found.roles)],
        lambda role: (role.name,),
    )


def role(request: Request) -> Reply:
    """One role."""
    with standing(request) as (_, found, change):
        _require_role(found, request.query["name"])
        return _fresh(request, change, lambda: _role_shown(found, request.query["name"]))


def _role_shown(found: Practice, name: str) -> values.RoleShown:
    role = found.roles[name]
    return values.RoleShown(
        role.name, dict(sorted(role.levels.items())), tuple(sorted(role.members)), tuple(sorted(role.within))
    )


def levels(request: Request) -> Reply:
    """Every level other than Off."""
    wanted_role, wanted_screen = request.query.get("role"), request.query.get("screen")

    def find(found: Practice) -> list[values.LevelShown]:
        every = [
            values.LevelShown(name, screen, level)
            for name, role in sorted(found.roles.items())
            for screen, level in sorted(role.levels.items())
        ]
        return [each for each in every if wanted_role in (None, each.role) and wanted_screen in (None, each.screen)]

    return _listed(request, find, lambda each: (each.role, each.screen))


def level(request: Request) -> Reply:
    """What a role holds on a screen."""
    name, screen = request.query["role"], request.query["screen"]
    with standing(request) as (_, found, change):
        _require_role(found, name)
        if screen not in request.visit.state.loaded.catalog.screens:
            raise Declined("not-found", f"there is no screen `{screen}`")
        return _fresh(request, change, lambda: values.LevelShown(name, screen, found.level(name, screen)))


def members(request: Request) -> Reply:
    """Who is in which role."""
    wanted_role, wanted_user = request.query.get("role"), request.query.get("user")

    def find(found: Practice) -> list[values.MemberShown]:
        every = [
            values.MemberShown(name, user)
            for name, role in sorted(found.roles.items())
            for user in sorted(role.members)
        ]
        return [each for each in every if wanted_role in (None, each.role) and wanted_user in (None, each.user)]

    return _listed(request, find, lambda each: (each.role, each.user))


def _require_role(found: Practice, name: str) -> None:
    if name not in found.roles:
        raise Declined("not-found", f"there is no role `{name}`")


def _roles_by_user(found: Practice) -> dict[str, list[str]]:
    """The roles that each user was put into, in the order of names; worked out once for all of them."""
    by_user: dict[str, list[str]] = {}
    for name, role in found.roles.items():
        for user in role.members:
            by_user.setdefault(user, []).append(name)
    return by_user


# --- lists --------------------------------------------------------------------------------------------------


def _listed(request: Request, find: Callable[[Practice], Sequence[T]], key: Callable[[T], tuple[str, ...]]) -> Reply:
    """One part of a list of a practice, which is what it was when its first part was read, or an error."""
    with standing(request) as (_, found, change):
        return told(part(request, find(found), key, str(change)), change)


def part(request: Request, entries: Sequence[T], key: Callable[[T], tuple[str, ...]], state: str) -> paging.Page[T]:
    """The part of these entries that the request asks for."""
    filters = {name: value for name, value in request.query.items() if name not in ("cursor", "limit")}
    return paging.part(
        entries,
        key,
        name=paging.named(request.place, filters),
        state=state,
        cursor=request.query.get("cursor", ""),
        limit=request.query.get("limit", paging.DEFAULT),
    )


def practices(request: Request) -> Reply:
    """The practices that the token is for, by id."""
    mine = request.token.practices
    with request.press.store.reading() as view:
        found = view.practice_ids() if mine is None else view.existing(mine)
        names = view.practice_names(found)
    entries = [values.PracticeListed(practice, name) for practice, name in sorted(names.items())]
    return told(part(request, entries, lambda each: (each.id,), paging.digest(names)))


def screens(request: Request) -> Reply:
    """The screens of the published files, in their order there."""
    catalog = request.visit.state.loaded.catalog
    with request.press.store.reading() as view:
        known = lint.screens(catalog, [row for row in view.rows("") if row.kind == "g2"])
    return told(values.Screens(tuple(_screen_shown(screen, known) for screen in catalog.screens.values())))


def _screen_shown(screen: Screen, known: lint.Screens) -> values.ScreenShown:
    levels = (level for level in known.catalog.levels if level in known.levels.get(screen.name, ()))
    return values.ScreenShown(
        screen.name,
        screen.group,
        screen.description,
        tuple(values.LevelOpens(level, tuple(sorted(known.granted[screen.name, level]))) for level in levels),
        tuple(values.ActionShown(name, phrase) for name, phrase in screen.actions.items()),
    )


def templates(request: Request) -> Reply:
    """The role templates of the published files."""
    with request.press.store.reading() as view:
        rows = published_templates(view)
    levels: dict[str, dict[str, str]] = {}
    for row in sorted(rows):
        own = levels.setdefault(bare(row.fields[0]), {})
        if not row.denies:
            own[row.fields[2]] = row.fields[3]
    return told(values.Templates(tuple(values.TemplateShown(name, own) for name, own in sorted(levels.items()))))
