"""The pages of Setup > Roles, Setup > Users and Try it: what each shows, offers, and takes."""

import io
import re

import pytest

from service.policy import edits as editing
from service.policy.edits import AddMember, AddRole, AddUser, DeleteRole, RemoveMember, RenameRole, SetLevel
from tests.contract.setup.doors import Setup
from tests.contract.setup.pages import COMMUNICATIONS, DRAFT, ROOT, button, press, said, save
from tests.unit.site import LIST, ORDERS, TASK


def draft(setup: Setup, user: str = "pat") -> editing.Edits:
    """The edits of somebody's draft."""
    with setup.site.view() as view:
        kept = view.draft("riverside", user)
    return editing.parsed(kept.edits) if kept else ()


class TestWhomToBe:
    def test_what_each_may_do(self, setup: Setup) -> None:
        """Who has something to do in Setup stands first, then what people have by the names of the catalog."""
        shown = said(setup.get("/signin")).partition("Riverside Family Practice")[2]
        people = (
            "Pat Pine changes roles and users",
            "Ada Ash reads the record of changes",
            "Ann Alder Patient Portal: Full Access",
            "Ben Birch Patient Portal: Limited Access (response only)",
            "Eve Elm Patient Portal: Queue only",
            "Cam Cole Patient Portal: No access",
            "Lou Lark is inactive, and refused everything",
        )
        places = [shown.index(words) for words in people]
        assert places == sorted(places)


class TestFinding:
    def test_screens_first(self, pat: Setup) -> None:
        """`Patient Portal` finds two screens, under the heading of the help article, and then one role."""
        shown = said(pat.get(f"{ROOT}/roles?find=patient+portal"))
        order = ["Screens (the help article calls these roles)", "Screens (2)", LIST, TASK, "Roles (1)", COMMUNICATIONS]
        places = [shown.index(words) for words in order]
        assert places == sorted(places)

    def test_nothing(self, pat: Setup) -> None:
        """A search that finds nothing says what was searched for, as it was typed."""
        page = pat.get(f"{ROOT}/roles?find=<script>alert(1)</script>")
        assert "No screen has “<script>alert(1)</script>” in its name." in said(page).replace("&lt;", "<")
        assert "<script>alert" not in page.text


