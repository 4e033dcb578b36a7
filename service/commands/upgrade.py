"""`rolewarden upgrade`: from an EHR's old single permission to the two portal screens, with the proof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from service import upgrade as steps
from service.commands import present
from service.commands.desk import Desk, Exit, Name
from service.errors import RolewardenError
from service.policy import legacy
from service.policy.edits import AddMember
from service.policy.legacy import Legacy, Problem
from service.proof import Proof, proved
from service.publish import Press
from service.upgrade import ROLE, Step

MOST = 20
"""Lines of a list that somebody reads; the rest is counted."""


@click.group()
def upgrade() -> None:
    """Bring practices from an older way to decide to this one."""


@upgrade.command("portal-roles")
@click.option(
    "--legacy",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV or JSON of the EHR with practice, user, and whether they had My Tasks > Patient Portal.",
)
@click.option("--reference", type=Name(), help="Where more about it stands.")
@click.option("--yes", is_flag=True, help="Do it. Without this, show what would be done and change nothing.")
@click.pass_obj
def portal_roles(given: Desk, file: Path, reference: str | None, yes: bool) -> int:
    """Give the two portal screens to everybody who had the old permission, and to nobody else.

    They become members of the role Patient Portal Full Access, which is made from its template where it is missing. One
    change for each practice; stopped in the middle it can be begun again, and a second time changes nothing. Ends with
    the proof, and with 1 where anything is not as it should be.

    \b
    Example:
      rolewarden upgrade portal-roles --legacy had-portal.csv
      rolewarden upgrade portal-roles --legacy had-portal.csv --yes
    """
    known, problems = legacy.parse(file.read_bytes())
    author = steps.author(given.author().actor, reference or "")
    with given.press() as press:
        problems = problems or steps.unknown(known, press)
        if problems:
            return _unreadable(file, problems)
        total = len(known.had)
        with present.progress("planning", total) as done:
            plan = steps.planned(known, press, author, done)
        if refused := [step for step in plan if step.refused]:
            return _refused(refused)
        _show(known, plan)
        if not yes:
            present.advise(present.out(), "the same with `--yes` does it", "next")
            return Exit.DONE
        with present.progress("upgrading", total, large=True) as done:
            results = list(steps.carried_out(plan, press, author, done))
        failed = [(step.practice, result) for step, result in results if isinstance(result, RolewardenError)]
        for practice, error in failed[:MOST]:
            present.error(f"`{practice}`: {error.message}", error.mend)
        return _prove(plan, press, failed=len(failed))


def _unreadable(file: Path, problems: Sequence[Problem]) -> Exit:
    shown = _first([f"{present.path(file)}:{problem.line}: {problem.found}" for problem in problems])
    said = f"{present.count(len(problems), 'line')} cannot be followed, so nothing was changed"
    present.error(said, "put them right, or add the users first", shown)
    return Exit.FAILED


def _refused(refused: Sequence[Step]) -> Exit:
    shown = _first([f"{step.practice}: {step.refused}" for step in refused])
    said = f"{present.count(len(refused), 'practice')} cannot be upgraded, so nothing was changed"
    present.error(said, "mend what stands there and begin again", shown)
    return Exit.FAILED


def _show(known: Legacy, plan: Sequence[Step]) -> None:
    console = present.out()
    had = sum(len(step.had) for step in plan)
    here = f"{present.count(len(plan), 'practice')} and {present.count(known.users, 'user')}: {had:,} had it"
    changing = [step for step in plan if step.edits]
    if not changing:
        present.say(console, f"{here}. Nothing to do: each of them is in `{ROLE}` already")
        return
    present.say(console, f"{here}, {known.users - had:,} had not", "")
    table = present.table("Practice", f"Into {ROLE}", "Gain by it", "Lose")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in changing[:MOST]:
        gain = len({flip.user for flip in step.effect.gained})
        joined = sum(isinstance(edit, AddMember) for edit in step.edits)
        table.add_row(present.visible(step.practice), f"{joined:,}", f"{gain:,}", "nobody")
    present.say(console, table)
    if len(changing) > MOST:
        present.say(console, present.below(f"and {present.count(len(changing) - MOST, 'more practice')}"))
    gaining = len({(step.practice, flip.user) for step in plan for flip in step.effect.gained})
    present.say(
        console,
        "",
        f"{present.count(len(changing), 'practice')} would change. {present.count(gaining, 'user')} who had it would "
        "gain it anew; nobody else gains anything, and nobody loses anything",
    )


def _prove(plan: Sequence[Step], press: Press, *, failed: int) -> Exit:
    with present.progress("proving", len(plan), large=True) as done:
        proof = proved(plan, press, done)
    console = present.out()
    present.say(console, "", *_proof(proof))
    if failed:
        present.error(f"{present.count(failed, 'practice')} not upgraded", "run the same again")
    return Exit.DONE if proof.holds and not failed else Exit.FAILED


def _proof(proof: Proof) -> list[str]:
    """What was asked and found, a line each, and beneath it whom it is about."""
    asked = f"{proof.asked:,} questions to the engine"
    lines = [f"proof: {proof.people - len(proof.without):,} of {proof.people:,} people who had it have it ({asked})"]
    lines += _listed([f"`{user}` of `{practice}` has it not" for practice, user in proof.without])
    others = f"{present.count(len(proof.gained), 'user')} beside them gained or lost by it"
    lines.append(f"proof: {others if proof.gained else 'nobody else gained or lost anything'}")
    lines += _listed([f"`{user}` of `{practice}`" for practice, user in proof.gained])
    heard = f"{proof.heard:,} questions about everybody in these practices"
    if proof.differ:
        lines.append(f"proof: stock Casbin differs on {present.count(len(proof.differ), 'user')} ({heard})")
        lines += _listed([f"`{user}` of `{practice}`" for practice, user in proof.differ])
    if proof.unheard:
        about = present.count(len(proof.unheard), "practice")
        lines.append(f"proof: stock Casbin could not be heard about {about} ({heard})")
        lines += _listed([f"`{practice}`" for practice in proof.unheard])
    if not proof.differ and not proof.unheard:
        lines.append(f"proof: stock Casbin says the same ({heard})")
    if proof.inactive:
        lines.append(f"besides, {proof.inactive:,} who had it are inactive: in the role, and refused until enabled")
    return lines


def _listed(found: Sequence[str]) -> list[str]:
    return [f"  {each}" for each in _first(found)]


def _first(found: Sequence[str]) -> list[str]:
    """As many as somebody reads, and how many more there are."""
    return [*found[:MOST], *([f"and {len(found) - MOST:,} more"] if len(found) > MOST else [])]
