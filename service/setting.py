"""One setting: its row of the table, and how its text is read.

A reader takes the text of a variable and returns its value, or raises ValueError with what was expected. It knows no
other setting; which of them contradict each other is for `service.config` to say.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit


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


def path(text: str) -> Path:
    """A path, from where we were started."""
    return Path(text).absolute()


def optional_path(text: str) -> Path | None:
    """A path, or none."""
    return path(text) if text else None


class ForwardHeaders(NamedTuple):
    """The headers that a proxy is believed in, in lower case."""

    user: str
    practice: str
    method: str
    uri: str

    def __str__(self) -> str:
        return " ".join(f"{part}={name}" for part, name in self._asdict().items())


def forward_headers(text: str) -> ForwardHeaders | None:
    """Which headers say what of a request that a proxy has in hand; None for no such thing."""
    if not text:
        return None
    said = dict(re.findall(r"(\w+)=([A-Za-z][A-Za-z0-9-]*)", text))
    plain = " ".join(f"{part}={name}" for part, name in said.items()) == " ".join(text.split())
    if (
        not plain
        or set(said) != set(ForwardHeaders._fields)
        or len({name.lower() for name in said.values()}) < len(said)
    ):
        raise ValueError("`user=X-Auth-User practice=X-Auth-Practice method=X-Original-Method uri=X-Original-URI`")
    return ForwardHeaders(**{part: name.lower() for part, name in said.items()})


def flag(text: str) -> bool:
    """A switch."""
    if text not in ("true", "false"):
        raise ValueError("`true` or `false`")
    return text == "true"


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    """One of the words of an enumeration."""

    def parse(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError("one of " + ", ".join(f"`{choice}`" for choice in kind)) from None

    return parse


def workers(text: str) -> int:
    """How many processes; without a word, one for each core."""
    if not text:
        return max(2, len(os.sched_getaffinity(0)))
    return number(1, 512)(text)


def bind(text: str) -> Bind:
    """Where to listen."""
    if text.startswith("unix:/"):
        return Bind(text.removeprefix("unix:"), None)
    address = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s\[\]:]+)):([0-9]{1,5})", text)
    if not address or not 0 < int(address[3]) < 2**16:
        raise ValueError("`host:port`, `[address]:port` or `unix:/path`")
    return Bind(address[1] or address[2], int(address[3]))


def address(text: str) -> str:
    """An address of the web, without a slash at its end; "" for none."""
    expected = "`https://host`, with a port and a path where there are such"
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        named = parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(expected) from None
    plain = re.fullmatch(r"https?://[!-~]+", text) and not re.search(r"[?#@\\]", text)
    if not named or not plain:
        raise ValueError(expected)
    return text


def on_this_host(text: str) -> bool:
    """Whether an address leads to this host and no further."""
    host = urlsplit(text).hostname or ""
    return not Bind(host, 0).leaves_the_host


def scopes(text: str) -> str:
    """Scopes of OpenID Connect."""
    if "openid" not in text.split():
        raise ValueError("words with blanks between, and `openid` among them")
    return " ".join(text.split())


LEAST_KEY = 32
"""Characters that a key must have: more than anybody guesses."""


def keys(text: str) -> tuple[str, ...]:
    """Keys, with commas between."""
    found = tuple(key.strip() for key in text.split(",")) if text else ()
    if any(len(key) < LEAST_KEY for key in found):
        raise ValueError(f"keys of at least {LEAST_KEY} characters, with commas between")
    return found


def identifier(text: str) -> str:
    """An https URL that can be compared letter by letter: nothing in it could be written in two ways. Or none."""
    parts = _IDENTIFIER.fullmatch(text)
    dotted = [segment for segment in text.split("/") if segment in (".", "..")]
    if text and (not parts or dotted or (parts["port"] and not 0 < int(parts["port"]) < 2**16)):
        raise ValueError("`https://host` or `https://host/path`, without query, fragment or a slash at the end")
    return text


_IDENTIFIER = re.compile(
    r"https://([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(/[A-Za-z0-9._~-]+)*"
)
