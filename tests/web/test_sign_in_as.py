"""Choosing who to be in the demonstration, as somebody who tries it out."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browsers import DESK, PHONE, Window
from tests.web.conftest import Open


class TestChoosing:
    @pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_the_page(self, open_window: Open, size: tuple[int, int], dark: bool) -> None:
        """The people are there with what each may do, and everybody can read and use the page, on any screen."""
        window = open_window(size, dark=dark)
        window.page.goto("/")
        expect(window.page.get_by_role("heading", name="Sign in as")).to_be_visible()
        expect(window.page.get_by_text("Demonstration: invented people")).to_be_visible()
        for name, phrase in {
            "Pat Pine": "changes roles and users",
            "Ada Ash": "reads the record of changes",
            "Ann Alder": "Patient Portal: Full Access",
            "Ben Birch": "Patient Portal: Limited Access (response only)",
            "Eve Elm": "Patient Portal: Queue only",
        }.items():
            entry = window.page.get_by_role("listitem").filter(has_text=name)
            expect(entry).to_contain_text(phrase)
        expect(window.page.get_by_role("button", name="Lou Lark")).to_have_count(0)
        window.accessible()
        window.picture(f"sign-in-as-{size[0]}-{'dark' if dark else 'light'}")

    def test_by_keyboard_alone(self, window: Window) -> None:
        """Tab and Enter suffice."""
        window.page.goto("/signin")
        for _ in range(40):
            window.page.keyboard.press("Tab")
            if window.page.evaluate("document.activeElement.textContent") == "Pat Pine":
                break
        window.page.keyboard.press("Enter")
        expect(window.page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
        expect(window.page.get_by_text("Pat Pine")).to_be_visible()

    def test_signing_out_everywhere(self, open_window: Open) -> None:
        """Whoever signs out in one browser has signed out in the other, and nobody else has."""
        one, other, ada = open_window(), open_window(script=False), open_window()
        for window, name in ((one, "Sam Roy"), (other, "Sam Roy"), (ada, "Ada Ash")):
            window.sign_in_as(name)
        one.page.get_by_role("button", name="Sign out everywhere").click()
        expect(one.page.get_by_role("heading", name="You are signed out")).to_be_visible()
        one.accessible()
        one.picture("signed-out")
        other.page.goto("/")
        expect(other.page).to_have_url(re.compile("/signin"))
        ada.page.goto("/")
        expect(ada.page.get_by_role("banner").get_by_text("Ada Ash")).to_be_visible()
