"""Guard rails: changes that nobody may make, however right their rows are.

Pure: a change, who makes it, and the practices before and after, in; the refusals, out. Each has its id, a message for
operators and the words that people of a practice read. They look at rows, effect and author, never at the way by
which a change came, so that no way goes past them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from service.decision.effect import Effect
from service.decision.engine import Snapshot
from service.policy.catalog import Catalog
from service.policy.lint import Screens
from service.policy.practice import Practice
from service.policy.separation import Pair, phrase
from service.values import TEMPLATE_PRACTICE, USER_PREFIX, Change, Row

ADMINISTRATION = ("Setup - Roles", "edit")
"""Who may do this on that screen is an administrator of the practice."""

RIGHTS: dict[str, tuple[tuple[str, str], ...]] = {
    "p": (("Setup - Roles", "edit"),),
    "role": (("Setup - Roles", "add"),),
    "g": (("Setup - Roles", "edit"), ("Setup - Users", "edit")),
    "user": (("Setup - Users", "add"),),
}
"""What a user needs to change rows of a kind, any one of them; a kind that is not here is not for users to change."""

OWN_ACCESS = "own-access"
"""The flag of a revision by which somebody who was alone changed their own access; also the rule against it."""

_NAMED = 3
"""Administrators whom a refusal names, of those who can help."""


class Guard(NamedTuple):
    """A guard rail that a change ran into. `for_people` may be empty: the message then says it plainly enough."""

    rule: str
    message: str
    mend: str
    for_people: str = ""


def administrators(snapshot: Snapshot, practice: str) -> tuple[str, ...]:
    """The ids of the active users who may change roles in a practice, sorted."""
    division = snapshot.divisions.get(practice)
    screen, action = ADMINISTRATION
    if division is None:
        return ()
    return tuple(
        sorted(
            user.removeprefix(USER_PREFIX)
            for user in division.held
            if snapshot.decide((user, practice, screen, action)).allowed
        )
    )


def administering(screens: Screens) -> frozenset[str]:
    """The levels that make an administrator."""
    screen, action = ADMINISTRATION
    return frozenset(level for (name, level), opens in screens.granted.items() if name == screen and action in opens)


# --- of rows ---


def practices_apart(rows: Iterable[Row], practices: frozenset[str]) -> list[Guard]:
    """Every row belongs to one practice that exists, and none to the templates' practice."""
    guards = []
    for practice in sorted({row.practice for row in rows} - (practices - {TEMPLATE_PRACTICE}) - {""}):
        if practice == TEMPLATE_PRACTICE:
            guards.append(Guard("practice-reserved", f"`{practice}` is the practice of templates", "choose another id"))
        else:
            guards.append(Guard("practice-missing", f"there is no practice `{practice}`", "create it first"))
    return guards


def last_administrator(practice: str, before: Snapshot, after: Snapshot) -> list[Guard]:
    """A practice that has an administrator never loses the last one."""
    left = administrators(before, practice)
    if not left or administrators(after, practice):
        return []
    mend = "give another person Update or Write on `Setup - Roles` first"
    if len(left) > 1:
        people = "Nobody could change roles here any more. Keep somebody who can, or add another first."
        return [Guard("last-administrator", f"nobody could change roles in `{practice}` any more", mend, people)]
    message = f"`{left[0]}` is the only person who can change roles in `{practice}`"
    people = f"{_called(before, practice, left[0])} is the only person who can change roles here. Add another first."
    return [Guard("last-administrator", message, mend, people)]


def kept_apart(pairs: Sequence[Pair], effect: Effect, after: Snapshot, catalog: Catalog) -> list[Guard]:
    """Nobody newly comes to do both of what the policy keeps apart: gains one, and has the other."""
    gained = {(flip.practice, flip.user, (flip.screen, flip.action)) for flip in effect.gained}
    guards = []
    for pair in pairs:
        people = {(practice, user) for practice, user, duty in gained if duty in pair.apart}
        for practice, user in sorted(people):
            asked = [(USER_PREFIX + user, practice, *duty) for duty in pair.apart]
            if all(after.decide(request).allowed for request in asked):
                message = f"`{user}` of `{practice}` would be able to {phrase(pair, catalog)}"
                said = f"{_called(after, practice, user)} would be able to {phrase(pair, catalog)}. {pair.why}."
                guards.append(Guard("separation", message, f"{pair.why}; give it to another person", said))
    return guards


