"""A running demonstration, a browser, and windows of people who look at it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flow.harness import Home, Service, serving
from tests.web.browsers import Window, browsing

Open = Callable[..., Window]

# A page that comes late on a busy machine is no fault of the page.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the demonstration is published."""
    home = Home.make(tmp_path_factory.mktemp("seed"))
    done = home.run("init", "--demo")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: a longer-lived one would keep its loop of events under the feet of other tests."""
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def standing(seed: Home, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running demonstration, all of it, for the tests of a module. Those that change policy ask for `service`."""
    with serving(seed.copy(tmp_path_factory.mktemp("standing")), "--demo") as running:
        yield running


@pytest.fixture
def service(seed: Home, browser: Browser, tmp_path: Path) -> Iterator[Service]:
    """A running demonstration of one test's own."""
    with serving(seed.copy(tmp_path), "--demo") as running:
        yield running


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Service:
    """What windows look at: `service` where the test has one, else `standing`."""
    found: Service = request.getfixturevalue("service" if "service" in request.fixturenames else "standing")
    return found


@pytest.fixture
def open_window(running: Service, browser: Browser) -> Iterator[Open]:
    """Opens windows; each has cookies of its own, as another person's browser would.

    They show Setup, or what is at `address`.
    """
    opened: list[Window] = []

    def opening(*size: tuple[int, int], address: str = f"http://{running.pages}", **how: bool) -> Window:
        opened.append(Window.opened(browser, address, *size, **how))
        return opened[-1]

    yield opening
    for window in opened:
        window.close()


@pytest.fixture
def window(open_window: Open) -> Window:
    """A window of desk size."""
    return open_window()


@pytest.fixture
def page(window: Window) -> Page:
    """The page in that window."""
    return window.page
