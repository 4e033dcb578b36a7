"""How long somebody is signed in, what ends it, and what becomes of what they typed."""

import io
import json
from typing import ClassVar

import pytest
from werkzeug.test import TestResponse

from tests.contract.setup.doors import Setup, cookie_of, words
from tests.unit.site import Site

POST = {"practice": "riverside"}


def is_in(setup: Setup) -> bool:
    """Whether this browser is that of somebody who has signed in."""
    answer = setup.get("/")
    return answer.status_code != 303 or not answer.location.startswith("/signin")


def a_page(setup: Setup) -> str:
    """An address of a page that takes forms, in the practice."""
    rows = [row for row in setup.app.url_map.iter_rules() if "POST" in (row.methods or ())]
    return next(row.rule for row in rows if row.arguments == {"practice"}).replace("<practice>", "riverside")


class TestTheEnd:
    @pytest.mark.parametrize(("seconds", "still"), [(899, True), (900, False), (100_000, False)])
    def test_idle(self, setup: Setup, seconds: int, still: bool) -> None:
        """After a quarter of an hour without a request one signs in again; not before."""
        setup.sign_in_as("pat")
        setup.time.pass_by(seconds=seconds)
        assert is_in(setup) is still

    def test_in_any_case(self, setup: Setup) -> None:
        """After twelve hours one signs in again, however busy one was."""
        setup.sign_in_as("pat")
        for _ in range(71):
            setup.time.pass_by(minutes=10)
            assert is_in(setup)
        setup.time.pass_by(minutes=10)
        assert not is_in(setup)

    def test_it_is_written_once_a_minute(self, setup: Setup, site: Site) -> None:
        """That somebody is there is written at most once a minute, and never keeps them in for longer."""
        setup.sign_in_as("pat")
        for _ in range(5):
            setup.time.pass_by(seconds=11)
            assert is_in(setup)
        with site.view() as view:
            [session] = view.sessions("pat")
            assert session.seen == session.created
        setup.time.pass_by(seconds=5)
        assert is_in(setup)
        with site.view() as view:
            [session] = view.sessions("pat")
            assert session.seen == setup.office.now()

    def test_it_is_on_record_once(self, setup: Setup) -> None:
        """That a sign-in ended by time is noted when the person comes back, once."""
        setup.sign_in_as("pat")
        setup.time.pass_by(minutes=20)
        for _ in range(3):
            assert not is_in(setup)
        names = [event["name"] for event in setup.events()]
        assert names == ["setup:session:begin", "setup:session:expire"]

    def test_signing_out_is_everywhere(self, setup: Setup) -> None:
        """Signing out in one browser ends it in all of this person's, and in nobody else's."""
        other, ada = setup.another_browser(), setup.another_browser()
        for browser, user in ((setup, "sam"), (other, "sam"), (ada, "ada")):
            browser.sign_in_as(user)
        answer = setup.post("/signout")
        assert (answer.status_code, answer.location) == (303, "/signin/ended")
        assert "Max-Age=0" in cookie_of(answer)
        assert (is_in(setup), is_in(other), is_in(ada)) == (False, False, True)
        assert setup.events("setup:session:end") == [
            {"name": "setup:session:end", "actor": "user:sam", "practice": "riverside", "ended": "2"}
        ]

    def test_signing_out_twice(self, setup: Setup) -> None:
        """Whoever is out already is out."""
        assert setup.post("/signout").location == "/signin/ended"
        assert not setup.events()

    @pytest.mark.parametrize("value", ["", "x", "../..", "0" * 3000, "a\tb", "é"])
    def test_a_cookie_that_nobody_gave(self, setup: Setup, value: str) -> None:
        """What is no cookie of ours is nobody's."""
        setup.browser.set_cookie("rolewarden", value, domain="localhost")
        assert not is_in(setup)

    def test_the_store_is_away(self, setup: Setup, site: Site) -> None:
        """While the store is away a page says so; nobody is let in, and nobody is thrown out."""
        setup.sign_in_as("pat")
        site.store.close()
        with site.away():
            answer = setup.get("/")
            assert answer.status_code == 503
            assert "Try again in a minute." in words(answer)
        assert is_in(setup)


