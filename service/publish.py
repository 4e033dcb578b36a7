"""Spine 2, publish: from what somebody wants to be different to a revision that everybody answers from.

    1. parse                    files become a bundle; rows come as values
    2. lint                     what cannot have been meant
    3. guard rails              what nobody may do: of rows here, of who gains and loses after step 6
    4. build                    the next snapshot of what changes, aside
    5. run the cases            when the files changed
    6.-8.                       effect diff, second opinion, approval: their steps come with Setup
    9. one transaction          rows and revision; refused if the base moved
    10. announce                every worker of this host, before this function returns

Setup, commands and files all come through here; there is no other way to change what is answered. Which change is
wanted is worked out in `service.changes`. `docs/flows.md` tells this in prose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from service import inspection
from service.audit.chain import rows_digest
from service.decision import guards, trial
from service.decision.effect import Effect, effect
from service.store.base import Draft, RequestKey
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Change, Finding, Revision, Row


@dataclass(frozen=True, slots=True)
class Press:
    """What publishing needs: the store, the counter that tells the workers, and the time.

    `request`: the reserved key of the request that the change answers, by which it is carried out once.
    """

    store: Store
    counter: Counter
    now: Callable[[], str] = lambda: datetime.now(UTC).isoformat(timespec="microseconds")
    request: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A change as it would be, when nothing has refused it yet.

    `after`: the rows that each touched practice would have ("" for what all share). `effect`: who could do what.
    `flags`: what a reviewer should see, kept with the revision. `hints`: warnings that are not there already.
    """

    after: Mapping[str, frozenset[Row]]
    effect: Effect
    flags: tuple[str, ...] = ()
    hints: tuple[Finding, ...] = ()


def publish(change: Change, press: Press, files: Mapping[str, str] | None = None) -> Revision:
    """Make a change the next revision. `files`: the texts of the `file` rows that it adds, by path.

    Raises what `rehearse` raises and, in step 9, BaseMoved, ChangeRefused, UsageError (the request has been answered)
    and StoreUnavailable; in each case nothing has changed. When it returns, no worker of this host answers from before.
    """
    after = rehearse(change, press.store, files).after
    # 9. one transaction, and 10. announce: the counter is raised before anybody is told that this went well
    digests = tuple(sorted((name, rows_digest(rows)) for name, rows in after.items()))
    draft = Draft(change, press.now(), digests, request=press.request)
    with press.counter.changing():
        return press.store.commit(draft, files or {})


def rehearse(change: Change, store: Store, files: Mapping[str, str] | None = None) -> Rehearsal:
    """Steps 1 to 6, which write nothing.

    Raises InvalidPolicy (step 1, 2, 5), ChangeRefused (3), BaseMoved and StoreUnavailable.
    """
    base = inspection.read_base(change, store, files or {})
    after = inspection.resulting(change, base.rows)
    # 1. parse
    read = inspection.parsed(base.texts)
    if read.bare is not None:
        inspection.require_no_practices(store, after)
    # 2. lint
    inspection.refuse(inspection.lint_rows(read, after) + inspection.left_behind(store, base.rows, after))
    inspection.require_paired(read, after)
    # 3. guard rails of rows
    inspection.require_unmoved(change, base.rows)
    if read.bare is not None:
        # Steps 4 and 5 of a folder without practices: there is nobody whose access another row could take.
        inspection.refuse(trial.run_cases(read))
        return Rehearsal(after, Effect(()))
    inspection.guard(guards.one_practice(change, base.granted))
    practices = frozenset(row.practice for rows in after.values() for row in rows if row.kind == "practice")
    inspection.guard(guards.practices_apart(chain.from_iterable(after.values()), practices))
    # 4. build
    old = inspection.published_before(base, read) if "" in after else read
    rules_before, rules = trial.ruleset(old), trial.ruleset(read)
    before, next_ = inspection.built(rules_before, base.rows, base.practices), inspection.built(rules, after, practices)
    touched = sorted(set(after) - {""})
    if inspection.shaken(old, read):
        inspection.require_firm(store, old, read, apart_from=after.keys())
    # 5. run the cases
    if "" in after:
        inspection.refuse(trial.run_cases(read))
    # 6. the effect diff, and the guard rails of who gains and who loses
    flips = effect(before, next_, touched)
    inspection.guard(guards.author_rights(change, before, old.catalog))
    inspection.guard(guards.own_access(change, flips, before))
    for practice in touched:
        inspection.guard(guards.last_administrator(practice, before, next_))
    inspection.guard(guards.kept_apart(read.separation, flips, next_, read.catalog))
    flags = (guards.OWN_ACCESS,) if guards.author_gains(change, flips) else ()
    return Rehearsal(after, flips, flags, tuple(inspection.hints(read, base.rows, after)))
