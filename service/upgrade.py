"""The upgrade to the two portal screens: who had My Tasks > Patient Portal before has both screens afterwards.

Those who had it become members of one role, made from its template where it is missing. One change for each practice,
through `service.drafts` like every other, so that it can be stopped in the middle and begun again; doing it twice
changes nothing. Nobody who had it loses it and nobody else gains anything: that is shown before, in the plan, and
asked again after (`service.proof`), of the rows as they then stand in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from service.changes import Author, published_templates
from service.decision.effect import Effect, Flip
from service.drafts import Draft, previewed, save
from service.errors import ChangeRefused, InvalidPolicy, RolewardenError, UsageError
from service.policy.edits import AddMember, AddRole, AnyEdit
from service.policy.legacy import Legacy, Problem
from service.policy.practice import Practice
from service.publish import Press
from service.values import ROLE_PREFIX, How, Revision, Row

ROLE = "Patient Portal Full Access"
"""The role, and the template that it is made from."""

REASON = "Upgrade to the two Patient Portal screens"

Done = Callable[[int], object]
"""Told of each practice that is done, for a bar."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done in one practice. `had`: everybody who had it; `inactive`: those of them who are.

    `effect`: who gains, all of them people who had it. `refused`: why it cannot be done; then nothing is done anywhere.
    """

    practice: str
    base: int
    edits: tuple[AnyEdit, ...]
    had: frozenset[str]
    inactive: frozenset[str]
    effect: Effect
    refused: str = ""


def author(operator: str, reference: str = "") -> Author:
    """On whose word the upgrade is made."""
    return Author(operator, How.UPGRADE, REASON, reference)


def unknown(legacy: Legacy, press: Press) -> list[Problem]:
    """Everybody in the file whom the store does not know, by line: passed over, they would lose it."""
    with press.store.reading() as view:
        practices, known = view.existing(legacy.had.keys()), view.user_ids(legacy.had.keys())
    problems = []
    for practice, users in legacy.had.items():
        for user in users.keys() - known.get(practice, frozenset()):
            what = f"no user `{user}` in `{practice}`" if practice in practices else f"no practice `{practice}`"
            problems.append(Problem(legacy.lines[practice, user], what))
    return sorted(problems)


def planned(legacy: Legacy, press: Press, author: Author, done: Done = lambda _: None) -> list[Step]:
    """What is to be done in each practice, in order. Writes nothing."""
    with press.store.reading() as view:
        templates = published_templates(view)
    steps = []
    for practice in sorted(legacy.had):
        steps.append(step(practice, legacy.had[practice], press, author, templates))
        done(1)
    return steps


def step(practice: str, had: Mapping[str, bool], press: Press, author: Author, templates: Iterable[Row]) -> Step:
    """What is to be done in one practice, of which `had` says who had it; refused where others would gain by it."""
    who = frozenset(user for user, said in had.items() if said)
    shown = previewed(press, author, practice, lambda now: tuple(edits_for(now, who)))
    users = shown.before.users
    inactive = frozenset(user for user in who if user in users and not users[user].active)
    plan = Step(practice, shown.newest, tuple(edits_for(shown.before, who)), who, inactive, Effect())
    if isinstance(shown.refused, ChangeRefused | InvalidPolicy):
        return replace(plan, refused=shown.refused.message)
    if problem := unlike(shown.after, templates):
        return replace(plan, refused=problem)
    if shown.rehearsal is None:
        return plan
    plan = replace(plan, effect=shown.rehearsal.effect)
    strangers = strangers_to(plan, plan.effect.flips)
    if strangers:
        return replace(plan, refused=f"`{strangers[0].user}` would be affected, who is not to be")
    return plan


def edits_for(now: Practice, who: Iterable[str]) -> Iterator[AnyEdit]:
    """The role where it is missing, and everybody of these into it who is not there."""
    role = now.roles.get(ROLE)
    if role is None:
        yield AddRole(ROLE, template=ROLE)
    members = role.members if role else frozenset()
    yield from (AddMember(ROLE, user) for user in sorted(set(who) - members))


def unlike(after: Practice, templates: Iterable[Row]) -> str:
    """What is wrong with the role of a practice that has one by this name already; empty where it gives as much."""
    wanted, there = (
        {row.fields[2:] for row in rows if row.kind == "p" and row.fields[0] == ROLE_PREFIX + ROLE}
        for rows in (templates, after.rows)
    )
    if not wanted:
        raise UsageError(f"no template `{ROLE}`", "add it to `templates.csv`")
    if there == wanted and not after.roles[ROLE].within:
        return ""
    return f"there is a role `{ROLE}` with other levels than the template: rename it first"


def strangers_to(plan: Step, flips: Iterable[Flip]) -> list[Flip]:
    """Answers that the upgrade must not change: of others, and any that somebody loses."""
    return [flip for flip in flips if not flip.gained or flip.user not in plan.had]


def carried_out(
    steps: Iterable[Step], press: Press, author: Author, done: Done = lambda _: None
) -> Iterator[tuple[Step, Revision | RolewardenError | None]]:
    """Do it, practice by practice; None where nothing was left to do. One that fails does not keep the others."""
    for plan in steps:
        result: Revision | RolewardenError | None
        try:
            result = save(press, author, Draft(plan.practice, plan.base, plan.edits)) if plan.edits else None
        except RolewardenError as error:
            result = error
        done(1)
        yield plan, result
