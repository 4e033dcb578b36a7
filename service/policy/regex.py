r"""Regular expressions: the part of the language that every Casbin reads alike, and that has a table.

    ^(read|write)$    ^/records/[0-9]{1,6}$    ^[a-z]+\.txt$    .*

A pattern says where it begins and ends: Casbin for Go looks for it anywhere, Casbin for Python at the start. There are
no classes such as `\d` (digits of which alphabet?), look-arounds, references or lazy repetitions.
"""

from __future__ import annotations

import re

from service.policy.automaton import NOT_A_LINE_BREAK, Choice, Pattern, Repeat, Series, Sign

MOST_TIMES = 200
"""The highest number in `{m,n}`."""
WIDEST = 512
"""Characters in a range such as `a-z`."""
DEEPEST = 32

_TIMES = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
_ONCE_OR_MORE = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_EVERYTHING = Repeat(Sign(frozenset(), other=True))


class Unsupported(Exception):
    """A pattern that is refused; `offset`: where in a longer text it stands."""

    def __init__(self, found: str, mend: str, offset: int = 0) -> None:
        super().__init__(found)
        self.found = found
        self.mend = mend
        self.offset = offset

    def at(self, offset: int) -> Unsupported:
        """The same, at its place in a longer text."""
        return Unsupported(self.found, self.mend, offset)


def read(pattern: str) -> Pattern:
    """The pattern as a tree. Unsupported where it is refused."""
    if pattern == ".*":
        return _EVERYTHING  # the one that means the same with both ends and without
    if not pattern.startswith("^") or not pattern.endswith("$") or pattern.endswith("\\$"):
        mend = f"write `^({pattern.strip('^$')})$`"
        raise Unsupported(f"`{pattern}` does not say where it begins and ends, so that Casbins differ on it", mend)
    return _Reader(pattern).read()


class _Reader:
    """Recursive descent over one pattern, between its `^` and its `$`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._text = pattern[1:-1]
        self._at = 0
        self._depth = 0

    def read(self) -> Pattern:
        """All of it."""
        found = self._series()
        if self._peek() == "|":
            raise self._refuse("a choice outside of brackets", f"write `^({self._text})$`")
        if self._peek():
            raise self._refuse("a bracket without its opening", "take it out, or write a `\\` before it")
        return found

    def _choice(self) -> Pattern:
        parts = [self._series()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._series())
        return Choice(tuple(parts))

    def _series(self) -> Pattern:
        parts: list[Pattern] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._one()))
        return Series(tuple(parts))

    def _repeated(self, part: Pattern) -> Pattern:
        sign = self._peek()
        if sign in _ONCE_OR_MORE:
            self._at += 1
            least, most = _ONCE_OR_MORE[sign]
        elif sign == "{":
            least, most = self._times()
        else:
            return part
        if self._peek() in ("*", "+", "?", "{"):
            raise self._refuse("a repetition of a repetition", "write it as one")
        return Repeat(part, least, most)

    def _times(self) -> tuple[int, int | None]:
        times = _TIMES.match(self._text, self._at)
        if times is None:
            raise self._refuse("a `{` that counts nothing", "write `{2,5}`, or a `\\` before it")
        least, comma, upper = times.groups()
        most = int(least) if comma is None else int(upper) if upper else None
        if max(int(least), most or 0) > MOST_TIMES or (most is not None and most < int(least)):
            raise self._refuse(f"`{times[0]}`", f"write from 0 to {MOST_TIMES}, the lower number first")
        self._at = times.end()
        return int(least), most

    def _one(self) -> Pattern:
        sign = self._take()
        if sign == ".":
            return NOT_A_LINE_BREAK
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._set()
        if sign == "\\":
            return Sign(frozenset(self._escaped()))
        if sign in "*+?{":
            raise self._refuse(f"`{sign}` with nothing to repeat", "write what is repeated before it")
        if sign in "^$":
            raise self._refuse(f"`{sign}` in the middle", "write it at the end only, or a `\\` before it")
        return Sign(frozenset(sign))

    def _group(self) -> Pattern:
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise self._refuse("a group of a kind that is not read", "write `(...)` or `(?:...)`")
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._refuse(f"brackets more than {DEEPEST} deep", "write it with fewer")
        found = self._choice()
        if self._take() != ")":
            raise self._refuse("a bracket that is left open", "close it")
        self._depth -= 1
        return found

    def _set(self) -> Pattern:
        other = self._peek() == "^"
        self._at += other
        signs: set[str] = set()
        while (sign := self._take()) != "]" or not signs:
            if sign in ("", "[", "]") or (sign in "&|~-" and self._peek() == sign):
                raise self._refuse("a set that Casbins read differently", "list its characters and ranges: `[a-z_]`")
            first = self._escaped() if sign == "\\" else sign
            signs |= self._range(first)
        return Sign(frozenset(signs), other=other)

    def _range(self, first: str) -> set[str]:
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return {first}
        self._at += 1
        last = self._take()
        last = self._escaped() if last == "\\" else last
        if not 0 <= ord(last) - ord(first) < WIDEST:
            raise self._refuse(f"a range from `{first}` to `{last}`", f"write the lower first, at most {WIDEST} apart")
        return {chr(code) for code in range(ord(first), ord(last) + 1)}

    def _escaped(self) -> str:
        sign = self._take()
        if sign == "" or sign.isalnum() or not sign.isascii():
            raise self._refuse(f"`\\{sign}`, which Casbins read differently", "write a set, such as `[0-9]`")
        return sign

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        sign = self._peek()
        self._at += 1
        return sign

    def _refuse(self, found: str, mend: str) -> Unsupported:
        return Unsupported(f"`{self._pattern}` has {found}", mend)
