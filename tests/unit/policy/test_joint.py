import pytest

from service.policy.joint import Joint, Tie, arrange
from service.policy.matcher import parse
from service.values import Position

FIELDS = ("sub", "dom", "act", "day")


def joint(text: str) -> Joint | None:
    """What a matcher over four fields on each side comes to, `g` with a domain and `g2` without."""
    read = parse(text, lambda offset: Position("m", 1, offset), FIELDS, FIELDS, {"g": 3, "g2": 2}, [])
    assert read is not None
    return arrange(read)


def test_ties_are_sorted_by_what_they_do() -> None:
    """The first link finds roles, the equality of its domain divides, everything else is the key."""
    found = joint("r.day == p.day && g(r.sub, p.sub, r.dom) && r.dom == p.dom && g2(r.act, p.act)")
    assert found is not None
    assert found.subject == Tie(0, 0, "g", 1)
    assert found.division == Tie(1, 1)
    assert found.keys == (Tie(3, 3), Tie(2, 2, "g2"))
    assert found.divided == {"g"}


@pytest.mark.parametrize("domain", ["r.dom", "p.act"])
def test_a_domain_is_a_column_of_the_row(domain: str) -> None:
    """Where an equality ties them, the domain of the request is that of the row, whatever the columns are called."""
    found = joint(f"g(r.sub, p.sub, {domain}) && p.act == r.dom")
    assert found is not None
    assert (found.subject, found.division) == (Tie(0, 0, "g", 2), Tie(1, 2))


def test_without_links_the_first_equality_is_the_subject() -> None:
    """A model without roles joins its first field to the rows, and divides nothing."""
    found = joint("r.act == p.act && r.sub == p.sub")
    assert found is not None
    assert (found.subject, found.division, found.keys) == (Tie(2, 2), None, (Tie(0, 0),))


@pytest.mark.parametrize(
    "text",
    [
        "r.sub == p.sub || r.act == p.act",
        "r.sub == p.sub && r.sub.age > 3",
        "r.sub == p.sub && r.act != p.act",
        "r.sub == p.sub && r.sub == p.act",
        "g2(r.sub, p.sub) && g2(r.act, p.act)",
        "g(r.sub, p.sub, r.dom)",
        "g2(r.sub, 'boss') && r.act == p.act",
        "r.sub == p.sub && keyMatch(r.act, p.act)",
    ],
)
def test_what_does_more_than_join_is_no_joint(text: str) -> None:
    """Alternatives, attributes, patterns, and a field or role definition matched twice are left to the rulebook."""
    assert joint(text) is None
