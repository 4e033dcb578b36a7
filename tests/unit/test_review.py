"""Review: the changes of one practice as a list, and one change with who gained and lost by it."""

from collections.abc import Mapping

import pytest

from service import review
from service.audit.chain import rows_digest
from service.policy.wording import plain
from service.review import Entry, Filter, Told
from service.store.base import Draft, Fared
from service.values import How
from tests.unit.site import LIST, ORDERS, TASK, Site

ONLY = "Patient Portal Communications Only"
NAMES = {"cam": "Cam Cole", "ann": "Ann Alder"}


def listed(site: Site, practice: str = "riverside", names: Mapping[str, str] = NAMES, **wanted: object) -> list[Entry]:
    """The list of a practice."""
    with site.view() as view:
        return list(review.entries(view, practice, Filter(**wanted), names))  # type: ignore[arg-type]


def one(site: Site, number: int, practice: str = "riverside") -> Told:
    """One change."""
    with site.view() as view:
        found = review.told(view, practice, number)
    assert found is not None
    return found


def publish_past_the_cases(site: Site, edits: Mapping[str, tuple[str, str]]) -> None:
    """Publish files that take something away, which the shipped cases would not let pass."""
    change, texts = site.of_files(edits)
    after = (site.rows("") - change.removed) | change.added
    site.store.commit(Draft(change, site.press.now(), (("", rows_digest(after)),)), texts)


def test_the_newest_comes_first(site: Site) -> None:
    """With what was done in words, from the first change on; the publishing of files belongs to every practice."""
    site.publish(f"g, user:cam, role:{ONLY}, riverside")
    newest, _, first = listed(site)
    assert (newest.number, newest.actor, newest.how, newest.shared) == (3, "operator:test", How.COMMAND, False)
    assert [plain(each) for each in newest.what.phrases] == [f"Cam Cole added to {ONLY}"]
    assert (first.number, first.shared) == (1, True)
    assert plain(first.what.phrases[0]) == "Policy file cases/audit.yaml added"


def test_a_change_of_another_practice_is_not_there(site: Site) -> None:
    """Neither in the list nor by its number; and of one that touched both, only the own part is told."""
    site.publish("user, lakeside, kim, Kim Kerr, active")
    assert [each.number for each in listed(site)] == [2, 1]
    with site.view() as view:
        assert review.told(view, "riverside", 3) is None
        assert review.told(view, "riverside", 99) is None
    told = one(site, 2, "lakeside")
    assert [user.name for user in told.moves.users] == ["Ann Archer"]
    assert {row.practice for role in told.moves.roles for _, row in role.rows} == {"lakeside"}
    assert "Riverside" not in repr((told.moves, told.before, told.after, told.alike))


def test_a_very_large_change_is_told_in_numbers(site: Site) -> None:
    """No page reads a hundred thousand rows for one line."""
    crowd = "\n".join(f"user, riverside, u{n}, U {n}, active\ng, user:u{n}, role:{ONLY}, riverside" for n in range(150))
    site.publish(crowd)
    assert [plain(each) for each in listed(site)[0].what.phrases] == ["150 memberships, 150 users added"]


def test_every_change_however_many(site: Site) -> None:
    """The list goes on where its first part ended."""
    for number in range(230):
        site.publish(f"user, riverside, u{number}, U, active")
    with site.view() as view:
        found = [each.number for each in review.every(view, "riverside", Filter(), {})]
        assert found == list(range(232, 0, -1))
        part = review.entries(view, "riverside", Filter(), {}, before=100, limit=2)
        assert [each.number for each in part] == [99, 98]


def test_who_gained(site: Site) -> None:
    """By name, with what they had before and have now, in the words of the vendor."""
    site.publish(f"g, user:cam, role:{ONLY}, riverside")
    told = one(site, 3)
    assert told.alike is not None
    (alike,) = told.alike
    (line,) = alike.lines
    assert (alike.people, line.before, line.after) == (("cam",), "No access", "Limited Access (response only)")
    assert told.names["cam"] == "Cam Cole"


def test_who_lost(site: Site) -> None:
    """Everybody who had it by that role alone."""
    site.publish("", f"p, role:Front Desk, riverside, {LIST}, Write")
    told = one(site, 3)
    assert told.alike is not None
    assert [(alike.people, alike.loses) for alike in told.alike] == [(("ann",), True)]


def test_a_change_without_effect(site: Site) -> None:
    """Says so: nobody is named."""
    site.publish("user, riverside, zoe, Zoe Zander, active")
    told = one(site, 3)
    assert (told.alike, told.people) == ((), Fared(0, 0, 0, ()))


def test_a_change_is_told_as_it_was_then(site: Site) -> None:
    """By the names, roles and levels of its time, whatever has become of them."""
    site.publish(f"g, user:cam, role:{ONLY}, riverside")
    site.publish("user, riverside, cam, Cam Carter, active", "user, riverside, cam, Cam Cole, active")
    site.publish("", f"p, role:{ONLY}, riverside, {TASK}, Write")
    told = one(site, 3)
    assert told.names["cam"] == "Cam Cole"
    assert told.alike is not None
    assert told.alike[0].people == ("cam",)


def test_policy_files_are_told_by_their_effect_here(site: Site) -> None:
    """Who gained and lost in this practice by new files, by the screens of before and after."""
    publish_past_the_cases(site, {"screens.csv": (f"g2, add, Write, {ORDERS}\n", "")})
    told = one(site, 3)
    assert told.shared
    assert [(rule.screen, rule.below, rule.above, rule.added) for rule in told.moves.rules] == [
        (ORDERS, "add", "Write", False)
    ]
    assert told.alike is not None
    assert [(alike.people, alike.lines[0].loses) for alike in told.alike] == [(("max",), ("add to the Orders queue",))]
    assert one(site, 3, "lakeside").alike == ()


def test_files_that_cannot_be_read_any_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed: the change is told without who gained and lost."""
    site.publish(f"g, user:cam, role:{ONLY}, riverside")
    monkeypatch.setattr(review, "_read", lambda texts: None)
    told = one(site, 3)
    assert (told.alike, told.confirmed) == (None, None)
    assert told.moves.roles[0].joined == ("cam",)


def test_the_first_change_of_all(site: Site) -> None:
    """There was nothing before it."""
    told = one(site, 1)
    assert (told.alike, told.before.rows, told.after.rows) == ((), frozenset(), frozenset())
