"""Setup over a model whose rows say `allow` or `deny`: levels are given as ever, and what is denied stays denied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import changes, undo
from service.errors import ChangeRefused
from service.policy.edits import AddRole, DeleteRole, SetLevel
from service.policy.practice import Practice
from service.proof import proved
from service.ui import telling
from service.upgrade import ROLE
from tests.contract.admin.api import RIVERSIDE, Api, problem
from tests.contract.setup.doors import Setup
from tests.contract.setup.pages import _ISOLATES, ROOT, newest, press, said, save
from tests.unit.commands.line import CommandLine
from tests.unit.site import LIST, OPERATOR, ORDERS, TASK, Site, ask, make, row, some, with_effects
from tests.unit.test_upgrade import upgraded

DENIED = f"p, role:Front Desk, riverside, {TASK}, Read, deny"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of such a model, in which Front Desk is denied a level that it has."""
    site = make(tmp_path_factory.mktemp("denying"), with_effects)
    site.publish(add=DENIED)
    site.close()
    return site.root


@pytest.fixture
def api(site: Site) -> Iterator[Api]:
    """The admin API over it."""
    return Api(site)


def rows_of(setup: Setup, role: str) -> set[str]:
    """The levels in the rows of a role, and what they say."""
    with setup.site.view() as view:
        rows = [row for row in view.rows("riverside") if row.kind == "p" and row.fields[0] == f"role:{role}"]
    return {", ".join(row.fields[2:]) for row in rows}


def test_it_is_denied(pat: Setup) -> None:
    """The row counts: who has the level by the same role is refused."""
    assert not ask(pat.office.live, "ann", "respond", TASK).decision.allowed
    assert ask(pat.office.live, "ann", "open_queue", LIST).decision.allowed


def test_a_level_is_given(pat: Setup) -> None:
    """The row that Save writes says `allow`, as the model wants it."""
    press(pat, SetLevel("Biller", "Task - Results", "Read"))
    assert save(pat).location == f"{ROOT}/roles?saved={newest(pat).number}"
    assert "Task - Results, Read, allow" in rows_of(pat, "Biller")
    assert ask(pat.office.live, "cam", "view", "Task - Results").decision.allowed


def test_what_denies_stays(pat: Setup) -> None:
    """Levels come and go beside it; who loses nothing, because it was denied, is not told to lose it."""
    press(pat, SetLevel("Front Desk", TASK, "Off"))
    assert "Nobody gains or loses anything." in said(pat.get(f"{ROOT}/roles"))
    assert save(pat, "confirm").status_code == 303
    assert rows_of(pat, "Front Desk") & {f"{TASK}, Write, allow", f"{TASK}, Read, deny"} == {f"{TASK}, Read, deny"}


def test_the_role_says_so(pat: Setup) -> None:
    """Its page says what is denied beside what is held; that of another says nothing of the kind."""
    page = said(pat.get(f"{ROOT}/role?name=Front+Desk"))
    assert f"is refused, whatever other roles give them: Read (same as Write on this screen) on {TASK}" in page
    assert "Patient Portal: Queue only: can open the queue" in page
    assert "is refused" not in said(pat.get(f"{ROOT}/role?name=Biller"))


def test_why_somebody_is_refused(pat: Setup) -> None:
    """Both rows are told: the level, and that it is denied."""
    page = said(pat.get(f'{ROOT}/try?who=ann&what=["{TASK}","respond"]'))
    assert "Front Desk denies Read" in page
    assert "Front Desk has Write" in page


def test_a_role_from_a_template(pat: Setup) -> None:
    """It is shown with its levels, and begins with them."""
    begins = f"template/{ROLE}".replace(" ", "+")
    shown = said(pat.get(f"{ROOT}/role/new?begins={begins}"))
    assert "It begins with Full Access: can open the Patient Portal queue" in shown
    assert f": Write on {LIST} Write on {TASK} Make this role" in shown
    press(pat, AddRole("Portal", template=ROLE))
    save(pat)
    assert rows_of(pat, "Portal") == {f"{LIST}, Write, allow", f"{TASK}, Write, allow"}


def test_a_copy_denies_the_same(pat: Setup) -> None:
    """A role that is made like another gives and denies what that does; deleted, it does neither."""
    press(pat, AddRole("Second Desk", like="Front Desk"))
    save(pat)
    assert rows_of(pat, "Second Desk") == rows_of(pat, "Front Desk")
    press(pat, DeleteRole("Second Desk"))
    save(pat)
    assert rows_of(pat, "Second Desk") == set()