class TestAScreen:
    def test_every_role_with_its_level(self, pat: Setup) -> None:
        """Each role, with what its levels on the two portal screens mean together, and levels as people read them."""
        shown = said(pat.get(f"{ROOT}/roles?screen={TASK}"))
        for words in (
            "Front Desk Full Access: can open the Patient Portal queue, and open and answer its messages",
            f"{COMMUNICATIONS} Limited Access (response only): can open and answer messages forwarded to them",
            "Scheduler Queue only: can open the queue, cannot open or answer messages",
            "Biller No access",
            "Update (same as Write on this screen)",
        ):
            assert words in shown

    def test_a_deployment_names_its_combinations(self, pat: Setup) -> None:
        """Names, and what they are about, are the catalog's on every page; what it does not name is not named."""
        for old, new in (
            ("    Full Access:", "    The whole locker:"),
            ("    Queue only:", "    Sees it:"),
            ("  Patient Portal:\n", "  Locker:\n"),
        ):
            pat.site.publish_files({"catalog.yaml": (old, new)})
        whole = "The whole locker: can open the Patient Portal queue, and open and answer its messages"
        assert f"Front Desk {whole}" in said(pat.get(f"{ROOT}/roles?screen={LIST}"))
        shown = said(pat.get(f"{ROOT}/roles"))
        assert "Role Locker Members Screens" in shown
        assert f"Front Desk {whole} 2 2" in shown
        assert f"Front Desk Locker: {whole}" in said(pat.get(f"{ROOT}/role?name=Front Desk"))
        assert f"Locker {whole} No access" in said(pat.get(f"{ROOT}/roles/compare?one=Front Desk&other=Biller"))
        shown = said(pat.get(f"{ROOT}/users"))
        assert "Name User ID Roles Locker" in shown
        assert "Eve Elm eve Scheduler Sees it" in shown
        assert "Front Desk The whole locker open" in said(pat.get(f"{ROOT}/user?id=ann"))
        assert "ann · The whole locker, in Front Desk" in said(pat.get(f"{ROOT}/limit"))
        assert "now: The whole locker" in said(pat.get(f"{ROOT}/limit?pick=ann"))

    def test_a_catalog_without_profiles(self, pat: Setup) -> None:
        """Pages go by levels alone, and nobody can be limited to what has no name."""
        with pat.site.view() as view:
            text = view.files()["catalog.yaml"]
        start, end = text.index("profiles:"), text.index("screens:\n")
        pat.site.publish_files({"catalog.yaml": (text[start:end], "")})
        for place in (f"roles?screen={TASK}", "roles", "role?name=Front Desk", "users", "user?id=ann"):
            shown = said(pat.get(f"{ROOT}/{place}"))
            assert not re.search("Full Access|No access", shown)
        assert "No role gives forwarded messages alone." in said(pat.get(f"{ROOT}/limit?pick=ann"))

    def test_other_screens(self, pat: Setup) -> None:
        """Elsewhere nothing is said of the portal, and the levels say what they open."""
        shown = said(pat.get(f"{ROOT}/roles?screen={ORDERS}"))
        assert "Full Access" not in shown.partition("Members")[2].partition("Nothing is changed")[0]
        assert "Write: see the Orders queue; change what is in the Orders queue; add to the Orders queue" in shown

    def test_levels_and_people(self, pat: Setup) -> None:
        """Radios and ticks become edits, and one comes back to the same page."""
        back = f"{ROOT}/roles?screen=Task+-+Orders"
        form = {"do": "screen", "screen": ORDERS, "was/Biller": "Read", "level/Biller": "Write", "back": back}
        assert pat.post(DRAFT, form).location == back
        pat.post(DRAFT, {"do": "members", "role": "Biller", "pick": ["eve", "ben"], "back": back})
        assert draft(pat) == (
            SetLevel("Biller", ORDERS, "Write"),
            AddMember("Biller", "eve"),
            AddMember("Biller", "ben"),
        )
        shown = said(pat.get(back))
        assert "was Read" in shown
        assert "Ben Birch joins" in shown

    def test_no_such_screen(self, pat: Setup) -> None:
        """A screen that there is not is said to be none."""
        answer = pat.get(f"{ROOT}/roles?screen=Task")
        assert answer.status_code == 404
        assert "There is no screen “Task”." in said(answer)

    def test_picking_without_a_script(self, pat: Setup) -> None:
        """Whoever was ticked stays ticked while one searches for others; those who are in the role are not offered."""
        page = pat.get(f"{ROOT}/roles?screen={TASK}&add={COMMUNICATIONS}&who=eve&pick=cam&role=x&back=y").text
        picks = re.findall(r'name="pick" value="(\w+)"( checked)?', page)
        assert picks == [("cam", " checked"), ("eve", "")]


