"""What is true of policy as text: of rows read and written, and of models, whole and broken."""

from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn, SearchStrategy

from service.policy import model as models
from service.policy import rows as texts
from service.policy.findings import RULES
from service.policy.roles import Links
from service.values import Row, Severity
from tests.generative import worlds
from tests.generative.worlds import World, answers

WIDTHS = {"p": 3, "g": 2}
SIGNS = st.sampled_from('ab ,"#()[]\\é\u200d')
NAMES = st.text(SIGNS, min_size=1, max_size=6).filter(lambda name: texts.name_problem(name) is None)
ROWS = st.one_of(
    st.tuples(NAMES, NAMES, NAMES).map(lambda fields: Row("p", fields)),
    st.tuples(NAMES, NAMES).map(lambda fields: Row("g", fields)),
)
LOOSE = st.text(st.sampled_from('pg,a "#([)\t\r\n\u00a0\ufeff\u2028'), max_size=20)


@st.composite
def files(draw: DrawFn) -> str:
    """The text of a file of rows as people leave them: odd blanks and quotes, comments, line ends of both kinds."""
    quoted = ROWS.map(lambda row: ",".join((row.kind, *('"' + name.replace('"', '""') + '"' for name in row.fields))))
    spaced = st.tuples(st.sampled_from(("  ", "\t", "")), ROWS).map(
        lambda two: two[0] + texts.dump_row(two[1]) + two[0]
    )
    comment = st.sampled_from(("# who may do what", "   #", "", "  "))
    lines = draw(st.lists(st.one_of(spaced, quoted, comment, LOOSE), max_size=8))
    return draw(st.sampled_from(("\n", "\r\n"))).join(lines)


@given(st.lists(ROWS))
def test_dump_then_parse_is_identity(rows: list[Row]) -> None:
    """Any rows whose names are sound are read back as they were written, each once and in one order."""
    text = texts.dump(rows)
    file, found = texts.parse("rows.csv", text, WIDTHS)
    assert not found
    assert file.rows == sorted(set(rows))
    assert texts.dump(reversed(rows)) == text == texts.tidy(text, WIDTHS)


@given(st.text(st.sampled_from('a ,"#(\t\r\n\u00a0\u200b'), max_size=6))
@example(" a")
@example("a\tb")
def test_what_is_read_holds_sound_names(name: str) -> None:
    """Whatever is written, in quotes or without, no name is read that other ways into the store would refuse."""
    for written in (name, '"' + name.replace('"', '""') + '"'):
        file, found = texts.parse("rows.csv", f"g, {written}, b", WIDTHS)
        if not found:
            assert all(texts.name_problem(field) is None for row in file.rows for field in row.fields)


@given(files())
def test_tidy_is_idempotent(text: str) -> None:
    """Tidying twice changes nothing, whatever the text."""
    once = texts.tidy(text, WIDTHS)
    assert texts.tidy(once, WIDTHS) == once


@given(files())
def test_tidy_keeps_rows_and_comments(text: str) -> None:
    """Tidying loses no row, no comment and no finding, and leaves their order."""
    before, found = texts.parse("rows.csv", text, WIDTHS)
    after, left = texts.parse("rows.csv", texts.tidy(text, WIDTHS), WIDTHS)
    assert after.rows == before.rows
    assert [finding.rule for finding in left] == [finding.rule for finding in found]
    assert comments(after.text) == comments(before.text)


def comments(text: str) -> list[str]:
    """The comments of a file, without the blanks around them."""
    lines = [line.strip() for line in text.split("\n")]
    return [line for line in lines if line.startswith("#")]


@given(files())
def test_every_line_is_a_row_or_a_finding(text: str) -> None:
    """Each line that is neither blank nor comment gives one row, or findings on that line; none is passed over.

    A comment is blamed only for a character that could hide a row.
    """
    file, found = texts.parse("rows.csv", text, WIDTHS)
    spoken = {number for number, line in enumerate(text.split("\n"), 1) if line.strip() and line.strip()[0] != "#"}
    blamed = {finding.position.line for finding in found}
    hiding = {finding.position.line for finding in found if finding.rule == "hidden-character"}
    assert spoken <= set(file.lines) | blamed <= spoken | hiding
    assert not set(file.lines) & blamed
    assert len(file.lines) == len(set(file.lines)) == len(file.rows)


# --- models ----------------------------------------------------------------------------------------------------------

WHOLE = """[request_definition]
r = sub, dom, act
[policy_definition]
p = sub, dom, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.act == p.act
"""
MATCHER = "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.act == p.act"
EFFECT = "some(where (p.eft == allow))"


