import json

import pytest

from tests.unit.commands.line import CommandLine

LIST, TASK, ORDERS = "Task - Patient Portal - List", "Task - Patient Portal", "Task - Orders"

PORTAL = "a Patient Portal message"
TOLD = [
    (("riverside", "ann", "open_queue", LIST), 0, "Ann Alder may open the Patient Portal queue: role Front Desk"),
    (("riverside", "dee", "respond", TASK), 0, f"role Nurse has Update (same as Write on this screen) on {TASK}."),
    (("riverside", "max", "view", ORDERS), 0, f"Biller has Read on {ORDERS} and role Clinician has Write on {ORDERS}."),
    (("riverside", "eve", "respond", TASK), 2, f"may not answer {PORTAL}: role Scheduler has no level on {TASK}."),
    (
        ("riverside", "cam", "add", ORDERS),
        2,
        f"may not add to the Orders queue: role Biller has only Read on {ORDERS}.",
    ),
    (("riverside", "lou", "respond", TASK), 2, "Lou Lark is inactive at Riverside Family Practice"),
    (("riverside", "Ann", "respond", TASK), 2, "Riverside Family Practice has no user `Ann`. Did you mean `ann`?"),
    (("riversid", "ann", "respond", TASK), 2, "There is no practice `riversid`. Did you mean `riverside`?"),
    (("riverside", "ann", "respond", "Task - Patient"), 2, "There is no screen `Task - Patient`. Did you mean"),
    (("riverside", "ann", "view", TASK), 2, f"`{TASK}` has no action `view`. It has `open_message` and `respond`."),
    (("riverside", "ann", "vew", ORDERS), 2, f"`{ORDERS}` has no action `vew`. Did you mean `view`?"),
    (("", "ann", "view", ORDERS), 2, "The question names no practice."),
]


@pytest.mark.parametrize(("asked", "code", "sentence"), TOLD)
def test_a_folder_and_the_store_tell_the_same(
    demo: CommandLine, asked: tuple[str, ...], code: int, sentence: str
) -> None:
    """The decision is a sentence in the words of the practice, wherever it was asked; allowed is 0, refused is 2."""
    from_store = demo("ask", *asked, code=code).stdout
    assert sentence in from_store.splitlines()[0]
    assert demo("ask", "--policies", "policies", *asked, code=code).stdout == from_store


def test_an_allow_shows_its_rows(demo: CommandLine) -> None:
    """The row that allows it, and the one by which the user is in its role."""
    assert demo("ask", "riverside", "ann", "open_queue", LIST).stdout.splitlines()[2:] == [
        f"  p, role:Front Desk, riverside, {LIST}, Write",
        "  g, user:ann, role:Front Desk, riverside",
    ]


def test_a_refusal_says_what_would_help(demo: CommandLine) -> None:
    """What the user has, which roles of this practice would do, and what the user reads."""
    out = demo("ask", "riverside", "ben", "open_queue", LIST, code=2).stdout
    assert "  roles of Ben Birch   Patient Portal Communications Only\n" in out
    assert "  would allow it       Front Desk, Nurse and Scheduler\n" in out
    assert "You can still open messages forwarded to you in Communication." in out
    assert "Code XXXX." in out


def test_an_action_of_other_screens_is_pointed_to(demo: CommandLine) -> None:
    """Which screens have it; of many, some, and how many more."""
    out = demo("ask", "riverside", "ann", "view", TASK, code=2).stdout
    assert "  screens with `view`   Task - Communication, Task - Orders, " in out
    assert " and 10 more\n" in out


def test_another_practice_knows_nothing(demo: CommandLine) -> None:
    """Ann of Lakeside is somebody else, and the roles of Riverside are not offered there."""
    out = demo("ask", "lakeside", "ann", "open_queue", LIST, code=2).stdout
    assert out.startswith("Ann Archer may not")
    assert "no role of Lakeside Pediatrics\n" in out


def test_a_trace_has_every_step(demo: CommandLine) -> None:
    """The steps of `decide`, with the candidate rows, the roles and how the user got them, and what matched."""
    made = json.loads(demo("ask", "riverside", "max", "add", ORDERS, "--trace", "--format", "json").stdout)
    found = {step["name"]: step["found"] for step in made["trace"]}
    assert [step["step"] for step in made["trace"]] == [1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 8, 9, 10]
    assert found["candidates"] == found["matched"] == [f"p, role:Clinician, riverside, {ORDERS}, Write"]
    assert found["roles"] == ["g, user:max, role:Biller, riverside", "g, user:max, role:Clinician, riverside"]
    assert found["decision"] == ["allowed, by revision 2"]


def test_a_trace_ends_where_the_answer_was_known(demo: CommandLine) -> None:
    """Of an unknown practice no row is looked at."""
    out = demo("ask", "nowhere", "ann", "add", ORDERS, "--trace", code=2).stdout
    assert " 6  practice" in out
    assert " 7  " not in out


def test_json_has_the_decision(demo: CommandLine) -> None:
    """The decision, its reason and what was asked, under names that stay."""
    made = json.loads(demo("ask", "riverside", "eve", "respond", TASK, "--format", "json", code=2).stdout)
    assert (made["decision"], made["reason"], made["revision"]) == (False, "no_level", 2)
    assert (made["practice"], made["user"], made["action"], made["screen"]) == ("riverside", "eve", "respond", TASK)
    assert made["would_allow"] == ["Front Desk", "Nurse", "Patient Portal Communications Only"]


def test_a_change_can_be_tried_before_it_is_published(demo: CommandLine) -> None:
    """The folder answers with the new row while the store still answers without."""
    demo.edit("demo/riverside.csv", "g, user:eve, role:Scheduler", "g, user:eve, role:Front Desk")
    asked = ("riverside", "eve", "respond", TASK)
    demo("ask", *asked, "--policies", "policies")
    demo("ask", *asked, code=2)


def test_a_folder_with_errors_answers_nothing(bare: CommandLine) -> None:
    """It ends with 3 and says what is wrong: no decision rests on half a policy."""
    bare.edit("demo/riverside.csv", "Task - Orders, Read", "Task - Order, Read")
    result = bare("ask", "--policies", "policies", "riverside", "ann", "view", ORDERS, code=3)
    assert result.stdout == ""
    assert "screen-unknown" in result.stderr


def test_an_empty_store_decides_nothing(empty: CommandLine) -> None:
    """Where nothing is published there is no answer, not even a refusal."""
    assert "nothing is published yet" in empty("ask", "riverside", "ann", "view", ORDERS, code=1).stderr