# --- of who makes the change ---


def one_practice(change: Change, practices: frozenset[str] | None = None) -> list[Guard]:
    """A user's change touches one practice and nothing that all share; a token's, only the practices of the token."""
    touched = {row.practice for row in (*change.added, *change.removed)}
    if change.actor.startswith(USER_PREFIX):
        if len(touched) > 1 or "" in touched:
            message = f"a change of `{change.actor}` may touch one practice, and nothing that all share"
            people = "You can only change your own practice, one at a time."
            return [Guard("practice-crossed", message, "change one practice at a time", people)]
    elif change.actor.startswith("token:") and ("" in touched or not (practices is None or touched <= practices)):
        message = f"`{change.actor}` may not change {_listed(touched, practices)}"
        return [Guard("practice-crossed", message, "use a token that names the practice")]
    return []


def _listed(touched: set[str], practices: frozenset[str] | None) -> str:
    outside = sorted(touched - (practices or frozenset()) - {""})
    return ", ".join(f"`{name}`" for name in outside) if outside else "what all practices share"


def author_rights(change: Change, before: Snapshot, catalog: Catalog) -> list[Guard]:
    """A user changes only rows of kinds that the policy, before the change, lets them change."""
    if not change.actor.startswith(USER_PREFIX):
        return []
    rows = {(row.kind, row.practice) for row in (*change.added, *change.removed)}
    for kind, practice in sorted(rows):
        rights = RIGHTS.get(kind, ())
        if any(before.decide((change.actor, practice, *right)).allowed for right in rights):
            continue
        message = f"`{change.actor}` may not change `{kind}` rows of `{practice}`"
        if not rights:
            people = "Only whoever runs the system can change this."
            return [Guard("author-rights", message, "an operator can", people)]
        needs = " or ".join(f"`{action}` on `{screen}`" for screen, action in rights)
        screen = catalog.screens.get(rights[0][0])
        said = screen.security_message if screen else "You can't change this."
        people = f"{said} {ask_another(change.actor, before, practice)}"
        return [Guard("author-rights", message, f"it takes {needs}", people)]
    return []


def own_access(change: Change, effect: Effect, before: Snapshot) -> list[Guard]:
    """From a change that a user makes, that user gains nothing; who administers alone may, and says why."""
    if not author_gains(change, effect):
        return []
    author = change.actor.removeprefix(USER_PREFIX)
    practice = effect.gained[0].practice
    if administrators(before, practice) != (author,):
        message = f"`{author}` would gain from a change of their own in `{practice}`"
        people = f"You can't change your own access. {ask_another(change.actor, before, practice)}"
        return [Guard("own-access", message, "another administrator can make it", people)]
    if not change.reason.strip():
        message = f"`{author}` is the only administrator of `{practice}` and would gain, which takes a reason"
        people = "You are the only person who can change roles here, so you may change your own access. Say why."
        return [Guard("reason-missing", message, "give a reason", people)]
    return []


def author_gains(change: Change, effect: Effect) -> bool:
    """Whether the user who makes a change gains from it. One that passes all the same is flagged as `own-access`."""
    return any(USER_PREFIX + flip.user == change.actor for flip in effect.gained)


def ask_another(actor: str, before: Snapshot, practice: str) -> str:
    """`Ask Sam Roy.`: who could make a change that this person may not."""
    others = [user for user in administrators(before, practice) if USER_PREFIX + user != actor]
    if not others:
        return "Ask whoever runs the system."
    users = _directory(before, practice).users
    names = [users[user].name for user in others[:_NAMED]]
    return f"Ask {' or '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}."


def _called(snapshot: Snapshot, practice: str, user: str) -> str:
    return _directory(snapshot, practice).called(user)


def _directory(snapshot: Snapshot, practice: str) -> Practice:
    division = snapshot.divisions.get(practice)
    return Practice.of(practice, division.rows if division else ())
