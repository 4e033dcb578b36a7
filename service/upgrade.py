"""The upgrade to the two portal screens: who had My Tasks > Patient Portal before has both screens afterwards.

Those who had it become members of one role, made from its template where it is missing. One change for each practice,
through `service.drafts` like every other, so that it can be stopped in the middle and begun again; doing it twice
changes nothing. Nobody who had it loses it and nobody else gains anything, and that is shown before (`planned`) and
asked again after (`proved`), of the rows as they then stand in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from service import inspection
from service.changes import Author, published_templates
from service.decision import trial
from service.decision.effect import Effect, Flip, effect
from service.decision.engine import Ruleset, Snapshot
from service.drafts import Draft, preview, save
from service.errors import ChangeRefused, InvalidPolicy, RolewardenError, UsageError
from service.policy.edits import AddMember, AddRole, AnyEdit
from service.policy.legacy import Legacy, Problem
from service.policy.practice import Practice
from service.publish import Press
from service.store.view import View
from service.values import ROLE_PREFIX, USER_PREFIX, How, Revision, Row

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


@dataclass(frozen=True, slots=True)
class Proof:
    """What was asked afterwards. `without`: (practice, user) who had it and has it not; `gained`: who else gained.

    `asked`: questions to the engine. `inactive`: people who had it, are in the role, and are refused as inactive.
    """

    asked: int
    people: int
    inactive: int
    without: tuple[tuple[str, str], ...]
    gained: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        """Whether everybody who had it has it, and nobody else gained."""
        return not self.without and not self.gained


def author(operator: str, reference: str = "") -> Author:
    """On whose word the upgrade is made."""
    return Author(operator, How.UPGRADE, REASON, reference)


def unknown(legacy: Legacy, press: Press) -> list[Problem]:
    """Everybody in the file whom the store does not know, by line: passed over, they would lose it."""
    with press.store.reading() as view:
        practices = view.practice_ids()
    problems = []
    for practice, users in legacy.had.items():
        known: frozenset[str] = frozenset()
        if practice in practices:
            with press.store.reading() as view:
                known = frozenset(Practice.of(practice, view.rows(practice)).users)
        for user in users.keys() - known:
            what = f"no user `{user}` in `{practice}`" if practice in practices else f"no practice `{practice}`"
            problems.append(Problem(legacy.lines[practice, user], what))
    return sorted(problems)


def planned(legacy: Legacy, press: Press, author: Author, done: Done = lambda _: None) -> list[Step]:
    """What is to be done in each practice, in order. Writes nothing."""
    steps = []
    for practice in sorted(legacy.had):
        steps.append(step(practice, legacy.had[practice], press, author))
        done(1)
    return steps


def step(practice: str, had: Mapping[str, bool], press: Press, author: Author) -> Step:
    """What is to be done in one practice, of which `had` says who had it; refused where others would gain by it."""
    who = frozenset(user for user, said in had.items() if said)
    with press.store.reading() as view:
        now = Practice.of(practice, view.rows(practice))
        newest, templates = view.last_touched(practice), published_templates(view)
    inactive = frozenset(user for user in who if user in now.users and not now.users[user].active)
    edits = tuple(edits_for(now, who))
    plan = Step(practice, newest, edits, who, inactive, Effect())
    shown = preview(press, author, Draft(practice, newest, edits))
    if isinstance(shown.refused, ChangeRefused | InvalidPolicy):
        return replace(plan, refused=shown.refused.message)
    if problem := unlike(shown.after, templates):
        return replace(plan, refused=problem)
    if shown.rehearsal is None:
        return plan
    plan = replace(plan, effect=shown.rehearsal.effect)
    strangers = _strangers(plan.effect.flips, plan)
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
    wanted = {row.fields[2]: row.fields[3] for row in templates if row.fields[0] == ROLE_PREFIX + ROLE}
    if not wanted:
        raise UsageError(f"no template `{ROLE}`", "add it to `templates.csv`")
    role = after.roles[ROLE]
    if role.levels == wanted and not role.within:
        return ""
    return f"there is a role `{ROLE}` with other levels than the template: rename it first"


def _strangers(flips: Iterable[Flip], plan: Step) -> list[Flip]:
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


def proved(steps: Iterable[Step], press: Press, done: Done = lambda _: None) -> Proof:
    """Ask of everybody, of the rows as they stand in the store, whether they have it; and who else gained since."""
    asked, people, inactive, without, gained = 0, 0, 0, list[tuple[str, str]](), list[tuple[str, str]]()
    with press.store.reading() as view:
        read = inspection.parsed(view.files())
        granted = _opened(view)
    rules = trial.ruleset(read)
    for plan in steps:
        with press.store.reading() as view:
            after, before = _compiled(view, rules, plan.practice), _compiled(view, rules, plan.practice, plan.base)
        for user in sorted(plan.had - plan.inactive):
            questions = [(USER_PREFIX + user, plan.practice, *pair) for pair in granted]
            asked += len(questions)
            people += 1
            if not all(after.decide(question).allowed for question in questions):
                without.append((plan.practice, user))
        inactive += len(plan.inactive)
        flips = effect(before, after, [plan.practice]).flips
        gained += sorted({(plan.practice, flip.user) for flip in _strangers(flips, plan)})
        done(1)
    return Proof(asked, people, inactive, tuple(without), tuple(gained))


def _opened(view: View) -> tuple[tuple[str, str], ...]:
    """Each (screen, action) that the template opens."""
    known = inspection.parsed(view.files()).screens.granted
    levels = [row.fields[2:4] for row in published_templates(view) if row.fields[0] == ROLE_PREFIX + ROLE]
    return tuple(sorted((screen, action) for screen, level in levels for action in known[screen, level]))


def _compiled(view: View, rules: Ruleset, practice: str, at: int | None = None) -> Snapshot:
    """One practice as it is, or as it was after a revision."""
    rows = view.rows(practice) if at is None else view.rows_at(at, practice)
    return Snapshot(rules, {practice: rules.compile(rows)})
