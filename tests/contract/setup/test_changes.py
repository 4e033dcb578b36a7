"""What changed, as those read it who review: the list, one change, undoing, sign-ins, and who may see any of it."""

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from service import changes
from service.access.permissions import SETUP_ENDPOINTS
from service.changes import Author
from service.policy.edits import AddMember, AddRole, AddUser, AnyEdit, RemoveMember, SetLevel
from service.values import How
from tests.contract.setup.doors import HOST, ORIGIN, Setup
from tests.contract.setup.doors import words as words_of
from tests.unit.site import ORDERS, TASK, Site, reason

ONLY = "Patient Portal Communications Only"
CHANGES = "/practices/riverside/changes"
FROM_OUR_PAGE = {"Host": HOST, "Origin": ORIGIN}
HOSTILE = "<script>alert('x')</script> O'Brien"
ARABIC = "محمد الهاشمي"


def saved(site: Site, *edits: AnyEdit, by: str = "user:pat", why: str = "New starter", how: How = How.SETUP) -> int:
    """A change that somebody saved; its number."""
    done = changes.carry_out(
        site.press,
        lambda view: changes.of_edits(
            view, Author(by, how, why, "HR-7"), "riverside", edits, view.last_touched("riverside")
        ),
    )
    assert done is not None
    return done.number


