"""The settings: one table, read once from the environment and handed down as a value.

Each field of `Settings` is a row of the table: its variable, its default, how it is read and what it means; the
reference is tested against it. The rule kept here: a service that is half configured does not start. A setting
that is malformed, unknown or contradicts another is a `ConfigError` that says what to change; nothing falls back
to a default because it was misspelled. An empty variable counts as not set, and a secret may stand in a file that
`<variable>_FILE` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, get_origin, get_type_hints
from urllib.parse import quote, unquote

from service import environment, setting
from service.errors import ConfigError
from service.setting import Bind, ForwardHeaders, Setting


class DecisionContext(StrEnum):
    """Which answers say more than yes or no (AuthZEN A-6)."""

    NONE = "none"
    DENIALS = "denials"
    ALL = "all"


class LogDecisions(StrEnum):
    """Which decisions become a line in the log."""

    DENIALS = "denials"
    ALL = "all"


# --- the table ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Secrets are not part of the representation, so that no log can hold one."""

    home: Annotated[
        Path,
        Setting("ROLEWARDEN_HOME", "var", setting.path, "Folder of the embedded database and the counter."),
    ]
    policies: Annotated[
        Path,
        Setting("ROLEWARDEN_POLICIES", "policies", setting.path, "Folder of the policy files."),
    ]
    database_url: Annotated[
        str,
        Setting(
            "ROLEWARDEN_DATABASE_URL",
            "",
            str,
            "URL of the store: `sqlite:///PATH` or `postgresql+psycopg://...`. Unless set: SQLite, in `rolewarden.db` "
            "in `ROLEWARDEN_HOME`.",
            secret=True,
        ),
    ] = field(repr=False)
    bind: Annotated[
        Bind,
        Setting("ROLEWARDEN_BIND", "127.0.0.1:8180", setting.bind, "Where to answer: `host:port` or `unix:/path`."),
    ]
    tls_cert: Annotated[
        Path | None,
        Setting("ROLEWARDEN_TLS_CERT", "", setting.optional_path, "PEM file of the certificate chain to answer with."),
    ]
    tls_key: Annotated[
        Path | None,
        Setting("ROLEWARDEN_TLS_KEY", "", setting.optional_path, "PEM file of the key to `ROLEWARDEN_TLS_CERT`."),
    ]
    tls_proxy: Annotated[
        bool,
        Setting(
            "ROLEWARDEN_TLS_PROXY",
            "false",
            setting.flag,
            "`true` says that a proxy ends TLS on the way here. Without it, or TLS of its own, nothing is "
            "answered beyond loopback.",
        ),
    ]
    workers: Annotated[
        int,
        Setting("ROLEWARDEN_WORKERS", "", setting.workers, "Processes. Unless set: one for each core, at least 2."),
    ]
    threads: Annotated[
        int,
        Setting("ROLEWARDEN_THREADS", "4", setting.number(1, 256), "Threads of each process."),
    ]
    max_policy_age: Annotated[
        int,
        Setting(
            "ROLEWARDEN_MAX_POLICY_AGE",
            "86400",
            setting.number(3, 31 * 86400),
            "Seconds for which policy in memory answers while the store is out of reach; then all is refused. "
            "Somebody who leaves keeps access for that long on a host that is cut off.",
        ),
    ]
    decision_context: Annotated[
        DecisionContext,
        Setting(
            "ROLEWARDEN_DECISION_CONTEXT",
            "denials",
            setting.choice(DecisionContext),
            "Answers that carry a reason: `none`, `denials`, or `all`, where an allow names its role and row.",
        ),
    ]
    log_decisions: Annotated[
        LogDecisions,
        Setting(
            "ROLEWARDEN_LOG_DECISIONS", "denials", setting.choice(LogDecisions), "What is logged: `denials` or `all`."
        ),
    ]
    max_body: Annotated[
        int,
        Setting("ROLEWARDEN_MAX_BODY", "1048576", setting.number(1024, 16 * 2**20), "Bytes that a request may have."),
    ]
    max_evaluations: Annotated[
        int,
        Setting(
            "ROLEWARDEN_MAX_EVALUATIONS", "1000", setting.number(1, 100_000), "Questions that one request may hold."
        ),
    ]
    pdp_id: Annotated[
        str,
        Setting(
            "ROLEWARDEN_PDP_ID",
            "",
            setting.identifier,
            "The https URL that callers know this decision point by, such as `https://access.example.org`. Unless "
            "set, no metadata is published.",
        ),
    ]
    forward_auth: Annotated[
        ForwardHeaders | None,
        Setting(
            "ROLEWARDEN_FORWARD_AUTH",
            "",
            setting.forward_headers,
            "The headers in which a proxy is believed: `user=X-Auth-User practice=X-Auth-Practice "
            "method=X-Original-Method uri=X-Original-URI`, with names of yours. Unless set, no proxy is answered.",
        ),
    ]
    keep_practices: Annotated[
        int,
        Setting(
            "ROLEWARDEN_KEEP_PRACTICES",
            "3600",
            setting.number(1, 366 * 86400),
            "Seconds for which a practice that nobody asks about stays in memory.",
        ),
    ]
    setup_bind: Annotated[
        Bind,
        Setting(
            "ROLEWARDEN_SETUP_BIND",
            "127.0.0.1:8181",
            setting.bind,
            "Where the pages and the admin API answer: `host:port` or `unix:/path`.",
        ),
    ]
    setup_url: Annotated[
        str,
        Setting(
            "ROLEWARDEN_SETUP_URL",
            "",
            setting.address,
            "Address by which browsers reach the pages, such as `https://setup.example.org`. Unless set: they are "
            "reached on this host alone.",
        ),
    ]
    setup_workers: Annotated[
        int,
        Setting("ROLEWARDEN_SETUP_WORKERS", "2", setting.number(1, 64), "Processes that answer pages and admin API."),
    ]
    setup_max_body: Annotated[
        int,
        Setting(
            "ROLEWARDEN_SETUP_MAX_BODY",
            "33554432",
            setting.number(65536, 2**30),
            "Bytes that a form or a request to the admin API may have.",
        ),
    ]
    oidc_issuer: Annotated[
        str,
        Setting(
            "ROLEWARDEN_OIDC_ISSUER",
            "",
            setting.address,
            "The OpenID Connect provider by which people sign in, as it writes its own name.",
        ),
    ]
    oidc_client_id: Annotated[
        str,
        Setting("ROLEWARDEN_OIDC_CLIENT_ID", "", str, "What the provider calls this service."),
    ]
    oidc_client_secret: Annotated[
        str,
        Setting(
            "ROLEWARDEN_OIDC_CLIENT_SECRET",
            "",
            str,
            "The secret that goes with `ROLEWARDEN_OIDC_CLIENT_ID`.",
            secret=True,
        ),
    ] = field(repr=False)
    oidc_scopes: Annotated[
        str,
        Setting(
            "ROLEWARDEN_OIDC_SCOPES",
            "openid",
            setting.scopes,
            "What is asked for, with blanks between; `openid` among it.",
        ),
    ]
    oidc_user_claim: Annotated[
        str,
        Setting("ROLEWARDEN_OIDC_USER_CLAIM", "sub", str, "The claim that holds the id of the user."),
    ]
    oidc_practices_claim: Annotated[
        str,
        Setting(
            "ROLEWARDEN_OIDC_PRACTICES_CLAIM",
            "practices",
            str,
            "The claim that holds the ids of the practices that the user works in: a list, or one of them.",
        ),
    ]
    session_keys: Annotated[
        tuple[str, ...],
        Setting(
            "ROLEWARDEN_SESSION_KEYS",
            "",
            setting.keys,
            "Keys of at least 32 characters, with commas between, that sign what a browser holds while somebody signs "
            "in. The first one signs; the others still count, so that keys can be changed.",
            secret=True,
        ),
    ] = field(repr=False)
    session_idle: Annotated[
        int,
        Setting(
            "ROLEWARDEN_SESSION_IDLE",
            "900",
            setting.number(60, 86400),
            "Seconds without a request after which somebody must sign in again. What was typed is kept.",
        ),
    ]
    session_lifetime: Annotated[
        int,
        Setting(
            "ROLEWARDEN_SESSION_LIFETIME",
            "43200",
            setting.number(300, 7 * 86400),
            "Seconds after which somebody must sign in again in any case.",
        ),
    ]
    demo_token: Annotated[
        str,
        Setting(
            "ROLEWARDEN_DEMO_TOKEN",
            "",
            str,
            "Bearer token of the demonstration, only with `--demo`. Unless set, one is made and printed.",
            secret=True,
        ),
    ] = field(repr=False)
    demo: bool = False
    """Whether `--demo` was given. It is no variable, so that no environment can turn it on."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, demo: bool | None = None) -> Self:
        """Read the table from the environment. Raises `ConfigError` for the first thing that does not hold.

        `demo`: whether `--demo` was given; None for a command that has no such option.
        """
        values = environment.read(table(), environ)
        settings = cls(**values, demo=bool(demo))
        _refuse_half_of_tls(settings)
        _refuse_half_of_sign_in(settings)
        _refuse_mistaken_demonstration(settings, demo)
        return settings

    def binds(self) -> dict[str, Bind]:
        """Where the two parts answer, by the name of the setting."""
        return {"ROLEWARDEN_BIND": self.bind, "ROLEWARDEN_SETUP_BIND": self.setup_bind}

    @property
    def store_url(self) -> str:
        """Where the store is, the embedded one unless `database_url` names another."""
        return self.database_url or f"sqlite:///{quote(str(self.home / 'rolewarden.db'))}"

    @property
    def scheme(self) -> str:
        """How we are spoken to on this host."""
        return "http" if self.tls_cert is None else "https"

    @property
    def setup_address(self) -> str:
        """The address of the pages: what is set, or where they are reached on this host."""
        if self.setup_url or self.setup_bind.port is None:
            return self.setup_url or "http://localhost"
        return f"{self.scheme}://{self.setup_bind}"

    @property
    def counter(self) -> Path:
        """The small file by which the workers of this host learn of a change: beside the database, whoever opens it."""
        _, embedded, path = self.store_url.partition("sqlite:///")
        return Path(unquote(path)).absolute().parent / "counter" if embedded else self.home / "counter"

    @property
    def shadow(self) -> Path:
        """Where this host takes down what an EHR decides otherwise."""
        return self.home / "shadow"

    @property
    def metrics(self) -> Path:
        """Where workers share their metrics on a host that has no memory for it."""
        return self.home / "metrics"


def table() -> dict[str, Setting]:
    """Each setting under the field that holds it, in the order of the reference."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated}


