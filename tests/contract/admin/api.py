"""The admin API in this process: Flask's own client, and tokens of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from werkzeug.test import TestResponse

from service.access.permissions import Scope
from service.access.person import Office
from service.access.tokens import mint
from service.config import Settings
from service.setup_web import flask_app
from tests.unit.site import Site

V1 = "/admin/v1"
RIVERSIDE = f"{V1}/practices/riverside"
NOW = "2026-01-11T08:00:00.000000+00:00"
EVERYTHING = frozenset(scope.value for scope in Scope)


@dataclass
class Time:
    """The time of day, which passes when a test says so."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@dataclass
class Api:
    """The admin API over a site. What is asked without a token has the one that may do everything."""

    site: Site
    time: Time = field(default_factory=Time)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        given = {"ROLEWARDEN_HOME": str(self.site.root), "ROLEWARDEN_POLICIES": str(self.site.policies)}
        settings = Settings.from_environ(given, demo=True)
        self.office = Office(settings, self.site.press, self.site.live(), clock=self.time)
        self.app = flask_app(self.office)
        self.everything = self.token()

    def token(self, *scopes: str, practices: frozenset[str] | None = None, name: str = "") -> str:
        """A new token with these scopes, or with all of them."""
        made, text = mint(name or f"ehr-{next(self.numbers)}", practices, NOW, frozenset(scopes) or EVERYTHING)
        with self.site.counter.changing():
            self.site.store.add_token(made)
        return text

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        match: int | None = None,
        query: dict[str, str] | None = None,
        **headers: str,
    ) -> TestResponse:
        """Send one request. `match`: the change that it started from; `body` is sent as JSON, bytes as they are."""
        sent = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.everything}"
        if match is not None:
            sent["If-Match"] = f'"{match}"'
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.app.test_client().open(path, method=method, headers=sent, data=data, query_string=query)

    def get(self, path: str, **query: str) -> TestResponse:
        """What is there."""
        return self.ask("GET", path, query=query)

    def change(self, practice: str = "riverside") -> int:
        """The newest change of a practice."""
        with self.site.view() as view:
            return view.last_touched(practice)

    def write(self, method: str, path: str, body: object = None, **more: Any) -> TestResponse:
        """Send a change that was made from the newest one."""
        return self.ask(method, path, body, match=self.change(path.split("/")[4]), **more)


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer tells, which must be this one."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    told: dict[str, Any] = answer.json
    assert (told["status"], told["code"], told["type"]) == (status, code, f"/docs/api#{code}")
    assert told["request_id"] == answer.headers["X-Request-ID"]
    return told
