"""Style, script and pictures: files of this package, read once, and nothing else by any path.

A page asks for a file under an address that changes with its content, so that browsers may keep it for a year and never
show a new page in an old style.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from service.access.permissions import STATIC
from service.access.person import Visit
from service.errors import NotFound
from service.exchange import Reply

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


class File(NamedTuple):
    """One file, with the eight digits by which its address changes."""

    content: bytes
    type: str
    mark: str


def static(visit: Visit) -> Reply:
    """A file of the pages."""
    file = _files().get(visit.asked.names["name"])
    if file is None:
        raise NotFound("there is nothing here")
    fresh = visit.asked.query.one("v") == file.mark
    kept = "public, max-age=31536000, immutable" if fresh else "no-cache"
    return Reply(200, {"Content-Type": file.type, "Cache-Control": kept}, file.content)


def address(name: str) -> str:
    """Where a page finds a file."""
    return f"{STATIC.replace('<name>', name)}?v={_files()[name].mark}"


def quoted(text: str) -> str:
    """A text as one part of a path, whatever is in it."""
    return quote(text, safe="")


@lru_cache(maxsize=1)
def _files() -> dict[str, File]:
    found = {}
    for entry in (files("service.ui") / "static").iterdir():
        kind = TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind and entry.is_file():
            content = entry.read_bytes()
            found[entry.name] = File(content, kind, sha256(content).hexdigest()[:8])
    return found


VIEWS = {("GET", STATIC): static}
