import pytest

from service.policy.rows import Row, dump, dump_row, name_problem, parse, tidy

WIDTHS = {"p": 3, "g": 2}


@pytest.mark.parametrize(
    ("line", "rule", "column"),
    [
        ("q, a, b", "row-type-unknown", 1),
        ("  P, a, b, c", "row-type-unknown", 3),
        ("p, a, b", "row-length", 1),
        ("p, a, b, c, d", "row-length", 1),
        ("g, a,", "field-empty", 6),
        ("g, , b", "field-empty", 4),
        ('g, "", b', "field-empty", 4),
        ('g, " a", b', "name-blank", 4),
        ('g, a, "b "', "name-blank", 7),
        ('g, "a\tb", c', "hidden-character", 4),
        ("g, a\tb, c", "hidden-character", 5),
        ("g, a\u200b, b", "hidden-character", 5),
        ("\ufeffg, a, b", "hidden-character", 1),
        ("g, a\r, b", "hidden-character", 5),
        ("g, a, b # why", "inline-comment", 9),
        ('g, "a, b', "quote-open", 4),
        ('g, "a" b, c', "quote-open", 7),
        ('g, a"b, c', "quote-open", 5),
        ("g, a(b, c", "bracket-open", 4),
        ("g, a], c", "bracket-open", 5),
        (f"g, {'a' * 256}, b", "name-too-long", 4),
    ],
)
def test_line_that_does_not_hold(line: str, rule: str, column: int) -> None:
    """A line that cannot be read as meant is no row, but a finding where the trouble begins."""
    file, found = parse("rows.csv", f"# first\n{line}\n", WIDTHS)
    assert not file.rows
    assert [finding.rule for finding in found] == [rule]
    assert str(found[0].position) == f"rows.csv:2:{column}"


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("g, a, b", ("a", "b")),
        ("  g ,a,b  ", ("a", "b")),
        ("g, a, b\r", ("a", "b")),
        ('g, "a, b", c', ("a, b", "c")),
        ('g, "say ""a""", c', ('say "a"', "c")),
        ('g, "a # b", c', ("a # b", "c")),
        ("g, a (b), c [d]", ("a (b)", "c [d]")),
        ("g, \u0645\u06cc\u200c\u0631\u0648, b", ("\u0645\u06cc\u200c\u0631\u0648", "b")),
        ('"g", a, b', ("a", "b")),
    ],
)
def test_line_that_holds(line: str, fields: tuple[str, str]) -> None:
    """Blanks around fields go, quotes are quotes, and letters of any script are letters."""
    file, found = parse("rows.csv", f"{line}\n", WIDTHS)
    assert (file.rows, found) == ([Row("g", fields)], [])


def test_position_of_a_field() -> None:
    """A row knows its line, and each field its column, behind quotes with commas too."""
    file, _ = parse("rows.csv", '\n# note\n  p, "a, b",  c, d\n', WIDTHS)
    assert [str(file.position(0, column)) for column in (-1, 0, 1, 2)] == [
        "rows.csv:3:3",
        "rows.csv:3:6",
        "rows.csv:3:15",
        "rows.csv:3:18",
    ]


def test_a_hidden_character_in_a_comment_is_found() -> None:
    """A carriage return in a comment looks like the end of it to an editor, so it cannot hide a row there."""
    file, found = parse("rows.csv", "# note\rg, user:ann, role:Desk\n", WIDTHS)
    assert not file.rows
    assert [finding.rule for finding in found] == ["hidden-character"]


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "", " a", "a\u202eb", "a" * 256, "a\tb"])
def test_name_with_a_problem(name: str) -> None:
    """A name that no file could hold safely is refused wherever it comes from."""
    assert name_problem(name) is not None


def test_dump_never_makes_two_rows_of_one() -> None:
    """A row is written as one line or not at all, whatever stands in its names."""
    with pytest.raises(ValueError, match="line break"):
        dump_row(Row("g", ("user:ann\np, role:Desk, everything, Write", "role:Desk")))


def test_dump_is_canonical() -> None:
    """Equal sets of rows give equal bytes: sorted, each once, quoted only where needed."""
    rows = [Row("p", ("b", "c, d", "e")), Row("g", ("a", "#b")), Row("p", ("b", "c, d", "e"))]
    assert dump(rows) == dump(reversed(rows)) == 'g, a, "#b"\np, b, "c, d", e\n'


def test_tidy_mends_spacing_and_keeps_the_rest() -> None:
    """Spacing and needless quotes are put right; comments, order, groups and broken lines stay."""
    text = '\n\n  # who\r\np,"a",b  ,c\n\n\n\ng, a\nnonsense  \ng,b,a\n\n'
    assert tidy(text, WIDTHS) == "# who\np, a, b, c\n\ng, a\nnonsense\ng, b, a\n"


def test_tidy_of_a_lone_carriage_return() -> None:
    """A carriage return that ends no line is treated alike the first time and the second."""
    once = tidy("g, a, b\n\r", WIDTHS)
    assert tidy(once, WIDTHS) == once
