import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands.fmt import canonical, tidy_model
from service.policy import model
from tests.unit.commands.line import SHIPPED, CommandLine

UNTIDY = """\
# About the model.
[request_definition]

r=user,practice ,screen,  action
[policy_definition]
p = role, practice, screen, level


# About roles.
[role_definition]
  g = _, _, _
g2=_,_,_
[policy_effect]
e = some(where (p.eft == allow))
; the matcher
[matchers]
m = r.screen == p.screen && \\
r.practice == p.practice  &&\\
      g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)

"""
TIDY = """\
# About the model.
[request_definition]
r = user, practice, screen, action

[policy_definition]
p = role, practice, screen, level

# About roles.
[role_definition]
g = _, _, _
g2 = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

; the matcher
[matchers]
m = r.screen == p.screen && \\
    r.practice == p.practice  && \\
    g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)
"""


def test_the_shipped_policy_is_canonical(bare: CommandLine) -> None:
    """Nothing is written, and a check of it ends with 0."""
    assert bare("fmt").stdout == ""
    bare("fmt", "--check")


def test_a_file_is_rewritten_and_named(bare: CommandLine) -> None:
    """Spacing is put right and the comment stays; the second time nothing is left to do."""
    path = bare.policies / "demo" / "lakeside.csv"
    path.write_text('#  Lakeside\n\n\n p,role:Biller , lakeside,Task - Orders,"Read"  \n', "utf-8")
    assert bare("fmt").stdout == "policies/demo/lakeside.csv\n"
    assert path.read_text("utf-8") == "#  Lakeside\n\np, role:Biller, lakeside, Task - Orders, Read\n"
    assert bare("fmt").stdout == ""


def test_check_lists_and_writes_nothing(bare: CommandLine) -> None:
    """`--check` ends with 1 and leaves the file as it is."""
    path = bare.policies / "model.conf"
    path.write_text(UNTIDY, "utf-8")
    assert bare("fmt", "--check", code=1).stdout == "policies/model.conf\n"
    assert path.read_text("utf-8") == UNTIDY


def test_a_file_that_does_not_parse_is_left(bare: CommandLine) -> None:
    """It ends with 3 and says where, and the other files are formatted all the same."""
    broken, other = bare.policies / "templates.csv", bare.policies / "model.conf"
    broken.write_text("p,  role:A\n", "utf-8")
    other.write_text(UNTIDY, "utf-8")
    assert "policies/templates.csv:1:1: row-length" in bare("fmt", code=3).stderr
    assert broken.read_text("utf-8") == "p,  role:A\n"
    assert other.read_text("utf-8") == TIDY


def test_mode_and_link_stay(bare: CommandLine) -> None:
    """The file that a link leads to is replaced, not the link, and keeps its mode."""
    link, real = bare.policies / "model.conf", bare.home / "model.conf"
    link.unlink()
    real.write_text(UNTIDY, "utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    bare("fmt", str(link))
    assert link.is_symlink()
    assert real.read_text("utf-8") == TIDY
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in bare.home.iterdir()] == ["model.conf"]


@pytest.mark.parametrize("name", ["README.md", "nowhere.csv"])
def test_only_what_has_a_canonical_form_can_be_named(bare: CommandLine, name: str) -> None:
    """Another file, or none, is a mistake of whoever named it."""
    bare("fmt", str(bare.policies / name), code=1)


def test_a_model_is_tidied() -> None:
    """One blank line above each section with its comment, ` = `, and continued lines indented."""
    assert tidy_model(UNTIDY) == TIDY


@given(st.data())
def test_a_model_is_canonical_after_once(data: st.DataObject) -> None:
    """However a model is spaced, tidying changes nothing that it says, and tidying again changes nothing at all."""
    lines = (SHIPPED / "model.conf").read_text("utf-8").splitlines()
    blanks = st.sampled_from(["", " ", "\t", "  "])
    spaced = [
        data.draw(blanks) + line.replace(" = ", data.draw(st.sampled_from(["=", " =", "=  "]))) + data.draw(blanks)
        for line in lines
        if line or data.draw(st.booleans())
    ]
    for _ in range(data.draw(st.integers(0, 3))):
        spaced.insert(data.draw(st.integers(0, len(spaced))), data.draw(blanks))
    text = data.draw(st.sampled_from(["\n", "\r\n"])).join(spaced)
    tidied, found = canonical("model.conf", text, {})
    assert not found
    assert canonical("model.conf", tidied, {}) == (tidied, [])
    before, after = (model.parse("", each)[0] for each in (text, tidied))
    assert before is not None
    assert after is not None
    assert before.matcher == after.matcher


def test_a_file_needs_a_model_above_it(bare: CommandLine, tmp_path: Path) -> None:
    """Without a model nobody knows how long a row is."""
    alone = tmp_path / "alone" / "here" / "rows.csv"
    alone.parent.mkdir(parents=True)
    alone.write_text("p, a, b, c, d\n", "utf-8")
    assert "there is no `model.conf`" in bare("fmt", str(alone), code=1).stderr
