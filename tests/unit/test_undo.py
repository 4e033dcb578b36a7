"""Undo: a change that takes back another one, and every way in which it may not."""

import pytest

from service import changes, undo
from service.changes import Author
from service.errors import ChangeRefused, PracticeMoved, UsageError
from service.policy.edits import AnyEdit, DeleteRole, RenameRole, SetLevel
from service.values import How, Row
from tests.unit.site import LIST, ORDERS, TASK, Site, reason

ONLY = "Patient Portal Communications Only"
PAT = Author("user:pat", How.SETUP, "Wrong person", "HR-7")


def edit(site: Site, *edits: AnyEdit) -> int:
    """Make a change by edits; its number."""
    base = _base(site)
    done = changes.carry_out(
        site.press, lambda view: changes.of_edits(view, Author("operator:test"), "riverside", edits, base)
    )
    assert done is not None
    return done.number


def _base(site: Site) -> int:
    with site.view() as view:
        return view.last_touched("riverside")


def save(site: Site, number: int) -> None:
    """Undo a change as it is shown now."""
    undo.save(site.press, PAT, "riverside", number, undo.preview(site.press, PAT, "riverside", number).base)


def refused(site: Site, number: int, author: Author = PAT) -> str:
    """Why a change cannot be undone: said before, and done when somebody tries."""
    shown = undo.preview(site.press, author, "riverside", number)
    assert shown.rehearsal is None
    assert isinstance(shown.refused, ChangeRefused)
    before = site.dump()
    with pytest.raises(ChangeRefused) as caught:
        undo.save(site.press, author, "riverside", number, shown.base)
    assert caught.value.rule == shown.refused.rule
    assert site.dump() == before
    return f"{caught.value.rule}: {caught.value.message}"


def test_undoing_gives_back_what_was(site: Site) -> None:
    """The rows are those of before, the next check says no, and the new change names the one that it undoes."""
    before, live = site.rows("riverside"), site.live()
    number = site.publish(f"g, user:cam, role:{ONLY}, riverside").number
    assert reason(live, "cam", "respond", TASK) == "allowed"
    shown = undo.preview(site.press, PAT, "riverside", number)
    assert shown.refused is None
    assert shown.rehearsal is not None
    assert [(flip.user, flip.action) for flip in shown.rehearsal.effect.lost] == [
        ("cam", "open_message"),
        ("cam", "respond"),
    ]
    done = undo.save(site.press, PAT, "riverside", number, shown.base)
    assert done is not None
    assert (done.reason, done.reference, done.actor) == ("Undo of change no. 3: Wrong person", "HR-7", "user:pat")
    assert site.rows("riverside") == before
    assert reason(live, "cam", "respond", TASK) == "no_level"


def test_an_undo_can_be_undone(site: Site) -> None:
    """It is a change like any other."""
    number = edit(site, RenameRole("Nurse", "Nurses"), SetLevel("Nurses", ORDERS, "Read"))
    after = site.rows("riverside")
    save(site, number)
    save(site, number + 1)
    assert site.rows("riverside") == after


def test_looking_writes_nothing(site: Site) -> None:
    """Whatever would come of it."""
    number = site.publish(f"g, user:cam, role:{ONLY}, riverside").number
    before = site.dump()
    undo.preview(site.press, PAT, "riverside", number)
    assert site.dump() == before


def test_later_changes_of_other_things_do_not_matter(site: Site) -> None:
    """Only what the change was about must be as it left it."""
    number = site.publish(f"g, user:cam, role:{ONLY}, riverside").number
    site.publish(f"g, user:max, role:{ONLY}, riverside")
    save(site, number)
    assert Row("g", ("user:max", f"role:{ONLY}", "riverside")) in site.rows("riverside")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (SetLevel("Nurse", ORDERS, "Read"), SetLevel("Nurse", ORDERS, "Write")),
        (SetLevel("Nurse", LIST, "Off"), SetLevel("Nurse", LIST, "Write")),
        (SetLevel("Nurse", LIST, "Write"), SetLevel("Nurse", LIST, "Off")),
    ],
)
def test_what_was_changed_again_is_not_undone(site: Site, first: AnyEdit, then: AnyEdit) -> None:
    """And the change that came since is named, so that it can be undone first."""
    number = edit(site, first)
    edit(site, then)
    assert refused(site, number) == "undo-moved: what change no. 3 did was changed again by change no. 4"
    save(site, number + 1)
    save(site, number)


def test_what_later_changes_rest_on_is_not_undone(site: Site) -> None:
    """A role that got members since does not go from under them, nor does a user from their roles."""
    role = site.publish("role, riverside, role:Porter").number
    user = site.publish("user, riverside, zoe, Zoe Zander, active").number
    site.publish("g, user:zoe, role:Porter, riverside")
    assert refused(site, role).startswith("undo-in-use: later changes rest on Porter")
    assert refused(site, user).startswith("undo-in-use: later changes rest on zoe")


def test_what_is_gone_does_not_get_members_back(site: Site) -> None:
    """Who was taken out of a role that was deleted since is not put into it."""
    number = site.publish("", "g, user:eve, role:Scheduler, riverside").number
    edit(site, DeleteRole("Scheduler"))
    assert refused(site, number).startswith("undo-in-use: later changes rest on Scheduler")


def test_somebody_elses_change_in_between(site: Site) -> None:
    """What was looked at is what is done: whatever touched the practice since has to be looked at first."""
    number = site.publish(f"g, user:cam, role:{ONLY}, riverside").number
    base = undo.preview(site.press, PAT, "riverside", number).base
    site.publish(f"g, user:max, role:{ONLY}, riverside")
    with pytest.raises(PracticeMoved):
        undo.save(site.press, PAT, "riverside", number, base)


def test_a_change_of_another_practice_in_between(site: Site) -> None:
    """Is no reason to refuse."""
    number = site.publish(f"g, user:cam, role:{ONLY}, riverside").number
    base = undo.preview(site.press, PAT, "riverside", number).base
    site.publish("user, lakeside, kim, Kim Kerr, active")
    assert undo.save(site.press, PAT, "riverside", number, base) is not None


def test_only_the_own_part_of_a_change(site: Site) -> None:
    """Of a change that touched two practices, the rows of the other one stay."""
    lakeside = site.rows("lakeside")
    both = site.publish("user, lakeside, kim, Kim Kerr, active\nuser, riverside, kim, Kim Kerr, active").number
    save(site, both)
    assert site.rows("lakeside") == lakeside | {Row("user", ("lakeside", "kim", "Kim Kerr", "active"))}


@pytest.mark.parametrize("number", [0, 1, 3, 99])
def test_no_change_of_this_practice(site: Site, number: int) -> None:
    """One of files, of another practice, or of nobody, cannot be undone here."""
    site.publish("user, lakeside, kim, Kim Kerr, active")
    with pytest.raises(UsageError):
        undo.preview(site.press, PAT, "riverside", number)
    with pytest.raises(UsageError):
        undo.save(site.press, PAT, "riverside", number, 2)


def test_guard_rails_hold(site: Site) -> None:
    """An undo that would leave nobody in charge is refused like any other change."""
    number = site.publish("g, user:ann, role:Practice Administrator, riverside").number
    edit(site, DeleteRole("Nurse"))
    site.publish(
        "", "g, user:pat, role:Practice Administrator, riverside\ng, user:sam, role:Practice Administrator, riverside"
    )
    assert refused(site, number, Author("operator:test")).startswith("last-administrator")
    assert refused(site, number).startswith("author-rights")
