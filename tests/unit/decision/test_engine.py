import pytest

from service.decision import engine, scan
from service.decision.engine import Snapshot
from service.policy import lint
from service.policy import model as models
from service.policy import rows as texts
from service.policy.model import Model
from service.values import Reason, Row

SHIPPED = """[request_definition]
r = user, practice, screen, action
[policy_definition]
p = role, practice, screen, level
[role_definition]
g = _, _, _
g2 = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.screen == p.screen && r.practice == p.practice && g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)
"""
FORBIDDING = SHIPPED.replace("level\n", "level, eft\n").replace(
    "e = some(where (p.eft == allow))", "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))"
)
ROWS = """p, role:Desk, riverside, List, Write
p, role:Clinic, riverside, List, Read
g, user:ann, role:Front, riverside
g, role:Front, role:Desk, riverside
g, user:lou, role:Desk, riverside
g2, open, Write, List
g2, look, Read, List
g2, Read, Write, List
"""
PEOPLE = [
    Row("user", ("riverside", "ann", "Ann", "active")),
    Row("user", ("riverside", "dee", "Dee", "active")),
    Row("user", ("riverside", "lou", "Lou", "inactive")),
    Row("user", ("lakeside", "ann", "Ann", "active")),
]
VOCABULARY = {"List": frozenset({"open", "look"}), "Task": frozenset({"open"})}


def read(text: str, csv: str) -> tuple[Model, list[Row]]:
    """A model and rows that hold."""
    model, found = models.parse("model.conf", text)
    assert model is not None, found
    file, found = texts.parse("rows.csv", csv, model.widths)
    assert not found
    return model, file.rows


def snapshot(text: str = SHIPPED, csv: str = ROWS) -> Snapshot:
    """The practice above, compiled."""
    model, rows = read(text, csv)
    shared, divisions = engine.divide(model, [*rows, *PEOPLE])
    ruleset = engine.Ruleset(model, shared, VOCABULARY)
    return Snapshot(ruleset, {name: ruleset.compile(division) for name, division in divisions.items()}, revision=7)


def test_an_allow_says_which_rows_and_links() -> None:
    """An allow names the row that grants, the links that lead there, and the revision."""
    said = snapshot().explain(("user:ann", "riverside", "List", "open"))
    assert (said.decision.reason, said.decision.revision) == (Reason.ALLOWED, 7)
    assert said.rows == (Row("p", ("role:Desk", "riverside", "List", "Write")),)
    assert [row.fields[:2] for row in said.links] == [("role:Front", "role:Desk"), ("user:ann", "role:Front")]


def test_a_refusal_says_which_roles_would_allow() -> None:
    """Somebody without a role learns which roles of the practice allow it."""
    said = snapshot().explain(("user:dee", "riverside", "List", "look"))
    assert (said.decision.reason, said.rows) == (Reason.NO_LEVEL, ())
    assert said.would_allow == ("role:Clinic", "role:Desk")


def test_a_role_that_is_itself_refused_would_not_allow() -> None:
    """A role with a row that allows and one that forbids is not offered as one that would allow."""
    csv = ROWS.replace("Write\n", "Write, allow\n", 1).replace("p, role:Clinic, riverside, List, Read", "")
    forbidden = snapshot(FORBIDDING, f"{csv}p, role:Desk, riverside, List, Read, deny\ng2, open, Read, List\n")
    assert forbidden.explain(("user:dee", "riverside", "List", "open")).would_allow == ()


def test_a_row_that_says_neither_allow_nor_deny_grants_nothing() -> None:
    """Were a row with `Deny` ever to reach the engine, it would not allow; nor does the definition."""
    csv = ROWS.replace("Write\n", "Write, Deny\n", 1).replace("p, role:Clinic, riverside, List, Read", "")
    request = ("user:ann", "riverside", "List", "open")
    model, rows = read(FORBIDDING, csv)
    assert not scan.decide(model, rows, request)[0]
    assert not snapshot(FORBIDDING, csv).decide(request).allowed


def test_each_unknown_name_has_its_reason() -> None:
    """What is unknown is told apart in the order practice, user, screen, action."""
    decide = snapshot().decide
    assert decide(("user:zed", "nowhere", "Attic", "fly")).reason is Reason.UNKNOWN_PRACTICE
    assert decide(("user:zed", "riverside", "Attic", "fly")).reason is Reason.UNKNOWN_USER
    assert decide(("user:lou", "riverside", "Attic", "fly")).reason is Reason.INACTIVE_USER
    assert decide(("user:ann", "riverside", "Attic", "fly")).reason is Reason.UNKNOWN_SCREEN
    assert decide(("user:ann", "riverside", "Task", "look")).reason is Reason.UNKNOWN_ACTION
    assert decide(("user:ann", "riverside", "Task", "open")).reason is Reason.NO_LEVEL


def test_what_there_is_can_be_listed() -> None:
    """Active users, screens and the actions of a screen are listed for searches; what there is not has nothing."""
    known = snapshot()
    assert sorted(known.subjects("riverside", "user") or ()) == ["ann", "dee"]
    assert known.resources("riverside", "screen") == ("List", "Task")
    assert known.actions("riverside", "screen", "List") == ("look", "open")
    assert known.subjects("nowhere", "user") == known.subjects("riverside", "spaceship") == ()
    assert known.resources("nowhere", "screen") == known.resources("riverside", "user") == ()
    assert known.actions("riverside", "screen", "Attic") == known.actions("riverside", "user", "List") == ()


def test_a_user_of_two_practices_holds_each_for_itself() -> None:
    """What a user holds in one practice says nothing in another."""
    assert snapshot().decide(("user:ann", "lakeside", "List", "open")).reason is Reason.NO_LEVEL


def test_a_model_that_reads_no_action_is_not_one_of_ours() -> None:
    """A matcher that leaves the action out would allow any action, known or not, so such a model is refused."""
    text = SHIPPED.replace(" && g2(r.action, p.level, r.screen)", "")
    model, _ = models.parse("model.conf", text)
    assert model is not None
    assert [finding.rule for finding in lint.model("model.conf", model)] == ["model-vocabulary"]
    with pytest.raises(ValueError, match="screen and action"):
        snapshot(text)


def test_the_order_of_links_in_a_matcher_means_nothing() -> None:
    """Casbin's `&&` has no order, so the same model with its two links exchanged is as good as the shipped one."""
    links = "g(r.user, p.role, r.practice)", "g2(r.action, p.level, r.screen)"
    text = SHIPPED.replace(" && ".join(links), " && ".join(reversed(links)))
    model, _ = models.parse("model.conf", text)
    assert model is not None
    assert lint.model("model.conf", model) == []
    assert snapshot(text).decide(("user:ann", "riverside", "List", "open")).allowed


def test_explaining_changes_nothing() -> None:
    """A snapshot stays as it was built, also while it explains rows whose effect its model ignores."""
    text = SHIPPED.replace("level\n", "level, eft\n")
    csv = ROWS.replace("Write\n", "Write, deny\n", 1).replace("List, Read\ng,", "List, Read, allow\ng,")
    ignoring = snapshot(text, csv)
    before = contents(ignoring.ruleset)
    ignoring.explain(("user:ann", "riverside", "List", "open"))
    assert contents(ignoring.ruleset) == before


def contents(ruleset: engine.Ruleset) -> str:
    """Everything that a ruleset holds, as text."""
    return repr([getattr(ruleset, name) for name in ruleset.__slots__])