@pytest.fixture(scope="module")
def story(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pat put Cam into Communications Only (3), Sam took Ann out of Front Desk (4), somebody changed Lakeside (5)."""
    site = Site(made).copy(tmp_path_factory.mktemp("story"))
    saved(site, AddMember(ONLY, "cam"))
    saved(site, RemoveMember("Front Desk", "ann"), by="user:sam", why="Changed job")
    site.publish("user, lakeside, kim, Kim Kerr, active")
    site.close()
    return site.root


@pytest.fixture
def told(story: Path, tmp_path: Path, log: io.BytesIO) -> Iterator[Setup]:
    """The Setup part after that story."""
    site = Site(story).copy(tmp_path)
    yield Setup.demonstration(site)
    site.close()


@pytest.fixture
def ada(told: Setup) -> Setup:
    """Ada, who reviews."""
    told.sign_in_as("ada")
    return told


@pytest.fixture
def pat(told: Setup) -> Setup:
    """Pat, who makes changes."""
    told.sign_in_as("pat")
    return told


def words(answer: TestResponse) -> str:
    """The words of a page as they are read."""
    return html.unescape(words_of(answer)).replace(" ,", ",")


def numbers(page: str) -> list[int]:
    """The changes in a list, in its order."""
    return [int(number) for number in re.findall(r'aria-label="Change no\. (\d+)"', page)]


def listed(setup: Setup, query: str = "") -> list[int]:
    """The changes of a list."""
    answer = setup.get(f"{CHANGES}?{query}")
    assert answer.status_code == 200
    return numbers(answer.text)


class TestTheList:
    def test_it_says_who_what_why_and_whom_it_affected(self, ada: Setup) -> None:
        """Newest first, in the names of people; nothing of another practice."""
        page = ada.get(CHANGES)
        text = words(page)
        assert numbers(page.text) == [4, 3, 2, 1]
        assert "Sam Roy Setup Ann Alder removed from Front Desk Changed job HR-7" in text
        assert f"Pat Pine Setup Cam Cole added to {ONLY} New starter HR-7" in text
        assert "Kim" not in text
        assert "akeside" not in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("person=cam", [3, 2]),
            ("person=Cam+Cole", [3, 2]),
            ("person=cole", [3, 2]),
            ("person=nobody", []),
            ("by=user:sam", [4]),
            ("by=user:sam&person=cam", []),
            ("how=setup", [4, 3]),
            ("screen=Setup+-+Users", [2, 1]),
            ("since=2020-01-01&until=2020-01-02", []),
            ("since=2020-01-01", [4, 3, 2, 1]),
            ("before=4", [3, 2, 1]),
            ("sort=number&order=up", [1, 2, 3, 4]),
            ("sort=who&how=setup", [3, 4]),
            ("sort=who&order=down&how=setup", [4, 3]),
            ("sort=why&how=setup", [4, 3]),
            ("sort=nonsense&order=nonsense&page=x&before=x", [4, 3, 2, 1]),
        ],
    )
    def test_it_is_filtered_and_sorted(self, ada: Setup, query: str, found: list[int]) -> None:
        """By whose access, screen, who, how and time, alone and together, and by the heading of each column."""
        assert listed(ada, query) == found

    def test_days_are_those_of_utc_and_inclusive(self, ada: Setup) -> None:
        """A change of today is in the list up to today."""
        today = ada.site.press.now()[:10]
        assert listed(ada, f"since={today}&until={today}") == [4, 3, 2, 1]

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("since=yesterday", "Write a day as 2026-11-28."),
            ("until=9999-12-31", "Write a day as 2026-11-28."),
            ("since=2026-02-02&until=2026-02-01", "This is before the first day."),
            ("how=magic", "Choose one of the list."),
        ],
    )
    def test_what_cannot_be_read_is_said(self, ada: Setup, query: str, problem: str) -> None:
        """And nothing is listed: a filter that was meant is never left out silently."""
        answer = ada.get(f"{CHANGES}?{query}")
        assert problem in words(answer)
        assert numbers(answer.text) == []
        assert problem in words(ada.get(f"{CHANGES}/table?{query}"))

    def test_several_people_of_that_name(self, ada: Setup) -> None:
        """Are offered, each with a way to their changes."""
        answer = ada.get(f"{CHANGES}?person=a&how=setup")
        assert "Who is meant?" in words(answer)
        assert f'href="{CHANGES}?person=ann&amp;how=setup"' in answer.text

    def test_a_field_twice(self, ada: Setup) -> None:
        """Is not read as either of the two."""
        assert ada.get(f"{CHANGES}?by=a&by=b").status_code == 400

    def test_nothing_fits(self, ada: Setup) -> None:
        """Says so, with the way back to all."""
        assert "No change fits. Show all changes" in words(ada.get(f"{CHANGES}?by=user:eve"))

    def test_a_long_list_has_parts(self, ada: Setup) -> None:
        """Each with an address that stays: older ones by number, and in another order by page."""
        for number in range(60):
            ada.site.publish(f"user, riverside, u{number}, User {number}, active")
        first = ada.get(CHANGES).text
        assert len(numbers(first)) == 50
        older = re.search(r'rel="next" href="([^"]*)"', first)
        assert older is not None
        assert older[1] == f"{CHANGES}?before=16"
        assert listed(ada, "before=16") == [15, *range(14, 5, -1), 4, 3, 2, 1]
        assert listed(ada, "sort=number&order=up&page=2") == [51, *range(52, 66)][-14:]
        assert listed(ada, "sort=number&order=up&page=9") == []

    def test_another_practice_of_ones_own(self, ada: Setup) -> None:
        """Is gone to with the same filters; whether it may be looked at is asked there."""
        answer = ada.get(f"{CHANGES}?practice=lakeside&how=setup")
        assert answer.headers["Location"] == "/practices/lakeside/changes?how=setup"
        assert ada.get("/practices/lakeside/changes").status_code == 404


class TestTheTable:
    def test_it_has_what_the_list_has(self, ada: Setup) -> None:
        """As filtered, with names in any script, and every change however many."""
        saved(ada.site, AddUser("arab", ARABIC))
        for number in range(60):
            ada.site.publish(f"user, riverside, u{number}, User {number}, active")
        answer = ada.get(f"{CHANGES}/table")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.data.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert [int(row["Change no."]) for row in rows] == [*range(66, 5, -1), 4, 3, 2, 1]
        assert rows[-3]["What"] == f"Cam Cole added to {ONLY}"
        assert rows[-3]["Who"] == "Pat Pine"
        assert rows[-5]["What"] == f"{ARABIC} added"
        only = ada.get(f"{CHANGES}/table?by=user:sam").data.decode("utf-8-sig")
        assert len(list(csv.DictReader(io.StringIO(only)))) == 1

    def test_no_cell_is_a_formula(self, ada: Setup) -> None:
        """Whatever somebody called a role or gave as a reason."""
        saved(ada.site, AddRole("=1+1"), AddUser("+x", "@SUM(A1)"), why="=HYPERLINK(1)")
        rows = csv.reader(io.StringIO(ada.get(f"{CHANGES}/table").data.decode("utf-8-sig")))
        cells = [cell for row in rows for cell in row if not cell.isdigit()]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert "'=HYPERLINK(1)" in cells


class TestOneChange:
    def test_who_gained(self, ada: Setup) -> None:
        """In the words of the vendor, with the level and the row that made it so."""
        text = words(ada.get(f"{CHANGES}/3"))
        assert "Cam Cole gained access. Nobody lost access." in text
        assert "Patient Portal No access Limited Access (response only)" in text
        assert f"Role {ONLY} + Added: Cam Cole" in text
        assert f"+ g, user:cam, role:{ONLY}, riverside" in text
        assert "Who Pat Pine ( pat ) How Setup Why New starter Reference HR-7" in text

    def test_who_lost(self, ada: Setup) -> None:
        """Ann, who had the queue by that role alone."""
        text = words(ada.get(f"{CHANGES}/4"))
        assert "Nobody gained access. Ann Alder lost access." in text
        assert "Patient Portal Full Access No access" in text

    def test_a_change_without_effect(self, ada: Setup) -> None:
        """Says so."""
        number = saved(ada.site, AddUser("zoe", "Zoe Zander"))
        assert "Nobody gained access. Nobody lost access." in words(ada.get(f"{CHANGES}/{number}"))

    def test_policy_files_are_told_by_their_effect_here(self, ada: Setup) -> None:
        """They are marked as those of all practices, and nothing of another one comes along."""
        text = words(ada.get(f"{CHANGES}/1"))
        assert "for all practices" in text
        assert "catalog.yaml added" in text
        assert "akeside" not in text

    @pytest.mark.parametrize("number", ["5", "99", "0", "03", "x", "-1", "1e3", "9" * 40, "%D9%A3"])
    def test_no_such_change(self, ada: Setup, number: str) -> None:
        """Of another practice, or none: the same answer."""
        assert ada.get(f"{CHANGES}/{number}").status_code == 404

    def test_names_that_mean_mischief(self, ada: Setup) -> None:
        """Come out as what they are."""
        number = saved(ada.site, AddUser("x", HOSTILE), AddRole(HOSTILE, template=ONLY), AddMember(HOSTILE, "x"))
        for place in (CHANGES, f"{CHANGES}/{number}"):
            page = ada.get(place).text
            assert "<script>alert" not in page
            assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; O&#39;Brien" in page

    def test_a_change_of_thousands(self, ada: Setup) -> None:
        """Who fares alike stands together, and nothing is said a thousand times over."""
        crowd = [AddUser(f"u{n}", f"User {n:04}") for n in range(1_000)]
        number = saved(ada.site, *crowd, *(AddMember(ONLY, f"u{n}") for n in range(1_000)), by="operator:root")
        page = ada.get(f"{CHANGES}/{number}")
        assert "User 0000, User 0001, User 0002 and 997 others gained access." in words(page)
        assert page.text.count("Limited Access (response only)") == 1


class TestWhoMaySee:
    def test_pat_sees_what_she_did(self, pat: Setup) -> None:
        """And nothing that others did, by no address."""
        page = pat.get(CHANGES)
        assert numbers(page.text) == [3]
        assert "Your changes" in words(page)
        for query in ("by=user:sam", "person=ann", "sort=who", "before=99"):
            assert set(listed(pat, query)) <= {3}
        assert "Ann Alder" not in pat.get(f"{CHANGES}/table").text
        refused = pat.get(f"{CHANGES}/4")
        assert refused.status_code == 403
        assert "Ann" not in words(refused)
        assert pat.get(f"{CHANGES}/4/undo").status_code == 403
        assert pat.get(f"{CHANGES}/events").status_code == 403

    def test_eve_sees_nothing(self, told: Setup) -> None:
        """She is told so in the words of the policy."""
        told.sign_in_as("eve")
        for place in (CHANGES, f"{CHANGES}/3", f"{CHANGES}/table", f"{CHANGES}/events"):
            answer = told.get(place)
            assert answer.status_code == 403
            assert "You don't have access to" in words(answer)

    def test_ada_can_change_nothing(self, ada: Setup) -> None:
        """No button is offered to her, and whatever she sends is refused."""
        assert "Undo" not in words(ada.get(f"{CHANGES}/3"))
        before = ada.site.rows("riverside")
        head = ada.site.head()
        for endpoint in SETUP_ENDPOINTS:
            if endpoint.method == "GET" or "<practice>" not in endpoint.path:
                continue
            place = endpoint.path.replace("<practice>", "riverside").replace("<number>", "3")
            answer = ada.browser.open(place, method=endpoint.method, data={"base": "4"}, headers=FROM_OUR_PAGE)
            assert answer.status_code in (401, 403, 404), place
        assert (ada.site.rows("riverside"), ada.site.head()) == (before, head)


class TestUndoing:
    def test_pat_undoes_what_she_did(self, pat: Setup) -> None:
        """What it would do is shown first; then the next check says no, and the new change names the old one."""
        live = pat.site.live()
        assert reason(live, "cam", "respond", TASK) == "allowed"
        look = pat.get(f"{CHANGES}/3/undo")
        assert "Nobody would gain access. Cam Cole would lose access." in words(look)
        assert pat.site.head() == 5
        done = pat.post(f"{CHANGES}/3/undo", {**hidden(look.text), "note": "Wrong Cam", "reference": "HR-8"})
        assert done.headers["Location"] == f"{CHANGES}/6?saved=1"
        text = words(pat.get(done.headers["Location"]))
        assert "Saved as change no. 6." in text
        assert "Why Undo of change no. 3: Wrong Cam Reference HR-8" in text
        assert reason(live, "cam", "respond", TASK) == "no_level"

    def test_somebody_was_faster(self, pat: Setup) -> None:
        """Nothing is undone that was not looked at as it is now, and nothing typed is lost."""
        form = hidden(pat.get(f"{CHANGES}/3/undo").text)
        saved(pat.site, SetLevel("Nurse", ORDERS, "Read"), by="user:sam")
        answer = pat.post(f"{CHANGES}/3/undo", {**form, "note": "Wrong Cam", "reference": "HR-8"})
        assert answer.status_code == 409
        assert "Something else changed since you looked (change no. 6). Please look again." in words(answer)
        assert 'value="Wrong Cam"' in answer.text
        assert pat.post(f"{CHANGES}/3/undo", hidden(answer.text)).status_code == 303

    def test_what_was_changed_again(self, pat: Setup) -> None:
        """Cannot be undone; the change that came since is named, and there is no button."""
        saved(pat.site, RemoveMember(ONLY, "cam"), by="user:sam")
        look = pat.get(f"{CHANGES}/3/undo")
        assert "What this change did was changed again since by change no. 6." in words(look)
        assert '<form method="post" action="/practices' not in look.text
        answer = pat.post(f"{CHANGES}/3/undo", {"base": "6"})
        assert (answer.status_code, pat.site.head()) == (409, 6)

    def test_guard_rails_hold(self, pat: Setup) -> None:
        """Pat cannot give herself by an undo what she could not give herself otherwise."""
        number = saved(pat.site, RemoveMember("Practice Administrator", "pat"))
        saved(pat.site, AddMember("Practice Administrator", "pat"), by="operator:root")
        saved(pat.site, AddRole("Audit two"), SetLevel("Audit two", "Audit - Policy Changes", "Read"), by="user:sam")
        saved(pat.site, AddMember("Audit two", "pat"), by="user:sam")
        assert number
        lost = saved(pat.site, RemoveMember("Audit two", "pat"))
        look = pat.get(f"{CHANGES}/{lost}/undo")
        assert "You can't change your own access. Ask Sam Roy." in words(look)

    @pytest.mark.parametrize("base", ["", "x", "-1", "9" * 30])
    def test_a_form_that_was_tampered_with(self, pat: Setup, base: str) -> None:
        """Is refused before anything is looked up."""
        assert pat.post(f"{CHANGES}/3/undo", {"base": base}).status_code == 400

    @pytest.mark.parametrize("number", ["5", "99", "x"])
    def test_no_such_change(self, pat: Setup, number: str) -> None:
        """Of another practice, or none."""
        assert pat.get(f"{CHANGES}/{number}/undo").status_code == 404
        assert pat.post(f"{CHANGES}/{number}/undo", {"base": "4"}).status_code == 404


class TestSignIns:
    def test_who_came_and_what_was_refused(self, told: Setup) -> None:
        """With the time, the person and what it was about; by person, kind and day."""
        told.sign_in_as("eve")
        told.get(CHANGES)
        told.sign_in_as("ada")
        text = words(told.get(f"{CHANGES}/events"))
        assert re.search(r"UTC Eve Elm Signed in", text)
        assert re.search(r"UTC Eve Elm Was refused a page page /practices/riverside/changes", text)
        assert "Ada Ash Signed in" not in words(told.get(f"{CHANGES}/events?person=eve"))
        assert "Signed in by" not in words(told.get(f"{CHANGES}/events?what=setup:page:refuse"))
        today = told.site.press.now()[:10]
        assert "Eve Elm Signed in" in words(told.get(f"{CHANGES}/events?since={today}&until={today}"))
        assert "Nothing fits." in words(told.get(f"{CHANGES}/events?until=2020-01-01"))

    def test_nothing_of_another_practice(self, told: Setup) -> None:
        """Who signs in there is not shown here, not even where they share an id."""
        told.sign_in_as("ann", "lakeside")
        told.sign_in_as("ada")
        assert "Ann" not in words(told.get(f"{CHANGES}/events"))

    def test_signing_out_is_there_too(self, told: Setup) -> None:
        """In each practice of whoever did."""
        told.sign_in_as("pat")
        told.post("/signout")
        told.sign_in_as("ada")
        assert "Pat Pine Signed out" in words(told.get(f"{CHANGES}/events"))

    @pytest.mark.parametrize(("query", "status"), [("what=nonsense", 400), ("before=x", 200), ("since=x", 200)])
    def test_what_cannot_be_read(self, ada: Setup, query: str, status: int) -> None:
        """Is said, and never an error of ours."""
        assert ada.get(f"{CHANGES}/events?{query}").status_code == status


def hidden(page: str) -> dict[str, str]:
    """What the form of a page says besides what is typed."""
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))
