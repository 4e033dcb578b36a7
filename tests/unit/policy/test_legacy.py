"""What the old permission said: read whole, or told line by line why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policy.legacy import Problem, parse


@pytest.mark.parametrize(
    "text",
    [
        "practice,user,had\nriverside,ann,true\nriverside,cam,no\nlakeside,ann,1\n",
        "\ufeffuser, had ,practice\r\nann,YES,riverside\r\n\r\ncam,False,riverside\r\nann, true ,lakeside\r\n",
        """[{"practice": "riverside", "user": "ann", "had": true}, {"practice": "riverside", "user": "cam",
        "had": "no"}, {"practice": "lakeside", "user": "ann", "had": 1}]""",
    ],
)
def test_who_had_it(text: str) -> None:
    """CSV in any order of columns, with or without a mark and blanks, and JSON say the same."""
    legacy, problems = parse(text.encode())
    assert problems == []
    assert legacy.had == {"riverside": {"ann": True, "cam": False}, "lakeside": {"ann": True}}
    assert legacy.users == 3


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("", 1, "must name the columns"),
        ("practice,user\nriverside,ann\n", 1, "must name the columns"),
        ("practice,user,had,had\n", 1, "must name the columns"),
        ("practice,user,had\n", 1, "nobody stands in it"),
        ("practice,user,had\nriverside,ann,perhaps\n", 2, "`had` is `perhaps`"),
        ("practice,user,had\nriverside,ann,\n", 2, "`had` is ``"),
        ("practice,user,had\nriverside,ann\n", 2, "2 fields"),
        ("practice,user,had\nriverside,ann,yes,yes\n", 2, "4 fields"),
        ("practice,user,had\n,ann,yes\n", 2, "no practice"),
        ("practice,user,had\nriverside,,yes\n", 2, "no user"),
        ("practice,user,had\nriverside,ann,yes\nriverside,ann,no\n", 3, "another answer in line 2"),
        ('practice,user,had\nriverside,"ann,yes\n', 2, "not CSV"),
        ("[", 1, "not JSON"),
        ("{}", 1, "a list of objects"),
        ('[{"practice": "r", "user": "u"}]', 1, "nothing else"),
        ('[{"practice": "r", "user": "u", "had": true, "x": 1}]', 1, "nothing else"),
        ('[{"practice": "r", "user": 7, "had": true}]', 1, "must be text"),
        ('[{"practice": "r", "user": "u", "had": null}]', 1, "must be text"),
        ('[{"practice": "r", "user": "u", "had": 2}]', 1, "`had` is `2`"),
        ('[{"practice": "r", "user": "u", "had": true, "had": false}]', 1, "stands twice"),
    ],
)
def test_what_cannot_be_read(text: str, line: int, found: str) -> None:
    """Each line that cannot be read is told by its number, with what is wrong."""
    _, [problem] = parse(text.encode())
    assert problem.line == line
    assert found in problem.found


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Whoever mends a file of a thousand lines is told of all of them."""
    _, problems = parse(b"practice,user,had\nr,a,x\nr,b,yes\nr,c\n,d,no\n")
    assert [problem.line for problem in problems] == [2, 4, 5]


def test_the_same_twice() -> None:
    """A line that says again what another said is no problem."""
    legacy, problems = parse(b"practice,user,had\nr,a,yes\nr,a,1\n")
    assert (legacy.had, problems) == ({"r": {"a": True}}, [])


def test_not_utf8() -> None:
    """A byte that is no UTF-8 is told by its line."""
    assert parse(b"practice,user,had\nr,\xff,yes\n")[1] == [Problem(2, "a byte that is not UTF-8")]


@given(st.binary() | st.text().map(str.encode))
def test_anything_is_read_or_told(content: bytes) -> None:
    """Whatever the bytes, something was read or something is wrong, and nothing is raised."""
    legacy, problems = parse(content)
    assert bool(legacy.had) or bool(problems)