class TestARole:
    def test_new_from_a_template(self, pat: Setup) -> None:
        """A template shows what it gives before the role is made."""
        page = pat.get(f"{ROOT}/role/new?begins=template/Patient Portal Full Access")
        assert f"Write on {LIST} Write on {TASK}" in said(page)
        form = {"name": "Reception", "begins": "template/Patient Portal Full Access", "make": "1"}
        assert pat.post(f"{ROOT}/role/new", form).location == f"{ROOT}/role?name=Reception"
        assert draft(pat) == (AddRole("Reception", template="Patient Portal Full Access"),)
        assert "Full Access" in said(pat.get(f"{ROOT}/role?name=Reception"))

    def test_duplicate(self, pat: Setup) -> None:
        """Its members are shown, none of them ticked; those whom one ticks come along."""
        page = pat.get(f"{ROOT}/role/new?begins=role/Front Desk").text
        assert re.findall(r'name="pick" value="(\w+)"( checked)?', page) == [("ann", ""), ("lou", "")]
        pat.post(f"{ROOT}/role/new", {"name": "Back Desk", "begins": "role/Front Desk", "pick": "ann", "make": "1"})
        assert draft(pat) == (AddRole("Back Desk", like="Front Desk"), AddMember("Back Desk", "ann"))

    @pytest.mark.parametrize("name", ["", "front desk", "role:x", "a\u200bb"])
    def test_a_name_that_does_not_hold(self, pat: Setup, name: str) -> None:
        """The page says it in a summary that leads to the field, and at the field; what was typed is still there."""
        answer = pat.post(f"{ROOT}/role/new", {"name": name, "begins": "role/Front Desk", "pick": "ann", "make": "1"})
        assert answer.status_code == 422
        assert 'href="#name"' in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert 'name="pick" value="ann" checked' in answer.text
        assert draft(pat) == ()

    def test_rename(self, pat: Setup) -> None:
        """A new name is a change like any other; the page under the old one leads on."""
        answer = pat.post(f"{ROOT}/role", {"role": "Front Desk", "to": "Reception"})
        assert answer.location == f"{ROOT}/role?name=Reception"
        assert draft(pat) == (RenameRole("Front Desk", "Reception"),)
        shown = said(pat.get(answer.location))
        assert "was Front Desk" in shown
        assert "was Off" not in shown
        assert "called Reception" in said(pat.get(f"{ROOT}/role?name=Front Desk"))
        taken = pat.post(f"{ROOT}/role", {"role": "Reception", "to": "Nurse", "back": answer.location})
        assert taken.status_code == 422
        assert "There is a role “Nurse” already." in said(taken)

    def test_delete(self, pat: Setup) -> None:
        """Deleted in the draft alone; the page says so, and what everybody loses stands beside it."""
        carried = button(pat.get(f"{ROOT}/role?name=Front Desk"), "Delete this role")
        assert editing.parsed(carried) == (DeleteRole("Front Desk"),)
        press(pat, *editing.parsed(carried))
        shown = said(pat.get(f"{ROOT}/role?name=Front Desk"))
        assert "this role is deleted" in shown
        assert "Ann will no longer be able to" in shown
        assert "Front Desk deleted" in said(pat.get(f"{ROOT}/roles"))

    def test_none(self, pat: Setup) -> None:
        """A role that there is not is said to be none."""
        assert pat.get(f"{ROOT}/role?name=Nobody").status_code == 404

    def test_compare(self, pat: Setup) -> None:
        """Two roles side by side, with what differs."""
        shown = said(pat.get(f"{ROOT}/roles/compare?one=Front Desk&other=Nurse"))
        assert f"{LIST} differs Write Read (same as Write on this screen)" in shown
        assert "Ann Alder in it –" in shown


