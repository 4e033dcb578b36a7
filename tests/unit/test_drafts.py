"""Drafts: what is shown is what is saved, and who comes second sees what came first."""

from dataclasses import replace

import pytest

from service.changes import Author
from service.drafts import Draft, preview, save
from service.errors import ChangeRefused, PracticeMoved, UsageError
from service.policy.edits import AddMember, AddRole, AddUser, DeleteRole, SetLevel
from service.values import How
from tests.unit.site import LIST, ORDERS, TASK, Site, reason

PAT = Author("user:pat", How.SETUP, "New starter")
LIMITED = "Patient Portal Communications Only"


def begun(site: Site, *edits: object, practice: str = "riverside") -> Draft:
    """A draft of these edits from the newest change of its practice."""
    with site.view() as view:
        return Draft(practice, view.last_touched(practice), edits)  # type: ignore[arg-type] # edits


def test_what_is_shown_is_what_is_saved(site: Site) -> None:
    """The rows and the effect of a preview are those of the revision; and the preview wrote nothing."""
    draft, head = begun(site, SetLevel(LIMITED, LIST, "Read"), AddMember(LIMITED, "cam")), site.head()
    shown = preview(site.press, PAT, draft)
    assert shown.rehearsal is not None
    assert site.head() == head
    assert {flip.user for flip in shown.rehearsal.effect.gained} == {"ben", "cam"}
    saved = save(site.press, PAT, draft)
    assert saved is not None
    assert site.rows("riverside") == shown.after.rows
    assert reason(site.live(), "cam", "respond", TASK) == "allowed"
    assert (saved.actor, saved.how, saved.reason) == ("user:pat", "setup", "New starter")


def test_nothing_to_do(site: Site) -> None:
    """A draft of what is so already is shown as nothing, and saving it makes no revision."""
    draft = begun(site, AddMember("Front Desk", "ann"))
    assert preview(site.press, PAT, draft).nothing
    assert save(site.press, PAT, draft) is None


def test_a_change_of_another_practice_is_no_reason_to_refuse(site: Site) -> None:
    """Somebody's change of Lakeside does not disturb a draft of Riverside."""
    draft = begun(site, AddMember(LIMITED, "cam"))
    site.publish(f"p, role:Biller, lakeside, {LIST}, Read")
    assert save(site.press, PAT, draft) is not None


def test_somebody_else_came_first(site: Site) -> None:
    """A draft of a practice that was changed since is refused, saying by which change; looked at anew, it is saved."""
    draft = begun(site, AddMember(LIMITED, "cam"))
    theirs = site.publish(f"p, role:Biller, riverside, {TASK}, Read")
    with pytest.raises(PracticeMoved) as moved:
        save(site.press, PAT, draft)
    assert (moved.value.base, moved.value.head) == (draft.base, theirs.number)
    shown = preview(site.press, PAT, draft)
    assert shown.newest == theirs.number
    assert save(site.press, PAT, replace(draft, base=shown.newest)) is not None


def test_a_draft_that_cannot_be(site: Site) -> None:
    """An edit of what is not there is shown with its reason, beside the practice as it is."""
    shown = preview(site.press, PAT, begun(site, DeleteRole("Nobody")))
    assert isinstance(shown.refused, ChangeRefused)
    assert (shown.refused.rule, shown.rehearsal, shown.after) == ("role-unknown", None, shown.before)


def test_what_lint_refuses_is_shown(site: Site) -> None:
    """A level that there is not is shown as refused, with what it would have been."""
    shown = preview(site.press, PAT, begun(site, SetLevel("Biller", ORDERS, "Admin")))
    assert shown.refused is not None
    assert shown.after.level("Biller", ORDERS) == "Admin"
    with pytest.raises(type(shown.refused)):
        save(site.press, PAT, begun(site, SetLevel("Biller", ORDERS, "Admin")))


def test_several_edits_are_one_change(site: Site) -> None:
    """A new role with a new user in it is one revision, or none at all."""
    head = site.head()
    draft = begun(site, AddRole("Cover", template=LIMITED), AddUser("zoe", "Zoe"), AddMember("Cover", "zoe"))
    saved = save(site.press, PAT, draft)
    assert (site.head(), saved is not None) == (head + 1, True)
    assert reason(site.live(), "zoe", "respond", TASK) == "allowed"
    with pytest.raises(ChangeRefused):
        save(site.press, PAT, begun(site, AddMember("Cover", "cam"), AddMember("Nobody", "cam")))
    assert site.head() == head + 1


def test_no_practice(site: Site) -> None:
    """A draft of a practice that does not exist is nobody's."""
    with pytest.raises(UsageError):
        preview(site.press, PAT, begun(site, AddMember("Front Desk", "ann"), practice="hilltop"))
