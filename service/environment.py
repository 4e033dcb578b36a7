"""Variables of the environment, read by a table of settings and by nothing else.

A variable that begins like ours and is no setting, or that cannot be read, is refused with what to write. An empty one
counts as not set, and a secret may stand in a file that `<variable>_FILE` names. What is secret is never repeated.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from service.errors import ConfigError
from service.setting import Setting


def read(table: Mapping[str, Setting], environ: Mapping[str, str]) -> dict[str, Any]:
    """The value of each setting, by the name that the table gives it. Raises ConfigError for the first that is none."""
    _refuse_unknown(table.values(), environ)
    return {name: _read(row, environ) for name, row in table.items()}


def _refuse_unknown(settings: Collection[Setting], environ: Mapping[str, str]) -> None:
    known = [*(row.name for row in settings), *(f"{row.name}_FILE" for row in settings if row.secret)]
    for name in sorted(environ):
        if name.startswith("ROLEWARDEN_") and name not in known and not _is_of_kubernetes(name, environ[name]):
            similar = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean `{similar[0]}`?" if similar else "take it out, or see the list of settings"
            raise ConfigError(f"there is no setting `{name}`", mend)


def _is_of_kubernetes(name: str, value: str) -> bool:
    """Whether this tells of a Kubernetes Service called `rolewarden`: such variables stand in every container."""
    return any(re.fullmatch(shape, f"{name}={value}") for shape in _OF_KUBERNETES)


_OF_KUBERNETES = (
    r"ROLEWARDEN_SERVICE_HOST=\S+",
    r"ROLEWARDEN_SERVICE_PORT(_[A-Z0-9_]+)?=[0-9]+",
    r"ROLEWARDEN_PORT(_[0-9]+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://\S+",
    r"ROLEWARDEN_PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)=\S+",
)
"""`name=value`: with the values, because `ROLEWARDEN_PORT=8180` is a setting that somebody hoped for."""


def _read(row: Setting, environ: Mapping[str, str]) -> Any:
    text = environ.get(row.name, "")
    if row.secret:
        text = _secret(row.name, text, environ.get(f"{row.name}_FILE", ""))
    try:
        return row.parse(text or row.default)
    except ValueError as expected:
        given = "what it holds" if row.secret else f"`{text}`"
        raise ConfigError(f"`{row.name}` cannot be {given}", f"write {expected}") from None


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
