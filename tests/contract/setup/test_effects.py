"""What stands beside Save: who gains and who loses, in sentences, and what did not work as meant."""

from service.policy import edits as editing
from service.policy.edits import AddMember, AddRole, DeleteRole, RemoveMember, RenameUser, SetActive, SetLevel
from tests.contract.setup.doors import Setup
from tests.contract.setup.pages import COMMUNICATIONS, ROOT, button, newest, press, said, save
from tests.unit.site import LIST, ORDERS, TASK, ask


def beside(setup: Setup) -> str:
    """What the panel says now."""
    return said(setup.get(f"{ROOT}/roles")).partition("Not saved yet")[2]


class TestSentences:
    def test_limited_access(self, pat: Setup) -> None:
        """Forwarded messages are called so, with the level responsible on demand."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        shown = beside(pat)
        assert "1 person gains access. Nobody loses anything." in shown
        assert "Cam will be able to open and answer messages forwarded to Cam." in shown
        assert f"Why {COMMUNICATIONS} has Write on {TASK}." in shown

    def test_full_access(self, pat: Setup) -> None:
        """The queue and its messages together, in the words of the catalog."""
        press(pat, AddMember("Front Desk", "cam"))
        sentence = "Cam will be able to open the Patient Portal queue, and open and answer its messages."
        assert sentence in beside(pat)

    def test_losing(self, pat: Setup) -> None:
        """Who loses stands first, with what they still have and the row that gave it."""
        press(pat, AddMember("Front Desk", "cam"), SetLevel("Front Desk", LIST, "Off"), AddMember("Biller", "eve"))
        shown = beside(pat)
        lost = "Ann will no longer be able to open the Patient Portal queue."
        assert "2 people gain access. 1 person loses access." in shown
        assert shown.index(lost) < shown.index("Cam will be able to")
        assert f"{lost} Ann can still open and answer messages forwarded to Ann." in shown
        assert f"Why Front Desk had Write on {LIST}." in shown

    def test_a_role_deleted(self, pat: Setup) -> None:
        """What everybody in it loses is said, for those who lose anything: the inactive had nothing."""
        press(pat, DeleteRole("Front Desk"))
        shown = beside(pat)
        assert "1 person loses access." in shown
        assert "Lou" not in shown

    def test_nothing_for_anybody(self, pat: Setup) -> None:
        """A change that moves nobody's access says so."""
        press(pat, AddRole("Empty"))
        assert "Nobody gains or loses anything." in beside(pat)

    def test_everything_is_said(self, pat: Setup) -> None:
        """Each person of the effect has a sentence, whatever was changed at once."""
        press(pat, SetLevel("Biller", ORDERS, "Off"), SetLevel("Clinician", ORDERS, "Read"), SetActive("dee", False))
        shown = beside(pat)
        for words in (
            "Cam will no longer be able to see the Orders queue.",
            "Max will no longer be able to change what is in the Orders queue and add to the Orders queue.",
            "Dee will no longer be able to open the Patient Portal queue, and open and answer its messages.",
        ):
            assert words in shown

    def test_many_alike(self, pat: Setup) -> None:
        """People for whom the same becomes different are told together, and all of them can be read by name."""
        press(pat, *(AddMember(COMMUNICATIONS, who) for who in ("cam", "max", "ada", "sam")))
        shown = beside(pat)
        assert "Ada, Cam and 2 more will be able to open and answer messages forwarded to them." in shown
        listed = shown.partition("All 4 by name")[2]
        assert all(name in listed for name in ("Cam Cole", "Sam Roy"))


class TestWhatDidNotWork:
    def test_a_level_lowered_in_vain(self, pat: Setup) -> None:
        """Who keeps by another role what a level was to take away is named, with a button; nothing else is."""
        press(pat, SetLevel("Biller", ORDERS, "Off"))
        page = pat.get(f"{ROOT}/roles")
        assert "Max still can see the Orders queue through Clinician: to take it away" in said(page)
        assert editing.parsed(button(page, "Take Max out of Clinician")) == (RemoveMember("Clinician", "max"),)

    def test_ann_in_two_roles(self, pat: Setup) -> None:
        """Ann in Front Desk is not limited by a second role: the page says so, and its button takes her out."""
        press(pat, AddMember(COMMUNICATIONS, "ann"))
        page = pat.get(f"{ROOT}/roles")
        warned = "Ann still has Full Access through Front Desk: to limit Ann, take Ann out of Front Desk."
        assert warned in said(page)
        assert save(pat).location.startswith(f"{ROOT}/draft?")
        carried = button(page, "Take Ann out of Front Desk")
        assert editing.parsed(carried) == (RemoveMember("Front Desk", "ann"),)
        press(pat, *editing.parsed(carried))
        shown = beside(pat)
        assert "still has" not in shown
        assert "Ann will no longer be able to open the Patient Portal queue." in shown
        save(pat)
        assert save(pat, "confirm").location == f"{ROOT}/roles?saved={newest(pat).number}"
        live = pat.office.live
        assert not ask(live, "ann", "open_queue", LIST).decision.allowed
        assert ask(live, "ann", "respond", TASK).decision.allowed

    def test_queue_only(self, pat: Setup) -> None:
        """A role that opens the queue and no message is warned about, and stops once for a look."""
        press(pat, SetLevel("Biller", LIST, "Read"))
        assert "Queue only: can open the queue, cannot open or answer messages." in beside(pat)
        assert save(pat).location.startswith(f"{ROOT}/draft?")

    def test_what_was_there_before(self, pat: Setup) -> None:
        """A warning that was there before the change does not stand in its way."""
        press(pat, RenameUser("eve", "Eva Elm"))
        assert save(pat).location == f"{ROOT}/roles?saved=3"
