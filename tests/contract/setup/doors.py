"""The Setup part in this process: Flask's own client, and what a browser would send."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from werkzeug.test import TestResponse

from service.access.person import Office
from service.config import Settings
from service.setup_web import flask_app
from tests.unit.site import Site

HOST = "localhost:8181"
ORIGIN = f"http://{HOST}"


@dataclass
class Time:
    """The time of day, which passes when a test says so."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@dataclass
class Setup:
    """The Setup part of a site, and the browser that looks at it."""

    site: Site
    settings: Settings
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.office = Office(self.settings, self.site.press, self.site.live(), None, self.time)
        self.app = flask_app(self.office)
        self.browser = self.app.test_client()

    @classmethod
    def demonstration(cls, site: Site, **changed: Any) -> Setup:
        """With the page on which one chooses who to be."""
        given = {"ROLEWARDEN_HOME": str(site.root), "ROLEWARDEN_POLICIES": str(site.policies)}
        return cls(site, replace(Settings.from_environ(given, demo=True), **changed))

    def another_browser(self) -> Self:
        """The same part, looked at from elsewhere."""
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, "browser": self.app.test_client()}
        return other

    def get(self, place: str, **headers: str) -> TestResponse:
        """What the browser gets there."""
        return self.browser.get(place, headers=_headers({"Host": HOST}, headers))

    def post(self, place: str, form: object = None, **headers: str) -> TestResponse:
        """Send a form from a page of ours."""
        return self.browser.post(place, data=form or {}, headers=_headers({"Host": HOST, "Origin": ORIGIN}, headers))

    def sign_in_as(self, user: str, practice: str = "riverside") -> TestResponse:
        """Choose who to be."""
        answer = self.post("/signin/as", {"practice": practice, "user": user})
        assert answer.status_code == 303, answer.text
        return answer

    def events(self, name: str = "") -> list[dict[str, object]]:
        """What is in the record, oldest first: of one name, or all."""
        with self.site.view() as view:
            found = view.events(limit=1000)
        told = [{"name": e.name.value, "actor": e.actor, "practice": e.practice, **e.details} for e in reversed(found)]
        return [event for event in told if not name or event["name"] == name]


def _headers(common: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value for name, value in {**common, **named}.items() if value}


def words(answer: TestResponse) -> str:
    """The words of a page, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", answer.text))).strip()


def cookie_of(answer: TestResponse) -> str:
    """The whole `Set-Cookie` of an answer that sets one."""
    [cookie] = answer.headers.getlist("Set-Cookie")
    return cookie


POLICIES = Path(__file__).parents[3] / "policies"
