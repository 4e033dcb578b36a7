"""Meant: what edits were to take away or to limit, and what it takes for that to come true.

No role takes anything away from another one, so that putting somebody into a role for forwarded messages limits nobody
who has the queue by another role. Each such shortfall is said, with the edits by which it would be as meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from service.decision.words import State, series
from service.policy.catalog import OFF, USER, Duties, Profile
from service.policy.edits import AddMember, Edit, RemoveMember, SetLevel
from service.values import ROLE_PREFIX, USER_PREFIX


class Shortfall(NamedTuple):
    """Something that was meant and does not come true. `remedy`: the edits by which it would, where there are any.

    `user` is empty where it is about a role.
    """

    text: str
    user: str
    roles: tuple[str, ...]
    remedy: tuple[RemoveMember, ...]


def shortfalls(edits: Iterable[Edit], before: State, after: State) -> tuple[Shortfall, ...]:
    """What edits were meant to take away or to limit, and do not, since another role gives it all the same."""
    made, found = tuple(edits), list[Shortfall]()
    for edit in made:
        match edit:
            case AddMember(role, user):
                found += _not_limited(role, user, after)
            case RemoveMember(role, user) if role not in after.practice.roles_of(user):
                found += _kept(role, user, before.gives(role), after)
            case SetLevel(role, screen, level):
                found += _lowered(role, screen, level, before, after)
            case _:
                pass
    # Who is put into a role by the same edits is meant to have it.
    wanted = {(edit.role, edit.user) for edit in made if isinstance(edit, AddMember)}
    return tuple(each for each in dict.fromkeys(found) if not each.roles or any(_out(each, wanted)))


def _out(shortfall: Shortfall, wanted: set[tuple[str, str]]) -> Iterator[bool]:
    return ((role, shortfall.user) not in wanted for role in shortfall.roles)


def _not_limited(role: str, user: str, after: State) -> Iterator[Shortfall]:
    """Somebody put into a role that gives less than the whole of a topic, who has more of it by other roles."""
    for topic, about in after.catalog.topics.items():
        given, may = after.gives(role) & about, after.may(user) & about
        roles = after.through(user, may - given, role)
        if not given or not roles:
            continue
        name, has = after.name(user), _has(after.catalog.profile(topic, may), may, user, after)
        listed = series([after.mark(other) for other in roles])
        text = f"{name} still {has} through {listed}: to limit {name}, take {name} out of {listed}."
        yield Shortfall(text, user, roles, tuple(RemoveMember(other, user) for other in roles))


def _lowered(role: str, screen: str, level: str, before: State, after: State) -> Iterator[Shortfall]:
    """A level that opens less than the one before, of which the people in the role keep what another role gives."""
    old, granted = before.practice.level(role, screen), before.known.granted
    was, will = (granted.get((screen, each), frozenset()) for each in (old, level))
    if level not in (OFF, old) and was == will != frozenset():
        text = f"On {screen}, {level} is the same as {old}: nobody in {after.mark(role)} gains or loses by it."
        yield Shortfall(text, "", (), ())
    below = before.practice.links.below(ROLE_PREFIX + role)
    meant = frozenset((screen, action) for action in was - will)
    for user in before.practice.users if meant else ():
        if USER_PREFIX + user in below:
            yield from _kept(role, user, meant, after)


def _kept(role: str, user: str, meant: Duties, after: State) -> Iterator[Shortfall]:
    """Somebody who was to lose this, and may still do some of it."""
    still = meant & after.may(user)
    roles = after.through(user, still, role)
    if still and roles:
        topic = next((topic for topic, about in after.catalog.topics.items() if still <= about), None)
        profile = after.catalog.profile(topic, after.may(user)) if topic else None
        name, listed = after.name(user), series([after.mark(other) for other in roles])
        has = _has(profile, still, user, after)
        text = f"{name} still {has} through {listed}: to take it away, take {name} out of {listed}."
        yield Shortfall(text, user, roles, tuple(RemoveMember(other, user) for other in roles))


def _has(profile: Profile | None, duties: Duties, user: str, state: State) -> str:
    """`has Full Access`, or what it is where it has no name."""
    if profile is not None:
        return f"has {profile.name}"
    return f"can {series(state.phrases(duties))}".replace(USER, state.name(user))


class Limit(NamedTuple):
    """What it takes to limit somebody to what a role gives of a topic. `defeating`: the roles that give more.

    `loses`: what they would lose beside the topic by leaving those roles, in words.
    """

    user: str
    defeating: tuple[str, ...]
    edits: tuple[AddMember | RemoveMember, ...]
    loses: tuple[str, ...]


def limited(users: Iterable[str], role: str, topic: str, state: State) -> tuple[Limit, ...]:
    """For each of these users, the edits by which they have of a topic what a role gives, and no more."""
    about = state.catalog.topics[topic]
    found = []
    for user in users:
        defeating = state.through(user, about - state.gives(role), role)
        left = [other for other in state.practice.roles_of(user) if other not in defeating]
        kept = frozenset[tuple[str, str]]().union(state.gives(role), *map(state.gives, left))
        gone = frozenset[tuple[str, str]]().union(*map(state.gives, defeating)) - kept - about
        edits: tuple[AddMember | RemoveMember, ...] = (
            AddMember(role, user),
            *(RemoveMember(other, user) for other in defeating),
        )
        found.append(Limit(user, defeating, edits, state.phrases(gone)))
    return tuple(found)
