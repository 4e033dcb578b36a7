import json
import os
import pwd

import pytest

from tests.unit.commands.line import CommandLine

RIVERSIDE = ("practice", "create", "riverside", "--admin", "pat", "--name", "Riverside Family Practice")


def test_a_practice_begins_with_an_administrator(line: CommandLine) -> None:
    """Its first user can change roles from the start, by the template."""
    line(*RIVERSIDE)
    line("ask", "riverside", "pat", "edit", "Setup - Roles")
    assert "riverside   Riverside Family Practice" in line("practice", "list").stdout
    assert "Practice Administrator" in line("user", "list", "riverside").stdout


def test_a_practice_is_created_once(line: CommandLine) -> None:
    """The second time is a mistake, and changes nothing."""
    line(*RIVERSIDE)
    assert "there is already a practice `riverside`" in line(*RIVERSIDE, code=1).stderr


def test_no_practice_is_named_like_that_of_templates(line: CommandLine) -> None:
    """Rows of templates are never live, and a practice of that name would make them so."""
    result = line("practice", "create", "template", "--admin", "pat", code=1)
    assert result.stderr == "error: `template` is the practice of templates\n  try: choose another id\n"


def test_a_practice_needs_a_published_policy(empty: CommandLine) -> None:
    """Without templates nobody knows what an administrator holds."""
    assert "no policy is published yet" in empty(*RIVERSIDE, code=1).stderr


@pytest.mark.parametrize("name", ["", " x", "a\nb", "a\u202eb", "x" * 256])
def test_a_name_that_no_row_can_hold_is_refused(line: CommandLine, name: str) -> None:
    """Empty, blank at its edge, with a control or bidirectional character, or too long."""
    line("practice", "create", name, "--admin", "pat", code=1)
    assert line("practice", "list").stdout.startswith("no practices yet")


@pytest.mark.parametrize("user", ["user:zoe", "role:Front Desk"])
def test_an_id_has_no_prefix(line: CommandLine, user: str) -> None:
    """A user named like a row's user or role would be taken for another."""
    line(*RIVERSIDE)
    assert "write the id alone" in line("user", "add", "riverside", user, "--name", "Zoe", code=1).stderr


def test_a_new_user_has_nothing(line: CommandLine) -> None:
    """Known, without a role, and refused for that reason."""
    line(*RIVERSIDE)
    line("user", "add", "riverside", "zoe", "--name", "Zoe Zander")
    out = line("ask", "riverside", "zoe", "edit", "Setup - Roles", code=2).stdout
    assert "Zoe Zander has no role at Riverside Family Practice." in out


def test_a_disabled_user_is_refused_until_enabled(demo: CommandLine) -> None:
    """Everything is refused at once, and the roles come back with the user."""
    asked = ("ask", "riverside", "ann", "respond", "Task - Patient Portal")
    demo("user", "disable", "riverside", "ann")
    assert "Ann Alder is inactive" in demo(*asked, code=2).stdout
    assert "inactive already" in demo("user", "disable", "riverside", "ann").stdout
    demo("user", "enable", "riverside", "ann")
    demo(*asked)


def test_the_last_administrator_stays(line: CommandLine) -> None:
    """A guard rail refuses the change, with what to do first."""
    line(*RIVERSIDE)
    result = line("user", "disable", "riverside", "pat", code=1)
    assert "`pat` is the only person who can change roles in `riverside`" in result.stderr
    assert "  try: " in result.stderr


def test_users_are_listed_with_roles_and_state(demo: CommandLine) -> None:
    """Everybody in the directory, with or without a role; the inactive are marked."""
    rows = demo("user", "list", "riverside").stdout.splitlines()
    assert [row for row in rows if row.startswith("max")] == ["max    Max Moss    Biller, Clinician"]
    assert [row.split()[-1] for row in rows if row.startswith("lou")] == ["inactive"]


def test_an_unknown_practice_has_no_users(demo: CommandLine) -> None:
    """It is an error with the name that may have been meant, not an empty list."""
    assert "did you mean `riverside`?" in demo("user", "list", "Riverside", code=1).stderr


def test_the_record_names_the_account(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The actor is the account as the system knows it, whatever the environment says."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    line(*RIVERSIDE)
    newest = json.loads(line("log", "--format", "json").stdout)[0]
    assert newest["actor"] == f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
    assert newest["how"] == "command"
