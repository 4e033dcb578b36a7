"""The settings: one table, read once from the environment and handed down as a value.

Each field of `Settings` is a row of the table: its variable, its default, how it is read and what it means; the
reference is tested against it. The rule kept here: a service that is half configured does not start. A setting
that is malformed, unknown or contradicts another is a `ConfigError` that says what to change; nothing falls back
to a default because it was misspelled. An empty variable counts as not set, and a secret may stand in a file that
`<variable>_FILE` names.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, get_origin, get_type_hints

from service.errors import ConfigError


class DecisionContext(StrEnum):
    """Which answers say more than yes or no (AuthZEN A-6)."""

    NONE = "none"
    DENIALS = "denials"
    ALL = "all"


class LogDecisions(StrEnum):
    """Which decisions become a line in the log."""

    DENIALS = "denials"
    ALL = "all"


class Bind(NamedTuple):
    """Where the service listens: a host and a port, or a Unix socket, whose path is then the host."""

    host: str
    port: int | None

    def __str__(self) -> str:
        if self.port is None:
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def leaves_the_host(self) -> bool:
        """Whether what is said here can be heard elsewhere. A name that we cannot judge is taken to be heard."""
        if self.port is None or self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True


class Setting(NamedTuple):
    """One row of the table. A default of "" means that there is none, or that the meaning says what happens."""

    name: str
    default: str
    parse: Callable[[str], Any]
    meaning: str
    secret: bool = False


# --- how values are read: each takes text and raises ValueError with what was expected ----------------------


def _path(text: str) -> Path:
    return Path(text).absolute()


def _optional_path(text: str) -> Path | None:
    return _path(text) if text else None


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("`true` or `false`")
    return text == "true"


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError("one of " + ", ".join(f"`{choice}`" for choice in kind)) from None

    return parse


def _workers(text: str) -> int:
    if not text:
        return max(2, len(os.sched_getaffinity(0)))
    return _number(1, 512)(text)


def _bind(text: str) -> Bind:
    if text.startswith("unix:/"):
        return Bind(text.removeprefix("unix:"), None)
    address = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s\[\]:]+)):([0-9]{1,5})", text)
    if not address or not 0 < int(address[3]) < 2**16:
        raise ValueError("`host:port`, `[address]:port` or `unix:/path`")
    return Bind(address[1] or address[2], int(address[3]))


# --- the table ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Secrets are not part of the representation, so that no log can hold one."""

    home: Annotated[
        Path,
        Setting("ROLEWARDEN_HOME", "var", _path, "Folder of the embedded database, the counter and the metrics."),
    ]
    policies: Annotated[
        Path,
        Setting("ROLEWARDEN_POLICIES", "policies", _path, "Folder of the policy files."),
    ]
    database_url: Annotated[
        str,
        Setting(
            "ROLEWARDEN_DATABASE_URL",
            "",
            str,
            "SQLAlchemy URL of the store. Unless set: SQLite, in `rolewarden.db` in `ROLEWARDEN_HOME`.",
            secret=True,
        ),
    ] = field(repr=False)
    bind: Annotated[
        Bind,
        Setting("ROLEWARDEN_BIND", "127.0.0.1:8180", _bind, "Where to answer: `host:port` or `unix:/path`."),
    ]
    tls_cert: Annotated[
        Path | None,
        Setting("ROLEWARDEN_TLS_CERT", "", _optional_path, "PEM file of the certificate chain to answer with."),
    ]
    tls_key: Annotated[
        Path | None,
        Setting("ROLEWARDEN_TLS_KEY", "", _optional_path, "PEM file of the key to `ROLEWARDEN_TLS_CERT`."),
    ]
    tls_proxy: Annotated[
        bool,
        Setting(
            "ROLEWARDEN_TLS_PROXY",
            "false",
            _flag,
            "`true` says that a proxy ends TLS on the way here. Without it, or TLS of its own, nothing is "
            "answered beyond loopback.",
        ),
    ]
    workers: Annotated[
        int,
        Setting("ROLEWARDEN_WORKERS", "", _workers, "Processes. Unless set: one for each core, at least 2."),
    ]
    threads: Annotated[
        int,
        Setting("ROLEWARDEN_THREADS", "4", _number(1, 256), "Threads of each process."),
    ]
    max_policy_age: Annotated[
        int,
        Setting(
            "ROLEWARDEN_MAX_POLICY_AGE",
            "86400",
            _number(1, 31 * 86400),
            "Seconds for which policy in memory answers while the store is out of reach; then all is refused. "
            "Somebody who leaves keeps access for that long on a host that is cut off.",
        ),
    ]
    decision_context: Annotated[
        DecisionContext,
        Setting(
            "ROLEWARDEN_DECISION_CONTEXT",
            "denials",
            _choice(DecisionContext),
            "Answers that carry a reason: `none`, `denials`, or `all`, where an allow names its role and row.",
        ),
    ]
    log_decisions: Annotated[
        LogDecisions,
        Setting("ROLEWARDEN_LOG_DECISIONS", "denials", _choice(LogDecisions), "What is logged: `denials` or `all`."),
    ]
    max_body: Annotated[
        int,
        Setting("ROLEWARDEN_MAX_BODY", "65536", _number(1024, 16 * 2**20), "Bytes that a request may have."),
    ]
    keep_practices: Annotated[
        int,
        Setting(
            "ROLEWARDEN_KEEP_PRACTICES",
            "3600",
            _number(1, 366 * 86400),
            "Seconds for which a practice that nobody asks about stays in memory.",
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
    def from_environ(cls, environ: Mapping[str, str], *, demo: bool = False) -> Self:
        """Read the table from the environment. Raises `ConfigError` for the first thing that does not hold."""
        _refuse_unknown(environ)
        values = {name: _read(setting, environ) for name, setting in table().items()}
        settings = cls(**values, demo=demo)
        _refuse_contradictions(settings)
        return settings

    @property
    def store_url(self) -> str:
        """Where the store is, the embedded one unless `database_url` names another."""
        return self.database_url or f"sqlite:///{self.home / 'rolewarden.db'}"

    @property
    def counter(self) -> Path:
        """The small file by which the workers of this host learn of a change."""
        return self.home / "counter"

    @property
    def metrics(self) -> Path:
        """The folder in which workers share their metrics; emptied at every start."""
        return self.home / "metrics"


def table() -> dict[str, Setting]:
    """Each setting under the field that holds it, in the order of the reference."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated}


# --- what is refused ----------------------------------------------------------------------------------------


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    settings = table().values()
    known = [*(row.name for row in settings), *(f"{row.name}_FILE" for row in settings if row.secret)]
    for name in sorted(environ):
        if name.startswith("ROLEWARDEN_") and name not in known:
            similar = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean `{similar[0]}`?" if similar else "take it out, or see the list of settings"
            raise ConfigError(f"there is no setting `{name}`", mend)


def _read(setting: Setting, environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.name, "")
    if setting.secret:
        text = _secret(setting.name, text, environ.get(f"{setting.name}_FILE", ""))
    try:
        return setting.parse(text or setting.default)
    except ValueError as expected:
        given = "what it holds" if setting.secret else f"`{text}`"
        raise ConfigError(f"`{setting.name}` cannot be {given}", f"write {expected}") from None


def _secret(name: str, text: str, file: str) -> str:
    if not file:
        return text
    if text:
        raise ConfigError(f"`{name}` and `{name}_FILE` are both set", "keep one of them")
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{name}_FILE` names `{file}`, which cannot be read", str(error)) from error
    if not content:
        raise ConfigError(f"`{name}_FILE` names `{file}`, which is empty", "put the secret into it")
    return content


def _refuse_contradictions(settings: Settings) -> None:
    _refuse_half_of_tls(settings)
    if settings.demo and settings.bind.leaves_the_host:
        raise ConfigError(
            f"the demonstration does not answer on `{settings.bind}`",
            "it is for loopback only: leave out `--demo`, or set `ROLEWARDEN_BIND` to 127.0.0.1",
        )
    if settings.demo_token and not settings.demo:
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
    if settings.bind.leaves_the_host and missing and not settings.tls_proxy:
        raise ConfigError(
            f"`ROLEWARDEN_BIND` is `{settings.bind}`, beyond this host, without TLS",
            "set `ROLEWARDEN_TLS_CERT` and `ROLEWARDEN_TLS_KEY`, or `ROLEWARDEN_TLS_PROXY=true` where a proxy ends TLS",
        )
