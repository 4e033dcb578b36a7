from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from service.config import DecisionContext, LogDecisions, Settings, table
from service.errors import ConfigError
from service.setting import Bind


def settings(**environ: str) -> Settings:
    """Settings from variables named without their prefix."""
    return Settings.from_environ({f"ROLEWARDEN_{name}": value for name, value in environ.items()})


def test_nothing_has_to_be_set() -> None:
    """An empty environment gives the defaults of the table: loopback only, and reasons for denials alone."""
    found = Settings.from_environ({})
    assert str(found.bind) == "127.0.0.1:8180"
    assert found.home == Path("var").absolute()
    assert found.store_url == f"sqlite:///{found.home / 'rolewarden.db'}"
    assert found.decision_context is DecisionContext.DENIALS
    assert found.log_decisions is LogDecisions.DENIALS
    assert found.workers >= 2
    assert not found.tls_proxy
    assert not found.demo


def test_empty_is_not_set() -> None:
    """A variable that is set to nothing, as Compose does for one that is absent, counts as not set."""
    assert Settings.from_environ({row.name: "" for row in table().values()}) == Settings.from_environ({})


@pytest.mark.parametrize("row", table().values(), ids=lambda row: row.name)
def test_each_row_is_whole(row) -> None:
    """Each setting has the prefix, a meaning that is a sentence, and a default that can be read."""
    assert row.name.startswith("ROLEWARDEN_")
    assert row.meaning.endswith(".")
    row.parse(row.default)


def test_the_environment_is_read() -> None:
    """What is set is taken, each as what it is."""
    found = settings(
        HOME="/srv/rw",
        BIND="unix:/run/rw.sock",
        WORKERS="3",
        THREADS="8",
        MAX_POLICY_AGE="60",
        DECISION_CONTEXT="all",
        LOG_DECISIONS="all",
        MAX_BODY="1024",
        MAX_EVALUATIONS="13",
        PDP_ID="https://access.example.org",
        KEEP_PRACTICES="5",
        DATABASE_URL="sqlite:////srv/other.db",
    )
    assert (found.home, found.bind) == (Path("/srv/rw"), Bind("/run/rw.sock", None))
    assert (found.workers, found.threads, found.max_policy_age) == (3, 8, 60)
    assert (found.decision_context, found.log_decisions) == ("all", "all")
    assert (found.max_body, found.max_evaluations, found.keep_practices) == (1024, 13, 5)
    assert found.pdp_id == "https://access.example.org"
    assert found.store_url == "sqlite:////srv/other.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "8180"),
        ("BIND", "127.0.0.1"),
        ("BIND", "127.0.0.1:0"),
        ("BIND", "127.0.0.1:65536"),
        ("BIND", "::1:8180"),
        ("BIND", "unix:relative.sock"),
        ("BIND", "127.0.0.1:8180\n"),
        ("WORKERS", "0"),
        ("WORKERS", "two"),
        ("WORKERS", "٣"),
        ("THREADS", "-1"),
        ("MAX_POLICY_AGE", "1e3"),
        ("MAX_POLICY_AGE", "9" * 13),
        ("MAX_BODY", "10"),
        ("MAX_EVALUATIONS", "0"),
        ("MAX_EVALUATIONS", "1e3"),
        ("PDP_ID", "http://access.example.org"),
        ("PDP_ID", "HTTPS://access.example.org"),
        ("PDP_ID", "https://Access.example.org"),
        ("PDP_ID", "https://access.example.org/"),
        ("PDP_ID", "https://access.example.org/t1/"),
        ("PDP_ID", "https://access.example.org//t1"),
        ("PDP_ID", "https://access.example.org/t1/.."),
        ("PDP_ID", "https://access.example.org/%74"),
        ("PDP_ID", "https://access.example.org/<path:x>"),
        ("PDP_ID", "https://access.example.org?x"),
        ("PDP_ID", "https://access.example.org#x"),
        ("PDP_ID", "https://somebody@access.example.org"),
        ("PDP_ID", "https://access.example.org:0"),
        ("PDP_ID", "https://access.example.org:65536"),
        ("PDP_ID", "https://access.example.org\n"),
        ("PDP_ID", "https://"),
        ("PDP_ID", "access.example.org"),
        ("DECISION_CONTEXT", "denial"),
        ("LOG_DECISIONS", "none"),
        ("TLS_PROXY", "yes"),
    ],
)
def test_what_is_malformed_is_refused(name: str, value: str) -> None:
    """A value that cannot be read stops the start, and the error names the setting and what to write."""
    with pytest.raises(ConfigError, match=f"ROLEWARDEN_{name}") as caught:
        settings(**{name: value})
    assert caught.value.mend.startswith("write ")


