"""What an administrator does all day, in a real browser: find, change, look, save; and the next check says so."""

import re
import time
from urllib.parse import urlencode

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from service import changes
from service.policy.edits import AddMember, AnyEdit, RemoveMember, SetLevel
from tests.flow.harness import LIST, OPERATOR, TASK, Service
from tests.web.browsers import PHONE, Window
from tests.web.conftest import Open

COMMUNICATIONS = "Patient Portal Communications Only"
FRONT = "Front Desk"
ROOT = "/practices/riverside"
SAVED = re.compile(r"Saved as change no. \d")


def saved_by_operator(service: Service, *edits: AnyEdit) -> int:
    """A change that somebody at the machine makes meanwhile."""
    done = service.home.change(
        lambda view: changes.of_edits(view, OPERATOR, "riverside", edits, view.last_touched("riverside"))
    )
    return done.number


def signed_in(window: Window, name: str, place: str) -> Page:
    """A page of Setup, as somebody of the demonstration."""
    page = window.sign_in_as(name)
    page.goto(place)
    return page


def everywhere(service: Service, user: str, action: str, screen: str) -> set[bool]:
    """What the workers say, each of them."""
    clients = service.clients_of_every_worker()
    return {client.ask(user, action, screen).allowed for client in clients.values()}


def row_of(page: Page, role: str) -> Locator:
    """The line of a role on the page of a screen."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=role, exact=True))


def show_what_it_does(page: Page, script: bool) -> None:
    """Without a script there is a button for it."""
    if not script:
        page.get_by_role("button", name="Show what this does").click()


def find_people(page: Page, typed: str, script: bool) -> None:
    """Search in the box for people; without a script, by its button."""
    page.get_by_label("Find people by name or User ID").fill(typed)
    if not script:
        page.locator(".picker").get_by_role("button", name="Search").click()


@pytest.fixture
def begun(service: Service) -> Service:
    """The story begins: the role is there, with nobody in it and no level."""
    saved_by_operator(service, SetLevel(COMMUNICATIONS, TASK, "Off"), RemoveMember(COMMUNICATIONS, "ben"))
    return service


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_the_story(begun: Service, open_window: Open, script: bool) -> None:
    """Pat finds the screen, gives the level, adds Cam, reads what it does, saves; every worker says yes at once."""
    window = open_window(script=script)
    page = window.sign_in_as("Pat Pine")
    assert everywhere(begun, "cam", "respond", TASK) == {False}
    began = time.monotonic()
    box = page.get_by_label("Search screens and roles")
    if script:
        box.press_sequentially("Patient Portal")
    else:
        box.fill("Patient Portal")
        page.get_by_role("search").get_by_role("button", name="Search").click()
    finder = page.get_by_label("Find screens and roles")
    expect(finder).to_contain_text("Screens (the help article calls these roles)")
    expect(finder.get_by_role("heading", name="Screens (2)")).to_be_visible()
    window.picture(f"story-1-found-{'script' if script else 'plain'}")
    finder.get_by_role("link", name=TASK, exact=True).click()
    line = row_of(page, COMMUNICATIONS)
    line.get_by_label("Write").check()
    show_what_it_does(page, script)
    expect(line).to_contain_text("was Off")
    line.get_by_role("link", name="Add people").click()
    find_people(page, "cam", script)
    page.get_by_role("checkbox", name=re.compile("Cam Cole")).check()
    page.get_by_role("button", name=f"Add to {COMMUNICATIONS}").click()
    panel = page.get_by_role("complementary", name="Not saved yet")
    expect(panel).to_contain_text("1 person gains access. Nobody loses anything.")
    expect(panel).to_contain_text(re.compile("Cam.? will be able to open and answer messages forwarded to .?Cam"))
    window.picture(f"story-2-changed-{'script' if script else 'plain'}")
    assert everywhere(begun, "cam", "respond", TASK) == {False}
    page.get_by_label("Reason").select_option("New starter")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved as change no. 3")).to_be_visible()
    taken = time.monotonic() - began
    window.picture(f"story-3-saved-{'script' if script else 'plain'}")
    assert everywhere(begun, "cam", "respond", TASK) == {True}
    assert everywhere(begun, "cam", "open_queue", LIST) == {False}
    assert taken < 60


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_ann_in_two_roles(service: Service, open_window: Open, script: bool) -> None:
    """A second role limits nobody: it is said, one button mends it, and saving stops for a look first."""
    window = open_window(script=script)
    page = signed_in(window, "Pat Pine", f"{ROOT}/user?id=ann")
    page.get_by_label(COMMUNICATIONS, exact=True).check()
    show_what_it_does(page, script)
    panel = page.get_by_role("complementary", name="Not saved yet")
    expect(panel).to_contain_text(re.compile("Ann.? still has Full Access through .?Front Desk"))
    window.picture(f"ann-1-warned-{'script' if script else 'plain'}")
    panel.get_by_role("button", name="Take").click()
    expect(panel).not_to_contain_text("still has")
    expect(panel).to_contain_text("1 person loses access.")
    page.get_by_label("Reason").select_option("Changed job")
    page.get_by_label("Note (optional)").fill("to the back office")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Look once more")).to_be_visible()
    window.accessible()
    window.picture(f"ann-2-look-{'script' if script else 'plain'}")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Note (optional)")).to_have_value("to the back office")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert everywhere(service, "ann", "open_queue", LIST) == {False}
    assert everywhere(service, "ann", "respond", TASK) == {True}


def test_by_keyboard_alone(service: Service, open_window: Open) -> None:  # noqa: PLR0915 - one story
    """Tab, arrows, Space and Enter suffice, and the focus is never lost when the page shows what a change does."""
    window = open_window()
    page = signed_in(window, "Pat Pine", f"{ROOT}/roles")
    keyboard = page.keyboard

    def focused() -> str:
        said = "e => e.getAttribute('aria-label') || (e.localName !== 'button' && e.name) || e.textContent.trim()"
        return str(page.evaluate(f"({said})(document.activeElement)"))

    def tab_to(words: str, most: int = 120) -> None:
        for _ in range(most):
            if focused().startswith(words):
                return
            keyboard.press("Tab")
        pytest.fail(f"`{words}` is not reached")

    page.get_by_label("Search screens and roles").focus()
    keyboard.type("Patient Portal")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Screens (2)")).to_be_visible()
    tab_to(TASK + " - List")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name=TASK, exact=True)).to_be_visible()
    tab_to(f"level/{COMMUNICATIONS}")
    keyboard.press("ArrowLeft")
    expect(page.get_by_text("was Write", exact=True)).to_be_visible()
    assert focused() == f"level/{COMMUNICATIONS}"
    keyboard.press("ArrowRight")
    expect(page.get_by_text("was Write", exact=True)).to_have_count(0)
    assert focused() == f"level/{COMMUNICATIONS}"
    tab_to(f"Add people to {COMMUNICATIONS}")
    keyboard.press("Enter")
    expect(page.get_by_label("Find people by name or User ID")).to_be_visible()
    tab_to("who")
    keyboard.type("cam")
    expect(page.locator(".picker").get_by_role("checkbox")).to_have_count(1)
    assert focused() == "who"
    tab_to("pick")
    keyboard.press("Space")
    tab_to(f"Add to {COMMUNICATIONS}")
    keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Not saved yet")).to_contain_text("1 person gains access.")
    tab_to("reason")
    keyboard.type("New")
    tab_to("Save")
    keyboard.press("Enter")
    expect(page.get_by_text(SAVED)).to_be_visible()


def test_two_administrators_at_once(service: Service, open_window: Open) -> None:
    """Sam saves first: Pat is shown his change beside hers, with hers as it would be now, and goes on."""
    pat, sam = open_window(), open_window()
    page = signed_in(pat, "Pat Pine", f"{ROOT}/roles?screen={TASK}")
    row_of(page, "Biller").get_by_label("Write").check()
    expect(page.get_by_role("complementary", name="Not saved yet")).to_contain_text("2 people gain access.")
    other = signed_in(sam, "Sam Roy", f"{ROOT}/user?id=cam")
    other.get_by_label("Nurse", exact=True).check()
    other.get_by_label("Reason").select_option("Cover")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text(SAVED)).to_be_visible()
    page.get_by_label("Reason").select_option("Changed job")
    page.get_by_label("Note (optional)").fill("they answer now")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Somebody else was first")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(r"Change no. \d, .?Sam Roy"))).to_be_visible()
    pat.accessible()
    pat.picture("two-at-once")
    page.get_by_role("button", name="Go on with mine").click()
    expect(page.get_by_label("Note (optional)")).to_have_value("they answer now")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert everywhere(service, "max", "respond", TASK) == {True}


def test_own_access_is_refused(service: Service, open_window: Open) -> None:
    """Pat cannot give herself anything: it is said at once, with whom to ask."""
    window = open_window()
    page = signed_in(window, "Pat Pine", f"{ROOT}/user?id=pat")
    page.get_by_label("Front Desk", exact=True).check()
    expect(page.get_by_role("alert")).to_contain_text("You can't change your own access. Ask Sam Roy.")
    window.accessible()
    window.picture("refused-own-access")
    assert everywhere(service, "pat", "respond", TASK) == {False}


def test_on_a_phone(service: Service, open_window: Open) -> None:
    """On a narrow screen nothing is cut, the list folds away, and what a change does is one touch away."""
    window = open_window(PHONE)
    page = signed_in(window, "Pat Pine", f"{ROOT}/roles?screen={TASK}")
    row_of(page, "Biller").get_by_label("Write").check()
    expect(page.get_by_role("complementary", name="Not saved yet")).to_contain_text("2 people gain access.")
    window.accessible()
    window.picture("phone-changed")
    saved_by_operator(service, AddMember("Nurse", "cam"))
    page.reload()
    expect(page.get_by_text("Somebody else changed this practice since you began")).to_be_visible()


def test_a_search_that_comes_late(service: Service, window: Window) -> None:
    """What was found before a change is not shown after it: Save would stand beside what is no longer so."""
    page = signed_in(window, "Pat Pine", f"{ROOT}/roles?" + urlencode({"screen": TASK, "add": FRONT}))
    held: list[tuple[Route, APIResponse]] = []
    page.route(re.compile("who=cam"), lambda route: held.append((route, route.fetch())))
    with page.expect_request(re.compile("who=cam")):
        find_people(page, "cam", script=True)
    page.wait_for_timeout(500)
    page.get_by_role("checkbox", name=re.compile("Cam Cole")).check()
    page.get_by_role("button", name=f"Add to {FRONT}").click()
    panel = page.get_by_role("complementary", name="Not saved yet")
    expect(panel).to_contain_text("1 person gains access.")
    for route, found in held:
        route.fulfill(response=found)
    page.wait_for_timeout(1000)
    expect(panel).to_contain_text("1 person gains access.")
    page.get_by_label("Reason").select_option("Cover")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert everywhere(service, "cam", "open_queue", LIST) == {True}


def test_searching(standing: Service, window: Window) -> None:
    """The magnifying glass works by click, by Enter, and while one types."""
    page = signed_in(window, "Pat Pine", f"{ROOT}/roles")
    box = page.get_by_label("Search screens and roles")
    finder = page.get_by_label("Find screens and roles")
    box.fill("fax")
    expect(finder.get_by_role("heading", name="Screens (2)")).to_be_visible()
    box.fill("orders")
    page.keyboard.press("Enter")
    expect(finder.get_by_role("heading", name="Screens (1)")).to_be_visible()
    box.fill("nurse")
    finder.get_by_role("button", name="Search").click()
    expect(finder.get_by_role("heading", name="Roles (1)")).to_be_visible()
