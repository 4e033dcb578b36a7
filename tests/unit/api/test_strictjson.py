"""The strict reader against an independent one, and against what hostile callers send.

`Reference` is written from RFC 8259 and shares nothing with either decoder that the product uses.
"""

import json
import math
import re
import time
from typing import ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api import strictjson
from service.errors import BadRequest


class Refused(Exception):
    """The reference does not read this text."""


class Reference:
    """A reader of one JSON text, by the grammar of RFC 8259, character by character."""

    NUMBER: ClassVar = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
    ESCAPES: ClassVar = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
    WORDS: ClassVar = {"true": True, "false": False, "null": None}

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    @classmethod
    def read(cls, body: bytes) -> object:
        """The value of a body; `Refused` where it has none, or one that two readers could take differently."""
        try:
            reader = cls(body.decode())
        except UnicodeDecodeError as error:
            raise Refused from error
        value = reader.value(0)
        if reader.at != len(reader.text):
            raise Refused
        return value

    def blanks(self) -> None:
        """Pass over blanks."""
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def take(self, wanted: str) -> None:
        """Pass over what must come now."""
        if not self.text.startswith(wanted, self.at):
            raise Refused
        self.at += len(wanted)

    def next_is(self, wanted: str) -> bool:
        """Whether it comes next, blanks aside."""
        self.blanks()
        return self.text.startswith(wanted, self.at)

    def value(self, depth: int) -> object:
        """A value with blanks around it."""
        self.blanks()
        found = self.bare(depth)
        self.blanks()
        return found

    def bare(self, depth: int) -> object:
        """A value of any kind."""
        if self.next_is("{") or self.next_is("["):
            if depth == strictjson.MAX_DEPTH:
                raise Refused
            return self.members(depth + 1) if self.next_is("{") else self.items(depth + 1)
        if self.next_is('"'):
            return self.string()
        for word, value in self.WORDS.items():
            if self.next_is(word):
                self.take(word)
                return value
        return self.number()

    def members(self, depth: int) -> dict[str, object]:
        """An object; no name stands twice."""
        self.take("{")
        found: dict[str, object] = {}
        while not self.next_is("}"):
            if found:
                self.take(",")
            self.blanks()
            name = self.string()
            if name in found:
                raise Refused
            self.blanks()
            self.take(":")
            found[name] = self.value(depth)
        self.take("}")
        return found

    def items(self, depth: int) -> list[object]:
        """An array."""
        self.take("[")
        found: list[object] = []
        while not self.next_is("]"):
            if found:
                self.take(",")
            found.append(self.value(depth))
        self.take("]")
        return found

    def string(self) -> str:
        """A string whose surrogates are pairs."""
        self.take('"')
        units: list[str] = []
        while not self.text.startswith('"', self.at):
            if self.at >= len(self.text) or self.text[self.at] < " ":
                raise Refused
            units.append(self.escape() if self.text[self.at] == "\\" else self.plain())
        self.take('"')
        try:
            return "".join(units).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise Refused from error

    def plain(self) -> str:
        """A character that stands for itself."""
        self.at += 1
        return self.text[self.at - 1]

    def escape(self) -> str:
        """A character, or half of one, that was escaped."""
        self.take("\\")
        sign = self.text[self.at : self.at + 1]
        if sign == "u":
            digits = self.text[self.at + 1 : self.at + 5]
            if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                raise Refused
            self.at += 5
            return chr(int(digits, 16))
        if sign not in self.ESCAPES:
            raise Refused
        self.at += 1
        return self.ESCAPES[sign]

    def number(self) -> int | float:
        """A number that a double, or an integer, can hold."""
        found = self.NUMBER.match(self.text, self.at)
        if not found:
            raise Refused
        self.at = found.end()
        if not (found[1] or found[2]):
            return int(found[0])
        if math.isinf(float(found[0])):
            raise Refused
        return float(found[0])


def ours(body: bytes) -> object:
    """What our reader makes of a body: its value, or `Refused` itself."""
    try:
        return strictjson.read(body)
    except BadRequest:
        return Refused


def theirs(body: bytes) -> object:
    """What the reference makes of it."""
    try:
        return Reference.read(body)
    except Refused:
        return Refused


def same(one: object, other: object) -> bool:
    """Equal, and of equal types at every depth: `1`, `1.0` and `True` are three values here."""
    return one is other or repr(one) == repr(other)


