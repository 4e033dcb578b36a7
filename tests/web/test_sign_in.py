"""Signing in through a real provider, in a real browser, over TLS, as a practice has it."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.contract.endpoint.doors import certificate
from tests.flow.harness import Home, Service, free_port, serving, wait_until
from tests.web.browsers import Window
from tests.web.identity import SECRET, Identity, providing

PEOPLE = {"pat": ["riverside"], "eve": ["riverside"], "mallory": ["riverside"], "nobody": []}
COOKIE = "__Host-rolewarden"


@dataclass
class Place:
    """A Setup part over TLS, and the provider that it trusts."""

    home: Home
    port: int
    identity: Identity
    cert: tuple[Path, Path]

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    @contextmanager
    def serving(self, **settings: str) -> Iterator[Service]:
        """Serve it."""
        given = {
            "SETUP_BIND": f"127.0.0.1:{self.port}",
            "SETUP_URL": self.address,
            "TLS_CERT": str(self.cert[0]),
            "TLS_KEY": str(self.cert[1]),
            "OIDC_ISSUER": self.identity.issuer,
            "OIDC_CLIENT_ID": "setup",
            "OIDC_CLIENT_SECRET": SECRET,
            "SESSION_KEYS": "k" * 32,
            **settings,
        }
        with serving(self.home, "setup", ready=False, **given) as service:
            wait_until(self._answers)
            yield service

    def _answers(self) -> bool:
        trust = ssl.create_default_context(cafile=str(self.cert[0]))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=5, context=trust)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path, browser: Browser) -> Iterator[Place]:
    """A practice with two users whom the provider knows, of whom one administers it."""
    home = Home.make(tmp_path)
    for command in (
        ["init"],
        ["practice", "create", "riverside", "--admin", "pat", "--name", "Riverside Family Practice"],
        ["user", "add", "riverside", "eve", "--name", "Eve Elm"],
    ):
        done = home.run(*command)
        assert done.returncode == 0, done.stderr
    port = free_port()
    with providing(f"https://localhost:{port}", PEOPLE, tmp_path) as identity:
        yield Place(home, port, identity, certificate(tmp_path))


@pytest.fixture
def window(place: Place, browser: Browser) -> Iterator[Window]:
    """A window that looks at it."""
    opened = Window.opened(browser, place.address)
    yield opened
    opened.close()


def sign_in(page: Page, user: str) -> None:
    """Type a name at the provider, and let it tell us who that is."""
    page.get_by_placeholder("Enter any login").fill(user)
    page.get_by_placeholder("and password").fill("anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_there_and_back(place: Place, window: Window) -> None:
    """Pat comes to a page, signs in at the provider, and is on that page; signs out, and is out in both places."""
    page = window.page
    with place.serving():
        page.goto("/?from=a link")
        expect(page).to_have_url(re.compile(re.escape(place.identity.issuer)))
        sign_in(page, "pat")
        expect(page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
        expect(page.get_by_text("Riverside Family Practice").first).to_be_visible()
        cookie = next(cookie for cookie in window.context.cookies() if cookie["name"] == COOKIE)
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert page.evaluate("document.cookie") == ""
        window.accessible()

        page.get_by_role("button", name="Sign out everywhere").click()
        page.get_by_role("button", name="Yes, sign me out").click()
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.goto("/")
        expect(page.get_by_placeholder("Enter any login")).to_be_visible()


def test_somebody_whom_no_practice_knows(place: Place, window: Window) -> None:
    """Mallory is known to the provider and to no practice: refused in words, and on record."""
    with place.serving() as service:
        window.page.goto("/")
        sign_in(window.page, "mallory")
        expect(window.page.get_by_text("knows the user `mallory` as active")).to_be_visible()
        window.accessible()
        window.picture("refused-by-the-directory")
        assert service.lines("setup:session:refuse")[0]["actor"] == "user:mallory"


def test_keys_that_change(place: Place, browser: Browser) -> None:
    """When the provider comes back with other keys, the next person signs in all the same."""
    with place.serving(SETUP_WORKERS="1"):
        for user in ("pat", "eve"):
            window = Window.opened(browser, place.address)
            window.page.goto("/")
            sign_in(window.page, user)
            expect(window.page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
            window.close()
            place.identity.stop()
            place.identity.start()


def test_the_provider_is_away(place: Place, window: Window) -> None:
    """While the provider is away, who is in goes on, and who is not is told to try again."""
    with place.serving():
        window.page.goto("/")
        sign_in(window.page, "pat")
        expect(window.page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
        place.identity.stop()
        window.page.goto("/")
        expect(window.page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
    with place.serving():
        window.context.clear_cookies()
        window.page.goto("/")
        expect(window.page.get_by_text("We can't reach your sign-in provider right now.")).to_be_visible()
        window.accessible()
        window.picture("provider-away")
