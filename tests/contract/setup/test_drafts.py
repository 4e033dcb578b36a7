"""What is changed on pages and not saved: kept, shown, taken back, looked at once more, and saved."""

import re
from collections.abc import Iterator

import pytest

from service.policy import edits as editing
from service.policy.edits import AddMember, AddRole, RemoveMember, SetActive, SetLevel
from tests.contract.setup.doors import Setup
from tests.contract.setup.pages import COMMUNICATIONS, DRAFT, ROOT, mark, newest, press, said, save
from tests.unit.site import LIST, ORDERS, TASK, ask


class TestGiving:
    def test_one_press(self, pat: Setup) -> None:
        """What only gives is saved by one press, with who, why and how, and the next check says yes."""
        before = newest(pat).number
        assert press(pat, AddMember(COMMUNICATIONS, "cam")).location == f"{ROOT}/roles"
        assert "1 person gains access. Nobody loses anything." in said(pat.get(f"{ROOT}/roles"))
        assert newest(pat).number == before
        answer = save(pat, note="Begins on Monday", reference="HR 12")
        made = newest(pat)
        assert answer.location == f"{ROOT}/roles?saved={made.number}"
        assert (made.actor, made.how, made.reason, made.reference) == (
            "user:pat",
            "setup",
            "New starter: Begins on Monday",
            "HR 12",
        )
        assert f"Saved as change no. {made.number}" in said(pat.get(answer.location))
        assert ask(pat.office.live, "cam", "respond", TASK).decision.allowed

    def test_a_reason_is_needed(self, pat: Setup) -> None:
        """Without a reason nothing is saved, the page says so at the field, and what was typed stays."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        answer = save(pat, reason="", note="typed")
        assert answer.status_code == 422
        assert 'href="#reason">Choose a reason.' in answer.text
        assert "typed" in answer.text
        assert newest(pat).number == 2

    def test_of_a_made_up_reason(self, pat: Setup) -> None:
        """A reason that the list does not have is none."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        assert save(pat, reason="<script>").status_code == 422

    def test_nothing_to_save(self, pat: Setup) -> None:
        """Save pressed twice saves once; the second press does no harm."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        seen = mark(pat)
        save(pat, mark=seen)
        assert save(pat, mark=seen).status_code == 200
        assert newest(pat).number == 3


class TestTaking:
    def test_it_is_looked_at_once_more(self, pat: Setup) -> None:
        """What takes away stops once for a look; nothing typed is lost by Cancel; Save there saves it."""
        press(pat, RemoveMember("Front Desk", "ann"))
        answer = save(pat, reason="Left", note="last day", reference="R1")
        assert answer.status_code == 303
        assert answer.location.startswith(f"{DRAFT}?back=")
        assert newest(pat).number == 2
        looked = pat.get(answer.location)
        assert "Look once more" in said(looked)
        assert "Ann" in said(looked)
        cancelled = pat.get(f"{ROOT}/roles").text
        assert "last day" in cancelled
        assert 'value="R1"' in cancelled
        assert "<option selected>Left" in cancelled
        done = save(pat, "confirm", reason="Left", note="last day", reference="R1")
        assert done.location == f"{ROOT}/roles?saved=3"
        assert not ask(pat.office.live, "ann", "open_queue", LIST).decision.allowed

    def test_it_cannot_be_confirmed_unseen(self, pat: Setup) -> None:
        """A press of Save saves what stood beside it: what came in from another window is shown first."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        seen = mark(pat)
        press(pat, RemoveMember("Front Desk", "ann"))
        for do in ("save", "confirm"):
            answer = save(pat, do, mark=seen)
            assert answer.status_code == 409
            assert "in another window" in said(answer)
        assert newest(pat).number == 2


class TestTheDraft:
    def test_it_is_one_persons(self, pat: Setup) -> None:
        """Somebody else sees nothing of it; the same person sees it in every browser, and after signing in again."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        sam = pat.another_browser()
        sam.sign_in_as("sam")
        assert "Not saved yet" not in said(sam.get(f"{ROOT}/roles"))
        pat.post("/signout")
        pat.sign_in_as("pat")
        assert "What you changed (1)" in said(pat.get(f"{ROOT}/users"))

    def test_one_edit_is_taken_back(self, pat: Setup) -> None:
        """Each edit has its Undo; Discard takes back all."""
        press(pat, AddMember(COMMUNICATIONS, "cam"), SetLevel("Biller", ORDERS, "Write"))
        pat.post(DRAFT, {"do": "back", "at": "0", "back": f"{ROOT}/roles"})
        shown = said(pat.get(f"{ROOT}/roles"))
        assert "What you changed (1)" in shown
        assert "Write on Task - Orders, was Read" in shown
        pat.post(DRAFT, {"do": "discard", "back": f"{ROOT}/roles"})
        assert "What you changed" not in said(pat.get(f"{ROOT}/roles"))

    def test_words_are_kept(self, pat: Setup) -> None:
        """Reason, note and reference are kept as soon as they are sent, whatever becomes of the session."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        kept = {"do": "note", "reason": "Cover", "note": "two\nlines <b>", "reference": "'x", "back": f"{ROOT}/roles"}
        pat.post(DRAFT, kept)
        shown = pat.get(f"{ROOT}/users").text
        assert "two\nlines &lt;b&gt;" in shown
        assert 'value="&#39;x"' in shown

    @pytest.mark.parametrize("do", ["", "drop", "screen/../x", "edits"])
    def test_a_button_that_is_not_there(self, pat: Setup, do: str) -> None:
        """A form that we never sent changes nothing."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        assert pat.post(DRAFT, {"do": do, "edits": "x", "back": f"{ROOT}/roles"}).status_code == 400
        assert "What you changed (1)" in said(pat.get(f"{ROOT}/roles"))

    def test_what_is_gone_meanwhile(self, pat: Setup) -> None:
        """A button about a role that somebody has deleted meanwhile says so, and the draft stays as it was."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        answer = press(pat, AddMember("Gone", "cam"))
        assert answer.status_code == 409
        assert "There is no role Gone" in said(answer)
        assert "What you changed (1)" in said(pat.get(f"{ROOT}/roles"))


