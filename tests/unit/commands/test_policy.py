import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit.commands.line import CommandLine

NEW = "g2, print, Write, Task - Orders"


def add_an_action(line: CommandLine) -> None:
    """A row, an action in the catalog and a case for it."""
    line.edit("screens.csv", "g2, add, Write, Task - Orders\n", f"g2, add, Write, Task - Orders\n{NEW}\n")
    line.edit(
        "catalog.yaml",
        "      add: add to the Orders queue\n",
        "      add: add to the Orders queue\n      print: print orders\n",
    )


def test_what_is_planned_is_what_is_applied(line: CommandLine) -> None:
    """The plan shows the row and the files; when it is applied there is nothing left to do."""
    add_an_action(line)
    plan = line("plan").stdout
    assert f"\n+ {NEW}\n" in plan
    assert "\n~ catalog.yaml  1 line added\n" in plan
    assert plan.endswith("`rolewarden apply` would publish revision 2: 1 row added, 2 files changed\n")
    assert line("apply").stdout == "published as revision 2: 1 row added, 2 files changed\n"
    assert "nothing to do: the files are those of revision 2" in line("plan").stdout


def test_a_plan_changes_nothing(line: CommandLine) -> None:
    """Planning twice shows the same."""
    add_an_action(line)
    assert line("plan").stdout == line("plan").stdout


def test_applying_twice_publishes_once(line: CommandLine) -> None:
    """There is no revision without a change."""
    assert line("apply").stdout == "nothing to publish: the files are as they were published\n"
    assert '"revision": 2' not in line("log", "--format", "json").stdout


def test_rows_of_practices_are_never_applied(line: CommandLine) -> None:
    """The worlds of the folder are checked with the rest, and stay out of the store."""
    assert line("practice", "list").stdout.startswith("no practices yet")


def test_a_folder_that_does_not_hold_is_not_applied(line: CommandLine) -> None:
    """Plan and apply end with 3 and name the place; the store is as it was."""
    line.edit("screens.csv", "g2, add, Write, Task - Orders", "g2, add, Wriet, Task - Orders")
    for command in ("plan", "apply"):
        result = line(command, code=3)
        assert "error: the policy does not hold: 1 error" in result.stderr
        assert "  screens.csv:35:10: level-unknown: level `Wriet`" in result.stderr
    assert '"revision": 2' not in line("log", "--format", "json").stdout


def test_reason_and_reference_are_recorded(line: CommandLine) -> None:
    """They stand in the log beside who it was."""
    add_an_action(line)
    line("apply", "--reason", "Orders are printed", "--reference", "PR-7")
    assert "Orders are printed (PR-7)" in line("log").stdout


def test_a_reason_is_one_line(line: CommandLine) -> None:
    """A line break in it would look like another entry of the log."""
    assert "U+000A" in line("apply", "--reason", "one\ntwo", code=1).stderr


def test_export_of_now_and_of_the_newest_revision_are_the_same_bytes(demo: CommandLine) -> None:
    """Current rows equal the revisions replayed, and equal policy gives equal bytes."""
    now = demo("export").stdout_bytes
    assert now == demo("export", "--revision", "2").stdout_bytes


def test_export_has_only_rows_of_casbin(demo: CommandLine) -> None:
    """Rows of the directory and of files are ours, and no Casbin could load them."""
    kinds = {row.partition(",")[0] for row in demo("export").stdout.splitlines()}
    assert kinds == {"p", "g", "g2"}


def test_export_of_a_practice_has_what_it_needs_and_no_other(demo: CommandLine) -> None:
    """Its own rows and the screens that all share."""
    rows = demo("export", "--practice", "lakeside").stdout.splitlines()
    assert "p, role:Biller, lakeside, Task - Orders, Read" in rows
    assert not [row for row in rows if "riverside" in row]
    assert len(rows) == 2 + 81
    assert "\n".join(rows) == demo("export", "--practice", "lakeside", "--revision", "2").stdout.rstrip()


def test_export_to_a_file(demo: CommandLine, tmp_path: Path) -> None:
    """The same bytes, in a file that is there as a whole or not at all."""
    demo("export", "-o", "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == demo("export").stdout_bytes


def test_altered_rows_are_not_exported_as_policy(demo: CommandLine) -> None:
    """Rows that were changed beneath their revisions are refused; the revision still gives what was published."""
    published = demo("export", "--practice", "lakeside").stdout
    with closing(sqlite3.connect(demo.home / "rolewarden.db")) as database, database:
        database.execute("UPDATE casbin_rule SET v3 = 'Write' WHERE v1 = 'lakeside'")
    assert "are not those of their revisions" in demo("export", code=1).stderr
    assert demo("export", "--practice", "lakeside", "--revision", "2").stdout == published


def test_what_is_not_there_cannot_be_exported(demo: CommandLine) -> None:
    """A practice or a revision that does not exist is no empty policy."""
    assert "did you mean `lakeside`?" in demo("export", "--practice", "Lakeside", code=1).stderr
    assert "the newest is 2" in demo("export", "--revision", "3", code=1).stderr
    demo("export", "--practice", "lakeside", "--revision", "1", code=1)
