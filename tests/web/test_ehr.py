"""The reference EHR in a real browser beside a running Rolewarden: every kind of user, the next click, an outage."""

import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from examples.ehr.demo import COMMUNICATION
from examples.ehr.pages import create_app
from examples.ehr.people import STAFF
from examples.ehr.tasks import NOT_YOURS
from rolewarden_client import Rolewarden
from tests.flow.harness import TASK, TOKEN, UNAVAILABLE, Home, Service, serving
from tests.web.browsers import DESK, PHONE, Window
from tests.web.conftest import Open

ONLY = "Patient Portal Communications Only"
LINK = "My Medical Locker Message"
NO_QUEUE = "You don't have access to the Patient Portal queue."
NO_MESSAGES = "You don't have access to Patient Portal messages."
FORWARDED = "You can still open messages forwarded to you in Communication."
CLOSING = r"Questions\? Ask your practice administrator\. Code [2-9A-HJ-NP-Z]{4}\."
REFILL, RESULTS, VISIT, ANSWERED = 1041, 1042, 1045, 1046
"""A message forwarded to Ben and to Cam, one forwarded to nobody, one forwarded to Ann, and one that is answered."""

Come = Callable[[str], Window]


@pytest.fixture(scope="session")
def seed(seed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The demonstration, and the rows that it lacks for an EHR."""
    home = seed.copy(tmp_path_factory.mktemp("ehr"))
    done = home.run("import", str(COMMUNICATION))
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def ehr(running: Service) -> Iterator[str]:
    """The address of an EHR that asks what is running."""
    # As long as a busy machine may take; an EHR waits a second.
    with Rolewarden(f"http://{running.bind}", TOKEN, timeout=20) as rolewarden:
        server = make_server("127.0.0.1", 0, create_app(rolewarden, f"http://{running.pages}"), threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def come(ehr: str, open_window: Open) -> Come:
    """Lets somebody sign in to the EHR in a window of their own, and leads them to My Tasks."""

    def coming(user: str) -> Window:
        window = open_window(address=ehr)
        window.page.goto("/")
        window.page.get_by_role("button", name=STAFF[user]).click()
        expect(window.page.get_by_role("heading", name="My Tasks")).to_be_visible()
        return window

    return coming


def follow(page: Page, *links: str) -> None:
    """Click one link after the other."""
    for link in links:
        page.get_by_role("main").get_by_role("link", name=link, exact=True).click()


def answer(page: Page, text: str) -> None:
    """Write an answer and send it."""
    page.get_by_label("Answer").fill(text)
    page.get_by_role("button", name="Send").click()


def told(page: Page, *sentences: str) -> None:
    """The page says this and nothing else, with a code to read out on the telephone."""
    words = " ".join([*map(re.escape, sentences), CLOSING])
    expect(page.get_by_role("alert").get_by_text(re.compile(f"^{words}$"))).to_be_visible()


def test_full_access(standing: Service, come: Come) -> None:
    """Ann opens the queue, a message in it, and answers it; then it is among the reviewed ones."""
    page = come("ann").page
    follow(page, "Patient Portal", "A question on my results")
    answer(page, "No. It is as it was last year.")
    expect(page.get_by_role("main")).to_contain_text("No. It is as it was last year.")
    follow(page, "Patient Portal", "Reviewed")
    expect(page.get_by_role("link", name="A question on my results")).to_be_visible()


def test_limited_access(standing: Service, come: Come) -> None:
    """Ben sees the words Patient Portal, is told why not, and answers what was forwarded to him by its link."""
    page = come("ben").page
    follow(page, "Patient Portal")
    told(page, NO_QUEUE, FORWARDED)
    follow(page, "Back to My Tasks", "Communication", LINK)
    answer(page, "It is on its way.")
    expect(page.get_by_role("main")).to_contain_text("It is on its way.")
    page.goto(f"/tasks/portal/{REFILL}")
    told(page, NO_QUEUE, FORWARDED)


def test_queue_only(standing: Service, come: Come) -> None:
    """Eve opens the queue, and no message in it."""
    page = come("eve").page
    follow(page, "Patient Portal", "Refill before the weekend")
    told(page, NO_MESSAGES)


@pytest.mark.parametrize("user", ["max", "lou"])
def test_none(standing: Service, come: Come, user: str) -> None:
    """Whoever has no access, or has left, opens neither the queue nor a message."""
    page = come(user).page
    follow(page, "Patient Portal")
    told(page, NO_QUEUE)
    page.goto(f"/message/{REFILL}")
    told(page, NO_MESSAGES)


def test_a_guessed_number(standing: Service, come: Come) -> None:
    """The number of a message that was not forwarded opens nothing, whether there is such a message or not."""
    page = come("ben").page
    for number in (RESULTS, VISIT, 9999):
        page.goto(f"/message/{number}")
        expect(page.get_by_role("alert")).to_contain_text(NOT_YOURS)


def test_the_very_next_click(service: Service, come: Come, open_window: Open) -> None:
    """What Pat saves counts at Cam's next click, whether it gives or takes, and on a page that is open already."""
    cam = come("cam").page
    follow(cam, "Communication", LINK)
    told(cam, NO_MESSAGES)

    # As `make demo` says it.
    pat = open_window().sign_in_as("Pat Pine")
    pat.get_by_label("Search screens and roles").fill("Patient Portal")
    pat.get_by_label("Find screens and roles").get_by_role("link", name=TASK, exact=True).click()
    line = pat.get_by_role("row").filter(has=pat.get_by_role("link", name=ONLY, exact=True))
    line.get_by_role("link", name="Add people").click()
    pat.get_by_role("checkbox", name=re.compile("Cam Cole")).check()
    pat.get_by_role("button", name=f"Add to {ONLY}").click()
    pat.get_by_label("Reason").select_option("New starter")
    pat.get_by_role("button", name="Save").click()
    expect(pat.get_by_text(re.compile(r"Saved as change no. \d"))).to_be_visible()

    cam.reload()
    answer(cam, "I will ask the doctor.")
    expect(cam.get_by_role("main")).to_contain_text("I will ask the doctor.")
    cam.get_by_label("Answer").fill("She says yes.")

    line.get_by_label("Off").check()
    pat.get_by_label("Reason").select_option("Changed job")
    pat.get_by_role("button", name="Save").click()
    pat.get_by_role("heading", name="Look once more").wait_for()
    pat.get_by_role("button", name="Save").click()
    expect(pat.get_by_text(re.compile(r"Saved as change no. \d"))).to_be_visible()

    cam.get_by_role("button", name="Send").click()
    told(cam, NO_MESSAGES)


def test_the_outage(service: Service, come: Come) -> None:
    """While nobody answers all is refused, in the right words; afterwards trying again works, and no word is lost."""
    window, writing = come("ann"), come("ben").page
    follow(writing, "Communication", LINK)
    page = window.page
    assert service.stop() == 0
    for place in ("/tasks", "/tasks/portal", "/tasks/communication", f"/message/{VISIT}", f"/tasks/portal/{REFILL}"):
        page.goto(place)
        not_now(page)
    window.accessible()
    window.picture("ehr-outage")
    answer(writing, "It is on its way,\n\ntoday.")
    not_now(writing)
    with serving(service.home, "check", "--demo", bind=service.bind, DEMO_TOKEN=TOKEN):
        follow(page, "Try again")
        expect(page.get_by_role("heading", name="Refill before the weekend")).to_be_visible()
        writing.get_by_role("button", name="Try again").click()
        expect(writing.get_by_text("It is on its way,\n\ntoday.")).to_be_visible()


def not_now(page: Page) -> None:
    """The page says that nobody can answer just now, and not that somebody has no access."""
    expect(page.get_by_role("heading", name="Not now")).to_be_visible()
    expect(page.get_by_role("alert").get_by_text(UNAVAILABLE, exact=True)).to_be_visible()


PAGES = {
    "ann": {
        "sign-in": "/",
        "tasks": "/tasks",
        "queue": "/tasks/portal",
        "reviewed": "/tasks/portal?show=reviewed",
        "item": f"/tasks/portal/{REFILL}",
        "answered": f"/tasks/portal/{ANSWERED}",
    },
    "ben": {
        "tasks-limited": "/tasks",
        "refused": "/tasks/portal",
        "communication": "/tasks/communication",
        "message": f"/message/{REFILL}",
    },
}
FEW = {"tasks", "answered"}
"""Between them, these show everything that has a colour."""


def test_everybody_can_use_every_page(standing: Service, come: Come) -> None:
    """Axe finds nothing on any page, at a desk and on a phone, in light and dark, and nothing is cut."""
    for user, pages in PAGES.items():
        window = come(user)
        for name, place in pages.items():
            window.page.goto(place)
            seen_as(window, name, DESK, "light")
            seen_as(window, name, PHONE, "dark")
            if name in FEW:
                seen_as(window, name, DESK, "dark")
                seen_as(window, name, PHONE, "light")


def seen_as(window: Window, name: str, size: tuple[int, int], colours: Literal["light", "dark"]) -> None:
    """The page that is open, as wide and in these colours."""
    window.page.set_viewport_size({"width": size[0], "height": size[1]})
    window.page.emulate_media(color_scheme=colours)
    window.picture(f"ehr-{name}-{size[0]}-{colours}")
    window.accessible()
