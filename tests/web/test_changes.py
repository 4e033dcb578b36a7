"""What changed, read in a browser by those who review, and undone by whoever made it."""

import pytest
from playwright.sync_api import expect

from service import changes
from service.changes import Author
from service.policy.edits import AddMember, AddRole, AddUser, AnyEdit, RemoveMember, SetLevel
from service.values import How
from tests.flow.harness import LIST, TASK, Service
from tests.web.browsers import DESK, PHONE, Window
from tests.web.conftest import Open

CHANGES = "/practices/riverside/changes"
ONLY = "Patient Portal Communications Only"
HOSTILE, ARABIC, LONG = "<script>alert('x')</script> O'Brien", "محمد عبد الله الهاشمي", "A" * 60 + " " + "B" * 59


def saved(service: Service, *edits: AnyEdit, by: str = "user:pat", why: str = "New starter") -> int:
    """A change that somebody saved in Setup; its number."""
    author = Author(by, How.SETUP, why, "HR-7")
    done = service.home.change(
        lambda view: changes.of_edits(view, author, "riverside", edits, view.last_touched("riverside"))
    )
    return done.number


def test_ada_reads_and_pat_takes_back(service: Service, open_window: Open) -> None:
    """Ada finds by name who gained and who lost; Pat undoes it, and the next check of every worker says no."""
    given = saved(service, AddMember(ONLY, "cam"))
    saved(service, RemoveMember("Front Desk", "ann"), by="user:sam", why="Changed job")
    ada = open_window().sign_in_as("Ada Ash", CHANGES)
    expect(ada.get_by_role("row").filter(has_text="Sam Roy")).to_contain_text("Ann Alder removed from Front Desk")
    ada.get_by_label("Whose access").fill("cole")
    ada.get_by_role("button", name="Show").click()
    expect(ada.get_by_role("row").filter(has_text="Sam Roy")).to_have_count(0)
    ada.get_by_role("link", name=f"Change no. {given}").click()
    main = ada.get_by_role("main")
    expect(main).to_contain_text("Cam Cole gained access. Nobody lost access.")
    expect(main.get_by_role("row").filter(has_text="Cam Cole")).to_contain_text("Limited Access (response only)")
    expect(ada.get_by_role("link", name="Undo this change")).to_have_count(0)
    ada.goto(f"{CHANGES}/{given + 1}")
    expect(main).to_contain_text("Nobody gained access. Ann Alder lost access.")
    # Pat, who made the first of the two.
    clients = service.clients_of_every_worker().values()
    assert {client.ask("cam", "respond", TASK).allowed for client in clients} == {True}
    pat = open_window().sign_in_as("Pat Pine", f"{CHANGES}/{given}")
    pat.get_by_role("link", name="Undo this change").click()
    expect(pat.get_by_role("main")).to_contain_text("Cam Cole would lose access.")
    pat.get_by_label("Why (optional)").fill("Wrong Cam")
    pat.get_by_role("button", name=f"Undo change no. {given}").click()
    expect(pat.get_by_role("status")).to_have_text(f"Saved as change no. {given + 2}.")
    expect(pat.get_by_role("main")).to_contain_text(f"Undo of change no. {given}: Wrong Cam")
    assert {client.ask("cam", "respond", TASK).allowed for client in clients} == {False}


def test_every_page_in_light_and_dark_wide_and_narrow(service: Service, open_window: Open) -> None:
    """With names that are long, mischievous or in another script, and a change of a thousand people."""
    hostile = saved(
        service,
        *(AddUser("x", HOSTILE), AddUser("arab", ARABIC)),
        *(AddRole(LONG, template=ONLY), AddRole(ARABIC), SetLevel(ARABIC, LIST, "Read")),
        *(AddMember(LONG, "x"), AddMember(ARABIC, "arab")),
    )
    crowd = [AddUser(f"u{n}", f"User {n:04}") for n in range(1_000)]
    large = saved(service, *crowd, *(AddMember(ONLY, f"u{n}") for n in range(1_000)), by="operator:root")
    pages = {
        "changes": CHANGES,
        "changes-nothing": f"{CHANGES}?until=2020-01-01",
        "changes-problem": f"{CHANGES}?since=2026-02-02&until=2026-02-01",
        "changes-who": f"{CHANGES}?person=u",
        "change-names": f"{CHANGES}/{hostile}",
        "change-large": f"{CHANGES}/{large}",
        "change-files": f"{CHANGES}/1",
        "sign-ins": f"{CHANGES}/events",
    }
    few = {name: pages[name] for name in ("changes", "change-names")}
    for size, dark, some in ((DESK, False, pages), (PHONE, True, pages), (DESK, True, few), (PHONE, False, few)):
        window = open_window(size, dark=dark)
        look = f"{'dark' if dark else 'light'}-{size[0]}"
        window.sign_in_as("Ada Ash", CHANGES)
        _looked_at(window, look, some)
        window.sign_in_as("Pat Pine", CHANGES)
        _looked_at(window, look, {"undo": f"{CHANGES}/{hostile}/undo"})


def _looked_at(window: Window, look: str, pages: dict[str, str]) -> None:
    for name, place in pages.items():
        window.page.goto(place)
        window.picture(f"{name}-{look}")
        window.accessible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_on_paper_everything_is_open(standing: Service, open_window: Open, script: bool) -> None:
    """An auditor prints one change: the rows that are folded away on the screen are there, and no buttons."""
    page = open_window(script=script).sign_in_as("Ada Ash", f"{CHANGES}/1")
    rows = page.locator(".recorded pre").first
    expect(rows).to_be_hidden()
    page.emulate_media(media="print")
    expect(rows).to_be_visible()
    expect(page.get_by_role("button", name="Sign out everywhere")).to_be_hidden()