class TestUsers:
    def test_the_directory(self, pat: Setup) -> None:
        """Everybody, with roles and what they have of the portal; a search by name or User ID."""
        shown = said(pat.get(f"{ROOT}/users"))
        assert "10 users" in shown
        assert "Lou Lark inactive lou Front Desk" in shown
        assert "Ben Birch ben Patient Portal Communications Only Limited Access (response only)" in shown
        assert "1 user " in said(pat.get(f"{ROOT}/users?find=birch"))

    def test_add(self, pat: Setup) -> None:
        """A user is added to the draft, and their page opens to give roles."""
        answer = pat.post(f"{ROOT}/users", {"user": "noa", "name": "Noa North"})
        assert answer.location == f"{ROOT}/user?id=noa"
        assert "Noa North new" in said(pat.get(answer.location))
        refused = pat.post(f"{ROOT}/users", {"user": "noa", "name": "Other"})
        assert refused.status_code == 422
        assert 'value="Other"' in refused.text

    def test_what_a_user_can_do_and_why(self, pat: Setup) -> None:
        """Sentence by sentence, with the level responsible, by the name that people have for it."""
        assert "Ann has Full Access: Ann can open the Patient Portal queue" in said(pat.get(f"{ROOT}/user?id=ann"))
        shown = said(pat.get(f"{ROOT}/user?id=max"))
        assert f"Clinician has Write on {ORDERS}" in shown
        assert f"Biller has Read on {ORDERS}" in shown

    def test_ticks(self, pat: Setup) -> None:
        """Roles are ticked; the page marks what is not saved yet."""
        form = {"do": "ticks", "user": "max", "was/Biller": "1", "was/Nurse": "0", "has/Nurse": "1"}
        pat.post(DRAFT, {**form, "back": f"{ROOT}/user?id=max"})
        assert draft(pat) == (RemoveMember("Biller", "max"), AddMember("Nurse", "max"))

    def test_copy(self, pat: Setup) -> None:
        """A colleague's roles: those that the user lacks are ticked, those that both have are only named."""
        assert "Max Moss" in said(pat.get(f"{ROOT}/user?id=cam&colleague=max"))
        page = pat.get(f"{ROOT}/user?id=cam&like=max")
        assert re.findall(r'name="pick" value="(\w+)" checked', page.text) == ["Clinician"]
        assert "Biller: Cam Cole has it already" in said(page)

    def test_a_leaver(self, pat: Setup) -> None:
        """One button takes somebody out of every role and makes them inactive; it stops once for a look."""
        press(pat, *editing.parsed(button(pat.get(f"{ROOT}/user?id=max"), "Remove all access")))
        shown = said(pat.get(f"{ROOT}/user?id=max"))
        assert "Nothing: an inactive user is refused everything." in shown
        assert save(pat, reason="Left").location.startswith(DRAFT)

    def test_rename(self, pat: Setup) -> None:
        """A name changes and the User ID stays."""
        assert pat.post(f"{ROOT}/user", {"user": "ann", "name": "Ann O'Neil"}).location == f"{ROOT}/user?id=ann"
        assert "Ann O'Neil" in said(pat.get(f"{ROOT}/user?id=ann"))
        assert pat.post(f"{ROOT}/user", {"user": "ann", "name": " "}).status_code == 422

    def test_none(self, pat: Setup) -> None:
        """A user that there is not is said to be none."""
        assert pat.get(f"{ROOT}/user?id=<b>").status_code == 404


class TestImport:
    def test_a_list(self, pat: Setup) -> None:
        """It is shown first, then taken into the draft as a whole."""
        text = "id,name,roles\nnoa,Noa North,Biller\nann,Ann Alder,\n"
        page = pat.post(f"{ROOT}/users/import", {"file": (io.BytesIO(text.encode()), "list.csv")})
        assert "2 lines: 1 new, 0 renamed, 0 only get roles, 1 as they are." in said(page)
        assert draft(pat) == ()
        taken = pat.post(f"{ROOT}/users/import", {"text": text, "take": "1"})
        assert taken.location == f"{ROOT}/users?show=changed"
        assert draft(pat) == (AddUser("noa", "Noa North"), AddMember("Biller", "noa"))

    def test_a_list_that_does_not_hold(self, pat: Setup) -> None:
        """Its problems are said with their lines, and nothing is taken, even if one insists."""
        page = pat.post(f"{ROOT}/users/import", {"text": "id,name,roles\nnoa,Noa,No\n", "take": "1"})
        assert page.status_code == 422
        assert "Line 2: There is no role “No”." in said(page)
        assert draft(pat) == ()


