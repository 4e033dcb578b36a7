import pytest

from service.policy.plain import Malformed, Node, parse


def node(text: str) -> Node:
    """The text as a node; it is plain YAML."""
    read, found = parse("x.yaml", text)
    assert read is not None, found
    return read


def refused(text: str) -> tuple[str, str, str]:
    """Rule, place and what was found, of text that is not plain YAML."""
    read, [found] = parse("x.yaml", text)
    assert read is None
    assert found.mend
    return found.rule, str(found.position), found.found


@pytest.mark.parametrize("word", ["no", "true", "null", "~", "1.50", "0x10", "2024-01-01", "1e3"])
def test_every_scalar_is_text(word: str) -> None:
    """A user named `no` is no boolean, and a practice named `1.50` no number: what is written is what is read."""
    assert node(word).text() == word
    assert node(f"{word}: x").mapping().keys() == {word}


def test_places() -> None:
    """Each entry knows where it stands, and where its name stands."""
    entry = node("a:\n  b: c\n  d: [e, f]\n").mapping()["a"]
    assert str(entry.named) == "x.yaml:1:1"
    assert str(entry.mapping()["b"].named) == "x.yaml:2:3"
    assert str(entry.mapping()["b"].position) == "x.yaml:2:6"
    assert [str(item.named) for item in entry.mapping()["d"].items()] == ["x.yaml:3:7", "x.yaml:3:10"]


@pytest.mark.parametrize(
    ("text", "rule", "place", "found"),
    [
        ("", "yaml-syntax", "1:1", "an empty file"),
        ("# only a comment\n", "yaml-syntax", "1:1", "an empty file"),
        ("a: 1\nb: 2\na: 3\n", "yaml-syntax", "3:1", "`a` stands twice"),
        ("a: &x [b]\n", "yaml-syntax", "1:4", "an anchor, alias or tag, which are not read here"),
        ("a: *x\n", "yaml-syntax", "1:4", "an anchor, alias or tag, which are not read here"),
        ("a: !!str b\n", "yaml-syntax", "1:4", "an anchor, alias or tag, which are not read here"),
        ("a: !!python/object:os.system {}\n", "yaml-syntax", "1:4", "an anchor, alias or tag, which are not read here"),
        ("? [a]\n: b\n", "yaml-syntax", "1:3", "an entry whose name is no text"),
        ('a: "b\n', "yaml-syntax", "1:4", "a quote is left open"),
        ("a: 'b\nc: d\n", "yaml-syntax", "1:4", "a quote is left open"),
        ("a:\n\tb: c\n", "yaml-syntax", "2:1", "found character '\\t' that cannot start any token"),
        ("a\n---\nb\n", "yaml-syntax", "2:1", "expected a single document in the stream, but found another document"),
        ('a: "\\UFFFFFFFF"\n', "yaml-syntax", "1:7", "a character or number out of range"),
        (f"%YAML {'1' * 5000}.1\n---\na\n", "yaml-syntax", "1:7", "a character or number out of range"),
        ('"a\\u0007b": c\n', "hidden-character", "1:1", "character U+0007 in a name"),
        ('"a\\nb": c\n', "hidden-character", "1:1", "character U+000A in a name"),
        ('"a ": c\n', "name-blank", "1:1", "`a ` begins or ends with a blank"),
        ('"": c\n', "field-empty", "1:1", "an empty name"),
        ("a: b\x00c\n", "hidden-character", "1:5", "character U+0000"),
        ("a: b # \u202ec\n", "hidden-character", "1:8", "character U+202E"),
        ("a: b\rc: d\n", "hidden-character", "1:5", "character U+000D"),
        ("a: \ufffe\n", "hidden-character", "1:4", "character U+FFFE"),
    ],
)
def test_what_is_not_plain_is_refused(text: str, rule: str, place: str, found: str) -> None:
    """Whatever would make a file say more, less or something else than a reviewer sees is refused where it stands."""
    assert refused(text) == (rule, f"x.yaml:{place}", found)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "!x [", "&x ["])
def test_nesting_has_an_end(opening: str) -> None:
    """Entries within entries without end are refused before they can exhaust anything."""
    assert refused(opening * 20_000)[0] == "yaml-syntax"
    deep = "\n".join(" " * level + "a:" for level in range(2_000))
    assert refused(deep)[2] == "entries nested too deeply"


def test_line_ends_of_windows_mean_the_same() -> None:
    """A file saved with CRLF has the same entries at the same places."""
    text = "a: b\nc:\n  - d\n"
    assert node(text) == node(text.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('"a\\tb"', "hidden-character"),
        ('"a\\nb"', "hidden-character"),
        ('"a\\u200bb"', "hidden-character"),
        ('"a\\ud800b"', "hidden-character"),
        (">\n  a\n", "hidden-character"),
        ("[a]", "yaml-shape"),
        ("''", "yaml-shape"),
        ("'  '", "yaml-shape"),
    ],
)
def test_a_text_is_one_line_that_can_be_seen(text: str, rule: str) -> None:
    """A sentence or name is not empty, has one line and no character that hides, escaped or not."""
    with pytest.raises(Malformed) as refusal:
        node(f"a: {text}\n").mapping()["a"].text()
    assert refusal.value.finding.rule == rule
    assert refusal.value.finding.mend


@pytest.mark.parametrize(
    ("text", "rule"), [('" a"', "name-blank"), ("a" * 256, "name-too-long"), ('"a\\u00a0b"', "hidden-character")]
)
def test_a_name_is_what_the_store_holds(text: str, rule: str) -> None:
    """A name from YAML is held to what a name in a row is held to."""
    with pytest.raises(Malformed) as refusal:
        node(text).name()
    assert refusal.value.finding.rule == rule


def test_entries_are_known_beforehand() -> None:
    """A misspelt entry is refused at its name, a missing one at the name of what lacks it."""
    entry = node("a:\n  nmae: b\n").mapping()["a"]
    with pytest.raises(Malformed) as refusal:
        entry.fields("name", optional=("users",))
    assert str(refusal.value.finding.position) == "x.yaml:2:3"
    assert refusal.value.finding.mend == "the entries here are `name`, `users`"
    with pytest.raises(Malformed) as refusal:
        entry.fields("nmae", "users")
    assert (str(refusal.value.finding.position), refusal.value.finding.found) == ("x.yaml:1:1", "no entry `users`")


def test_kinds_are_held_to() -> None:
    """A list, a mapping and one of two words are asked for as such."""
    for wrong in (node("a").items, node("a").mapping, lambda: node("a").choice("b", "c")):
        with pytest.raises(Malformed):
            wrong()
    assert node("b").choice("b", "c") == "b"
