"""Standing: what people had before a change and have after it, in the words of those who gave it."""

import time
from dataclasses import replace

import pytest

from service.decision.effect import effect
from service.decision.standing import SOME, Alike, Line, State, alike
from service.decision.trial import ruleset, snapshot
from service.folder import read
from service.policy.bundle import Bundle
from tests.unit.site import LIST, ORDERS, SHIPPED, TASK, load, some

DEMO = load(read(SHIPPED))
ROWS = frozenset(row for world in DEMO.worlds for row in world.rows())
QUEUE = "open the Patient Portal queue"
MESSAGES = ("open a Patient Portal message", "answer a Patient Portal message")


def state(add: str = "", remove: str = "", files: Bundle = DEMO) -> State:
    """The demonstration with these rows more or less."""
    return State(snapshot(ruleset(files), (ROWS | some(add)) - some(remove)), files.screens)


def change(add: str = "", remove: str = "") -> tuple[Alike, ...]:
    """What these rows change for the people of Riverside."""
    before, after = state(), state(add, remove)
    return alike(effect(before.snapshot, after.snapshot, ["riverside", "lakeside"]), before, after, "riverside")


def only(found: tuple[Alike, ...]) -> tuple[tuple[str, ...], Line]:
    """The people and the line of a change that comes to one."""
    ((people, (line,)),) = found
    return people, line


def test_cam_gets_limited_access() -> None:
    """As the vendor calls it, with what Cam can do by it."""
    people, line = only(change("g, user:cam, role:Patient Portal Communications Only, riverside"))
    assert people == ("cam",)
    assert line == Line("Patient Portal", "No access", "Limited Access (response only)", MESSAGES, ())


def test_full_access_becomes_limited() -> None:
    """One line for both screens: the queue is lost."""
    _, line = only(change("", f"p, role:Front Desk, riverside, {LIST}, Write"))
    assert line == Line("Patient Portal", "Full Access", "Limited Access (response only)", (), (QUEUE,))


def test_queue_only() -> None:
    """What Eve has, taken away."""
    _, line = only(change("", "g, user:eve, role:Scheduler, riverside"))
    assert line == Line("Patient Portal", "Queue only", "No access", (), (QUEUE,))


@pytest.mark.parametrize(("level", "after"), [("Read", "Read"), ("Update", "Update"), ("Write", "Write")])
def test_levels_elsewhere(level: str, after: str) -> None:
    """On other screens it is the level."""
    _, line = only(change(f"p, role:Scheduler, riverside, {ORDERS}, {level}"))
    assert (line.subject, line.before, line.after) == (ORDERS, "Off", after)


def test_the_highest_of_several_roles() -> None:
    """Max has Write by another role, so that the loss of Read is none."""
    assert [group.people for group in change("", f"p, role:Biller, riverside, {ORDERS}, Read")] == [("cam",)]


def test_who_fares_alike_is_told_together() -> None:
    """The larger group first, and each person once."""
    found = change(f"p, role:Front Desk, riverside, {ORDERS}, Read\np, role:Biller, riverside, {TASK}, Read")
    assert [(group.people, [line.subject for line in group.lines]) for group in found] == [
        (("cam", "max"), ["Patient Portal"]),
        (("ann",), [ORDERS]),
    ]


def test_gaining_and_losing_at_once() -> None:
    """Somebody may do both, on one screen or on two."""
    ((_, (line,)),) = change(
        f"p, role:Scheduler, riverside, {TASK}, Write", f"p, role:Scheduler, riverside, {LIST}, Write"
    )
    assert (line.gains, line.loses) == (MESSAGES, (QUEUE,))
    assert Alike(("eve",), (line,)).gains
    assert Alike(("eve",), (line,)).loses


def test_nothing_of_another_practice() -> None:
    """Whoever fares there is not among them."""
    assert change("", "g, user:ann, role:Biller, lakeside") == ()


