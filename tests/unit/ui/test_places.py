"""Places: where pages are, and that no form leads elsewhere."""

import pytest

from service.exchange import Asked, Fields
from service.ui import places
from service.ui.places import Here


def test_quoted() -> None:
    """Whatever a practice or role is called, it is one part of the address."""
    assert places.to("a/b?", "role", name="R&D", find="") == "/practices/a%2Fb%3F/role?name=R%26D"


@pytest.mark.parametrize(
    "place",
    [
        "",
        "https://elsewhere.example/practices/riverside/roles",
        "//elsewhere.example/practices/riverside/roles",
        "/practices/lakeside/roles",
        "/practices/riverside/../lakeside/roles",
        "/practices/riversidex/roles",
        "/practices/riverside/roles\r\nSet-Cookie: a=b",
        "/\\elsewhere.example/practices/riverside/",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_nowhere_else(place: str) -> None:
    """A place that is not of this practice is not gone to."""
    assert places.back("riverside", place, "/x") == "/x"


def test_back() -> None:
    """A place of this practice is, with what it was asked for."""
    place = "/practices/riverside/roles?screen=Task+-+Orders"
    assert places.back("riverside", place, "/x") == place


def test_here() -> None:
    """What a page says once is not part of its address."""
    asked = Asked("GET", "/practices/r/roles", query=Fields((("find", "a b"), ("saved", "3"), ("page", "2"))))
    here = Here("r", asked)
    assert here.place == "/practices/r/roles?find=a+b&page=2"
    assert here.again(page=3) == "/practices/r/roles?find=a+b&page=3"
