from collections.abc import Iterable, Iterator
from itertools import product
from time import perf_counter

import pytest
from casbin.util import builtin_operators as casbin

from service.policy.automaton import Automaton, Repeat, Series, Sign, TooLarge, literally
from service.policy.patterns import FUNCTIONS, compiled
from service.policy.regex import Unsupported

STOCK = {
    "keyMatch": casbin.key_match,
    "keyMatch2": casbin.key_match2,
    "keyMatch3": casbin.key_match3,
    "keyMatch4": casbin.key_match4,
    "keyMatch5": casbin.key_match5,
    "globMatch": casbin.glob_match,
    "regexMatch": casbin.regex_match,
}


def strings(signs: Iterable[str], longest: int) -> Iterator[str]:
    """Every text of these parts, up to so many of them."""
    return ("".join(text) for length in range(longest + 1) for text in product(signs, repeat=length))


@pytest.mark.parametrize(
    ("function", "parts", "signs"),
    [
        ("keyMatch", ("a", "/", "*"), "ab/"),
        ("keyMatch2", ("a", "/", "*", ":"), "ab/"),
        ("keyMatch3", ("a", "/", "*", "{a}", "{b}"), "ab/"),
        ("keyMatch4", ("a", "/", "/*", "{a}", "{b}"), "ab/"),
        ("keyMatch5", ("a", "/", "/*", "{a}"), "ab/?"),
        ("globMatch", ("a", ".", "/", "*", "?", "[!a]"), "a./"),
        ("regexMatch", ("a", "(a|b)", "[ab]*", ".", "+", "{1,2}"), "abc"),
    ],
)
def test_patterns_fit_what_they_fit_in_casbin(function: str, parts: tuple[str, ...], signs: str) -> None:
    """Every short pattern that is not refused fits exactly the short values that it fits in stock Casbin."""
    values, compared = list(strings(signs, 4)), 0
    for text in strings(parts, 3):
        pattern = f"^{text}$" if function == "regexMatch" else text
        try:
            fits = compiled(function, pattern)
        except Unsupported:
            continue
        compared += 1
        assert [fits(value) for value in values] == [bool(STOCK[function](value, pattern)) for value in values], pattern
    assert compared > 20


@pytest.mark.parametrize(
    ("function", "pattern", "found"),
    [
        ("keyMatch", "/a/*/b", "`/b` behind the `*` of `/a/*/b`, which keyMatch ignores"),
        ("keyMatch2", "/a*", "`*` in `/a*`, which Casbin reads as part of a regular expression"),
        ("keyMatch2", "/a+b", "`+` in `/a+b`, which Casbin reads as part of a regular expression"),
        ("keyMatch3", "/{a", "`{` in `/{a`, which Casbin reads as part of a regular expression"),
        ("keyMatch4", "/{a}-{b}", "`/{a}-{b}` has two names in one part of the path"),
        ("keyMatch4", "/x{a}/{a}", "`x{a}` in `/x{a}/{a}`, where a name stands twice"),
        ("globMatch", "/a/**", "`/a/**`: Casbins disagree on `**`, and on `*/` at the start"),
        ("globMatch", "/{a,b}", "`{` in `/{a,b}`, which Casbins read differently"),
        ("globMatch", "/[a-z]", "a set in `/[a-z]` that Casbins read differently"),
        ("regexMatch", "GET", "`GET` does not say where it begins and ends, so that Casbins differ on it"),
        ("regexMatch", "^a|b$", "`^a|b$` has a choice outside of brackets"),
        ("regexMatch", r"^\d$", r"`^\d$` has `\d`, which Casbins read differently"),
        ("regexMatch", "^(?=a)$", "`^(?=a)$` has a group of a kind that is not read"),
        ("regexMatch", "^a*?$", "`^a*?$` has a repetition of a repetition"),
        ("regexMatch", "^(a$", "`^(a$` has a bracket that is left open"),
        ("regexMatch", "^a)$", "`^a)$` has a bracket without its opening"),
        ("regexMatch", "^*$", "`^*$` has `*` with nothing to repeat"),
        ("regexMatch", "^a{5,2}$", "`^a{5,2}$` has `{5,2}`"),
        ("regexMatch", "^a^b$", "`^a^b$` has `^` in the middle"),
        ("regexMatch", "^[[:alpha:]]$", "`^[[:alpha:]]$` has a set that Casbins read differently"),
        ("regexMatch", "^[z-a]$", "`^[z-a]$` has a range from `z` to `a`"),
        ("ipMatch", "localhost", "`localhost` is no address and no network"),
        ("ipMatch", "10.0.0.0/99", "`10.0.0.0/99` is no address and no network"),
    ],
)
def test_what_casbins_read_differently_is_refused(function: str, pattern: str, found: str) -> None:
    """A pattern that is refused says what stands in the way, and what to write instead."""
    with pytest.raises(Unsupported) as refused:
        compiled(function, pattern)
    assert refused.value.found == found
    assert refused.value.mend


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("2001:db8::/32", "2001:db8::7", True),
        ("2001:db8::/32", "10.0.0.1", False),
        ("10.0.0.0/8", "localhost", False),
        ("10.0.0.0/8", "10.1.2.3\n", False),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "\ud800", False),
    ],
)
def test_an_address_is_in_a_network_or_not(pattern: str, value: str, fits: bool) -> None:
    """What is no address is in no network, and raises nothing."""
    assert compiled("ipMatch", pattern)(value) is fits


HOSTILE = ("^(a+)+$", "^(a|a)*$", "^(a*)*$", "^(a|aa)+$", "^.*.*.*.*.*.*=.*$", "^([a-z]+)*[a-z]*$")


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_value_holds_up_a_check(pattern: str) -> None:
    """Patterns on which regular expressions are known to hang take time that grows with the value alone."""
    fits, value = compiled("regexMatch", pattern), "a" * 1023 + "!"
    began = perf_counter()
    for _ in range(20):
        assert not fits(value)
    assert (perf_counter() - began) / 20 < 0.02


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_strange_value_is_no_error(function: str) -> None:
    """Whatever text is asked about, a pattern fits it or does not."""
    pattern = {"regexMatch": "^[a-c.]{2,4}$", "ipMatch": "10.0.0.0/8", "globMatch": "/a/*"}.get(function, "/a/*")
    for value in ("", "\0", "\ud800", "\n", "a" * 1024, "/" * 1024, "{", "*", "٣.٣.٣.٣", "/a/\u202e"):
        assert compiled(function, pattern)(value) in (True, False)


@pytest.mark.parametrize("pattern", ["^(.*a.{200}){3}$", "^.*a.{12}$", "^(a{200}){200}$", "^[ab]*a[ab]{15}$"])
def test_a_table_that_would_be_too_large_is_refused(pattern: str) -> None:
    """A pattern whose table grows without measure is refused when it is loaded, and soon."""
    began = perf_counter()
    with pytest.raises(Unsupported, match="too large"):
        compiled("regexMatch", pattern)
    assert perf_counter() - began < 20


def test_a_table_is_bounded() -> None:
    """The bound is the automaton's own."""
    signs = Sign(frozenset("ab"))
    with pytest.raises(TooLarge):
        Automaton(Series((Repeat(signs), literally("a"), Repeat(signs, 12, 12))))
