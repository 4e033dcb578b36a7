"""Signing in through a provider: what must fit, and what each thing that does not is told."""

from __future__ import annotations

import io
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from itsdangerous import timed
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug.test import TestResponse

from service.access.person import Office
from service.access.provider import Provider
from service.config import Settings
from service.setup_web import flask_app
from tests.contract.setup.doors import Setup, Time, words
from tests.contract.setup.identity import CLIENT, ISSUER, SECRET, Identity
from tests.unit.site import Site

PUBLIC = "https://setup.example.org"
HOST = "setup.example.org"
KEY, OLD_KEY = "k" * 32, "o" * 32
COOKIE = "__Host-rolewarden"


class People(Setup):
    """The Setup part with a provider, and a browser that is sent there and back."""

    identity: Identity

    @classmethod
    def open(cls, site: Site, identity: Identity, **environ: str) -> People:
        """With the settings that it takes, and others."""
        given = {
            "HOME": str(site.root),
            "SETUP_URL": PUBLIC,
            "OIDC_ISSUER": ISSUER,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "SESSION_KEYS": KEY,
            **environ,
        }
        settings = Settings.from_environ({f"ROLEWARDEN_{name}": value for name, value in given.items()})
        people = cls(site, settings, Time())
        people.identity, identity.now = identity, int(people.time.now.timestamp())
        provider = Provider(settings, identity.transport(), lambda: people.time().timestamp())
        people.office = Office(settings, site.press, people.office.live, provider, people.time)
        people.app = flask_app(people.office)
        people.browser = people.app.test_client()
        return people

    def get(self, place: str, **headers: str) -> TestResponse:
        return self.browser.get(place, base_url=PUBLIC, headers=headers)

    def post(self, place: str, form: object = None, **headers: str) -> TestResponse:
        return self.browser.post(place, base_url=PUBLIC, data=form or {}, headers={"Origin": PUBLIC, **headers})

    def leave(self, onward: str = "/") -> str:
        """Go to the provider; the `state` that goes along."""
        answer = self.get(f"/signin?next={onward}")
        assert answer.status_code == 303, words(answer)
        return self.identity.sent_to(answer.location)["state"]

    def come_back(self, state: str, **query: str) -> TestResponse:
        """Come back from there."""
        given = {"state": state, "code": "the code", "iss": ISSUER, **query}
        return self.browser.get("/signin/callback", base_url=PUBLIC, query_string={n: v for n, v in given.items() if v})

    def sign_in(self, onward: str = "/") -> TestResponse:
        """There and back."""
        return self.come_back(self.leave(onward))

    def is_in(self) -> bool:
        """Whether this browser is that of somebody who has signed in."""
        answer = self.get("/")
        return answer.status_code != 303 or not answer.location.startswith("/signin")


@pytest.fixture
def identity() -> Identity:
    """A provider that does all things right, until a test says otherwise."""
    return Identity()


@pytest.fixture
def people(site: Site, identity: Identity, log: io.BytesIO) -> People:
    """The Setup part that trusts it."""
    return People.open(site, identity)


