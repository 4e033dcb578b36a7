"""The named list of intended differences: each really exists in stock pycasbin, and we differ as it says."""

from dataclasses import dataclass

import casbin
import pytest
from casbin.persist.adapter import load_policy_line

from service.decision import engine
from service.decision.engine import Snapshot
from service.decision.oracle import DIFFERENCES, Oracle
from service.decision.rulebook import Rulebook
from service.policy import model as models
from service.policy import rows as texts
from service.policy.model import Model
from service.policy.roles import Links
from service.values import Reason, Row

PLAIN = """[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj
"""
BOTH = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
IN_CLINICS = PLAIN.replace("g = _, _", "g = _, _, _").replace("p.sub)", "p.sub, r.sub.clinic)")
PRACTICE = """[request_definition]
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
PRACTICE_ROWS = """p, role:Desk, riverside, List, Write
g, user:ann, role:Desk, riverside
g, user:lou, role:Desk, riverside
g, user:zed, role:Desk, riverside
g2, look, Write, List
g2, fly, Write, List
"""


def test_every_difference_has_its_test() -> None:
    """The list in the product names exactly the differences that are shown here."""
    shown = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert DIFFERENCES.keys() == shown - {"every-difference-has-its-test"}


def test_no_empty_allow() -> None:
    """Stock Casbin allows a request of empty names while there is no policy; we refuse it."""
    assert stock(PLAIN).enforce("", "")
    assert not ours(PLAIN, "").decide(("", "")).allowed


def test_deny_by_default() -> None:
    """Under deny-override stock Casbin allows anyone anything while there is no row; without a row we refuse it."""
    effect = "!some(where (p.eft == deny))"
    text = PLAIN.replace("some(where (p.eft == allow))", effect)
    assert stock(text).enforce("mallory", "everything")
    assert not ours(text, "").decide(("mallory", "everything")).allowed
    assert ours(text, "p, bob, data").decide(("mallory", "everything")).allowed  # as in Casbin, and warned about


def test_only_deciding_rows() -> None:
    """Under allow-override stock Casbin explains a refusal by a `deny` row that it ignored; we name no row."""
    text = PLAIN.replace("p = sub, obj", "p = sub, obj, eft")
    row = "p, ann, data, deny"
    assert stock(text, row).enforce_ex("ann", "data") == (False, ["ann", "data", "deny"])
    assert ours(text, row).explain(("ann", "data")).rows == ()


@pytest.mark.parametrize("spelling", ["Deny", "DENY", "denied"])
def test_exact_effect(spelling: str) -> None:
    """Stock Casbin ignores a row that says `Deny`, so that another row allows; to us such a row never grants."""
    text = PLAIN.replace("p = sub, obj", "p = sub, obj, eft").replace("some(where (p.eft == allow))", BOTH)
    assert stock(text, "p, ann, data, allow", f"p, ann, data, {spelling}").enforce("ann", "data")
    assert not ours(text, f"p, ann, data, {spelling}").decide(("ann", "data")).allowed


def test_no_lost_rows() -> None:
    """Stock Casbin drops a row of unknown type, and raises on a short one when asked; we refuse both at load."""
    assert stock(PLAIN, "x, ann, data").get_policy() == []
    with pytest.raises(RuntimeError):
        stock(PLAIN, "p, ann").enforce("ann", "data")
    found = texts.parse("rows.csv", "x, ann, data\np, ann\n", {"p": 2, "g": 2})[1]
    assert [finding.rule for finding in found] == ["row-type-unknown", "row-length"]


def test_one_role_depth() -> None:
    """Past nine links stock Casbin refuses what its own report grants, and reports circles; we refuse such rows."""
    chain = [(f"n{i}", f"n{i + 1}") for i in range(10)]
    enforcer = stock(PLAIN, "p, n10, data", *(f"g, {lower}, {upper}" for lower, upper in chain))
    assert not enforcer.enforce("n0", "data")
    assert enforcer.enforce("n1", "data")
    assert "n10" in enforcer.get_implicit_roles_for_user("n0")
    assert Links(chain).fault()
    assert Links([("a", "b"), ("b", "a")]).fault()
    assert Links(chain[1:]).fault() is None


def test_literal_text() -> None:
    """Stock Casbin rewrites the text inside quotes of a matcher; to us it is what stands there."""
    text = PLAIN.replace("g(r.sub, p.sub)", 'r.sub == "a!b"')
    assert not stock(text, "p, ann, data").enforce("a!b", "data")
    assert stock(text, "p, ann, data").enforce("anot b", "data")
    assert ours(text, "p, ann, data").decide(("a!b", "data")).allowed
    assert not ours(text, "p, ann, data").decide(("anot b", "data")).allowed


@dataclass
class Somebody:
    """A subject as Casbin takes one, with an attribute."""

    age: object


class Named(str):  # noqa: SLOT000 - what is looked for in it is not there
    """A subject with a name, which links can be followed from."""

    clinic: int


def test_missing_attribute() -> None:
    """On a missing attribute stock Casbin raises; to us it satisfies no comparison, `!=` included, and no link."""
    text = PLAIN.replace("g(r.sub, p.sub)", 'r.sub.role != "guest"')
    with pytest.raises(Exception, match="role"):
        stock(text, "p, ann, data").enforce(Somebody(3), "data")
    assert not ours(text, "p, ann, data").decide(("ann", "data", None)).allowed
    assert ours(text, "p, ann, data").decide(("ann", "data", "nurse")).allowed
    # Casbin says of a name that it is linked to itself, whatever the domain. We ask it so that it does not.
    with pytest.raises(Exception, match="clinic"):
        stock(IN_CLINICS, "p, ann, data").enforce(Named("ann"), "data")
    for clinic, linked in ((None, False), ("riverside", True)):
        assert ours(IN_CLINICS, "p, ann, data").decide(("ann", "data", clinic)).allowed is linked
        assert Oracle(*read(IN_CLINICS, "p, ann, data")).allows(("ann", "data", clinic)) is linked


def test_never_raises() -> None:
    """On values that have no order, and on what is no address, stock Casbin raises; to us they do not match."""
    text = PLAIN.replace("g(r.sub, p.sub)", "r.sub.age > 17")
    with pytest.raises(TypeError):
        stock(text, "p, ann, data").enforce(Somebody("18"), "data")
    assert not ours(text, "p, ann, data").decide(("ann", "data", "18")).allowed
    text = PLAIN.replace("g(r.sub, p.sub)", "ipMatch(r.sub, p.sub)")
    with pytest.raises(ValueError, match="localhost"):
        stock(text, "p, 127.0.0.1, data").enforce("localhost", "data")
    assert not ours(text, "p, 127.0.0.1, data").decide(("localhost", "data")).allowed


def test_kinds_apart() -> None:
    """To stock Casbin a truth value is a number; to us it is neither equal to one nor has it an order."""
    text = PLAIN.replace("g(r.sub, p.sub)", "r.sub.age == 1")
    assert stock(text, "p, ann, data").enforce(Somebody(True), "data")
    assert not ours(text, "p, ann, data").decide(("ann", "data", True)).allowed
    rows = ("p, role:Desk, data", "g, ben, role:Desk, 1")
    ben = Named("ben")
    ben.clinic = 1
    assert stock(IN_CLINICS, *rows).enforce(ben, "data")
    assert not ours(IN_CLINICS, "\n".join(rows)).decide(("ben", "data", 1)).allowed
    assert ours(IN_CLINICS, "\n".join(rows)).decide(("ben", "data", "1")).allowed


def test_either_truth() -> None:
    """Stock Casbin for Python does not know `true`, which Casbin for Go writes; to us it means what `True` means."""
    text = PLAIN.replace("g(r.sub, p.sub)", "r.sub.age == true")
    with pytest.raises(Exception, match="true"):
        stock(text, "p, ann, data").enforce(Somebody(True), "data")
    for spelt in (text, text.replace("true", "True")):
        assert ours(spelt, "p, ann, data").decide(("ann", "data", True)).allowed


@pytest.mark.parametrize(("function", "pattern"), [("regexMatch", "^(a)$"), ("keyMatch2", "a"), ("keyMatch3", "a")])
def test_whole_value(function: str, pattern: str) -> None:
    """Stock Casbin for Python lets a line break at the end of a value pass; to us a pattern fits all of it."""
    text = PLAIN.replace("g(r.sub, p.sub)", f"{function}(r.sub, p.sub)")
    assert stock(text, f"p, {pattern}, data").enforce("a\n", "data")
    assert not ours(text, f"p, {pattern}, data").decide(("a\n", "data")).allowed


def test_plain_dots() -> None:
    """In the paths of stock Casbin a dot is any character; to us it is a dot."""
    text = PLAIN.replace("g(r.sub, p.sub)", "keyMatch2(r.sub, p.sub)")
    assert stock(text, "p, /a.txt, data").enforce("/a-txt", "data")
    assert not ours(text, "p, /a.txt, data").decide(("/a-txt", "data")).allowed


def test_real_quotes() -> None:
    """Stock Casbin for Python takes quotes in CSV as part of the name; to us they are quotes, in and out."""
    assert stock(PLAIN, 'p, "ann", data').get_policy() == [['"ann"', "data"]]
    line = 'p, "ann, jr", data'
    assert stock(PLAIN, line).get_policy() == [['"ann', 'jr"', "data"]]
    read, found = texts.parse("rows.csv", line, {"p": 2})
    assert (read.rows, found) == ([Row("p", ("ann, jr", "data"))], [])
    assert texts.dump(read.rows) == f"{line}\n"


def test_typed_subject() -> None:
    """Stock Casbin says yes to a role by its own name, and to a level; we answer users about actions alone."""
    role, level = ("role:Desk", "riverside", "List", "look"), ("user:ann", "riverside", "List", "Write")
    assert casbin_of_practice().allows(role)
    assert casbin_of_practice().allows(level)
    assert practice().decide(role).reason is Reason.UNKNOWN_USER
    assert practice().decide(level).reason is Reason.UNKNOWN_ACTION


@pytest.mark.parametrize(
    ("user", "action", "reason"),
    [
        ("user:zed", "look", Reason.UNKNOWN_USER),
        ("user:lou", "look", Reason.INACTIVE_USER),
        ("user:ann", "fly", Reason.UNKNOWN_ACTION),
    ],
)
def test_known_names(user: str, action: str, reason: Reason) -> None:
    """Stock Casbin lets links alone decide; we refuse whom the directory and what the vocabulary does not have."""
    request = (user, "riverside", "List", action)
    assert casbin_of_practice().allows(request)
    assert practice().decide(request).reason is reason


def stock(text: str, *lines: str) -> casbin.Enforcer:
    """Stock Casbin over a model and lines of CSV, read by its own reader."""
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=text))
    for line in lines:
        load_policy_line(line, enforcer)
    enforcer.build_role_links()
    return enforcer


def ours(text: str, csv: str) -> Rulebook:
    """Our rulebook over the same."""
    return Rulebook(*read(text, csv))


def practice() -> Snapshot:
    """Our engine over one practice with a directory, where `zed` is unknown, `lou` inactive and `fly` no action."""
    model, rows = read(PRACTICE, PRACTICE_ROWS)
    directory = [
        Row("user", ("riverside", "ann", "Ann", "active")),
        Row("user", ("riverside", "lou", "Lou", "inactive")),
    ]
    shared, divisions = engine.divide(model, [*rows, *directory])
    ruleset = engine.Ruleset(model, shared, {"List": frozenset({"look"})})
    return Snapshot(ruleset, {"riverside": ruleset.compile(divisions["riverside"])})


def casbin_of_practice() -> Oracle:
    """Stock Casbin over the same practice."""
    return Oracle(*read(PRACTICE, PRACTICE_ROWS))


def read(text: str, csv: str) -> tuple[Model, list[Row]]:
    """A model and rows that hold."""
    model, found = models.parse("model.conf", text)
    assert model is not None, found
    file, found = texts.parse("rows.csv", csv, model.widths)
    assert not found
    return model, file.rows
