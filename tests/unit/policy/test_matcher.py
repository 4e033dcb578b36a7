import pytest

from service.policy.expression import Asked, Compared, Fitting, Linked, Listed, Literal, Written
from service.policy.findings import Finding
from service.policy.matcher import MOST_ALTERNATIVES, Matcher, parse
from service.values import Position

FIELDS = ("sub", "dom", "act", "day")


def matcher(text: str) -> tuple[Matcher | None, list[Finding]]:
    """A matcher over four fields on each side, `g` with a domain and `g2` without."""
    found: list[Finding] = []
    return parse(text, lambda offset: Position("m", 1, offset + 1), FIELDS, FIELDS, {"g": 3, "g2": 2}, found), found


def read(text: str) -> Matcher:
    """A matcher that holds."""
    given, found = matcher(text)
    assert given is not None, found
    return given


def test_each_kind_of_term_is_read() -> None:
    """Comparisons, links, match functions and lists become the terms that the definition speaks of."""
    [terms] = read(
        "r.sub == p.sub && g(r.sub, 'boss', r.dom) && keyMatch(r.act, p.act) && r.day in (\"Mon\", 'Tue')"
    ).alternatives
    assert terms == (
        Compared(Asked(0), "==", Written(0)),
        Linked("g", Asked(0), Literal("boss"), Asked(1)),
        Fitting("keyMatch", Asked(2), Written(2)),
        Listed(Asked(3), (Literal("Mon"), Literal("Tue"))),
    )


def test_attributes_stand_behind_the_fields() -> None:
    """Each attribute is read once, behind the fields of the request, whichever way round it is compared."""
    given = read("r.sub.age >= 18 && 65 > r.sub.age && r.act.soft != true")
    assert given.attributes == ((0, "age"), (2, "soft"))
    assert given.alternatives == (
        (
            Compared(Asked(4), ">=", Literal(18)),
            Compared(Asked(4), "<", Literal(65)),
            Compared(Asked(5), "!=", Literal(True)),
        ),
    )


def test_brackets_are_worked_out() -> None:
    """`&&` binds more than `||`, and brackets are worked out into alternatives."""
    one, two, three = (Compared(Asked(at), "==", Written(at)) for at in range(3))
    text = "r.sub == p.sub && r.dom == p.dom || r.act == p.act"
    assert read(text).alternatives == ((one, two), (three,))
    text = "r.sub == p.sub && (r.dom == p.dom || r.act == p.act)"
    assert read(text).alternatives == ((one, two), (one, three))


def test_alternatives_are_bounded() -> None:
    """Brackets that come to more alternatives than anybody can have meant are refused, however short the text."""
    choice = "(r.sub == p.sub || r.act == p.act)"
    assert len(read(" && ".join([choice] * 6)).alternatives) == MOST_ALTERNATIVES
    _, [finding] = matcher(" && ".join([choice] * 40))
    assert finding.found == "more than 64 alternatives, brackets worked out"
    _, [finding] = matcher("(" * 5_000 + "r.sub == p.sub" + ")" * 5_000)
    assert finding.found == "brackets more than 32 deep"


@pytest.mark.parametrize(
    ("text", "column", "found"),
    [
        ("", 1, "the matcher ends too early"),
        ("r.sub == p.sub && eval(p.act)", 19, "function `eval`"),
        ("r.sub == p.sub && keyGet2(r.act, p.act, 'id') == 'x'", 19, "function `keyGet2`"),
        ("r.sub == p.sub && isOwner(r.sub)", 19, "function `isOwner`"),
        ("!(r.sub == p.sub)", 1, "a negation, `!`"),
        ("r.sub == p.sub && !g2(r.act, p.act)", 19, "a negation, `!`"),
        ("r.sub == 'ro\\ot'", 10, "text 'ro\\ot' with a backslash, which Casbins read differently"),
        ("r.sub == 'root", 10, "text 'root, whose quote is left open"),
        ("r.sub.home.city == 'x'", 1, "`r.sub.home.city`, an attribute that cannot be read"),
        ("r.sub.__class__ == 'x'", 1, "`r.sub.__class__`, an attribute that cannot be read"),
        ("p.sub.age == 'x'", 1, "`p.sub.age`, an attribute that cannot be read"),
        ("r.sub == p.who", 10, "`p.who`, a field that the model does not define"),
        ("r.sub == p.sub|| r.act == p.act", 15, "`||` without a blank on both sides"),
        ("g2(r.sub, p.sub", 15, "the matcher ends too early: a bracket or `)` is missing"),
        ("r.sub = p.sub", 7, "`=` where `==` belongs"),
        ("r.sub.age > p.sub", 11, "`>` on a field of a row, which is text"),
        ("r.sub in ('root')", 10, "a list of one, in round brackets"),
        ("r.sub in p.sub", 10, "`p.sub` where `(` belongs"),
        ("r.sub in ('a', p.sub)", 16, '`p.sub` where `"..."` belongs'),
        ("keyMatch('/a', r.sub)", 16, "a pattern that comes with the request"),
        ("'a' == 'a'", 1, "a term that looks at no field"),
        ("r.day + 1 == 2", 7, "`+` where `==` belongs"),
        ("g2(r.sub, 5)", 11, "a value that is no name"),
    ],
)
def test_what_is_refused_is_named_where_it_stands(text: str, column: int, found: str) -> None:
    """A refusal says in Casbin's words what was found, and at which column."""
    given, [finding] = matcher(text)
    assert given is None
    assert (finding.rule, finding.position.column, finding.found) == ("matcher-unsupported", column, found)


def test_a_pattern_in_the_matcher_is_judged_there() -> None:
    """A pattern that is refused is refused where it stands, in a matcher as in a row."""
    given, [finding] = matcher("regexMatch(r.act, 'GET')")
    assert given is None
    assert (finding.rule, finding.position.column) == ("pattern-unsupported", 19)
