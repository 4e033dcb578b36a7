"""Patterns: Casbin's match functions, each pattern worked out when policy is loaded.

A pattern means what Casbin's documentation says of its function, or is refused by name: where the Casbins read one
differently, and where most of it would be ignored. Whatever is accepted fits a value as a whole, in time that grows
with the length of the value alone (`automaton`), and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network

from service.policy import regex
from service.policy.automaton import (
    ANYTHING,
    NOT_A_SLASH,
    SEGMENT,
    Automaton,
    Pattern,
    Repeat,
    Series,
    Sign,
    TooLarge,
    literally,
)
from service.policy.regex import Unsupported

Fits = Callable[[str], bool]
"""Whether a value fits."""

_SPECIAL = re.compile(r"[\\^$+?{}()\[\]|*]")
"""What Casbin hands on to a regular expression, so that it means something else than itself."""

_ADDRESS = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", re.ASCII)


@lru_cache(maxsize=16384)
def compiled(function: str, pattern: str) -> Fits:
    """A pattern of a function, ready to be asked; Unsupported where it is refused."""
    if not pattern:
        raise Unsupported("an empty pattern", "write what has to fit")
    try:
        return FUNCTIONS[function](pattern)
    except TooLarge:
        raise Unsupported(f"pattern `{pattern}` is too large to be worked out", "write it shorter") from None


def _key_match(pattern: str) -> Fits:
    """`/foo/*`: the text before `*`, then anything at all."""
    start, star, rest = pattern.partition("*")
    if not star:
        return pattern.__eq__
    if rest:
        raise Unsupported(f"`{rest}` behind the `*` of `{pattern}`, which keyMatch ignores", "take it out")
    return lambda value: value.startswith(start)


def _key_match2(pattern: str) -> Fits:
    """`/foo/:id/*`: `:name` is one part of a path, `/*` anything from there."""
    if pattern == "*":
        return Automaton(ANYTHING).fits
    return Automaton(_path(pattern, re.compile(r":[^/]+"))).fits


def _key_match3(pattern: str) -> Fits:
    """`/foo/{id}/*`."""
    return Automaton(_path(pattern, _BRACES)).fits


def _key_match4(pattern: str) -> Fits:
    """As keyMatch3, and parts of one name are equal."""
    _require_apart(pattern)
    names = _BRACES.findall(pattern)
    if len(set(names)) == len(names):
        return _key_match3(pattern)
    return _equal_parts(pattern)


def _key_match5(pattern: str) -> Fits:
    """As keyMatch3, without what follows a `?` in the value."""
    _require_apart(pattern)
    fits = Automaton(_path(pattern, _BRACES)).fits
    return lambda value: fits(value.partition("?")[0])


_BRACES = re.compile(r"\{[^/{}]+\}")


def _require_apart(pattern: str) -> None:
    if re.search(r"\{[^/]*\{", pattern):
        mend = "write one `{name}` between two slashes"
        raise Unsupported(f"`{pattern}` has two names in one part of the path", mend)


def _path(pattern: str, names: re.Pattern[str]) -> Pattern:
    """A path with names for one part each, and `/*`."""
    parts: list[Pattern] = []
    at = 0
    while at < len(pattern):
        name = names.match(pattern, at)
        if name is not None:
            parts.append(SEGMENT)
            at = name.end()
        elif pattern.startswith("/*", at):
            parts += [literally("/"), ANYTHING]
            at += 2
        else:
            _require_plain(pattern, pattern[at])
            parts.append(literally(pattern[at]))
            at += 1
    return Series(tuple(parts))


def _require_plain(pattern: str, sign: str) -> None:
    if _SPECIAL.match(sign):
        mend = "write `/*`" if sign == "*" else "name the part of the path, or use `regexMatch`"
        raise Unsupported(f"`{sign}` in `{pattern}`, which Casbin reads as part of a regular expression", mend)


def _equal_parts(pattern: str) -> Fits:
    """A path some names of which stand twice."""
    bare = pattern.removesuffix("/*")
    written = bare.split("/")
    for part in written:
        if _BRACES.fullmatch(part):
            continue
        if _BRACES.search(part):
            text = f"`{part}` in `{pattern}`, where a name stands twice"
            raise Unsupported(text, "let each name be a whole part")
        for sign in part:
            _require_plain(pattern, sign)

    def fits(value: str) -> bool:
        parts = value.split("/", len(written)) if bare != pattern else value.split("/")
        if len(parts) != len(written) + (bare != pattern) or (bare != pattern and "\n" in parts[-1]):
            return False
        known: dict[str, str] = {}
        return all(
            part != "" and known.setdefault(name, part) == part if name[:1] == "{" else name == part
            for name, part in zip(written, parts, strict=False)
        )

    return fits


def _glob_match(pattern: str) -> Fits:
    """`*` and `?` within a part of a path, `[ab]` and `[!ab]`; a name that begins with a dot is named as such."""
    parts: list[Pattern] = []
    at = 0
    if "//" in pattern:
        raise Unsupported(f"`//` in `{pattern}`", "write one slash")
    if "**" in pattern or pattern.startswith("*/"):
        raise Unsupported(f"`{pattern}`: Casbins disagree on `**`, and on `*/` at the start", "use `keyMatch2`")
    while at < len(pattern):
        sign, starts = pattern[at], at == 0 or pattern[at - 1] == "/"
        at += 1
        if sign == "*":
            following = pattern[at : at + 1]
            if starts and following in ("?", "["):
                raise Unsupported(f"`*{following}` in `{pattern}`, which Casbins read differently", "write `*` alone")
            parts.append(_star(starts=starts, some=following in ("", "/", ".")))
        elif sign == "?":
            parts.append(_NO_DOT if starts else NOT_A_SLASH)
        elif sign == "[":
            some, at = _set(pattern, at, starts=starts)
            parts.append(some)
        elif sign in "\\{}]":
            raise Unsupported(f"`{sign}` in `{pattern}`, which Casbins read differently", "take it out")
        else:
            parts.append(Repeat(_SLASH, 1) if sign == "/" else literally(sign))
    parts.append(Repeat(_SLASH))  # a path is the same path with more slashes, also at its end
    return Automaton(Series(tuple(parts))).fits


_SLASH = Sign(frozenset("/"))
_NO_DOT = Sign(frozenset("/."), other=True)


def _star(*, starts: bool, some: bool) -> Pattern:
    """`*`; at the start of a part it takes no dot, and where nothing else would, at least one character."""
    if not starts:
        return Repeat(NOT_A_SLASH)
    named = Series((_NO_DOT, Repeat(NOT_A_SLASH)))
    return named if some else Repeat(named, 0, 1)


def _set(pattern: str, at: int, *, starts: bool) -> tuple[Sign, int]:
    """`[ab]` or `[!ab]`, from behind its `[`."""
    end = pattern.find("]", at + 2 if pattern[at : at + 1] == "!" else at + 1)
    other = pattern[at : at + 1] == "!"
    signs = pattern[at + other : end]
    if end < 0 or re.search(r"[\[\\^!/\-&|~.]", signs):
        raise Unsupported(f"a set in `{pattern}` that Casbins read differently", "list its characters, as `[abc]`")
    # What is left out is left out of one part of a path; a set at its start takes no dot.
    taken = frozenset(signs) | (frozenset("/." if starts else "/") if other else frozenset())
    return Sign(taken, other=other), end + 1


def _regex_match(pattern: str) -> Fits:
    return Automaton(regex.read(pattern)).fits


def _ip_match(pattern: str) -> Fits:
    """An address, or a network such as `192.168.2.0/24`. What is no address is in none."""
    try:
        if not _ADDRESS.fullmatch(pattern):
            raise ValueError
        network = ip_network(pattern, strict=False)
    except ValueError:
        raise Unsupported(f"`{pattern}` is no address and no network", "write one as `192.168.2.0/24`") from None

    def fits(value: str) -> bool:
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return fits


FUNCTIONS: Mapping[str, Callable[[str], Fits]] = {
    "keyMatch": _key_match,
    "keyMatch2": _key_match2,
    "keyMatch3": _key_match3,
    "keyMatch4": _key_match4,
    "keyMatch5": _key_match5,
    "globMatch": _glob_match,
    "regexMatch": _regex_match,
    "ipMatch": _ip_match,
}
"""The match functions by name; each takes a pattern and gives what fits it."""
