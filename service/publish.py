"""Spine 2, publish: from what somebody wants to be different to a revision that everybody answers from.

    1. parse                    files become a bundle; rows come as values
    2. lint                     what cannot have been meant
    3. guard rails              what nobody may do: of rows here, of who gains and who loses when that is known
    4. build                    each practice that the change is about, before and after, aside
    5. run the cases            when the files changed
    6. the effect diff          everybody who may do something afterwards and not before, or the other way round
    7. the second opinion       stock Casbin is asked what the change can reach, before and after
    8. approval                 by a second person: its step comes with reviews
    9. one transaction          rows, revision and evidence; refused if the base moved
    10. announce                every worker of this host, before this function returns

Setup, commands and files all come through here; there is no other way to change what is answered. Which change is
wanted is worked out in `service.changes`. `docs/flows.md` tells this in prose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from service import inspection, witness
from service.audit.chain import effect_digest, rows_digest
from service.decision import guards, trial
from service.decision.effect import Effect, effect
from service.decision.reach import Docket, Hearing, hearings
from service.staging import Staging
from service.store.base import Affected, Draft, RequestKey
from service.store.counter import Counter as Told
from service.store.sql import Store
from service.values import Change, Evidence, Finding, Revision, Row
from service.witness import Statement

Progress = Callable[[int, int], object]
"""Told, after each practice, how many were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Press:
    """What publishing needs: the store, the counter that tells the workers, the time, and who is asked in step 7.

    `request`: the reserved key of the request that the change answers, by which it is carried out once. A press that
    was given no `opinion` publishes nothing.
    """

    store: Store
    counter: Told
    now: Callable[[], str] = lambda: datetime.now(UTC).isoformat(timespec="microseconds")
    request: RequestKey | None = None
    opinion: Callable[[Iterable[Hearing]], Statement] = witness.nobody


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A change as it would be, when nothing has refused it yet.

    `after`: the rows that each touched practice would have ("" for what all share). `effect`: who could do what.
    `flags`: what a reviewer should see, kept with the revision. `hints`: warnings that are not there already. The
    docket and the staging are what a second opinion is asked about.
    """

    after: Mapping[str, frozenset[Row]]
    effect: Effect
    flags: tuple[str, ...]
    hints: tuple[Finding, ...]
    docket: Docket = field(repr=False, compare=False)
    staging: Staging = field(repr=False, compare=False)


def publish(
    change: Change, press: Press, files: Mapping[str, str] | None = None, progress: Progress | None = None
) -> Revision:
    """Make a change the next revision. `files`: the texts of the `file` rows that it adds, by path.

    Raises what `rehearse` raises and, in step 7, ChangeRefused, and in step 9, BaseMoved, ChangeRefused, UsageError
    (the request has been answered) and StoreUnavailable; in each case nothing has changed. When it returns, no worker
    of this host answers from before.
    """
    rehearsal = rehearse(change, press.store, files, progress)
    evidence = second_opinion(rehearsal, press)
    # 9. one transaction, and 10. announce: the counter is raised before anybody is told that this went well
    digests = tuple(sorted((name, rows_digest(rows)) for name, rows in rehearsal.after.items()))
    draft = Draft(change, press.now(), digests, evidence, affected(rehearsal.effect), press.request)
    with press.counter.changing():
        return press.store.commit(draft, files or {})


def rehearse(
    change: Change, store: Store, files: Mapping[str, str] | None = None, progress: Progress | None = None
) -> Rehearsal:
    """Steps 1 to 6, which write nothing.

    Raises InvalidPolicy (step 1, 2, 5), ChangeRefused (3), BaseMoved and StoreUnavailable.
    """
    base = inspection.read_base(change, store, files or {})
    after = inspection.resulting(change, base.rows)
    # 1. parse
    read = inspection.parsed(base.texts)
    if read.bare is not None:
        inspection.require_no_practices(store, after)
    old = inspection.published_before(base, read) if "" in after else read
    # 2. lint
    inspection.refuse(inspection.lint_rows(read, base.rows, after) + inspection.left_behind(store, base.rows, after))
    inspection.require_paired(read, after)
    # 3. guard rails of rows
    inspection.require_unmoved(change, base.rows)
    if read.bare is not None:
        # Steps 4 to 7 of a folder without practices: nobody's access is in question but that of its cases.
        inspection.refuse(trial.run_cases(read))
        nobody = Staging(base, after, read, read, store)
        return Rehearsal(after, Effect(), (), (), nobody.docket(), nobody)
    inspection.guard(guards.one_practice(change, base.granted))
    existing = frozenset(row.practice for rows in after.values() for row in rows if row.kind == "practice")
    inspection.guard(guards.practices_apart(chain.from_iterable(after.values()), existing))
    # 4. build, one practice after the other
    staging = Staging(base, after, old, read, store)
    # 5. run the cases
    if "" in after:
        inspection.refuse(trial.run_cases(read))
    # 6. the effect diff, and the guard rails of who gains and who loses
    effects, hints, docket = [], inspection.declared_apart(store, old, read), staging.docket()
    for done, stage in enumerate(staging, 1):
        before, next_ = stage.before.snapshot, stage.after.snapshot
        found = effect(before, next_, [stage.practice])
        if stage.changed:
            inspection.guard(guards.author_rights(change, before, old.catalog))
            inspection.guard(guards.own_access(change, found, before))
            hints += inspection.hints(read, stage.practice, stage.before.rows, stage.after.rows)
        inspection.guard(guards.last_administrator(stage.practice, before, next_))
        inspection.guard(guards.kept_apart(read.separation, found, next_, read.catalog))
        docket.add(stage.practice, (stage.before, stage.after), stage.changed, found)
        effects.append(found)
        if progress is not None:
            progress(done, len(staging.practices))
    whole = Effect.of(effects)
    flags = (guards.OWN_ACCESS,) if guards.author_gains(change, whole) else ()
    return Rehearsal(after, whole, flags, tuple(hints), docket, staging)


def second_opinion(rehearsal: Rehearsal, press: Press) -> Evidence:
    """Step 7: the evidence of a change, once stock Casbin was heard about it. ChangeRefused where it does not agree."""
    found, docket = rehearsal.effect, rehearsal.docket
    statement = press.opinion(hearings(docket, rehearsal.staging.sides))
    inspection.agreement(statement)
    counts = len(found.gained), len(found.lost)
    return Evidence(effect_digest(found), *counts, statement.asked, docket.of, rehearsal.flags)


def affected(found: Effect) -> tuple[Affected, ...]:
    """The effect as lists of changes need it: counts for each person and screen."""
    counts = Counter((flip[:3], flip.gained) for flip in found.flips)
    about = sorted({key for key, _ in counts})
    return tuple(Affected(*key, counts[key, True], counts[key, False]) for key in about)
