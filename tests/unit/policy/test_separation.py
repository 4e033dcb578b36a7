import pytest

from service import folder
from service.policy import bundle, catalog
from service.policy.separation import Duty, Pair, having_both, phrase, read
from tests.unit.site import SHIPPED, load, some

BUNDLE = load(folder.read(SHIPPED))
PAIR = """- apart:
    - {screen: Setup - Roles, action: edit}
    - {screen: Audit - Policy Changes, action: sign}
  why: Two people look at it.
"""
EDIT, SIGN = Duty("Setup - Roles", "edit"), Duty("Audit - Policy Changes", "sign")
ROWS = """p, role:Admin, hill, Setup - Roles, Update
p, role:Auditor, hill, Audit - Policy Changes, Write
p, role:Reader, hill, Audit - Policy Changes, Read
g, user:ann, role:Admin, hill
"""


def found(text: str) -> list[str]:
    """What is wrong with a file, with its place."""
    _, problems = read("separation.yaml", text, BUNDLE.catalog)
    return [f"{problem.position.line}: {problem.rule}: {problem.found}" for problem in problems]


def both(more: str) -> list[tuple[str, str]]:
    """Who has both, with these rows beside those above."""
    return [found[:2] for found in having_both(some(ROWS + more), BUNDLE.separation, BUNDLE.screens)]


def test_a_pair() -> None:
    """A pair is two duties and the reason, without its full stop."""
    assert read("separation.yaml", PAIR, BUNDLE.catalog) == ((Pair((EDIT, SIGN), "Two people look at it"),), [])
    assert BUNDLE.separation[0].apart == (EDIT, SIGN)
    assert phrase(BUNDLE.separation[0], BUNDLE.catalog).startswith(
        "change the levels and members of roles and sign off"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("action: edit", "action: fly", "2: yaml-shape: `fly` on `Setup - Roles`, which is not declared"),
        ("screen: Setup - Roles", "screen: Setup", "2: yaml-shape: screen `Setup`, which is not declared"),
        ("  why: Two people look at it.\n", "", "1: yaml-shape: no entry `why`"),
        ("    - {screen: Setup - Roles, action: edit}\n", "", "2: yaml-shape: 1 entries"),
        ("Audit - Policy Changes, action: sign", "Setup - Roles, action: edit", "3: yaml-shape: the same twice"),
        ("- apart:", "- apart: both\n  and:", "2: yaml-shape: "),
        ("- apart:", "- &a apart:", "1: yaml-syntax: "),
    ],
)
def test_what_does_not_hold(old: str, new: str, told: str) -> None:
    """A pair that cannot have been meant is an error with its place, and never a pair that is not looked at."""
    [problem] = found(PAIR.replace(old, new))
    assert problem.startswith(told)


def test_twice() -> None:
    """The same pair twice, the other way round, is an error."""
    turned = PAIR.replace("Setup - Roles, action: edit", "X").replace("Audit - Policy Changes, action: sign", "Y")
    turned = turned.replace("X", "Audit - Policy Changes, action: sign").replace("Y", "Setup - Roles, action: edit")
    assert found(PAIR + turned) == ["5: yaml-shape: a pair that stands twice"]


def test_none() -> None:
    """An empty list keeps nothing apart, and so does a folder without the file."""
    assert found("[]\n") == []
    without, problems = bundle.load({p: t for p, t in folder.read(SHIPPED).items() if p != bundle.SEPARATION})
    assert without is not None
    assert without.separation == ()
    assert not problems or all(problem.rule != "file-missing" for problem in problems)


def test_a_file_that_does_not_hold_is_not_published() -> None:
    """An error in the file is an error of the folder."""
    files = folder.read(SHIPPED) | {bundle.SEPARATION: b"- apart: no\n"}
    _, problems = bundle.load(files)
    assert "yaml-shape" in [problem.rule for problem in problems if problem.position.file == bundle.SEPARATION]


@pytest.mark.parametrize(
    ("more", "people"),
    [
        ("", []),
        ("g, user:ann, role:Auditor, hill", [("hill", "ann")]),
        ("g, user:ann, role:Reader, hill", []),
        ("g, user:ben, role:Auditor, hill", []),
        ("g, role:Admin, role:Auditor, hill", [("hill", "ann")]),
        (f"g, user:ann, role:Auditor, hill\np, role:Admin, hill, {SIGN.screen}, Write, deny", []),
        (
            f"g, user:ann, role:Auditor, hill\np, role:Reader, hill, {SIGN.screen}, Write, deny",
            [("hill", "ann")],
        ),
        ("g, user:ann, role:Auditor, dale\np, role:Auditor, dale, Audit - Policy Changes, Write", []),
    ],
    ids=[
        *("one only", "both", "a level that is not enough", "two people", "a role in a role"),
        *("one of them denied", "denied to others", "two practices"),
    ],
)
def test_who_has_both(more: str, people: list[tuple[str, str]]) -> None:
    """Levels that let somebody do both count, by whatever roles of one practice."""
    assert both(more) == people


def test_the_catalog_is_the_one_that_is_read_beside_it() -> None:
    """A screen that another catalog does not have cannot be named."""
    text = SHIPPED.joinpath("catalog.yaml").read_text().replace("Audit - Policy Changes", "Audit")
    other, _ = catalog.read("catalog.yaml", text)
    assert other is not None
    assert read("separation.yaml", PAIR, other)[1] != []