class TestWhatWasTyped:
    def sent(self, setup: Setup, form: dict[str, object]) -> TestResponse:
        """Something was sent when the sign-in had ended."""
        setup.sign_in_as("pat")
        setup.time.pass_by(minutes=20)
        return setup.post(f"{a_page(setup)}?screen=x", form)

    FORM: ClassVar = {"note": "it's <b>", "member": ["ann", "ben"], "reason": ""}

    def test_it_is_there_again(self, setup: Setup) -> None:
        """What was sent too late is shown after signing in again, to be sent once more; nothing was done meanwhile."""
        answer = self.sent(setup, self.FORM)
        assert answer.location == "/signin?next=%2Fsignin%2Fcontinue"
        assert setup.post("/signin/as", {**POST, "user": "pat", "next": "/signin/continue"}).location.endswith(
            "continue"
        )
        page = setup.get("/signin/continue").text
        assert f'action="{a_page(setup)}?screen=x"' in page
        assert 'name="note" value="it&#39;s &lt;b&gt;"' in page
        assert page.count('name="member"') == 2
        assert 'name="reason" value=""' in page

    def test_for_nobody_else(self, setup: Setup, site: Site) -> None:
        """Who signs in next at the same desk does not see what somebody else had typed, nor does anybody after."""
        self.sent(setup, self.FORM)
        setup.post("/signin/as", {**POST, "user": "sam"})
        assert setup.get("/signin/continue").location == "/"
        setup.post("/signin/as", {**POST, "user": "pat"})
        assert setup.get("/signin/continue").location == "/"
        assert "it's" not in site.dump()

    def test_in_no_other_browser(self, setup: Setup) -> None:
        """It is kept for the browser in which it was typed."""
        self.sent(setup, self.FORM)
        other = setup.another_browser()
        other.sign_in_as("pat")
        assert other.get("/signin/continue").location == "/"

    def test_not_for_ever(self, setup: Setup, site: Site) -> None:
        """It is forgotten after an hour, when somebody signs in."""
        self.sent(setup, self.FORM)
        setup.time.pass_by(minutes=61)
        setup.another_browser().sign_in_as("ada")
        assert "it's" not in site.dump()

    def test_whoever_was_never_in(self, setup: Setup, site: Site) -> None:
        """What strangers send is not kept, and not read."""
        before = site.dump()
        setup.browser.set_cookie("rolewarden", "stranger", domain="localhost")
        assert setup.post(a_page(setup), self.FORM).location == "/signin?next=%2F"
        assert site.dump() == before

    def test_what_is_too_long(self, setup: Setup) -> None:
        """A form of more than a megabyte is not kept; one signs in again all the same."""
        assert self.sent(setup, {"note": "x" * 2**20}).location == "/signin?next=%2F"

    def test_a_page_of_another_site(self, setup: Setup, site: Site) -> None:
        """Another site can leave nothing under somebody's hands."""
        setup.sign_in_as("pat")
        setup.time.pass_by(minutes=20)
        assert setup.post(a_page(setup), self.FORM, Origin="http://evil.example").status_code == 403
        assert "it's" not in site.dump()


class TestTheDemonstration:
    @pytest.mark.parametrize(
        "header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"]
    )
    def test_nobody_comes_through_a_proxy(self, setup: Setup, header: str) -> None:
        """Whoever comes through a proxy is not at this machine, and can be nobody."""
        for answer in (setup.get("/signin", **{header: "x"}), setup.post("/signin/as", POST, **{header: "x"})):
            assert answer.status_code == 403
            assert "proxy" in words(answer)
        assert not is_in(setup)

    @pytest.mark.parametrize(
        "form",
        [
            {"practice": "riverside", "user": "lou"},
            {"practice": "riverside", "user": "nobody"},
            {"practice": "hill", "user": "pat"},
            {"practice": "", "user": "pat"},
            {"practice": "lakeside", "user": "pat"},
            {"practice": "riverside", "user": ["pat", "sam"]},
            {},
        ],
        ids=json.dumps,
    )
    def test_whom_one_can_be(self, setup: Setup, form: dict[str, str]) -> None:
        """One can be an active user of a practice, and nobody else."""
        assert setup.post("/signin/as", form).status_code in (400, 403)
        assert not is_in(setup)

    def test_the_banner(self, setup: Setup) -> None:
        """Every page says that it is a demonstration: of those who are in, of those who are not, and of errors."""
        for place in ("/signin", "/signin/ended", "/nowhere"):
            assert "Demonstration: invented people" in words(setup.get(place))
        setup.sign_in_as("eve")
        assert "Demonstration: invented people" in words(setup.get("/"))

    def test_its_cookie(self, setup: Setup) -> None:
        """Without TLS there is no `Secure`, and so no `__Host-`; all else is as everywhere."""
        cookie = cookie_of(setup.sign_in_as("pat"))
        assert cookie.startswith("rolewarden=")
        assert "Secure" not in cookie
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in cookie


class TestRefusals:
    def test_the_security_message(self, setup: Setup, log: io.BytesIO) -> None:
        """A page that somebody may not see shows its security message, and the code in it is on record."""
        setup.sign_in_as("eve")
        rows = [row.rule for row in setup.app.url_map.iter_rules() if "GET" in (row.methods or ())]
        path = next(rule for rule in rows if rule == "/practices/<practice>/roles").replace("<practice>", "riverside")
        answer = setup.get(path)
        assert answer.status_code == 403
        assert "You don't have access to do this in Setup > Administrative Setup > Roles." in words(answer)
        assert "Ask your practice administrator. Code " in words(answer)
        assert "Sign out everywhere" in words(answer)
        assert "Eve Elm" in words(answer)
        [event] = setup.events("setup:page:refuse")
        assert (event["actor"], event["practice"], event["path"]) == ("user:eve", "riverside", path)
        assert f"Code {event['code']}." in words(answer)
        assert b'"setup:page:refuse"' in log.getvalue()

    @pytest.mark.parametrize("practice", ["lakeside", "hill", "template", "%20", "riverside%2F..%2Flakeside"])
    def test_practices_of_others(self, setup: Setup, practice: str) -> None:
        """A practice that is not theirs is not found, whether it exists or not, in the same words."""
        setup.sign_in_as("pat")
        known, unknown = setup.get(f"/practices/{practice}/roles"), setup.get("/practices/nowhere/roles")
        assert known.status_code == unknown.status_code == 404
        if "%2F" not in practice:
            assert words(known) == words(unknown)
        assert "Lakeside Pediatrics" not in known.text