@pytest.mark.parametrize(
    "identifier",
    ["https://localhost", "https://a.example:8443", "https://[2001:db8::1]:443/t", "https://a.example/T-1/_x.y~z"],
)
def test_an_identifier_is_kept_to_the_letter(identifier: str) -> None:
    """What callers know us by is published as it was set (AuthZEN A-63)."""
    assert settings(PDP_ID=identifier).pdp_id == identifier


def test_a_misspelled_setting_is_refused() -> None:
    """A setting that does not exist stops the start, and the nearest that does is named."""
    with pytest.raises(ConfigError, match="`ROLEWARDEN_TLS_PROXI`") as caught:
        settings(TLS_PROXI="true")
    assert caught.value.mend == "did you mean `ROLEWARDEN_TLS_PROXY`?"


def test_other_variables_are_none_of_our_business() -> None:
    """Only variables with the prefix are looked at."""
    assert Settings.from_environ({"PATH": "/bin", "HOME": "/root"}) == Settings.from_environ({})


class TestKubernetes:
    OF_A_SERVICE: ClassVar = {
        "SERVICE_HOST": "10.0.0.11",
        "SERVICE_PORT": "8180",
        "SERVICE_PORT_HTTP": "8180",
        "PORT": "tcp://10.0.0.11:8180",
        "PORT_8180_TCP": "tcp://10.0.0.11:8180",
        "PORT_8180_TCP_PROTO": "tcp",
        "PORT_8180_TCP_PORT": "8180",
        "PORT_8180_TCP_ADDR": "10.0.0.11",
        "PORT_53_UDP": "udp://[fd00::1]:53",
    }

    def test_variables_of_a_service(self) -> None:
        """What Kubernetes sets for a Service called `rolewarden` is passed over."""
        assert settings(**self.OF_A_SERVICE) == Settings.from_environ({})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "8180"),
            ("PORT", "0.0.0.0:8180"),
            ("SERVICE_PORT", "http"),
            ("SERVICE_PORTS", "8180"),
            ("SERVICE", "x"),
            ("PORT_HTTP", "tcp://10.0.0.11:8180"),
            ("PORT_8180_TCP", "8180"),
            ("PORT_8180_TCP_HOST", "10.0.0.11"),
            ("CHECK_SERVICE_HOST", "10.0.0.11"),
        ],
    )
    def test_what_only_looks_like_one(self, name: str, value: str) -> None:
        """What has another shape is a setting that somebody hoped for, and is refused."""
        with pytest.raises(ConfigError, match=f"`ROLEWARDEN_{name}`"):
            settings(**{name: value})


class TestSecrets:
    def test_from_a_file(self, tmp_path: Path) -> None:
        """A secret may stand in a file; the line break that editors add is no part of it."""
        file = tmp_path / "url"
        file.write_text("sqlite:////srv/rw.db\n")
        assert settings(DATABASE_URL_FILE=str(file)).store_url == "sqlite:////srv/rw.db"

    def test_both_are_a_contradiction(self, tmp_path: Path) -> None:
        """The variable and its file together are refused, because one of them would be ignored."""
        file = tmp_path / "url"
        file.write_text("sqlite:////srv/rw.db")
        with pytest.raises(ConfigError, match="are both set"):
            settings(DATABASE_URL="sqlite:////x.db", DATABASE_URL_FILE=str(file))

    @pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
    def test_a_file_without_a_secret(self, tmp_path: Path, content: bytes | None) -> None:
        """A file that is missing, empty or no text stops the start, rather than meaning "not set"."""
        file = tmp_path / "url"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigError, match="ROLEWARDEN_DATABASE_URL_FILE"):
            settings(DATABASE_URL_FILE=str(file))

    def test_only_secrets_have_files(self) -> None:
        """What is no secret has no `_FILE`; such a variable is unknown."""
        with pytest.raises(ConfigError, match="no setting `ROLEWARDEN_BIND_FILE`"):
            settings(BIND_FILE="/etc/bind")

    def test_they_are_not_shown(self) -> None:
        """A settings value that ends up in a log or a traceback holds no secret."""
        found = Settings.from_environ(
            {"ROLEWARDEN_DATABASE_URL": "sqlite:///hush", "ROLEWARDEN_DEMO_TOKEN": "hush"}, demo=True
        )
        assert "hush" not in repr(found)

    def test_a_malformed_one_is_not_quoted(self) -> None:
        """A secret that cannot be read is not repeated by the error that says so."""
        refused = []
        for row in table().values():
            if row.secret and row.parse is not str:
                with pytest.raises(ConfigError) as caught:
                    Settings.from_environ({row.name: "hush"}, demo=True)
                refused.append(row.name)
                assert "hush" not in f"{caught.value.message} {caught.value.mend} {caught.value.__cause__}"
        assert refused == ["ROLEWARDEN_SESSION_KEYS"]