@pytest.mark.parametrize(
    "matcher",
    [
        "!(r.sub == p.sub)",
        "r.sub > p.sub",
        "eval(p.sub) && r.act == p.act",
        "r.sub == p.nothing",
        "r2.sub == p2.sub",
        "g(r.sub, p.sub)",
        "g2(r.sub, p.sub)",
        "g(r.sub, p.sub, r.dom, r.act) && r.dom == p.dom",
        "g(r.sub, p.sub, r.dom",
        "r.sub == p.sub &&",
        "&& r.sub == p.sub",
        "r.sub == p.sub and r.act == p.act",
        "r.sub == p.sub == r.act",
        "r.sub",
        "true",
        "1 == 1",
    ],
)
def test_refused_matchers_are_named(matcher: str) -> None:
    """What Casbin knows and we do not compile is refused on its line, with what is supported."""
    model, [found] = models.parse("model.conf", WHOLE.replace(MATCHER, matcher))
    assert model is None
    assert (found.rule, found.position.line, found.severity) == ("matcher-unsupported", 10, Severity.ERROR)
    assert 5 <= found.position.column <= 4 + len(matcher)
    assert "supported" in found.mend


@pytest.mark.parametrize(
    "matcher",
    [
        "r.sub == p.sub || r.act == p.act",
        "r.sub != p.sub",
        "(r.sub == p.sub) && r.act == p.act",
        "keyMatch(r.sub, p.sub)",
        "keyMatch2(r.sub, p.sub) && r.act == p.act",
        "keyMatch5(r.sub, p.sub)",
        "globMatch(r.sub, p.sub)",
        "r.act in ('read', 'write')",
        'r.sub == "root"',
        "r.sub == 'root' && r.act == p.act",
        "p.sub == 'root'",
        "r.sub.age == p.sub",
        "r.sub == r.act",
        "p.sub == p.act",
        "r.sub == p.sub && r.sub == p.act",
        "g(r.sub, p.sub, r.dom)",
        "g(r.sub, p.sub, 'here') && r.dom == p.dom",
        "g(p.sub, r.sub, r.dom) && r.dom == p.dom",
    ],
)
def test_other_matchers_decide_as_casbin(matcher: str) -> None:
    """What is compiled beside the shipped matcher decides as stock pycasbin does."""
    model, _ = models.parse("model.conf", WHOLE.replace(MATCHER, matcher))
    assert model is not None
    rows = (Row("p", ("root", "here", "read")), Row("p", ("a", "a", "a")), Row("g", ("b", "root", "here")))
    world = World(model, rows)
    snapshot, oracle = world.snapshot(), world.oracle()
    for names in product(("root", "a", "b"), ("here", "a"), ("read", "a", "root")):
        request = (*names, *(None for _ in model.matcher.attributes))
        assert snapshot.decide(request).allowed == oracle.allows(request), names


@pytest.mark.parametrize(
    "effect", ["!some(where (p.eft == deny))", "priority(p.eft) || deny", "subjectPriority(p.eft) || deny"]
)
def test_other_effects_decide_as_casbin(effect: str) -> None:
    """So do the effects beside the shipped one, of rows that allow and rows that deny, whichever comes first."""
    text = WHOLE.replace(EFFECT, effect).replace("p = sub, dom, act", "p = sub, dom, act, eft")
    model, found = models.parse("model.conf", text)
    assert model is not None, found
    said = [("root", "read", "allow"), ("b", "read", "deny"), ("b", "write", "deny"), ("root", "write", "allow")]
    rows = tuple(Row("p", (name, "here", act, eft)) for name, act, eft in said)
    world = World(model, (*rows, Row("g", ("b", "root", "here"))))
    asked = list(product(("root", "b", "c"), ("here",), ("read", "write")))
    ours = [world.snapshot().decide(request).allowed for request in asked]
    assert ours == [world.oracle().allows(request) for request in asked]
    assert set(ours) == {True, False}


@pytest.mark.parametrize(
    "effect",
    [
        "some(where (p2.eft == allow))",
        "some(where (p.eft == allow)) || deny",
        "max(p.eft)",
    ],
)
def test_refused_effects_are_named(effect: str) -> None:
    """An effect that we do not combine exactly is refused on its line, with those that are supported."""
    model, [found] = models.parse("model.conf", WHOLE.replace(EFFECT, effect))
    assert model is None
    assert (found.rule, found.position.line, found.position.column) == ("effect-unsupported", 8, 5)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("r = sub, dom, act", "r2 = sub, dom, act"),
        ("p = sub, dom, act", "p2 = sub, dom, act"),
        ("p = sub, dom, act", "p = sub, dom, act\np2 = sub, act"),
        ("p = sub, dom, act", "p = eft, sub, dom, act"),
        ("p = sub, dom, act", "p = sub, sub, act"),
        ("g = _, _, _", "g = _, _, _, _"),
        ("g = _, _, _", "g = _, _, (_, _)"),
        ("g = _, _, _", "g1 = _, _, _"),
        ("g = _, _, _", "g ="),
        (f"e = {EFFECT}", f"e2 = {EFFECT}"),
        (f"m = {MATCHER}", f"m = {MATCHER} # why"),
        (f"m = {MATCHER}", f"m = {MATCHER}\nm2 = {MATCHER}"),
        ("[matchers]", "[matcher]"),
        ("[matchers]", "[constraint_definition]\nc = x\n[matchers]"),
        ("[request_definition]", "r = sub"),
        ("[request_definition]", "\ufeff[request_definition]"),
        ("g = _, _, _", "[role_definition"),
    ],
)
def test_refused_definitions_are_named(line: str, instead: str) -> None:
    """A definition that Casbin would read otherwise, or not at all, is a finding with a mend, never an exception."""
    model, found = models.parse("model.conf", WHOLE.replace(line, instead, 1))
    assert model is None
    assert all(finding.rule in RULES and finding.found and finding.mend for finding in found)
    assert found