NAMES = st.sampled_from(["a", "b", "é", "\U0001f600", "", '"', "\\", "a\nb", "\x7f", "{", "]"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
PIECES = [
    *'{}[],:" \t\n\r\x00\x0b\\/+-.0179eEaéx',
    "\ufeff",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\u0061",
    '"a"',
    '"a":',
    '{"a":1,',
    "1e400",
    "1e-400",
    "-0",
    "-0.0",
    "true",
    "null",
    "NaN",
    "Infinity",
    "18446744073709551616",
    "9" * 320,
]
SCRAPS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_is_json_is_read(value: object, ascii_only: bool, indent: int | None) -> None:
    """Every value that another program writes is read as that value."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert same(ours(body), value)


@given(SCRAPS)
@example('{"a":1,"\\u0061":2}')
@example('{"a":{"b":1,"b":1}}')
@example('{"a":"\\ud800"}')
@example('{"a":"\\ude00\\ud83d"}')
@example('{"a":"\\ud83d\\ude00"}')
@example('{"a":1e400}')
@example('{"a":-1e400}')
@example("\ufeff{}")
@example("{}\x00")
@example("[1,]")
@example('{"a":1,}')
@example("01")
@example("NaN")
@example("-Infinity")
def test_the_same_texts_are_refused(text: str) -> None:
    """Of any text, however broken, ours and the reference read the same value or both read none."""
    body = text.encode()
    assert same(ours(body), theirs(body))


@given(VALUES, st.data())
def test_broken_texts(value: object, data: st.DataObject) -> None:
    """A text with a piece put in, or taken out, anywhere is judged as the reference judges it."""
    text = json.dumps(value)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    body = (text[:start] + data.draw(st.sampled_from(["", *PIECES])) + text[end:]).encode()
    assert same(ours(body), theirs(body))


@given(st.binary(max_size=40))
@example(b"\xff")
@example(b'"\xed\xa0\x80"')
@example(b'"\xc0\x80"')
@example(b'"\xf4\x90\x80\x80"')
@example("{}".encode("utf-16"))
@example("{}".encode("utf-32"))
def test_any_bytes(body: bytes) -> None:
    """Any bytes at all are read or refused; nothing else is raised."""
    assert same(ours(body), theirs(body))


@given(VALUES | st.just({"a": 1}), SCRAPS)
def test_both_paths_agree(value: object, scrap: str) -> None:
    """Where the quick path vouches for a value, the slow one reads the same."""
    for body in (json.dumps(value, ensure_ascii=False).encode(), scrap.encode()):
        if b"\\" in body:
            continue
        quick = strictjson.read_quickly(body)
        if quick is not None:
            assert same(quick, strictjson.read_slowly(body))


def test_the_quick_path_is_taken() -> None:
    """An ordinary request is vouched for by the quick path, and a doubled name never is."""
    assert strictjson.read_quickly(b'{"subject":{"id":"eve"},"n":[1,2.5,null,true]}') is not None
    assert strictjson.read_quickly(b'{"a":1,"a":1}') is None
    assert strictjson.read_quickly(b'{"x":{"a":{},"a":{}}}') is None


class TestHostile:
    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    def test_depth(self, opening: bytes) -> None:
        """Nesting up to the bound is read; one more, or a hundred thousand more, is refused."""
        closing = {b"[": b"]", b'{"a":': b"}"}[opening]
        deepest = strictjson.MAX_DEPTH
        assert ours(opening * (deepest - 1) + b"[]" + closing * (deepest - 1)) is not Refused
        assert ours(opening * deepest + b"[]" + closing * deepest) is Refused
        assert ours(opening * 100_000) is Refused

    @given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=30))
    def test_depth_that_comes_and_goes(self, runs: list[tuple[int, int]]) -> None:
        """What is opened and closed, time and again, is as deep as its deepest place."""
        text, depth, deepest = "[", 1, 1
        for opened, closed in runs:
            text += "," * text.endswith("]") + "[" * opened
            depth += opened
            deepest = max(deepest, depth)
            text += "]" * min(closed, depth - 1)
            depth -= min(closed, depth - 1)
        assert (ours((text + "]" * depth).encode()) is Refused) == (deepest > strictjson.MAX_DEPTH)

    def test_brackets_in_strings_are_text(self) -> None:
        """Only brackets that nest are counted, whatever strings hold."""
        text = json.dumps(["[" * 500, '"[' * 500, "\\" * 3 + '"' + "{" * 99, "]" * 9])
        assert ours(text.encode()) == json.loads(text)

    def test_a_closed_bracket_in_a_string_hides_nothing(self) -> None:
        """Depth cannot be paid back by closing brackets within strings."""
        assert ours((b'["]]]]",' * 40) + b"1" + b"]" * 40) is Refused

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 33 + b'"\\"' * 20_000,
            b'"' + b"\\" * 65_000 + b"{" * 40,
            b"{" * 33 + b'"' * 65_000,
            b'{"a":"' + b"\\u0061" * 10_000 + b'"}' + b"[" * 40,
            b"{" + b",".join(b'"%06d":0' % name for name in (*range(25_000), 24_999)) + b"}",
        ],
        ids=lambda body: repr(body[:12]),
    )
    def test_no_text_takes_long(self, body: bytes) -> None:
        """Reading is linear in the size of the body; a quadratic search would take minutes for these."""
        began = time.perf_counter()
        assert ours(body) is Refused
        assert time.perf_counter() - began < 20

    def test_numbers_of_any_length(self) -> None:
        """An integer may be long, but not as long as a body; a number beyond a double is refused (A-17)."""
        assert ours(b"9" * 400) == int("9" * 400)
        assert ours(b"9" * 60_000) is Refused
        assert ours(b"1" + b"0" * 60_000 + b".5") is Refused
        assert ours(b"0." + b"1" * 60_000) == 1 / 9

    def test_a_doubled_name_is_named_in_ascii(self) -> None:
        """The refusal names the member, also one that could not be sent back as it is."""
        with pytest.raises(BadRequest, match=r"`\\ud800` stands twice"):
            strictjson.read(b'{"\\ud800":1,"\\ud800":2}')
