from pathlib import Path

import pytest

from service import folder
from service.decision import trial
from service.policy import bundle
from service.policy.bare import Bare
from service.policy.entities import Entities
from service.policy.entities import read as read_entities
from service.values import NOTHING, Finding, Question, Reason

CERTIFICATION = Path(__file__).parents[3] / "policies" / "examples" / "authzen-certification"

MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = role, act, status
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.role) && r.act == p.act && r.obj.status == p.status
"""
FILES = {
    "model.conf": MODEL,
    "request.yaml": "sub: {from: subject.id, type: user}\n"
    "obj: {from: resource.id, type: record}\n"
    "act: {from: action.name}\n",
    "policy.csv": "p, editor, write, active\ng, ann, editor\n",
    "entities.yaml": "types:\n  user:\n    ann: {}\n    ben: {}\n  record:\n    one: {status: active}\n    two: {}\n",
}
ASKED = Question("user", "ann", "write", "record", "one", NOTHING)


def load(**changed: str | None) -> tuple[Bare | None, list[Finding]]:
    """The folder above, with files changed, added or (None) left out; `policy_csv` stands for `policy.csv`."""
    files = dict(FILES)
    for name, text in changed.items():
        path = name.replace("__", "/").replace("_", ".")
        if text is None:
            files.pop(path)
        else:
            files[path] = text
    read, found = bundle.load({path: text.encode() for path, text in files.items()})
    return (read.bare if read else None), found


def bare(**changed: str | None) -> Bare:
    """A folder that holds."""
    read, found = load(**changed)
    assert read is not None
    assert found == []
    return read


def ask(read: Bare, question: Question) -> Reason:
    """What a folder says."""
    request = read.request_map.read(question)
    return request if isinstance(request, Reason) else trial.rulebook(read).decide(request).reason


def test_a_folder_without_practices_is_read_as_one() -> None:
    """Its own rows decide, by what is stored about those who are asked about."""
    read = bare()
    assert ask(read, ASKED) is Reason.ALLOWED
    assert ask(read, ASKED._replace(subject_id="ben")) is Reason.NO_RULE
    assert read.reads == ["resource.status"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"subject_id": "zed"}, Reason.UNKNOWN_SUBJECT),
        ({"subject_id": ""}, Reason.UNKNOWN_SUBJECT),
        ({"resource_id": "three"}, Reason.UNKNOWN_RESOURCE),
        ({"action": ""}, Reason.UNKNOWN_ACTION),
        ({"subject_type": "robot"}, Reason.UNKNOWN_TYPE),
        ({"resource_type": "screen"}, Reason.UNKNOWN_TYPE),
        ({"action": "a" * 1025}, Reason.VALUE_TOO_LONG),
        ({"resource_properties": {"status": "a" * 1025}}, Reason.VALUE_TOO_LONG),
    ],
)
def test_what_is_unknown_has_its_reason(changed: dict[str, object], reason: Reason) -> None:
    """Unknown names and types, and values that are too long, are refused before any row is read."""
    assert ask(bare(), ASKED._replace(**changed)) is reason  # type: ignore[arg-type]


@pytest.mark.parametrize("sent", ["archived", None, ["active"], {"is": "active"}, True, 1, ""])
def test_what_is_sent_wins(sent: object) -> None:
    """A property that is sent stands for the stored one, whatever it is; what cannot be compared is missing."""
    assert ask(bare(), ASKED._replace(resource_properties={"status": sent})) is Reason.NO_RULE
    assert ask(bare(), ASKED._replace(resource_id="two", resource_properties={"status": "active"})) is Reason.ALLOWED


def test_without_entities_nobody_is_unknown() -> None:
    """A folder that does not say who there is lets its rows decide alone, and cannot be searched."""
    read = bare(entities_yaml=None)
    assert ask(read, ASKED._replace(resource_id="any", resource_properties={"status": "active"})) is Reason.ALLOWED
    assert trial.rulebook(read).subjects("", "user") is None
    assert trial.rulebook(read).subjects("", "robot") == ()


def test_what_there_is_can_be_listed() -> None:
    """What a type declares is listed for searches, another type has nothing, and actions are not declared here."""
    book = trial.rulebook(bare())
    assert book.subjects("", "user") == ("ann", "ben")
    assert book.resources("", "record") == ("one", "two")
    assert book.resources("", "spaceship") == ()
    assert book.actions("", "record", "one") is None
    assert book.actions("", "record", "three") == ()


def test_a_search_asks_with_what_is_stored_about_each() -> None:
    """Each name is asked about with its own stored attributes, and with what was sent for all of them."""
    read = bare()
    asked = read.request_map.each(ASKED._replace(resource_id=""), "resource", ["one", "two"])
    assert asked == [("one", ("ann", "one", "write", "active")), ("two", ("ann", "two", "write", None))]
    for name, request in asked if isinstance(asked, list) else ():
        assert request == read.request_map.read(ASKED._replace(resource_id=name))
    sent = ASKED._replace(resource_properties={"status": "archived"})
    assert read.request_map.each(sent, "subject", ["ann"]) == [("ann", ("ann", "one", "write", "archived"))]
    assert read.request_map.each(ASKED._replace(subject_type="robot"), "subject", ["ann"]) is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize(
    ("changed", "place", "rule"),
    [
        ({"policy_csv": "p, editor, write\n"}, "policy.csv:1:1", "row-length"),
        ({"policy_csv": "q, editor\n"}, "policy.csv:1:1", "row-type-unknown"),
        ({"policy_csv": "g, a, b\ng, b, a\n"}, "policy.csv:2:1", "role-cycle"),
        ({"policy_csv": "g, a, b\ng, a, b\n"}, "policy.csv:2:1", "row-duplicate"),
        ({"entities_yaml": "types: {user: {ann: {__class__: x}}}\n"}, "entities.yaml:1:22", "yaml-shape"),
        ({"entities_yaml": "users: {}\n"}, "entities.yaml:1:1", "yaml-shape"),
        ({"request_yaml": "sub: {from: subject.id}\n"}, "request.yaml:1:1", "yaml-shape"),
        (
            {"request_yaml": FILES["request.yaml"].replace("resource.id, type: record", "context.x")},
            "request.yaml:2:1",
            "yaml-shape",
        ),
        (
            {"request_yaml": FILES["request.yaml"].replace("action.name", "action.id")},
            "request.yaml:3:13",
            "yaml-shape",
        ),
        ({"cases__a_yaml": "- {case: a, why: b}\n"}, "cases/a.yaml:1:3", "yaml-shape"),
        ({"cases__a_yaml": "- {case: a, why: b, may: ['ann, write']}\n"}, "cases/a.yaml:1:27", "yaml-shape"),
        ({"cases__a_yaml": "- {case: a, why: b, may_not: [no_level: x]}\n"}, "cases/a.yaml:1:31", "yaml-shape"),
        ({"screens_txt": ""}, "screens.txt", "file-unknown"),
    ],
)
def test_what_is_wrong_is_found_in_its_place(changed: dict[str, str], place: str, rule: str) -> None:
    """A mistake in any file of the folder is an error with its place."""
    _, found = load(**changed)
    assert (place, rule) in [(str(each.position), each.rule) for each in found]


def test_a_case_that_fails_says_so() -> None:
    """A case is asked of the folder's rows, and what it expected is told with what was decided."""
    read, _ = load(cases__a_yaml="- {case: all write, why: they must, may: ['ann, write, one', 'ben, write, one']}\n")
    assert read is not None
    [found] = trial.run_bare(read, read.rows.rows)
    assert (str(found.position), found.found) == (
        "cases/a.yaml:1:62",
        "`all write`: `ben, write, one` is refused (no_rule), not allowed",
    )