@pytest.mark.parametrize(("instead", "role"), [("g2 = _, _, _", "g2"), ("g = _, _\ng3 = _, _, _", "g3")])
def test_role_definitions_have_no_gaps(instead: str, role: str) -> None:
    """Stock pycasbin looks for `g2` only after `g`, for `g3` only after `g2`, and raises when asked otherwise."""
    text = WHOLE.replace("g = _, _, _", instead).replace("g(r.sub", f"{role}(r.sub")
    model, found = models.parse("model.conf", text)
    assert model is None
    assert [finding.rule for finding in found] == ["model-syntax"]


def test_operators_want_blanks() -> None:
    """Stock pycasbin reads `p.sub&&r.act` as one name and raises when asked; so `&&` without blanks is refused."""
    model, found = models.parse("model.conf", WHOLE.replace(" && ", "&&"))
    assert model is None
    assert [finding.rule for finding in found] == ["matcher-unsupported"]


FRAGMENTS = (
    *("r.sub", "p.sub", "r.dom", "p.dom", "r.act", "p.act", "g", "(", ")", ", ", " == ", " && ", " || ", "!", "'x'"),
    *("in", "keyMatch2(", "eval(", "r.", ".", "=", "\\\n", "#", '"', "1.5", "\u00e9", "\x00"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_refused_models_are_named(matcher: str) -> None:
    """Any mixture of Casbin's words in a matcher is a model or findings that stand in the file, never an exception."""
    named(WHOLE.replace(MATCHER, matcher))


def broken() -> SearchStrategy[str]:
    """A sound model with a few places cut out or written over."""
    cut = st.tuples(
        st.integers(0, len(WHOLE)), st.integers(0, 4), st.sampled_from(("", *FRAGMENTS, "\n", "[", "g2 = "))
    )
    return st.lists(cut, min_size=1, max_size=3).map(_cut)


def _cut(cuts: list[tuple[int, int, str]]) -> str:
    text = WHOLE
    for at, length, instead in cuts:
        text = text[:at] + instead + text[at + length :]
    return text


@given(st.one_of(broken(), st.text(max_size=60)))
def test_broken_models_are_named(text: str) -> None:
    """A model with any damage is a model or findings that stand in the file, never an exception."""
    named(text)


def named(text: str) -> None:
    """The text is accepted without an error, or refused with findings whose place exists."""
    model, found = models.parse("model.conf", text)
    assert (model is None) == bool(found)
    lines = text.split("\n")
    for finding in found:
        assert finding.rule in RULES
        assert "\n" not in finding.found + finding.mend
        assert 0 <= finding.position.line <= len(lines)
        if finding.position.line:
            assert 1 <= finding.position.column <= len(lines[finding.position.line - 1]) + 1


@given(st.data())
def test_accepted_bundle_never_raises(data: DataObject) -> None:
    """Whatever text is accepted as model and as rows compiles, and answers any request of any names."""
    model, _ = models.parse("model.conf", data.draw(st.one_of(st.just(WHOLE), broken())))
    assume(model is not None)
    signs = st.sampled_from('pgabc,,, \n"#(')
    text = data.draw(st.lists(st.one_of(worlds.policy_rows(model).map(texts.dump_row), st.text(signs))).map("\n".join))
    file, _ = texts.parse("rows.csv", text, model.widths)
    width = len(model.request) + len(model.matcher.attributes)
    requests = data.draw(st.lists(st.tuples(*[st.text()] * width), max_size=3))
    answers(World(model, tuple(file.rows)).snapshot(), requests)


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most damage is refused, and then there is no question
@given(broken())
@example(WHOLE.replace("p.sub, r.dom", "p.sub, r.sub.dom"))
def test_accepted_model_is_a_model_to_casbin(text: str) -> None:
    """Whatever text is accepted as a model, stock pycasbin loads and evaluates, and decides alike."""
    model, _ = models.parse("model.conf", text)
    assume(model is not None)
    world = World(model, (Row("p", tuple("a" for _ in model.policy)),))
    same = (*("a" for _ in model.request), *(None for _ in model.matcher.attributes))
    assert world.oracle().allows(same) == world.snapshot().decide(same).allowed


# --- links -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(*[st.sampled_from("abcdefghijkl")] * 2), max_size=16))
def test_fault_is_a_circle_or_too_long(pairs: list[tuple[str, str]]) -> None:
    """Links are faulty just when some walk along them goes beyond nine, and the fault shown is such a walk."""
    reached = {lower for lower, _ in pairs}
    for _ in range(10):
        reached = {upper for lower, upper in pairs if lower in reached}
    fault = Links(pairs).fault()
    assert bool(fault) == bool(reached)
    if fault is not None:
        assert set(pairwise(fault)) <= set(pairs)
        assert fault[0] == fault[-1] or len(fault) > 10
