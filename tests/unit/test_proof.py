"""The proof of the upgrade: what it finds wrong, what it leaves to others, and what it does unheard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from service.decision.reach import Hearing
from service.proof import proved
from service.upgrade import ROLE, planned
from service.witness import Difference, Silence, Statement, nobody
from tests.unit.site import LIST, Site
from tests.unit.test_upgrade import OPERATOR, legacy, upgraded

SAID = "riverside ann yes; riverside cam yes; riverside ben no; lakeside ann no"


def test_what_administrators_change_later_is_their_doing(site: Site) -> None:
    """Somebody who gains by a later change did not gain by the upgrade; who was taken out since has it not."""
    upgraded(site, SAID)
    site.publish("g, user:max, role:Front Desk, riverside", f"g, user:cam, role:{ROLE}, riverside")
    proof = proved([replace(step, edits=()) for step in planned(legacy(SAID), site.press, OPERATOR)], site.press)
    assert (proof.without, proof.gained) == ([("riverside", "cam")], [])


def test_who_gained_by_it_and_is_not_said_to_have_had_it(site: Site) -> None:
    """An upgrade by another list than the one that is proved shows in the proof."""
    upgraded(site, SAID)
    proof = proved(planned(legacy("riverside ann yes; riverside cam no"), site.press, OPERATOR), site.press)
    assert (proof.gained, proof.holds) == ([("riverside", "cam")], False)


def test_everybody_is_heard_about(site: Site) -> None:
    """Stock Casbin is asked what the role opens about each active user: three questions each."""
    steps = upgraded(site, SAID)
    asked: list[Hearing] = []

    def noting(hearings: object) -> Statement:
        asked.extend(hearings)  # type: ignore[arg-type]
        return Statement(sum(len(hearing.after.requests) for hearing in asked))

    proof = proved(steps, replace(site.press, opinion=noting))
    with site.view() as view:
        rows = [*view.rows("riverside"), *view.rows("lakeside")]
    active = {
        (row.practice, f"user:{row.fields[1]}") for row in rows if row.kind == "user" and row.fields[3] == "active"
    }
    about = {(request[1], request[0]) for hearing in asked for request in hearing.after.requests}
    assert about == active
    assert proof.heard == 3 * len(active)
    assert all(hearing.before is hearing.after for hearing in asked)


def test_stock_casbin_differs(site: Site) -> None:
    """An answer of stock Casbin that is another one is told with its user, and the proof does not hold."""
    steps = upgraded(site, SAID)

    def differing(hearings: object) -> Statement:
        list(hearings)  # type: ignore[call-overload]
        return Statement(0, (Difference(("user:ann", "riverside", LIST, "open_queue"), after=True, ours=True),))

    proof = proved(steps, replace(site.press, opinion=differing))
    assert (proof.differ, proof.holds) == ([("riverside", "ann")], False)
    assert proof.without == []


@pytest.mark.parametrize("silence", list(Silence))
def test_stock_casbin_is_not_heard(site: Site, silence: Silence) -> None:
    """Where stock Casbin is not heard the proof does not hold, and says of which practices; the engine is asked."""
    steps = upgraded(site, SAID)

    def silent(hearings: object) -> Statement:
        next(iter(hearings))  # type: ignore[call-overload]
        return Statement(0, silence=silence)

    proof = proved(steps, replace(site.press, opinion=silent))
    assert (sorted(set(proof.unheard)), proof.holds) == (["lakeside", "riverside"], False)
    assert (proof.people, proof.without) == (2, [])


def test_nobody_to_ask(site: Site) -> None:
    """A press that was given no opinion proves nothing, in no practice: nothing is passed over unheard."""
    steps = upgraded(site, SAID)
    proof = proved(steps, replace(site.press, opinion=nobody))
    assert (proof.unheard, proof.heard, proof.holds) == (["lakeside", "riverside"], 0, False)


def test_heard_in_part(site: Site) -> None:
    """What is enough for a change to be published is not enough here: whoever was not heard about is unheard."""
    steps = upgraded(site, SAID)

    def cut_short(hearings: Iterable[Hearing]) -> Statement:
        first, *_ = list(hearings)
        return Statement(len(first.after.requests))

    proof = proved(steps, replace(site.press, opinion=cut_short))
    assert (proof.unheard, proof.holds) == (["lakeside", "riverside"], False)