def test_the_change_that_denied(setup: Setup) -> None:
    """Changes tell it as what it is."""
    setup.sign_in_as("ada")
    assert f"Role Front Desk {TASK}: Off → to Read (deny)" in said(setup.get(f"{ROOT}/changes/{newest(setup).number}"))


def test_the_admin_api(api: Api) -> None:
    """It shows levels that are given, and gives others."""
    told = api.get(f"{RIVERSIDE}/role", name="Front Desk").json
    assert told["levels"][TASK] == "Write"
    asked: dict[str, Any] = {"query": {"role": "Front Desk", "screen": TASK}}
    problem(api.write("PUT", f"{RIVERSIDE}/level", {"level": "Read"}, **asked), 409, "change-refused")
    assert api.write("PUT", f"{RIVERSIDE}/level", {"level": "Update"}, **asked).status_code == 200
    with api.site.view() as view:
        rows = view.rows("riverside")
    assert row(DENIED) in rows
    assert row(f"p, role:Front Desk, riverside, {TASK}, Update, allow") in rows
    templates = api.get("/admin/v1/templates").json["items"]
    assert {template["name"]: template["levels"] for template in templates}[ROLE] == {LIST: "Write", TASK: "Write"}


def test_a_role_without_levels(pat: Setup) -> None:
    """What is denied is denied where the role itself gives nothing, and is no level of it."""
    pat.site.publish(add=f"p, role:Biller, riverside, {LIST}, Write, deny")
    assert f"Write on {LIST}" in said(pat.get(f"{ROOT}/role?name=Biller"))
    assert ask(pat.office.live, "cam", "view", ORDERS).decision.allowed


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("Update, deny", set()),
        ("Update, allow", {"Write, allow"}),
        ("Read, allow", {"Write, allow", "Read, deny"}),
        ("Write, deny", {"Write, allow"}),
    ],
)
def test_an_import(site: Site, said: str, gone: set[str]) -> None:
    """A level stands in place of another, and one word on a level for the other; what is denied stands beside."""
    with site.view() as view:
        rows = some(f"p, role:Front Desk, riverside, {TASK}, {said}")
        change = changes.of_rows(view, OPERATOR, rows, whole=False)
    assert change.added == rows
    assert {", ".join(row.fields[3:]) for row in change.removed} == gone


def test_an_undo_beside_it(pat: Setup) -> None:
    """A change of a level can be undone although something was denied since, unless it is that level."""
    press(pat, SetLevel("Front Desk", TASK, "Update"))
    assert save(pat, "confirm").status_code == 303
    number = newest(pat).number
    pat.site.publish(add=f"p, role:Front Desk, riverside, {LIST}, Read, deny")
    undone = changes.Author("user:pat")
    assert undo.preview(pat.office.press, undone, "riverside", number).refused is None
    pat.site.publish(add=f"p, role:Front Desk, riverside, {TASK}, Write, deny")
    refused = undo.preview(pat.office.press, undone, "riverside", number).refused
    assert isinstance(refused, ChangeRefused)
    assert refused.rule == "undo-moved"


def test_what_operators_are_told(site: Site) -> None:
    """The sentence names what is denied, and of a screen that is not denied what is held."""
    run = CommandLine(site.root, site.policies)
    run.env["ROLEWARDEN_DATABASE_URL"] = f"sqlite:///{site.database}"
    told = run("ask", "riverside", "ann", "respond", TASK, code=2).output
    assert f"role Front Desk denies Read (same as Write on this screen) on {TASK}." in told
    assert f"role Front Desk has Write on {LIST}." in run("ask", "riverside", "ann", "open_queue", LIST).output


def test_the_upgrade(site: Site) -> None:
    """Who had the portal gets the role from the template; who is denied it all the same is named by the proof."""
    proof = proved(upgraded(site, "riverside ann yes; riverside cam yes; riverside ben no"), site.press)
    assert (proof.without, proof.gained, proof.holds) == ([("riverside", "ann")], [], False)
    assert ask(site.live(), "cam", "respond", TASK).decision.allowed


def test_what_somebody_else_changed(site: Site) -> None:
    """A draft that was overtaken is shown what came in: levels as levels, and what is denied as that."""
    with site.view() as view:
        practice = Practice.of("riverside", view.rows("riverside"))
    here = f"riverside, {TASK}"
    came = some(f"p, role:Front Desk, {here}, Update, deny\np, role:Biller, {here}, Read, allow")
    gone = some(f"p, role:Front Desk, {here}, Read, deny")
    assert [line.translate(_ISOLATES) for line in telling.rows(came, gone, practice)] == [
        f"Biller: Read on {TASK}, was Off",
        f"Front Desk denies Update on {TASK}",
        f"Front Desk no longer denies Read on {TASK}",
    ]