class TestHalfConfigured:
    @pytest.mark.parametrize(("given", "missing"), [("TLS_CERT", "TLS_KEY"), ("TLS_KEY", "TLS_CERT")])
    def test_one_half_of_tls(self, given: str, missing: str) -> None:
        """A certificate without its key, or the reverse, is refused, and the error names the missing half."""
        with pytest.raises(ConfigError, match=f"`ROLEWARDEN_{missing}` is missing"):
            settings(**{given: __file__})

    def test_tls_files_that_are_not_there(self, tmp_path: Path) -> None:
        """A certificate that does not exist is found at the start and not at the first connection."""
        with pytest.raises(ConfigError, match="ROLEWARDEN_TLS_CERT"):
            settings(TLS_CERT=str(tmp_path / "cert.pem"), TLS_KEY=__file__)

    @pytest.mark.parametrize("bind", ["0.0.0.0:8180", "[::]:8180", "192.0.2.1:8180", "ehr.example:8180"])
    def test_beyond_this_host_without_tls(self, bind: str) -> None:
        """Beyond loopback nothing starts without TLS, unless a proxy is said to end it (A-10, A-70)."""
        with pytest.raises(ConfigError, match="without TLS"):
            settings(BIND=bind)
        assert settings(BIND=bind, TLS_PROXY="true").bind.leaves_the_host
        assert settings(BIND=bind, TLS_CERT=__file__, TLS_KEY=__file__).bind.leaves_the_host

    @pytest.mark.parametrize("bind", ["127.0.0.1:1", "127.8.8.8:80", "[::1]:8180", "localhost:8180", "unix:/s"])
    def test_loopback_needs_no_tls(self, bind: str) -> None:
        """On this host nobody else listens."""
        found = settings(BIND=bind)
        assert not found.bind.leaves_the_host
        assert str(found.bind) == bind


class TestDemonstration:
    def test_never_beyond_loopback(self) -> None:
        """The demonstration is for this host, whatever stands before it."""
        environ = {"ROLEWARDEN_BIND": "0.0.0.0:8180", "ROLEWARDEN_TLS_PROXY": "true"}
        with pytest.raises(ConfigError, match="demonstration"):
            Settings.from_environ(environ, demo=True)

    def test_its_token_is_refused_elsewhere(self) -> None:
        """A token that stands in an environment is for the demonstration only, and does not disturb other commands."""
        environ = {"ROLEWARDEN_DEMO_TOKEN": "rw_something"}
        with pytest.raises(ConfigError, match="ROLEWARDEN_DEMO_TOKEN"):
            Settings.from_environ(environ, demo=False)
        assert Settings.from_environ(environ, demo=True).demo_token == "rw_something"
        assert not Settings.from_environ(environ).demo

    def test_no_variable_turns_it_on(self) -> None:
        """`--demo` is the only way."""
        with pytest.raises(ConfigError, match="no setting `ROLEWARDEN_DEMO`"):
            settings(DEMO="true")
        assert replace(Settings.from_environ({}), demo=True) == Settings.from_environ({}, demo=True)


WHOLE = {
    "OIDC_ISSUER": "https://id.example.org/realm",
    "OIDC_CLIENT_ID": "setup",
    "OIDC_CLIENT_SECRET": "s" * 20,
    "SESSION_KEYS": "k" * 32,
    "SETUP_URL": "https://setup.example.org",
}
"""All that signing in with a provider needs."""


