import json
import re
from dataclasses import replace

from service.commands import log
from service.values import Evidence, How, Revision
from tests.unit.commands.line import CommandLine


def test_an_empty_store_says_so(empty: CommandLine) -> None:
    """With what makes the first revision."""
    assert empty("log").stdout.splitlines() == [
        "no revisions yet",
        "  try: `rolewarden init` publishes the policy files",
    ]


def test_the_newest_comes_first(demo: CommandLine) -> None:
    """One line a revision: number, time, who, where, how much."""
    demo("user", "disable", "riverside", "ann")
    _, newest, middle, oldest = demo("log").stdout.splitlines()
    assert newest.split()[0] == "3"
    assert "  +1 -1  " in newest
    assert newest.endswith("  riverside")
    assert "lakeside and riverside" in middle
    assert "(all)" in oldest


def test_a_reason_stands_below(line: CommandLine) -> None:
    """In the words that were given, with the reference."""
    line.edit("catalog.yaml", 'closing: "Questions?', 'closing: "Queries?')
    line("apply", "--reason", "As the handbook says", "--reference", "PR-7")
    assert line("log").stdout.splitlines()[2].strip() == "As the handbook says (PR-7)"


def test_a_file_is_shown_by_the_beginning_of_its_digest(line: CommandLine) -> None:
    """A person tells one text of a file from another by it; a program gets all of it."""
    shown = line("log", "--rows").stdout
    assert re.search(r"^  \+ file, model.conf, [0-9a-f]{12}$", shown, re.MULTILINE)
    assert re.search(r'"file, model.conf, [0-9a-f]{64}"', line("log", "--rows", "--format", "json").stdout)


def test_one_practice(demo: CommandLine) -> None:
    """Only the revisions that touched it; an unknown one is an error."""
    demo("user", "disable", "riverside", "ann")
    assert [
        each["revision"] for each in json.loads(demo("log", "--practice", "lakeside", "--format", "json").stdout)
    ] == [2]
    assert "there is no practice `x`" in demo("log", "--practice", "x", code=1).stderr


def test_a_limit(demo: CommandLine) -> None:
    """At most so many."""
    assert [each["revision"] for each in json.loads(demo("log", "--limit", "1", "--format", "json").stdout)] == [2]


def test_rows_are_shown_as_they_were_replaced(demo: CommandLine) -> None:
    """What went, and below it what came in its place."""
    demo("user", "disable", "riverside", "ann")
    assert demo("log", "--rows", "--limit", "1").stdout.splitlines()[1:] == [
        "  0 gained, 3 lost (by user, screen and action); Casbin agreed on 3 of 3",
        "  - user, riverside, ann, Ann Alder, active",
        "  + user, riverside, ann, Ann Alder, inactive",
    ]


def test_evidence_is_shown(demo: CommandLine) -> None:
    """What was known of a change when it was published, for people and for programs; nothing where none was kept."""
    known = Evidence("e" * 64, 3, 1, 40, 50, ("own-access",))
    newest = Revision(9, "2026-01-01T00:00:00", "user:pat", How.SETUP, "", "", (), (), (), "", "", known)
    assert log.evidence(newest) == (
        "3 gained, 1 lost (by user, screen and action); Casbin agreed on 40 of 50; look at: own-access"
    )
    assert log.data(newest, rows=False)["evidence"] == {
        "effect": "e" * 64,
        "gained": 3,
        "lost": 1,
        "asked": 40,
        "of": 50,
        "flags": ["own-access"],
    }
    assert log.evidence(replace(newest, evidence=None)) == ""


def test_json_has_rows_when_asked(demo: CommandLine) -> None:
    """As they are written in a file, sorted."""
    demo("user", "disable", "riverside", "ann")
    newest = json.loads(demo("log", "--rows", "--format", "json").stdout)[0]
    assert newest["rows_added"] == ["user, riverside, ann, Ann Alder, inactive"]
    assert newest["rows_removed"] == ["user, riverside, ann, Ann Alder, active"]
    assert newest["practices"] == ["riverside"]
