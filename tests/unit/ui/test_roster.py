"""Roster: which lists of users hold, and what each problem says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policy.edits import AddMember, AddUser, RenameUser, carried_out
from service.policy.practice import Practice
from service.ui.roster import MOST, Roster, read
from tests.unit.site import some

PRACTICE = Practice.of(
    "riverside",
    some(
        """practice, riverside, Riverside
        user, riverside, ann, Ann Alder, active
        role, riverside, role:Nurse
        role, riverside, role:Ward
        g, user:ann, role:Nurse, riverside"""
    ),
)


def taken(text: str | bytes, *, roles: bool = True) -> Roster:
    """What is read of a list."""
    return read(text if isinstance(text, bytes) else text.encode(), PRACTICE, may_give_roles=roles)


@pytest.mark.parametrize(
    "text",
    [
        "id,name,roles\ncam,Cam Cole,Nurse|Ward\n",
        "\ufeffid,name,roles\r\ncam,Cam Cole,Nurse | Ward\r\n",
        "ID;Name;Roles\ncam;Cam Cole;Nurse|Ward",
        'id,name,roles\n\n"cam","Cam Cole","Nurse|Ward"\n,,\n',
        "id,name,roles\rcam,Cam Cole,Nurse|Ward\r",
    ],
)
def test_as_spreadsheets_write_it(text: str) -> None:
    """Commas or semicolons, a byte order mark, line ends of any kind, quotes, empty lines: all the same list."""
    wanted = (AddUser("cam", "Cam Cole"), AddMember("Nurse", "cam"), AddMember("Ward", "cam"))
    assert taken(text).edits == wanted


def test_who_is_there_already() -> None:
    """A user who is there is renamed where the name differs, and only given roles that they lack."""
    assert taken("id,name\nann,Ann Alder").edits == ()
    assert taken("id,name,roles\nann,Ann Archer,Nurse|Ward").edits == (
        RenameUser("ann", "Ann Archer"),
        AddMember("Ward", "ann"),
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"", 0, "There is nothing in it."),
        (b"\xff\xfei\x00d\x00", 0, "This is not text in UTF-8."),
        (b"id,name\ncam,Cam\x00", 0, "This is not text in UTF-8."),
        ("Zoë".encode("latin-1"), 0, "This is not text in UTF-8."),
        ("cam,Cam Cole", 0, "The first line names the columns"),
        ("sep=;\nid;name\n", 0, "The first line names the columns"),
        ("id,name\n", 0, "There is no user in it."),
        ('id,name\ncam,"Cam', 0, "A quotation mark is opened"),
        ("id,name\ncam,Cam Cole,Nurse", 2, "It has 3 columns, and the first line names 2."),
        ("id,name\n\ncam", 3, "It has 1 column,"),
        ("id,name\ncam,", 2, "Write a name."),
        ("id,name\n,Cam Cole", 2, "Write a User ID."),
        ("id,name\nANN,Ann", 2, "There is a user with the User ID “ann” already."),
        ("id,name\ncam,Cam\nCam,Cam", 2, "The User ID “cam” stands there more than once."),
        ("id,name,roles\ncam,Cam,nurse", 2, "There is no role “nurse”."),
        ("id,name\nuser:cam,Cam", 2, "A User ID cannot begin with “user:”."),
        ('id,name\ncam,"Cam\nCole"', 2, "This has a character that cannot be seen."),
    ],
)
def test_what_does_not_hold(text: str | bytes, line: int, words: str) -> None:
    """Each problem names its line, and of the whole list nothing is taken."""
    found = taken(text)
    assert found.edits == ()
    assert found.problems[0].line == line
    assert found.problems[0].words.startswith(words)


def test_lines_after_a_name_of_two_lines() -> None:
    """Lines are counted as an editor counts them."""
    assert [problem.line for problem in taken('id,name\ncam,"C\nc"\ndee,').problems] == [2, 4]


def test_roles_only_from_those_who_may() -> None:
    """Who may add users and not give roles is told so, line by line."""
    assert taken("id,name,roles\ncam,Cam,Nurse", roles=False).problems == (
        (2, "You may not give roles. Leave the column empty."),
    )
    assert taken("id,name,roles\ncam,Cam,", roles=False).edits == (AddUser("cam", "Cam"),)


def test_too_many() -> None:
    """A list of more than can be taken is refused at once."""
    text = "id,name\n" + "".join(f"u{number},N\n" for number in range(MOST + 1))
    assert taken(text).problems == ((0, "It has 5,001 users. Take at most 5,000 at a time."),)


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_anything_is_a_list_or_a_problem(text: str | bytes) -> None:
    """No list raises, and what is taken from one can be carried out."""
    found = taken(text if isinstance(text, bytes) else text.encode(errors="replace"))
    carried_out(PRACTICE, found.edits, ())
    assert not (found.edits and found.problems)
