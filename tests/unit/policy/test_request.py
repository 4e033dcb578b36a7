import pytest

from service.policy import request as requests
from service.policy.request import RequestMap
from service.values import Question, Reason

FIELDS = ("user", "practice", "screen", "action")
TEXT = """user:     {from: subject.id, type: user, prefix: "user:"}
practice: {from: context.practice}
screen:   {from: resource.id, type: screen}
action:   {from: action.name}
"""
QUESTION = Question("user", "ann", "open", "screen", "List", {"practice": "clinic"})


def request_map() -> RequestMap:
    """The mapping above."""
    read, found = requests.read("request.yaml", TEXT, FIELDS)
    assert read is not None, found
    return read


def test_a_question_becomes_a_request() -> None:
    """The fields come in the model's order, and the user with the prefix."""
    assert request_map().read(QUESTION) == ("user:ann", "clinic", "List", "open")
    assert request_map().practice(QUESTION) == "clinic"


def test_a_search_asks_with_each_name() -> None:
    """The searched part takes each name in turn, prefix included, whatever id was sent; a refusal stays one."""
    users = request_map().each(QUESTION, "subject", ["ben", "eve"])
    assert users == [
        ("ben", ("user:ben", "clinic", "List", "open")),
        ("eve", ("user:eve", "clinic", "List", "open")),
    ]
    assert request_map().each(QUESTION, "action", ["close"]) == [("close", ("user:ann", "clinic", "List", "close"))]
    assert request_map().each(QUESTION._replace(resource_id=""), "resource", []) == []
    assert request_map().each(QUESTION._replace(context={}), "resource", ["List"]) is Reason.PRACTICE_MISSING


def test_nobody_asks_in_the_name_of_a_role() -> None:
    """Whatever a caller sends as an id stands behind `user:`."""
    asked = request_map().read(QUESTION._replace(subject_id="role:Desk"))
    assert asked == ("user:role:Desk", "clinic", "List", "open")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"subject_type": "role"}, Reason.UNKNOWN_TYPE),
        ({"resource_type": "report"}, Reason.UNKNOWN_TYPE),
        ({"subject_id": ""}, Reason.UNKNOWN_USER),
        ({"resource_id": ""}, Reason.UNKNOWN_SCREEN),
        ({"action": ""}, Reason.UNKNOWN_ACTION),
        ({"context": {}}, Reason.PRACTICE_MISSING),
        ({"context": {"practice": ""}}, Reason.PRACTICE_MISSING),
        ({"context": {"practice": 7}}, Reason.PRACTICE_MISSING),
        ({"context": {"practice": ["clinic"]}}, Reason.PRACTICE_MISSING),
    ],
)
def test_what_is_no_request_has_a_reason(changed: dict[str, object], reason: Reason) -> None:
    """What is missing, empty or of another type is a refusal with its reason, never an error."""
    assert request_map().read(QUESTION._replace(**changed)) is reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "instead", "place", "found"),
    [
        ('prefix: "user:"', 'prefix: "role:"', "1:42", "`user` with prefix `role:`"),
        (', prefix: "user:"', "", "1:1", "`user` with prefix ``"),
        ("{from: action.name}", '{from: action.name, prefix: "x:"}', "4:31", "`action` with prefix `x:`"),
        ("type: user, ", "", "1:1", "no type of the subject"),
        (", type: screen", "", "3:1", "no type of the resource"),
        (
            "{from: context.practice}",
            "{from: context.practice, type: p}",
            "2:36",
            "a type beside `context.practice`, which has none",
        ),
        ("from: subject.id", "from: subject.name", "1:18", "source `subject.name`"),
        ("context.practice", "context.practice.id", "2:18", "source `context.practice.id`"),
        ("context.practice", "context.", "2:18", "source `context.`"),
        ("action.name", "context.practice", "2:1", "`context.practice` is read twice"),
        ("action: ", "aktion: ", "4:1", "entry `aktion`"),
        ("action:   {from: action.name}\n", "", "1:1", "no entry `action`"),
        ("{from: action.name}", "action.name", "4:11", "no mapping where a mapping belongs"),
    ],
)
def test_what_does_not_hold_is_placed(line: str, instead: str, place: str, found: str) -> None:
    """A mapping that would read a request otherwise than it says is refused where the mistake stands."""
    assert TEXT.count(line) == 1
    read, [problem] = requests.read("request.yaml", TEXT.replace(line, instead), FIELDS)
    assert read is None
    assert (str(problem.position), problem.found) == (f"request.yaml:{place}", found)
    assert problem.mend
