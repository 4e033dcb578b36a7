"""Paths: what a proxy asks about before it lets a request through to the EHR, declared in `paths.yaml`.

    - {path: /tasks/portal, ask: [{screen: Task - Patient Portal - List, action: open_queue}]}
    - path: /message/*
      methods: [POST]
      ask: [{screen: Task - Patient Portal, action: respond}]
    - {path: /static/**, public: style and pictures}

The first entry that fits counts, and all that it asks must be allowed; what fits none is refused. The file may be
missing. `*` is one part of a path, `**` at the end is any number of them, and capitals count.

INVARIANT: a path is compared as whoever serves it will read it, or is refused: `normal` leaves nothing that two
programs could read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from service.policy.catalog import Catalog
from service.policy.plain import Malformed, Node, parse
from service.policy.separation import Duty, duty
from service.values import Finding

LONGEST = 2048
"""Characters of a path that is looked at."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})|%(?:2[Ff]|5[Cc]|25|[01][0-9A-Fa-f]|7[Ff])")
"""A sign that is no encoding, and those that stand for a slash, a backslash, a percent sign or a control character."""

_REFUSED = re.compile(r"[\\;\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `parts` are those of its path; No `methods` are any of them; no `ask`, and anybody may open it."""

    parts: tuple[str, ...]
    methods: frozenset[str]
    ask: tuple[Duty, ...]

    def fits(self, method: str, parts: tuple[str, ...]) -> bool:
        """Whether a request is one that this entry is about."""
        if self.methods and method not in self.methods:
            return False
        own = self.parts
        if own[-1:] == ("**",):
            own, parts = own[:-1], parts[: len(own) - 1]
        return len(own) == len(parts) and all(want in ("*", have) for want, have in zip(own, parts, strict=True))


@dataclass(frozen=True, slots=True)
class Paths:
    """The entries in their order."""

    entries: tuple[Entry, ...] = ()

    def asked(self, method: str, uri: str) -> tuple[Duty, ...] | None:
        """What must be allowed for a request to go through; None where it may not, whoever sends it."""
        parts = normal(uri)
        if parts is None or method not in METHODS:
            return None
        return next((entry.ask for entry in self.entries if entry.fits(method, parts)), None)


def normal(uri: str) -> tuple[str, ...] | None:
    """The parts of the path of a URI, decoded once; None for one that must not go through.

    What stands behind `?` or `#` is left aside; several slashes are one; `.` goes, and `..` takes the part before with
    it. Refused: what does not begin with a slash, leads above the top, is too long, is not UTF-8, or holds an encoded
    slash, backslash or percent sign, a backslash, a semicolon, a blank or a control character.
    """
    path = re.split("[?#]", uri, maxsplit=1)[0]
    if not path.startswith("/") or len(path) > LONGEST or _ENCODED.search(path) or _REFUSED.search(path):
        return None
    try:
        decoded = unquote_to_bytes(path.encode("utf-8")).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None
    if _REFUSED.search(decoded.replace(" ", "")):
        return None
    parts: list[str] = []
    for part in decoded.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def read(file: str, text: str, catalog: Catalog) -> tuple[Paths, list[Finding]]:
    """Read the entries of a file. One that does not hold is a finding, and nothing is to be served then."""
    node, found = parse(file, text)
    entries: list[Entry] = []
    try:
        nodes = node.items() if node else []
    except Malformed as malformed:
        return Paths(), [malformed.finding]
    for each in nodes:
        try:
            entry = _entry(each, catalog)
            if hidden := _hidden(entry, entries):
                raise Malformed(each.position, f"an entry that `{hidden}` above leaves nothing to", "move it up")
            entries.append(entry)
        except Malformed as malformed:
            found.append(malformed.finding)
    return Paths(tuple(entries)), found


def _entry(node: Node, catalog: Catalog) -> Entry:
    entry = node.fields("path", optional=("methods", "ask", "public"))
    if ("ask" in entry) is ("public" in entry):
        raise Malformed(
            node.position, "an entry that must have `ask` or `public`, and one of them", "say what is asked"
        )
    methods = [method.choice(*METHODS) for method in entry["methods"].items()] if "methods" in entry else []
    if "public" in entry:
        entry["public"].text()  # why it is open: for reviewers
        return Entry(_pattern(entry["path"]), frozenset(methods), ())
    asked = tuple(duty(each, catalog) for each in entry["ask"].items())
    if not asked:
        raise Malformed(entry["ask"].position, "nothing to ask", "write `public: <why>` for what anybody may open")
    return Entry(_pattern(entry["path"]), frozenset(methods), asked)


def _pattern(node: Node) -> tuple[str, ...]:
    path = node.text()
    parts = normal(path.replace("*", "a"))
    tidy = None if parts is None else "/" + "/".join(parts)
    if tidy is None or tidy != path.replace("*", "a") or "%" in path:
        raise Malformed(node.position, f"`{path}`, which no request comes to", "write it decoded: `/a/b`")
    own = tuple(part for part in path.split("/") if part)
    for at, part in enumerate(own):
        if "*" in part and part != "*" and not (part == "**" and at == len(own) - 1):
            raise Malformed(node.position, f"`{part}` in a path", "`*` is one whole part, and `**` stands at the end")
    return own


def _hidden(entry: Entry, before: Iterable[Entry]) -> str:
    """The path of an entry before this one that takes all that this one fits; empty where there is none."""
    for other in before:
        wider = not other.methods or (entry.methods and entry.methods <= other.methods)
        if wider and _covers(other.parts, entry.parts):
            return "/" + "/".join(other.parts)
    return ""


def _covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if wide[-1:] == ("**",):
        return len(narrow) >= len(wide) - 1 and _covers(wide[:-1], narrow[: len(wide) - 1])
    return len(wide) == len(narrow) and all(
        other != "**" and own in ("*", other) for own, other in zip(wide, narrow, strict=True)
    )
