from pathlib import Path

import pytest

from tests.unit.commands.line import CommandLine

HILLTOP = """\
# Hilltop, as it was moved
practice, hilltop, Hilltop Clinic
user, hilltop, kim, Kim Kestrel, active
user, hilltop, lee, "Lee, Dr.", inactive
p, role:Admin, hilltop, Setup - Roles, Write
p, role:Admin, hilltop, Setup - Users, Write
p, role:Front Desk, hilltop, Task - Orders, Read
g, user:kim, role:Admin, hilltop
g, user:lee, role:Front Desk, hilltop
"""


def written(line: CommandLine, text: str = HILLTOP) -> str:
    """A file that holds these rows."""
    path = line.home.parent / "rows.csv"
    path.write_text(text, "utf-8")
    return str(path)


def exported(line: CommandLine, *more: str) -> str:
    """What `export --directory` writes."""
    return line("export", "--directory", *more).stdout


def test_a_practice_comes_with_its_people(demo: CommandLine) -> None:
    """Practice, users, roles and rows in one revision; doing it again changes nothing."""
    result = demo("import", written(demo), "--reason", "Moved", "--reference", "T-1")
    assert result.stdout == "imported as revision 3: 10 rows added\n"
    assert "role, hilltop, role:Front Desk\n" in exported(demo, "--practice", "hilltop")
    assert "Moved (T-1)" in demo("log").stdout
    assert demo("import", written(demo)).stdout == "nothing to do: all is so already\n"


@pytest.mark.parametrize("more", [[], ["--whole"], ["--plan"], ["--whole", "--plan"]])
def test_an_export_changes_nothing(demo: CommandLine, more: list[str]) -> None:
    """What was exported with its directory is what is there, screens of all practices included."""
    path = written(demo, exported(demo))
    assert demo("import", path, *more).stdout == "nothing to do: all is so already\n"


def test_an_export_makes_the_same_elsewhere(demo: CommandLine, tmp_path: Path) -> None:
    """Imported into an empty store of the same policy, an export is the export of that store."""
    text = exported(demo)
    other = CommandLine(tmp_path / "other", demo.policies)
    other.home.mkdir()
    other.initialize()
    other("apply", "policies")
    other("import", written(demo, text))
    assert exported(other) == text


def test_without_the_directory_an_export_is_casbins(demo: CommandLine) -> None:
    """Practices, users and roles are there only where they are asked for."""
    assert {row.split(",")[0] for row in demo("export").stdout.splitlines()} == {"p", "g", "g2"}


def test_what_is_said_otherwise_is_replaced(demo: CommandLine) -> None:
    """A user's name and state and a role's level are as the file says; what it does not name stays."""
    rows = "user, riverside, ann, Ann Acorn, inactive\np, role:Biller, riverside, Task - Orders, Write\n"
    assert demo("import", written(demo, rows)).stdout == "imported as revision 3: 2 rows added, 2 rows removed\n"
    text = exported(demo, "--practice", "riverside")
    assert "user, riverside, ann, Ann Acorn, inactive\n" in text
    assert "p, role:Biller, riverside, Task - Orders, Write\n" in text
    assert "g, user:ann, role:Front Desk, riverside\n" in text


def test_whole_practices(demo: CommandLine) -> None:
    """With `--whole`, what the file lacks is removed from its practices, and from no other."""
    before = exported(demo, "--practice", "lakeside")
    text = exported(demo, "--practice", "riverside")
    demo("import", written(demo, text.replace("g, user:ann, role:Front Desk, riverside\n", "")), "--whole")
    assert "user:ann" not in exported(demo, "--practice", "riverside")
    assert exported(demo, "--practice", "lakeside") == before


def test_a_plan_changes_nothing(demo: CommandLine) -> None:
    """It says how much would change, and refuses what would be refused."""
    assert demo("import", written(demo), "--plan").stdout == "would change: 10 rows added\n"
    assert "hilltop" not in exported(demo)
    lost = exported(demo, "--practice", "riverside").replace("g, user:pat, role:Practice", "g, user:cam, role:Practice")
    lost = lost.replace("g, user:sam, role:Practice Administrator, riverside\n", "")
    demo(
        "import", written(demo, lost.replace("user, riverside, cam, Cam Cole, active", "")), "--whole", "--plan", code=3
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (
            "g, user:zoe, role:Front Desk, hilltop",
            "rows.csv:10:4: user-unknown: user `user:zoe` is not in the directory",
        ),
        ("p, role:Front Desk, hilltop, Task - Ordres, Read", "rows.csv:10:30: screen-unknown"),
        ("p, role:Front Desk, hilltop, Task - Orders, Read", "rows.csv:10:1: row-duplicate"),
        ("user, hilltop, kim, Kim Kite, active", "rows.csv:10:1: row-duplicate"),
        ("user, hilltop, kit, Kit", "rows.csv:10:1: row-length: `user` with 3 fields"),
        ("user, hilltop, user:kit, Kit, active", "user-as-role"),
        ("p, role:Front Desk, valley, Task - Orders, Read", "rows.csv:10:21: practice-unknown: practice `valley`"),
        ("user, valley, kit, Kit, active", "rows.csv:10:7: practice-unknown: practice `valley`"),
        ("g2, view, Read, Task - New", "rows.csv:10:1: row-home: a row of no practice"),
        ("p, role:Front Desk, template, Task - Orders, Read", "row-home"),
        ("p, user:kim, hilltop, Task - Orders, Read", "grant-to-user"),
        ("g, user:ki\u200bm, role:Admin, hilltop", "hidden-character"),
        ("file, model.conf, 0000", "row-type-unknown"),
        ("h, x, y, z", "row-type-unknown"),
    ],
)
def test_a_row_that_does_not_hold(demo: CommandLine, row: str, found: str) -> None:
    """It is named with its place, and nothing of the file is imported."""
    result = demo("import", written(demo, f"{HILLTOP}{row}\n"), code=3)
    assert found in result.stderr
    assert "hilltop" not in exported(demo)


def test_what_is_no_text(demo: CommandLine) -> None:
    """A file that is not UTF-8 is refused as a whole; one that is not there, too."""
    state = written(demo, f"{HILLTOP}user, hilltop, kit, Kit, gone\n")
    assert "rows.csv:10:26: `gone` is no state of a user" in demo("import", state, code=1).stderr
    path = written(demo)
    Path(path).write_bytes(HILLTOP.encode() + b"user, hilltop, x, \xff, active\n")
    assert "is not UTF-8" in demo("import", path, code=1).stderr
    assert "does not exist" in demo("import", f"{path}.none", code=1).stderr


def test_a_guard_rail_holds_for_a_file_as_well(demo: CommandLine) -> None:
    """A file that would leave a practice without an administrator is refused."""
    rows = "".join(
        row for row in exported(demo, "--practice", "riverside").splitlines(keepends=True) if "Administrator" not in row
    )
    assert (
        "nobody could change roles in `riverside` any more"
        in demo("import", written(demo, rows), "--whole", code=1).stderr
    )