# --- what is refused ----------------------------------------------------------------------------------------


def _refuse_mistaken_demonstration(settings: Settings, demo: bool | None) -> None:
    for name, bind in settings.binds().items():
        if settings.demo and bind.leaves_the_host:
            raise ConfigError(
                f"the demonstration does not answer on `{bind}`",
                f"it is for loopback only: leave out `--demo`, or set `{name}` to 127.0.0.1",
            )
    if settings.demo and (settings.oidc_issuer or settings.setup_url):
        name = "ROLEWARDEN_OIDC_ISSUER" if settings.oidc_issuer else "ROLEWARDEN_SETUP_URL"
        raise ConfigError(f"`{name}` is set, and this is the demonstration", "leave out `--demo`, or remove it")
    if settings.demo_token and demo is False:
        raise ConfigError(
            "`ROLEWARDEN_DEMO_TOKEN` is set, and this is not the demonstration",
            "remove it, and make a token with `rolewarden token create`",
        )


def _refuse_half_of_tls(settings: Settings) -> None:
    files = {"ROLEWARDEN_TLS_CERT": settings.tls_cert, "ROLEWARDEN_TLS_KEY": settings.tls_key}
    missing = [name for name, path in files.items() if path is None]
    if len(missing) == 1:
        raise ConfigError(f"`{missing[0]}` is missing: TLS needs a certificate and its key", "set both or neither")
    for name, path in files.items():
        if path is not None and not path.is_file():
            raise ConfigError(f"`{name}` names `{path}`, which is not a file", "name a PEM file")
    for name, bind in settings.binds().items():
        if bind.leaves_the_host and missing and not settings.tls_proxy:
            raise ConfigError(
                f"`{name}` is `{bind}`, beyond this host, without TLS",
                "set `ROLEWARDEN_TLS_CERT` and `ROLEWARDEN_TLS_KEY`, or `ROLEWARDEN_TLS_PROXY=true` where a proxy "
                "ends TLS",
            )


def _refuse_half_of_sign_in(settings: Settings) -> None:
    needed = {
        "ROLEWARDEN_OIDC_ISSUER": settings.oidc_issuer,
        "ROLEWARDEN_OIDC_CLIENT_ID": settings.oidc_client_id,
        "ROLEWARDEN_OIDC_CLIENT_SECRET": settings.oidc_client_secret,
        "ROLEWARDEN_SESSION_KEYS": settings.session_keys,
        "ROLEWARDEN_SETUP_URL": settings.setup_url,
    }
    # A key or an address alone hurts nobody; of the provider it is all or nothing.
    of_provider = [name for name, value in needed.items() if value and "_OIDC_" in name]
    missing = [name for name, value in needed.items() if not value]
    if of_provider and missing:
        raise ConfigError(f"`{missing[0]}` is missing: `{of_provider[0]}` is set", f"set `{missing[0]}`, too")
    for name, address in (
        ("ROLEWARDEN_OIDC_ISSUER", settings.oidc_issuer),
        ("ROLEWARDEN_SETUP_URL", settings.setup_url),
    ):
        if address.startswith("http:") and not setting.on_this_host(address):
            raise ConfigError(f"`{name}` is `{address}`, beyond this host, without TLS", "write `https://`")
