from service.policy.roles import Links

DIAMOND = Links([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])


def chain(links: int) -> list[tuple[str, str]]:
    """A chain of this many links, `n0` lowest."""
    return [(f"n{i}", f"n{i + 1}") for i in range(links)]


def test_reaching_includes_the_name_itself() -> None:
    """A name reaches itself, linked or not, and whatever lies above it by any way."""
    assert DIAMOND.above("a") == {"a", "b", "c", "d"}
    assert DIAMOND.below("d") == {"a", "b", "c", "d"}
    assert DIAMOND.above("stranger") == DIAMOND.below("stranger") == {"stranger"}
    assert DIAMOND.direct("a") == ["b", "c"]


def test_a_diamond_is_no_fault() -> None:
    """Two ways to one role are neither a circle nor a chain that is too long."""
    assert DIAMOND.fault() is None


def test_nine_links_hold_and_ten_do_not() -> None:
    """The longest chain that stock Casbin follows is accepted; one link more is shown from end to end."""
    assert Links(chain(9)).fault() is None
    assert Links(chain(10)).fault() == [f"n{i}" for i in range(11)]


def test_a_chain_is_long_in_whatever_order_its_names_are_met() -> None:
    """A long chain is found when its upper half was walked before its lower half."""
    assert Links([("z", "a"), *[(name, chr(ord(name) + 1)) for name in "abcdefghi"]]).fault() == ["z", *"abcdefghij"]


def test_a_circle_is_shown() -> None:
    """A circle is shown from a name back to the same name, a name linked to itself too."""
    assert Links([("a", "b"), ("b", "c"), ("c", "b")]).fault() in (["b", "c", "b"], ["c", "b", "c"])
    assert Links([("a", "a")]).fault() == ["a", "a"]


def test_many_ways_take_no_time() -> None:
    """Nine storeys of ten roles each, all linked to all above, are walked once and not a thousand million times."""
    wide = [(f"{i}.{x}", f"{i + 1}.{y}") for i in range(9) for x in range(10) for y in range(10)]
    assert Links(wide).fault() is None
