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


class Defeating(NamedTuple):
    """A role by which somebody has more than they are to be limited to. `loses`: what else they have by it, in words.

    What a role gives that they keep by one that does not defeat the limit is not lost.
    """

    role: str
    loses: tuple[str, ...]


def defeating(user: str, kept: Duties, about: Duties, state: State) -> tuple[Defeating, ...]:
    """The roles that a user would have to leave in order to have, of what this is about, what is kept and no more."""
    roles = state.through(user, about - kept)
    left = [role for role in state.practice.roles_of(user) if role not in roles]
    stays = about.union(*map(state.gives, left))
    return tuple(Defeating(role, state.phrases(state.gives(role) - stays)) for role in roles)