class TestRefused:
    def test_their_own_access(self, pat: Setup) -> None:
        """Nobody gives access to themselves: the page says so beside Save, names who can, and saves nothing."""
        press(pat, AddMember("Front Desk", "pat"))
        assert "You can't change your own access. Ask Sam Roy." in said(pat.get(f"{ROOT}/roles"))
        assert save(pat).status_code == 409
        assert newest(pat).number == 2

    def test_the_last_administrator(self, pat: Setup) -> None:
        """The only administrator cannot be taken out."""
        pat.site.publish(remove="g, user:sam, role:Practice Administrator, riverside")
        press(pat, RemoveMember("Practice Administrator", "pat"))
        shown = said(pat.get(f"{ROOT}/roles"))
        assert "Pat is the only person who can change roles here. Add another first." in shown
        assert save(pat).status_code == 409

    def test_what_only_others_may(self, setup: Setup) -> None:
        """Who may edit roles and not add users is refused by the guard rail, whatever form they send."""
        setup.site.publish(
            "role, riverside, role:Editor\n"
            "p, role:Editor, riverside, Setup - Roles, Update\n"
            "g, user:max, role:Editor, riverside"
        )
        setup.sign_in_as("max")
        press(setup, SetActive("cam", False))
        assert save(setup).status_code == 409
        press(setup, SetActive("cam", True), AddRole("Mine"))
        assert save(setup).status_code == 409
        assert newest(setup).actor == "operator:test"

    def test_of_another_practice(self, pat: Setup) -> None:
        """By no address and no field does an administrator reach another practice."""
        assert pat.get("/practices/lakeside/roles").status_code == 404
        sent = {"do": "edits", "edits": editing.dumped([AddMember("Biller", "ann")]), "practice": "lakeside"}
        assert pat.post("/practices/lakeside/draft", sent).status_code == 404
        with pat.site.view() as view:
            assert view.draft("lakeside", "pat") is None


class TestSomebodyElseWasFirst:
    @pytest.fixture
    def moved(self, pat: Setup) -> Iterator[Setup]:
        """Pat, who has changed something; Sam saved another change since."""
        press(pat, SetLevel("Biller", ORDERS, "Write"))
        pat.seen = mark(pat)  # type: ignore[attr-defined] # for the test that presses the old button
        sam = pat.another_browser()
        sam.sign_in_as("sam")
        press(sam, AddMember(COMMUNICATIONS, "cam"))
        save(sam)
        return pat

    def test_theirs_beside_mine(self, moved: Setup) -> None:
        """Save is refused; theirs stands beside mine with who and when; nothing typed is lost."""
        answer = save(moved, note="mine", mark=moved.seen)  # type: ignore[attr-defined]
        assert answer.status_code == 409
        shown = said(answer)
        assert "Somebody else was first" in shown
        assert re.search(r"Change no. 3, Sam Roy, \d{1,2} \w{3} \d{4}, \d\d:\d\d UTC", shown)
        assert "Cam Cole" in shown
        assert "Write on Task - Orders, was Read" in shown
        assert newest(moved).actor == "user:sam"

    def test_it_is_said_before(self, moved: Setup) -> None:
        """Every page says so before Save is pressed, and the effect that it shows counts theirs in."""
        assert "Somebody else changed this practice since you began" in said(moved.get(f"{ROOT}/users"))

    def test_going_on(self, moved: Setup) -> None:
        """After a look at theirs, mine is laid on top and saved."""
        moved.post(DRAFT, {"do": "again", "reason": "Other", "note": "", "reference": "", "back": f"{ROOT}/roles"})
        assert save(moved).location == f"{ROOT}/roles?saved=4"
        assert ask(moved.office.live, "cam", "respond", TASK).decision.allowed
        assert ask(moved.office.live, "cam", "add", ORDERS).decision.allowed

    def test_another_practice_disturbs_nobody(self, pat: Setup) -> None:
        """A change of another practice is no reason to look again."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        seen = mark(pat)
        pat.site.publish("user, lakeside, zoe, Zoe, active")
        assert save(pat, mark=seen).location == f"{ROOT}/roles?saved=4"


def test_saying_that_it_is_saved(pat: Setup) -> None:
    """A page says `Saved` of the person's own change alone, whatever the address says."""
    for number in ("1", "2", "99", "x", "9" * 40, "²"):
        assert "Saved as" not in said(pat.get(f"{ROOT}/roles?saved={number}"))