def test_a_combination_without_a_name() -> None:
    """Is told level by level: a screen that opens messages and not the answer, say."""
    text = (
        DEMO.texts["screens.csv"]
        .replace(
            f"g2, respond, Write, {TASK}\ng2, Write, Read, {TASK}\n",
            f"g2, respond, Write, {TASK}\ng2, open_message, Read, {TASK}\ng2, Read, Write, {TASK}\n",
        )
        .replace(f"g2, open_message, Write, {TASK}\n", "")
    )
    odd = load({**{path: each.encode() for path, each in DEMO.texts.items()}, "screens.csv": text.encode()})
    before, after = state(files=odd), state(f"p, role:Biller, riverside, {TASK}, Read", files=odd)
    found = alike(effect(before.snapshot, after.snapshot, ["riverside"]), before, after, "riverside")
    assert [(line.subject, line.before, line.after) for line in found[0].lines] == [(TASK, "Off", "Read")]


def renamed(old: str, new: str) -> Bundle:
    """The demonstration with another text in its catalog."""
    assert old in DEMO.texts["catalog.yaml"]
    text = DEMO.texts["catalog.yaml"].replace(old, new)
    return load({**{path: each.encode() for path, each in DEMO.texts.items()}, "catalog.yaml": text.encode()})


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("    Full Access:", "    All of it:", [("Patient Portal", "No access", "All of it")]),
        ("  Patient Portal:\n", "  The locker:\n", [("The locker", "No access", "Full Access")]),
        ("    Full Access:\n      may:\n", "    Full Access:\n      may:\n        Task - Orders: [view]\n", None),
    ],
    ids=["a profile", "a topic", "something else"],
)
def test_the_catalog_names_it(old: str, new: str, lines: list[tuple[str, str, str]] | None) -> None:
    """A deployment tells what people have by names of its own; what these are not about goes by levels."""
    files = renamed(old, new)
    before, after = state(files=files), state("g, user:cam, role:Front Desk, riverside", files=files)
    (group,) = alike(effect(before.snapshot, after.snapshot, ["riverside"]), before, after, "riverside")
    by_levels = [(TASK, "Off", "Write"), (LIST, "Off", "Write")]
    assert [(line.subject, line.before, line.after) for line in group.lines] == (lines or by_levels)


def test_a_topic_that_was_about_something_else() -> None:
    """What a topic means only after a change is not said of before: it goes by levels."""
    files = renamed("    Full Access:\n      may:\n", "    Full Access:\n      may:\n        Task - Orders: [view]\n")
    before, after = state(), state("", f"p, role:Front Desk, riverside, {LIST}, Write", files=files)
    (group,) = alike(effect(before.snapshot, after.snapshot, ["riverside"]), before, after, "riverside")
    assert [(line.subject, line.before, line.after) for line in group.lines] == [(LIST, "Write", "Off")]


def test_a_screen_that_went() -> None:
    """Is told by the names that are at hand, and never an error."""
    found = alike(effect(state().snapshot, snapshot(ruleset(DEMO), ()), ["riverside"]), state(), nowhere(), "riverside")
    assert {line.after for group in found for line in group.lines} == {"Off"}


def nowhere() -> State:
    """A state without any screen or practice."""
    screens = replace(DEMO.screens, catalog=replace(DEMO.catalog, screens={}, profiles=()), granted={})
    return State(snapshot(ruleset(DEMO), ()), screens)


def test_between_two_levels() -> None:
    """What no level opens is not called by the name of one."""
    screens = replace(DEMO.screens, granted={})
    assert State(state().snapshot, screens).standing("riverside", "max", ORDERS) == SOME


def test_thousands_of_people_are_worked_out_once() -> None:
    """Who has the same roles costs nothing more."""
    crowd = "\n".join(
        f"user, riverside, u{n}, User {n}, active\ng, user:u{n}, role:Front Desk, riverside" for n in range(5_000)
    )
    before, after = state(crowd), state(crowd, f"p, role:Front Desk, riverside, {LIST}, Write")
    flips = effect(before.snapshot, after.snapshot, ["riverside"])
    since = time.perf_counter()
    (group,) = alike(flips, before, after, "riverside")
    assert len(group.people) == 5_001
    assert time.perf_counter() - since < 1