class TestLimit:
    def test_what_defeats_it(self, pat: Setup) -> None:
        """Whoever is picked is shown with the roles that give the queue all the same, and what leaving them takes."""
        pat.site.publish("p, role:Front Desk, riverside, Task - Fax, Read")
        shown = said(pat.get(f"{ROOT}/limit?pick=ann&pick=ben"))
        assert "Take out of Front Desk, which gives the queue all the same That also takes: see the Fax queue." in shown
        assert "No other role gives the queue." in shown

    def test_it_is_done_at_once(self, pat: Setup) -> None:
        """One press puts all of it into the draft: into the role for forwarded messages, out of the others."""
        form = {
            "pick": ["ann", "eve"],
            "role": COMMUNICATIONS,
            "out": ["ann/Front Desk", "eve/Scheduler", "cam/Biller"],
        }
        assert pat.post(f"{ROOT}/limit", form).location == f"{ROOT}/limit?done=2"
        assert set(draft(pat)) == {
            AddMember(COMMUNICATIONS, "ann"),
            AddMember(COMMUNICATIONS, "eve"),
            RemoveMember("Front Desk", "ann"),
            RemoveMember("Scheduler", "eve"),
        }

    def test_nobody(self, pat: Setup) -> None:
        """Without a person it says so."""
        assert "Tick at least one person." in said(pat.post(f"{ROOT}/limit", {"role": COMMUNICATIONS}))

    def test_with_a_new_role(self, pat: Setup) -> None:
        """Where no role gives forwarded messages, the template makes one."""
        press(pat, DeleteRole(COMMUNICATIONS))
        form = {"pick": "cam", "role": f"template/{COMMUNICATIONS}"}
        assert f"{COMMUNICATIONS} (new, from the template)" in said(pat.get(f"{ROOT}/limit?pick=cam"))
        pat.post(f"{ROOT}/limit", form)
        assert draft(pat)[-1] == AddMember(COMMUNICATIONS, "cam")


class TestTryIt:
    ASKED = f'["{TASK}","respond"]'

    def test_before_and_after(self, pat: Setup) -> None:
        """The answer that the EHR gets, and beside it the one with what is not saved."""
        press(pat, AddMember(COMMUNICATIONS, "cam"))
        shown = said(pat.get(f"{ROOT}/try?who=cam&what={self.ASKED}"))
        assert "As it is No. Cam cannot answer a Patient Portal message." in shown
        assert "Ask your practice administrator. Code XXXX." in shown
        assert "With what is not saved yet Yes. Cam can answer a Patient Portal message." in shown

    def test_several_of_a_name(self, pat: Setup) -> None:
        """A name that fits several offers them."""
        shown = said(pat.get(f"{ROOT}/try?who=al&what={self.ASKED}"))
        assert "Which one? Ann Alder ann Dee Dale dee" in shown

    @pytest.mark.parametrize("what", ["", "x", "[]", f'["{TASK}","fly"]'])
    def test_nothing_that_can_be_asked(self, pat: Setup, what: str) -> None:
        """What cannot be asked is not answered."""
        assert "As it is" not in said(pat.get(f"{ROOT}/try?who=cam&what={what}"))


class TestWhoMayOnlyLook:
    @pytest.fixture
    def looking(self, setup: Setup) -> Setup:
        """Eve, who may see roles and users, and change neither."""
        setup.site.publish(
            "p, role:Scheduler, riverside, Setup - Roles, Read\np, role:Scheduler, riverside, Setup - Users, Read"
        )
        setup.sign_in_as("eve")
        return setup

    @pytest.mark.parametrize(
        "place",
        ["roles", f"roles?screen={TASK}", "role?name=Front Desk", "users", "user?id=ann", "try", "roles/compare"],
    )
    def test_no_control_is_offered(self, looking: Setup, place: str) -> None:
        """Levels and members are shown; nothing that would change them is, not even greyed out."""
        page = looking.get(f"{ROOT}/{place}")
        assert page.status_code == 200
        assert not re.search(r'name="(level|was|has|edits|pick)', page.text)
        assert page.text.count('method="post"') == 1  # to sign out
        assert "You can look at this, and not change it." in said(page)

    @pytest.mark.parametrize("place", ["draft", "role/new", "limit", "users/import"])
    def test_what_they_may_not_see(self, looking: Setup, place: str) -> None:
        """A page that may not be seen shows the security message of its screen."""
        page = looking.get(f"{ROOT}/{place}")
        assert page.status_code == 403
        assert "You don't have access to do this in Setup >" in said(page)
        assert "Ask your practice administrator. Code " in said(page)

    def test_a_form_all_the_same(self, looking: Setup) -> None:
        """A form that they send all the same changes nothing."""
        assert press(looking, AddMember("Front Desk", "eve")).status_code == 403
        assert draft(looking, "eve") == ()
