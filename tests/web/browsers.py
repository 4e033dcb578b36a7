"""Pages as people meet them: a headless Chromium, what it complains about, and pictures of what it shows.

Pictures go to `build/screenshots`, or to the folder that the variable `SCREENSHOTS` names. They are made to be looked
at: a test that passes says that a page works, not that it is good to look at.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
PICTURES = Path(os.environ.get("SCREENSHOTS", ROOT / "build" / "screenshots"))
DESK, PHONE = (1280, 900), (390, 844)

FLAGS = (
    "--no-sandbox",  # which Chromium refuses to do without when it is started by root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # Nothing but what a page asks for, and nothing from any other host.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
"""What axe looks for: WCAG 2.2, levels A and AA."""


def chromium() -> str:
    """Where Chromium is; a test that needs it is skipped without it, and fails where nothing may be skipped."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing; `tests/system.sh` installs it")
        pytest.skip("chromium is missing")
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser, for as long as a module of tests."""
    program = chromium()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(FLAGS), env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home}
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """One window of one person, with cookies of its own. `address` is the service's; `script`: whether any runs."""

    page: Page
    context: BrowserContext
    address: str
    script: bool = True
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def opened(
        cls, browser: Browser, address: str, size: tuple[int, int] = DESK, *, dark: bool = False, script: bool = True
    ) -> Window:
        """A new window, as wide and high as that."""
        context = browser.new_context(
            base_url=address,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            ignore_https_errors=True,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        window = cls(context.new_page(), context, address, script)
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        window.page.on("console", window._noted)
        return window

    def _noted(self, message: ConsoleMessage) -> None:
        # A status that says no is what a test may be about, and is looked at there.
        if message.type in ("error", "warning") and not re.search("Failed to load resource", message.text):
            self.complaints.append(message.text)

    def sign_in_as(self, name: str, onward: str = "/") -> Page:
        """Choose who to be in the demonstration, by the name that stands on the button."""
        self.page.goto(f"/signin?next={onward}")
        self.page.get_by_role("button", name=name, exact=True).click()
        return self.page

    def picture(self, name: str) -> Path:
        """A picture of the whole page, for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{name}.png"
        self.page.screenshot(path=str(file), full_page=True)
        return file

    def accessible(self) -> None:
        """Axe finds nothing on the page, and nothing on it is wider than the window.

        Axe is a script: where pages may not run any, it would wait for ever, and only the width is looked at.
        """
        if self.script:
            found = Axe().run(self.page, options=RULES)
            assert found.violations_count == 0, found.generate_report()
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{wide} pixels too wide"

    def close(self) -> None:
        """Close it. The browser had nothing to complain about: no error of a script, nothing that the CSP refused."""
        self.context.close()
        assert not self.complaints, self.complaints