class TestSigningIn:
    def test_out(self, people: People) -> None:
        """The browser goes out with a code challenge, a state and a nonce, and asks for no more than was set."""
        answer = people.get("/signin")
        asked = people.identity.sent_to(answer.location)
        assert answer.location.startswith(f"{ISSUER}/auth?realm=a&")
        assert (asked["response_type"], asked["scope"], asked["client_id"]) == ("code", "openid", CLIENT)
        assert asked["redirect_uri"] == f"{PUBLIC}/signin/callback"
        assert asked["code_challenge_method"] == "S256"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        [cookie] = answer.headers.getlist("Set-Cookie")
        assert cookie.startswith("__Host-rolewarden-signin-")
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Max-Age=600", "Path=/"):
            assert word in cookie

    def test_back(self, people: People) -> None:
        """Whoever comes back as the provider says gets a cookie of their own, and goes to where they wanted to go."""
        answer = people.sign_in("/practices/riverside/roles?screen=Task")
        assert answer.location == "/practices/riverside/roles?screen=Task"
        new, gone = answer.headers.getlist("Set-Cookie")
        assert new.startswith(f"{COOKIE}=")
        assert "Max-Age=0" in gone
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert word in new
        assert people.is_in()
        assert people.events() == [
            {"name": "setup:session:begin", "actor": "user:pat", "practice": "riverside", "by": "provider"}
        ]

    def test_the_store_cannot_let_anybody_in(self, people: People, site: Site) -> None:
        """Of what a browser holds, the store has only the hash."""
        secret = people.sign_in().headers.getlist("Set-Cookie")[0].partition("=")[2].partition(";")[0]
        assert len(secret) >= 43
        assert secret not in site.dump()

    def test_it_is_new_each_time(self, people: People, site: Site) -> None:
        """Signing in again makes another cookie, and the one before is good for nothing: none can be planted."""
        people.browser.set_cookie(COOKIE, "planted", domain=HOST, secure=True)
        people.sign_in()
        first = people.browser.get_cookie(COOKIE, domain=HOST)
        assert first is not None
        assert first.value != "planted"
        people.sign_in()
        people.browser.set_cookie(COOKIE, first.value, domain=HOST, secure=True)
        assert not people.is_in()

    @pytest.mark.parametrize(
        "place",
        ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/signin", "/signout", "/a\nb", ""],
    )
    def test_onward_is_here(self, people: People, place: str) -> None:
        """After signing in nobody is sent to another site, nor round in a circle."""
        answer = people.browser.get("/signin", base_url=PUBLIC, query_string={"next": place})
        people.identity.sent_to(answer.location)
        assert people.come_back(people.identity.begun["state"]).location == "/"

    def test_several_windows(self, people: People) -> None:
        """Two windows of a browser can sign in at the same time; each comes back to its own."""
        first, begun = people.leave("/a"), dict(people.identity.begun)
        second = people.leave("/b")
        assert people.come_back(second).location == "/b"
        people.identity.begun = begun
        assert people.come_back(first).location == "/a"

    @pytest.mark.parametrize("key", [lambda: ECKey.generate_key("P-256", {"kid": "e", "use": "sig"})], ids=["ES256"])
    def test_other_signatures(self, site: Site, log: io.BytesIO, key: Callable[[], Any]) -> None:
        """A provider may sign with elliptic curves, too."""
        assert People.open(site, Identity(key())).sign_in().status_code == 303

    def test_other_claims(self, site: Site, log: io.BytesIO) -> None:
        """Which claims say who it is is a matter of settings; one practice may stand there as a text."""
        identity = Identity(claims={"preferred_username": "ada", "https://ehr/clinics": "riverside", "practices": None})
        settings = {"OIDC_USER_CLAIM": "preferred_username", "OIDC_PRACTICES_CLAIM": "https://ehr/clinics"}
        people = People.open(site, identity, **settings)
        assert people.sign_in().status_code == 303
        assert people.events()[0]["actor"] == "user:ada"