def test_attributes_have_the_kind_that_is_written() -> None:
    """`true` and `false` are truth values and digits numbers, unless they stand in quotes."""
    text = "types: {user: {ann: {a: true, b: 'true', c: 5, d: 5.5, e: '5', f: yes, g: -3}}}\n"
    read, found = read_entities("entities.yaml", text)
    assert not found
    assert read.attributes("user", "ann") == {"a": True, "b": "true", "c": 5, "d": 5.5, "e": "5", "f": "yes", "g": -3}
    assert Entities().ids("user") is None


def test_the_certification_fixture_answers_its_searches() -> None:
    """The searches of the AuthZEN certification scenario (S1 to S6) find what they must."""
    read, _ = bundle.load(folder.read(CERTIFICATION))
    assert read is not None
    assert read.bare is not None
    request_map, book = read.bare.request_map, trial.rulebook(read.bare)

    def found(part: str, question: Question) -> list[str]:
        names = {
            "subject": book.subjects("", question.subject_type),
            "resource": book.resources("", question.resource_type),
            "action": book.actions("", question.resource_type, question.resource_id),
        }[part]
        asked = request_map.each(question, part, names or ())  # type: ignore[arg-type]
        return [name for name, request in asked if book.decide(request).allowed] if isinstance(asked, list) else []

    alice = Question("user", "alice", "read", "record", "record-1", NOTHING)
    bob = alice._replace(subject_id="bob", subject_properties={"role": "admin"}, action="write", resource_id="record-2")
    archived = bob._replace(resource_properties={"status": "archived"})
    assert found("subject", alice) == ["alice", "bob"]
    assert "record-1" in found("resource", alice)
    assert found("action", alice) == ["read", "write"]
    assert found("subject", archived._replace(subject_properties=NOTHING)) == ["bob"]
    assert found("resource", bob) == ["record-2"]
    assert "write" in found("action", archived)
    assert found("subject", alice._replace(subject_type="spaceship")) == []
    assert found("action", alice._replace(subject_id="nobody")) == []
