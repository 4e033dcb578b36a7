"""A sign-in that ends while somebody works: what they typed is there when they are back."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.flow.harness import Service
from tests.web.conftest import Open

SCREEN = "/practices/riverside/roles?screen=Task - Patient Portal"


def pass_an_hour(service: Service) -> None:
    """Everybody who is signed in was last seen an hour ago."""
    with closing(sqlite3.connect(service.home.database, timeout=20)) as store:
        store.execute("UPDATE session SET seen = replace(seen, substr(seen, 1, 4), '2001')")
        store.commit()


def choose(page: Page, role: str, level: str) -> None:
    """Choose a level, by a click on its word."""
    page.get_by_role("group", name=f"Level of {role}", exact=True).get_by_role("radio", name=level).click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_while_somebody_types(service: Service, open_window: Open, script: bool) -> None:
    """Pat changes a level when the sign-in has ended, signs in again, goes on, and the change is there, unsaved."""
    window = open_window(script=script)
    page = window.sign_in_as("Pat Pine")
    page.goto(SCREEN)
    choose(page, "Nurse", "Off")
    if not script:
        page.get_by_role("button", name="Show what this does").first.click()
    # It has arrived: what is on its way when the sign-in ends would be sent back itself.
    expect(page.get_by_role("complementary", name="Not saved yet")).to_contain_text("1 person loses access.")
    pass_an_hour(service)
    choose(page, "Scheduler", "Write")
    if not script:
        page.get_by_role("button", name="Show what this does").first.click()
    expect(page.get_by_role("heading", name="Sign in as")).to_be_visible()
    page.get_by_role("button", name="Pat Pine").click()
    expect(page.get_by_role("heading", name="You are signed in again")).to_be_visible()
    if script:
        window.accessible()
        window.picture("signed-in-again")
    page.get_by_role("button", name="Go on").click()
    for role, level in (("Nurse", "Off"), ("Scheduler", "Write")):
        chosen = page.get_by_role("group", name=f"Level of {role}").locator("input:checked")
        expect(chosen).to_have_value(level)
    assert "setup:session:expire" in service.log()
    expect(page).to_have_url(re.compile("roles"))