class TestSigningIn:
    def test_all_of_it(self) -> None:
        """With all that it needs the service starts; each key stands by itself."""
        found = settings(**WHOLE | {"SESSION_KEYS": f"{'k' * 32}, {'o' * 40}"})
        assert found.session_keys == ("k" * 32, "o" * 40)
        assert found.setup_address == "https://setup.example.org"
        assert (found.oidc_user_claim, found.oidc_practices_claim) == ("sub", "practices")
        assert (found.session_idle, found.session_lifetime) == (900, 43200)

    @pytest.mark.parametrize("missing", WHOLE)
    def test_half_of_it(self, missing: str) -> None:
        """Without one of them the service does not start, and the error names the one that is missing."""
        given = {name: value for name, value in WHOLE.items() if name != missing}
        with pytest.raises(ConfigError, match=f"`ROLEWARDEN_{missing}` is missing"):
            settings(**given)

    def test_none_of_the_provider(self) -> None:
        """Keys and an address alone are no half of anything."""
        found = settings(SESSION_KEYS="k" * 32, SETUP_URL="https://setup.example.org")
        assert found.oidc_issuer == ""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("OIDC_ISSUER", "id.example.org"),
            ("OIDC_ISSUER", "ftp://id.example.org"),
            ("OIDC_ISSUER", "http://id.example.org"),
            ("OIDC_ISSUER", "https://"),
            ("SETUP_URL", "https://user@setup.example.org"),
            ("SETUP_URL", "https://setup.example.org/?a"),
            ("SETUP_URL", "https://setup.example.org/#a"),
            ("SETUP_URL", "https://setup.example.org:99999"),
            ("SETUP_URL", "https://setup.example.org\\@evil"),
            ("SETUP_URL", "http://setup.example.org"),
            ("SETUP_URL", "https://setup example.org"),
            ("SESSION_KEYS", "short"),
            ("SESSION_KEYS", f"{'k' * 32},"),
            ("OIDC_SCOPES", "profile email"),
            ("SESSION_IDLE", "0"),
            ("SESSION_LIFETIME", "1"),
            ("SETUP_BIND", "8181"),
            ("SETUP_WORKERS", "0"),
        ],
    )
    def test_what_is_malformed(self, name: str, value: str) -> None:
        """What is no address, or one beyond this host without TLS, and a key that could be guessed stop the start."""
        with pytest.raises(ConfigError, match=f"ROLEWARDEN_{name}"):
            settings(**WHOLE | {name: value})

    @pytest.mark.parametrize("name", ["OIDC_ISSUER", "SETUP_URL"])
    def test_on_this_host(self, name: str) -> None:
        """On this host nobody listens on the way."""
        assert settings(**WHOLE | {name: "http://localhost:9000"})

    def test_beyond_this_host_without_tls(self) -> None:
        """Pages are not answered beyond this host without TLS, as checks are not."""
        with pytest.raises(ConfigError, match=r"`ROLEWARDEN_SETUP_BIND` is `0\.0\.0\.0:8181`"):
            settings(SETUP_BIND="0.0.0.0:8181")
        assert settings(SETUP_BIND="0.0.0.0:8181", TLS_PROXY="true")

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"SETUP_BIND": "0.0.0.0:8181", "TLS_PROXY": "true"}, "ROLEWARDEN_SETUP_BIND"),
            (WHOLE, "ROLEWARDEN_OIDC_ISSUER"),
            ({"SETUP_URL": "https://setup.example.org"}, "ROLEWARDEN_SETUP_URL"),
        ],
        ids=["beyond", "provider", "address"],
    )
    def test_not_in_the_demonstration(self, given: dict[str, str], said: str) -> None:
        """Where anybody can be anybody there is no provider, no address of others, and no way in from elsewhere."""
        with pytest.raises(ConfigError) as caught:
            Settings.from_environ({f"ROLEWARDEN_{name}": value for name, value in given.items()}, demo=True)
        assert said in f"{caught.value.message} {caught.value.mend}"

    def test_the_address_unless_set(self) -> None:
        """Without an address of their own, pages are known by where they answer."""
        assert settings().setup_address == "http://127.0.0.1:8181"
        assert settings(SETUP_BIND="[::1]:9000").setup_address == "http://[::1]:9000"
        assert settings(SETUP_BIND="unix:/run/setup.sock").setup_address == "http://localhost"
        assert settings(TLS_CERT=__file__, TLS_KEY=__file__).setup_address == "https://127.0.0.1:8181"