def unknown_key() -> RSAKey:
    """A key under a name that is known."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


HOSTILE: dict[str, Callable[[Identity], object]] = {
    "another audience": lambda it: it.claims.update(aud="somebody else"),
    "several audiences and no authorized party": lambda it: it.claims.update(aud=[CLIENT, "other"]),
    "another authorized party": lambda it: it.claims.update(azp="other"),
    "no audience": lambda it: it.claims.update(aud=None),
    "another issuer": lambda it: it.claims.update(iss="https://id.example.org"),
    "no issuer": lambda it: it.claims.update(iss=None),
    "another nonce": lambda it: it.claims.update(nonce="x"),
    "no nonce": lambda it: it.claims.update(nonce=None),
    "expired": lambda it: it.claims.update(exp=it.now - 61),
    "no expiry": lambda it: it.claims.update(exp=None),
    "an expiry that is no number": lambda it: it.claims.update(exp="tomorrow"),
    "not yet": lambda it: it.claims.update(nbf=it.now + 120),
    "made in the future": lambda it: it.claims.update(iat=it.now + 3600),
    "another access token": lambda it: it.claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "a key of somebody else": lambda it: setattr(it, "key", unknown_key()),
    "a key that nobody has": lambda it: it.header.update(kid="two"),
    "no signature": lambda it: setattr(it, "token", _unsigned(it.id_token())),
    "no token": lambda it: setattr(it, "token", ""),
    "no such thing as a token": lambda it: setattr(it, "token", "a.b.c"),
    "a token that is a list": lambda it: setattr(it, "token", ["x"]),
    "an endless token": lambda it: setattr(it, "token", "a" * 2_000_000),
}


class TestHostileTokens:
    @pytest.mark.parametrize("what", HOSTILE)
    def test_refused(self, people: People, what: str, log: io.BytesIO) -> None:
        """Nobody is let in by a token that is not for us, not for this sign-in, not for now, or not of the provider."""
        state = people.leave()
        HOSTILE[what](people.identity)
        answer = people.come_back(state)
        assert answer.status_code in (403, 503), words(answer)
        assert "Sign in again" in words(answer)
        assert not people.is_in()
        assert not people.events()
        if answer.status_code == 403:
            assert b'"sign_in_failed"' in log.getvalue()

    def test_a_secret_that_two_share(self, people: People) -> None:
        """A token signed with HMAC is refused, whether by our secret or by the public key taken for one."""
        state = people.leave()
        claims = json.loads(_payload(people.identity.id_token()))
        for secret in (SECRET, json.dumps(people.identity.key.as_dict(private=False))):
            shared = OctKey.import_key(secret)
            people.identity.token = jwt.encode({"alg": "HS256"}, claims, shared, algorithms=["HS256"])
            assert people.come_back(state).status_code == 403
        assert not people.is_in()

    def test_a_good_one_of_before(self, people: People) -> None:
        """A token of an earlier sign-in is not good for a later one."""
        people.leave()
        kept = people.identity.id_token()
        state = people.leave()
        people.identity.token = kept
        assert people.come_back(state).status_code == 403


class TestComingBack:
    def test_another_browser(self, people: People) -> None:
        """A link back that somebody else began signs nobody in: it fits the browser that began it alone."""
        state = people.leave()
        other = people.another_browser()
        assert other.come_back(state).status_code == 403
        assert not other.is_in()

    @pytest.mark.parametrize("state", ["", "x", "A" * 43, "../../etc", "A" * 42 + "\n"])
    def test_a_state_that_nobody_has(self, people: People, state: str) -> None:
        """What was not begun here is told so."""
        people.leave()
        answer = people.come_back(state)
        assert answer.status_code == 403
        assert "Sign in again" in words(answer)

    def test_too_late(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        """After ten minutes one begins anew."""
        state = people.leave()
        monkeypatch.setattr(timed.time, "time", lambda: people.time.now.timestamp() + 1200)
        assert people.come_back(state).status_code == 403

    def test_a_cookie_that_was_changed(self, people: People) -> None:
        """What the browser holds was signed by us, or counts for nothing."""
        state = people.leave()
        name = f"{COOKIE}-signin-{state[:8]}"
        cookie = people.browser.get_cookie(name, domain=HOST)
        assert cookie is not None
        people.browser.set_cookie(name, f"x{cookie.value[1:]}", domain=HOST, secure=True)
        assert people.come_back(state).status_code == 403

    @pytest.mark.parametrize("issuer", ["", "https://evil.example"])
    def test_another_provider(self, people: People, issuer: str) -> None:
        """An answer that another provider gave is refused before its code is sent anywhere (RFC 9207)."""
        state = people.leave()
        people.identity.asked.clear()
        assert people.come_back(state, iss=issuer).status_code == 403
        assert "/token" not in people.identity.asked

    def test_a_provider_that_does_not_say_who_it_is(self, site: Site, log: io.BytesIO) -> None:
        """Providers before RFC 9207 are taken without."""
        identity = Identity(metadata={"authorization_response_iss_parameter_supported": False})
        people = People.open(site, identity)
        assert people.come_back(people.leave(), iss="").status_code == 303

    def test_the_provider_says_no(self, people: People) -> None:
        """Whoever is refused there is told so here; nothing of what stood in the address is repeated but the code."""
        state = people.leave()
        answer = people.come_back(state, error="access_denied", error_description="<b>call 555</b>", code="")
        assert answer.status_code == 403
        assert "access_denied" in words(answer)
        assert "555" not in answer.text
        answer = people.come_back(people.leave(), error="<script>", code="")
        assert "script>" not in words(answer)

    def test_a_code_of_somebody_else(self, people: People) -> None:
        """A code that the provider does not know for this sign-in is of no use."""
        assert people.come_back(people.leave(), code="stolen").status_code == 403
        assert not people.is_in()


class TestWhoItIs:
    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": "nobody"},
            {"sub": "lou"},
            {"sub": "user:pat"},
            {"sub": "PAT"},
            {"practices": []},
            {"practices": ["lakeside"]},
            {"practices": ["hill", "template", ""]},
        ],
        ids=str,
    )
    def test_unknown_here(self, people: People, claims: dict[str, Any]) -> None:
        """Whoever no practice of theirs knows as active is refused in words, and that is on record."""
        people.identity.claims = claims
        answer = people.sign_in()
        assert answer.status_code == 403
        assert not people.is_in()
        if claims.get("practices") != ["hill", "template", ""]:
            assert "knows the user" in words(answer)
            [event] = people.events()
            assert event["name"] == "setup:session:refuse"

    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": "x" * 257},
            {"practices": None},
            {"practices": [7]},
            {"practices": {"riverside": True}},
            {"practices": "riverside lakeside"},
        ],
        ids=str,
    )
    def test_claims_that_say_nothing(self, people: People, claims: dict[str, Any]) -> None:
        """Claims that are missing or of another kind let nobody in."""
        people.identity.claims = claims
        assert people.sign_in().status_code == 403
        assert not people.is_in()

    def test_practices_that_do_not_exist(self, people: People) -> None:
        """Of the practices that the provider names, those count that know the user."""
        people.identity.claims = {"sub": "ann", "practices": ["hill", "lakeside", "riverside"]}
        people.sign_in()
        text = words(people.get("/"))
        assert "Lakeside Pediatrics" in text
        assert "Riverside Family Practice" in text

    def test_somebody_who_is_disabled_later(self, people: People, site: Site) -> None:
        """Whoever is disabled while signed in may do nothing from that moment."""
        people.sign_in()
        site.set_active("pat", False)
        assert "You don't have access to Setup" in words(people.get("/"))


class TestKeys:
    def test_changed_at_the_provider(self, people: People) -> None:
        """When the provider changes its keys, the next sign-in asks for them anew, and works."""
        people.sign_in()
        people.time.pass_by(seconds=30)
        people.identity.now += 30
        people.identity.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
        people.identity.keys = [people.identity.key]
        assert people.sign_in().status_code == 303

    def test_not_asked_for_without_end(self, people: People) -> None:
        """Tokens that name keys which nobody has do not make us ask the provider each time."""
        people.identity.header = {"kid": "nobody's"}
        for _ in range(5):
            assert people.sign_in().status_code == 403
        assert people.identity.asked.count("/keys") == 1

    def test_kinds_that_nobody_knows(self, people: People) -> None:
        """A set may hold keys for other purposes, and of kinds that we do not know."""
        keys = [{"kty": "new", "kid": "x"}, "nonsense", people.identity.key.as_dict(private=False) | {"use": "sig"}]
        people.identity.answers["/keys"] = httpx.Response(200, json={"keys": keys})
        assert people.sign_in().status_code == 303

    def test_ours_changed(self, site: Site, log: io.BytesIO) -> None:
        """With a new key in front, a sign-in that was begun under the old one still comes back; without it, no more."""
        people = People.open(site, Identity(), SESSION_KEYS=OLD_KEY)
        state = people.leave()
        for keys, status in (((KEY,), 403), ((KEY, OLD_KEY), 303)):
            office = replace(people.office, settings=replace(people.settings, session_keys=keys))
            later = people.another_browser()
            later.app = flask_app(office)
            later.browser = later.app.test_client()
            later.browser._cookies = people.browser._cookies.copy()  # noqa: SLF001 - the browser is the same one
            assert later.come_back(state).status_code == status


class TestTheProviderIsAway:
    def test_before(self, people: People) -> None:
        """Whoever wants to sign in is told to try again in a minute."""
        people.identity.away = True
        answer = people.get("/signin")
        assert answer.status_code == 503
        assert "We can't reach your sign-in provider right now." in words(answer)

    def test_those_who_are_in_stay(self, people: People) -> None:
        """Whoever has signed in goes on, and can sign out."""
        people.sign_in()
        people.identity.away = True
        assert people.is_in()
        people.time.pass_by(seconds=3601)
        people.office.press.store.touch_session(*_session(people))
        assert people.post("/signout").status_code == 303

    @pytest.mark.parametrize("path", ["/token", "/keys"])
    @pytest.mark.parametrize("status", [200, 302, 500, 503])
    def test_half_way(self, people: People, path: str, status: int) -> None:
        """A provider that fails half way lets nobody in."""
        state = people.leave()
        headers = {"Location": "https://evil.example/"} if status == 302 else {}
        people.identity.answers[path] = httpx.Response(status, headers=headers, text="<h1>no</h1>")
        assert people.come_back(state).status_code in (403, 503)
        assert not people.is_in()

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://evil.example"},
            {"issuer": f"{ISSUER}/"},
            {"token_endpoint": None},
            {"jwks_uri": "http://id.example.org/keys"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"end_session_endpoint": "http://id.example.org/"},
            {"token_endpoint": ["https://id.example.org/"]},
        ],
        ids=str,
    )
    def test_it_says_of_itself_what_cannot_be(self, people: People, metadata: dict[str, Any]) -> None:
        """A provider that calls itself otherwise, or has no secured place to go to, is not used."""
        people.identity.metadata = metadata
        assert people.get("/signin").status_code == 503

    def test_it_is_asked_once_an_hour(self, people: People) -> None:
        """What it says of itself is kept for an hour, and for longer while it is away."""
        for _ in range(3):
            people.leave()
        assert people.identity.asked == ["/.well-known/openid-configuration"]
        people.time.pass_by(seconds=3601)
        people.identity.away = True
        people.leave()


class TestSigningOut:
    def test_at_the_provider_too(self, people: People) -> None:
        """Signing out ends here first, and then where one signed in."""
        people.sign_in()
        answer = people.post("/signout")
        asked = parse_qs(urlsplit(answer.location).query)
        assert answer.location.startswith(f"{ISSUER}/logout?")
        assert asked == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{PUBLIC}/signin/ended"]}
        assert not people.is_in()
        assert people.events()[-1]["name"] == "setup:session:end"

    def test_where_it_offers_none(self, site: Site, log: io.BytesIO) -> None:
        """Where the provider has no such place, one has signed out here."""
        people = People.open(site, Identity(metadata={"end_session_endpoint": None}))
        people.sign_in()
        assert people.post("/signout").location == "/signin/ended"

    def test_forms_may_lead_there(self, people: People) -> None:
        """The policy of our pages lets a form lead to the provider, and nowhere else."""
        people.leave()
        policy = people.get("/signin/ended").headers["Content-Security-Policy"]
        assert "form-action 'self' https://id.example.org;" in policy


def test_without_a_provider(site: Site, log: io.BytesIO) -> None:
    """Where no provider is set, nobody signs in, nor by the way of the demonstration."""
    setup = Setup(site, Settings.from_environ({"ROLEWARDEN_HOME": str(site.root)}))
    assert setup.get("/signin").status_code == 503
    assert setup.get("/signin/callback?state=x&code=y").status_code == 404
    assert setup.post("/signin/as", {"practice": "riverside", "user": "pat"}).status_code == 404


def _payload(token: str) -> bytes:
    payload = token.split(".")[1]
    return urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def _unsigned(token: str) -> str:
    header = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def _session(people: People) -> tuple[str, str]:
    with people.site.view() as view:
        [session] = view.sessions("pat")
    return session.id_hash, people.office.now()
