import io
from typing import Any

import pytest

from service.errors import BadRequest, TooLarge
from service.exchange import Asked, Fields, read_body, see_other


class TestFields:
    def test_one_and_every(self) -> None:
        """A field that stands there once has one value; of those that stand there more often, all are kept in order."""
        fields = Fields((("a", "1"), ("b", "2"), ("b", "3"), ("c", "")))
        assert (fields.one("a"), fields.one("c"), fields.one("d"), fields.one("d", "x")) == ("1", "", "", "x")
        assert (fields.every("b"), fields.every("d")) == (("2", "3"), ())
        assert ("c" in fields, "d" in fields) == (True, False)

    def test_one_that_stands_there_twice(self) -> None:
        """Which of two values was meant nobody guesses."""
        with pytest.raises(BadRequest, match="`b` stands there 2 times"):
            Fields((("b", "2"), ("b", "2"))).one("b")


def test_a_place_can_be_asked_for_again() -> None:
    """The path with its query leads to the same page, whatever is in it."""
    assert Asked("GET", "/a").place == "/a"
    assert Asked("GET", "/practices/سارة b?/").place == "/practices/%D8%B3%D8%A7%D8%B1%D8%A9%20b%3F/"
    assert Asked("GET", "/a", query=Fields((("q", "a&b=ü "),))).place == "/a?q=a%26b%3D%C3%BC+"
    assert see_other("/x", "a=b").cookies == ("a=b",)


class Broken:
    def read(self, _most: int) -> bytes:
        raise OSError("gone")


class TestBody:
    @pytest.mark.parametrize(
        ("environ", "found"),
        [
            ({}, b""),
            ({"CONTENT_LENGTH": "3", "wsgi.input": io.BytesIO(b"abc")}, b"abc"),
            ({"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(b"abc")}, b"abc"),
        ],
        ids=["none", "announced", "in parts"],
    )
    def test_whole(self, environ: dict[str, Any], found: bytes) -> None:
        """A body is read whole; where none is announced, none is waited for."""
        assert read_body(environ, 3) == found

    @pytest.mark.parametrize(
        ("environ", "error"),
        [
            ({"CONTENT_LENGTH": "4", "wsgi.input": io.BytesIO(b"abcd")}, TooLarge),
            ({"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(b"abcd")}, TooLarge),
            ({"CONTENT_LENGTH": "3", "wsgi.input": io.BytesIO(b"ab")}, BadRequest),
            ({"CONTENT_LENGTH": "3", "wsgi.input": Broken()}, BadRequest),
        ],
        ids=["long", "long in parts", "broken off", "gone"],
    )
    def test_or_not_at_all(self, environ: dict[str, Any], error: type[Exception]) -> None:
        """One that is too long, or does not arrive whole, is an error and never a part of it."""
        with pytest.raises(error):
            read_body(environ, 3)
