import pytest

from service.policy import catalog as catalogs
from service.policy import lint, rows, worlds
from service.policy.worlds import World
from service.values import Finding, Row

WIDTHS = {"p": 4, "g": 3, "g2": 3}
CATALOG = """levels: [Read, Write]
closing: "Code {code}"
unavailable: Later.
screens:
  List:
    group: Tasks
    description: The queue
    actions: {open: open the queue}
    security_message: No.
"""
SHARED = "g2, open, Read, List\ng2, Read, Write, List\n"
DIRECTORY = """clinic:
  name: Oak Street Clinic
  users:
    ann: Ann Alder
    lou: {name: Lou Lark, active: false}
    zoe: {name: Zoe Zell, active: true}
north:
  name: North
"""
P = "p, role:Desk, clinic, List, Write\n"
G = "g, user:ann, role:Desk, clinic\n"


def read(texts: dict[str, str], name: str = "demo") -> tuple[World, list[Finding]]:
    """One world, given as file name -> text."""
    described, _ = catalogs.read("catalog.yaml", CATALOG)
    assert described is not None
    known = lint.screens(described, rows.parse("screens.csv", SHARED, WIDTHS)[0].rows)
    paths = {f"{name}/{file}": text for file, text in texts.items()}
    found: list[Finding] = []

    def parse(path: str) -> rows.RowFile:
        file, problems = rows.parse(path, paths[path], WIDTHS)
        found.extend(problems)
        return file

    return worlds.read(name, paths, parse, known, found), found


def said(found: list[Finding]) -> list[tuple[str, str]]:
    """Rule and place of each finding."""
    return [(problem.rule, str(problem.position)) for problem in found]


def test_a_directory_says_who_there_is() -> None:
    """Practices and users are those of the directory, in a row or not, and inactive where it says so."""
    world, found = read({"directory.yaml": DIRECTORY, "rows.csv": P + G})
    assert not found
    assert world.people == (
        Row("practice", ("clinic", "Oak Street Clinic")),
        Row("user", ("clinic", "ann", "Ann Alder", "active")),
        Row("user", ("clinic", "lou", "Lou Lark", "inactive")),
        Row("user", ("clinic", "zoe", "Zoe Zell", "active")),
        Row("practice", ("north", "North")),
    )
    assert len(list(world.rows())) == 7


def test_without_a_directory_rows_say_who_there_is() -> None:
    """Whoever is in a role is an active user of that practice."""
    world, found = read({"rows.csv": P + G})
    assert not found
    assert world.people == (Row("practice", ("clinic", "clinic")), Row("user", ("clinic", "ann", "ann", "active")))


@pytest.mark.parametrize(
    ("line", "instead", "rule", "place"),
    [
        ("    ann: Ann", "    user:ann: Ann", "user-as-role", "4:5"),
        ("    ann: Ann", "    role:ann: Ann", "user-as-role", "4:5"),
        ("ann: Ann Alder", "ann:", "yaml-shape", "4:9"),
        ("ann: Ann Alder", "ann: [Ann]", "yaml-shape", "4:10"),
        ("active: false", "active: no", "yaml-shape", "5:35"),
        ("active: false", "activ: false", "yaml-shape", "5:27"),
        ("{name: Lou Lark, ", "{", "yaml-shape", "5:5"),
        ("    zoe:", "    ann:", "yaml-syntax", "6:5"),
        ("north:", "template:", "row-home", "7:1"),
        ("north:", '"north ":', "name-blank", "7:1"),
        ("  name: North", "  named: North", "yaml-shape", "8:3"),
        ("Ann Alder", '"Ann\\nAlder"', "hidden-character", "4:10"),
        ("Ann Alder", "A" * 256, "name-too-long", "4:10"),
    ],
)
def test_a_directory_that_does_not_hold(line: str, instead: str, rule: str, place: str) -> None:
    """A mistake in the directory is one finding where it stands: nobody becomes a stranger by it."""
    assert DIRECTORY.count(line) == 1
    _, found = read({"directory.yaml": DIRECTORY.replace(line, instead), "rows.csv": P + G})
    assert said(found) == [(rule, f"demo/directory.yaml:{place}")]
    assert found[0].mend


def test_each_entry_of_a_directory_is_read_for_itself() -> None:
    """Mistakes in two people are two findings."""
    text = DIRECTORY.replace("Ann Alder", "[]").replace("active: true", "active: si")
    assert said(read({"directory.yaml": text})[1]) == [
        ("yaml-shape", "demo/directory.yaml:4:10"),
        ("yaml-shape", "demo/directory.yaml:6:35"),
    ]


def test_strangers_are_found_once() -> None:
    """A user or practice that the directory lacks is found, with the name that was likely meant."""
    text = P + P.replace("clinic", "Clinic").replace("Write", "Read") + G.replace("ann", "anne")
    _, found = read({"directory.yaml": DIRECTORY, "rows.csv": text + G.replace("clinic", "Clinic")})
    assert said(found) == [("practice-unknown", "demo/rows.csv:2:15"), ("user-unknown", "demo/rows.csv:3:4")]
    assert [problem.mend for problem in found] == ["did you mean `clinic`?", "did you mean `ann`?"]


@pytest.mark.parametrize(
    ("row", "rule", "place"),
    [
        ("g2, open, Write, List\n", "row-home", "2:1"),
        ("p, role:Desk, template, List, Write\n", "row-home", "2:1"),
        ("g, user:ann, role:Desk, template\n", "row-home", "2:1"),
    ],
)
def test_rows_of_no_practice_are_found_and_left_aside(row: str, rule: str, place: str) -> None:
    """A shared row or a template among the rows of practices is found once, and is no row of the world."""
    world, found = read({"rows.csv": P + row + G})
    assert said(found) == [(rule, f"demo/rows.csv:{place}")]
    assert len(world.files[0].rows) == 2


def test_the_files_of_a_world_are_one() -> None:
    """A circle through two files is found, a row in two is a duplicate, and a role filled in another is not empty."""
    _, found = read(
        {"a.csv": P + "g, role:Desk, role:Staff, clinic\n", "b.csv": G + "g, role:Staff, role:Desk, clinic\n"}
    )
    assert said(found) == [("role-cycle", "demo/b.csv:2:1")]
    _, found = read({"a.csv": P + G, "b.csv": "# again\n  " + G})
    assert said(found) == [("row-duplicate", "demo/b.csv:2:3")]
    _, found = read({"a.csv": P, "b.csv": G})
    assert said(found) == []


def test_a_practice_stands_in_one_world() -> None:
    """Of two folders that tell of one practice neither is right; other practices may stand beside each other."""
    one, _ = read({"directory.yaml": DIRECTORY})
    same, _ = read({"rows.csv": G + P}, "copy")
    other, _ = read({"rows.csv": P.replace("clinic", "south")}, "other")
    assert said(worlds.apart([one, other])) == []
    assert said(worlds.apart([one, same, other])) == [("practice-twice", "copy/rows.csv:1:25")]
