"""The upgrade: who had it has it, nobody else gains, and the second time there is nothing to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service import upgrade
from service.policy.edits import AddMember, AddRole, SetLevel
from service.policy.legacy import Legacy, parse
from service.proof import proved
from service.upgrade import ROLE, Step, author, carried_out, planned, unknown
from tests.unit.site import LIST, ORDERS, TASK, Site, reason

OPERATOR = author("operator:test")
EXISTING = f"role, riverside, role:{ROLE}\n" + "".join(
    f"p, role:{ROLE}, riverside, {at}, Write\n" for at in (LIST, TASK)
)
"""A role of that name, as the template would make it."""


def legacy(text: str) -> Legacy:
    """`legacy("riverside ann yes; riverside cam no")`."""
    lines = "".join(line.strip().replace(" ", ",") + "\n" for line in text.split(";"))
    read, problems = parse(f"practice,user,had\n{lines}".encode())
    assert problems == []
    return read


def upgraded(site: Site, text: str) -> list[Step]:
    """Plan it and do it; each step must go well."""
    plan = planned(legacy(text), site.press, OPERATOR)
    assert [step.refused for step in plan] == [""] * len(plan)
    assert not [result for _, result in carried_out(plan, site.press, OPERATOR) if isinstance(result, Exception)]
    return plan


def test_who_had_it_has_it(site: Site) -> None:
    """Everybody who had it has both screens by the role, and nobody else is in it."""
    [step] = upgraded(site, "riverside ann yes; riverside cam yes; riverside ben no; riverside eve no")
    live = site.live()
    assert [reason(live, user, "open_queue", LIST) for user in ("ann", "cam")] == ["allowed"] * 2
    assert [reason(live, user, "respond", TASK) for user in ("ann", "cam")] == ["allowed"] * 2
    assert (reason(live, "ben", "open_queue", LIST), reason(live, "eve", "respond", TASK)) == ("no_level", "no_level")
    assert step.effect.people() == {("riverside", "cam")}
    proof = proved([step], site.press)
    assert (proof.holds, proof.people, proof.asked) == (True, 2, 6)


def test_twice(site: Site) -> None:
    """The second time nothing is to be done, no revision is made, and the proof holds."""
    text = "riverside ann yes; riverside cam yes; lakeside ann no"
    upgraded(site, text)
    head = site.head()
    plan = upgraded(site, text)
    assert [step.edits for step in plan] == [(), ()]
    assert site.head() == head
    assert proved(plan, site.press).holds


def test_one_change_for_each_practice(site: Site) -> None:
    """Each practice has a revision of its own, marked as an upgrade; one in which nobody had it has the role."""
    head = site.head()
    upgraded(site, "riverside cam yes; lakeside ann no")
    with site.view() as view:
        made = view.revisions(limit=2)
    assert [(each.how.value, [name for name, _ in each.practices]) for each in made] == [
        ("upgrade", ["riverside"]),
        ("upgrade", ["lakeside"]),
    ]
    assert site.head() == head + 2
    assert reason(site.live(), "ann", "open_queue", LIST, "lakeside") == "no_level"


def test_begun_again(site: Site) -> None:
    """Stopped after the first practice, it goes on with the second."""
    text = "lakeside ann yes; riverside cam yes"
    plan = planned(legacy(text), site.press, OPERATOR)
    next(iter(carried_out(plan, site.press, OPERATOR)))
    again = planned(legacy(text), site.press, OPERATOR)
    assert [bool(step.edits) for step in again] == [False, True]
    list(carried_out(again, site.press, OPERATOR))
    assert proved(again, site.press).holds


def test_an_inactive_user(site: Site) -> None:
    """Who had it and is inactive is in the role, still refused, and counted apart."""
    [step] = upgraded(site, "riverside lou yes; riverside ann yes")
    proof = proved([step], site.press)
    assert (proof.holds, proof.people, proof.inactive) == (True, 1, 1)
    assert reason(site.live(), "lou", "respond", TASK) == "inactive_user"
    site.set_active("lou", active=True)
    assert reason(site.live(), "lou", "respond", TASK) == "allowed"


def test_whom_nobody_knows(site: Site) -> None:
    """Users and practices that the store does not know are told by line."""
    found = unknown(legacy("riverside ann yes; riverside zoe no; hilltop ann yes"), site.press)
    assert [(problem.line, problem.found) for problem in found] == [
        (3, "no user `zoe` in `riverside`"),
        (4, "no practice `hilltop`"),
    ]


@pytest.mark.parametrize(
    "add",
    [
        f"p, role:{ROLE}, riverside, {LIST}, Write\nrole, riverside, role:{ROLE}",
        EXISTING + f"p, role:{ROLE}, riverside, {ORDERS}, Read",
        EXISTING + f"g, role:{ROLE}, role:Biller, riverside",
    ],
    ids=["fewer", "more", "within another"],
)
def test_a_role_of_that_name(site: Site, add: str) -> None:
    """A role of that name with other levels than the template is refused: they would gain more, or have less."""
    site.publish(add)
    [step] = planned(legacy("riverside ann yes"), site.press, OPERATOR)
    assert "with other levels than the template" in step.refused


def test_a_role_of_that_name_from_the_template(site: Site) -> None:
    """A role that was made from the template before is taken as it is, with whoever is in it."""
    site.publish(EXISTING + f"g, user:max, role:{ROLE}, riverside")
    [step] = upgraded(site, "riverside ann yes; riverside max no")
    assert step.edits == (AddMember(ROLE, "ann"),)
    assert proved([step], site.press).holds


def test_a_role_below_it(site: Site) -> None:
    """Where others are in a role that is in this one, they gain nothing by the upgrade, and it goes well."""
    site.publish(EXISTING + f"g, role:Biller, role:{ROLE}, riverside")
    [step] = upgraded(site, "riverside ann yes")
    assert step.effect.people() == frozenset()


def test_somebody_elses_change_in_between(site: Site) -> None:
    """A practice that was changed since the plan is left as it is, and told; the others go on."""
    plan = planned(legacy("lakeside ann yes; riverside cam yes"), site.press, OPERATOR)
    site.publish("g, user:ann, role:Biller, riverside")
    results = [type(result).__name__ for _, result in carried_out(plan, site.press, OPERATOR)]
    assert results == ["Revision", "PracticeMoved"]


def test_the_proof_finds_what_is_wrong(site: Site) -> None:
    """Who had it and has it not, and who gained beside them, are found by the proof."""
    [step] = planned(legacy("riverside cam yes; riverside ann yes"), site.press, OPERATOR)
    assert step.edits[0] == AddRole(ROLE, template=ROLE)
    site.publish("g, user:max, role:Front Desk, riverside", "g, user:ann, role:Front Desk, riverside")
    proof = proved([step], site.press)
    assert not proof.holds
    assert proof.without == [("riverside", "ann"), ("riverside", "cam")]
    assert proof.gained == [("riverside", "ann"), ("riverside", "max")]


def test_strangers_are_not_touched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan by which anybody else would gain is refused before anything is done."""
    wrong = (AddRole(ROLE, template=ROLE), AddMember(ROLE, "cam"), SetLevel("Biller", LIST, "Read"))
    monkeypatch.setattr(upgrade, "edits_for", lambda *_: iter(wrong))
    [step] = planned(legacy("riverside cam yes"), site.press, OPERATOR)
    assert "`max` would be affected" in step.refused


def test_a_file_of_nobody_who_had_it(site: Site) -> None:
    """A practice of people who all had it not gets the role, and nobody in it."""
    [step] = upgraded(site, "riverside ben no; riverside cam no")
    assert step.edits == (AddRole(ROLE, template=ROLE),)
    assert replace(step, edits=()) == replace(
        planned(legacy("riverside ben no"), site.press, OPERATOR)[0], base=step.base
    )
