import pytest

from service.policy.findings import Finding
from service.policy.matcher import Matcher, Term, parse
from service.values import Position

FIELDS = ("sub", "dom", "act", "day")


def matcher(text: str) -> tuple[Matcher | None, list[Finding]]:
    """A matcher over four fields on each side, `g` with a domain and `g2` without."""
    found: list[Finding] = []
    return parse(text, lambda offset: Position("m", 1, offset + 1), FIELDS, FIELDS, {"g": 3, "g2": 2}, found), found


def test_terms_are_sorted_by_what_they_do() -> None:
    """The first link finds roles, the equality of its domain divides, everything else is the key."""
    read, _ = matcher("r.day == p.day && g(r.sub, p.sub, r.dom) && r.dom == p.dom && g2(r.act, p.act)")
    assert read is not None
    assert read.subject == Term(0, 0, "g", 1)
    assert read.division == Term(1, 1)
    assert read.keys == (Term(3, 3), Term(2, 2, "g2"))
    assert read.divided == {"g"}


@pytest.mark.parametrize("domain", ["r.dom", "p.act"])
def test_a_domain_is_a_column_of_the_row(domain: str) -> None:
    """Where an equality ties them, the domain of the request is that of the row, whatever the columns are called."""
    read, _ = matcher(f"g(r.sub, p.sub, {domain}) && p.act == r.dom")
    assert read is not None
    assert (read.subject, read.division) == (Term(0, 0, "g", 2), Term(1, 2))


def test_without_links_the_first_equality_is_the_subject() -> None:
    """A model without roles joins its first field to the rows, and divides nothing."""
    read, _ = matcher("r.act == p.act && r.sub == p.sub")
    assert read is not None
    assert (read.subject, read.division, read.keys) == (Term(2, 2), None, (Term(0, 0),))


@pytest.mark.parametrize(
    ("text", "column", "found"),
    [
        ("", 1, "the matcher ends too early"),
        ("r.sub == p.sub && keyMatch2(r.act, p.act)", 19, "function `keyMatch2`"),
        ("r.sub == 'root'", 10, "text 'root' in a matcher"),
        ("r.sub.age == p.sub", 1, "attribute `r.sub.age`"),
        ("r.sub == p.who", 10, "`p.who`, a field that the model does not define"),
        ("r.sub == p.sub || r.act == p.act", 16, "`||`"),
        ("g(r.sub, p.sub, r.dom)", 1, "domain `r.dom` without an equality that ties it to the row"),
        ("r.sub == p.sub && r.sub == p.act", 19, "a field or role definition that is matched twice"),
        ("g2(r.sub, p.sub) && g2(r.act, p.act)", 21, "a field or role definition that is matched twice"),
        ("g2(r.sub, p.sub", 15, "the matcher ends too early: a bracket or `)` is missing"),
        ("r.sub = p.sub", 7, "`=` where `==` belongs"),
    ],
)
def test_what_is_refused_is_named_where_it_stands(text: str, column: int, found: str) -> None:
    """A refusal says in Casbin's words what was found, and at which column."""
    read, [finding] = matcher(text)
    assert read is None
    assert (finding.rule, finding.position.column, finding.found) == ("matcher-unsupported", column, found)
