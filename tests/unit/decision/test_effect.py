"""The effect of a change: every answer that is different, and no other."""

from itertools import product

from service.decision.effect import Effect, Flip, effect
from service.decision.engine import Snapshot
from service.decision.trial import ruleset, snapshot
from service.folder import read
from service.policy.bundle import Bundle
from service.values import USER_PREFIX
from tests.unit.site import LIST, SHIPPED, TASK, load, some

DEMO = load(read(SHIPPED))
ROWS = frozenset(row for world in DEMO.worlds for row in world.rows())


def built(add: str = "", remove: str = "") -> Snapshot:
    """The demonstration with these rows more or less."""
    return snapshot(ruleset(DEMO), (ROWS | some(add)) - some(remove))


def asked(before: Snapshot, after: Snapshot, read: Bundle) -> Effect:
    """The same by asking everything of everybody."""
    flips = []
    for practice in before.divisions.keys() | after.divisions.keys():
        users = {row.fields[1] for row in ROWS if row.kind == "user" and row.practice == practice}
        for user, (screen, actions) in product(users, read.catalog.vocabulary.items()):
            for action in actions:
                request = (USER_PREFIX + user, practice, screen, action)
                was, will = before.decide(request).allowed, after.decide(request).allowed
                if was != will:
                    flips.append(Flip(practice, user, screen, action, will))
    return Effect(tuple(sorted(flips)))


def test_somebody_gains() -> None:
    """Cam, put into Communications Only, may open and answer messages, and nobody loses anything."""
    after = built("g, user:cam, role:Patient Portal Communications Only, riverside")
    found = effect(built(), after, ["riverside", "lakeside"])
    assert [(flip.user, flip.action) for flip in found.gained] == [("cam", "open_message"), ("cam", "respond")]
    assert (found.lost, found.people()) == ((), {("riverside", "cam")})
    assert found == asked(built(), after, DEMO)


def test_another_way_to_the_same() -> None:
    """Who has it by another role as well neither gains nor loses."""
    after = built("g, user:ann, role:Patient Portal Communications Only, riverside")
    assert effect(built(), after, ["riverside"]) == Effect()


def test_a_level_taken_away() -> None:
    """Everybody who had it by that role alone loses it, by name."""
    after = built(remove=f"p, role:Front Desk, riverside, {LIST}, Write")
    found = effect(built(), after, ["riverside"])
    assert found.flips == (Flip("riverside", "ann", LIST, "open_queue", gained=False),)
    assert found == asked(built(), after, DEMO)


def test_somebody_who_leaves_loses_everything() -> None:
    """An inactive user loses all that they had."""
    after = built("user, riverside, ann, Ann Alder, inactive", "user, riverside, ann, Ann Alder, active")
    found = effect(built(), after, ["riverside"])
    assert {(flip.screen, flip.action, flip.gained) for flip in found.flips} == {
        (LIST, "open_queue", False),
        (TASK, "open_message", False),
        (TASK, "respond", False),
    }


def test_undoing() -> None:
    """The effect of going back is the inverse."""
    after = built("g, user:cam, role:Front Desk, riverside", "g, user:ann, role:Front Desk, riverside")
    found = effect(built(), after, ["riverside"])
    assert effect(after, built(), ["riverside"]) == found.inverse()
    assert found == asked(built(), after, DEMO)
    assert {flip.user for flip in found.gained} == {"cam"}


def test_a_practice_that_is_not_there() -> None:
    """Where there is no practice nobody may do anything: all that is opened is gained."""
    found = effect(Snapshot(ruleset(DEMO), {}), built(), ["lakeside", "nowhere"])
    assert {(flip.user, flip.gained) for flip in found.flips} == {("ann", True)}
