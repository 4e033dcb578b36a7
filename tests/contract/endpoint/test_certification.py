"""The certification scenario of the AuthZEN working group, case by case, through each door.

The policy is `policies/examples/authzen-certification`, served as `make run` serves it. A case has the number of its
section; where a section asks the same of several things, a letter more. What it expects is what the scenario expects.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from service.access import tokens
from service.access.permissions import METADATA
from service.commands.serve import initialize
from service.config import Settings
from service.store.counter import Counter
from service.store.sql import Store
from tests.contract.endpoint.asking import EVALUATION, EVALUATIONS, SEARCH
from tests.contract.endpoint.demonstration import NOW, POLICIES
from tests.contract.endpoint.doors import Door, Got

FOLDER = POLICIES / "examples" / "authzen-certification"
IDENTIFIER = "https://pdp.example.org/tenant"

ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
ADMIN = BOB | {"properties": {"role": "admin"}}
RECORD_1, RECORD_2 = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
ACTIVE = RECORD_1 | {"properties": {"status": "active"}}
ARCHIVED = RECORD_2 | {"properties": {"status": "archived"}}
USERS, RECORDS = {"type": "user"}, {"type": "record"}
READ, WRITE, DELETE = {"name": "read"}, {"name": "write"}, {"name": "delete"}
WHEN = {"time": "2026-01-11T08:00:00Z", "ip": "192.0.2.1"}


@dataclass(frozen=True)
class Client:
    """A tester in front of one door."""

    door: Door
    token: str

    def post(self, path: str, sent: object, **headers: str) -> Got:
        """Send a request as the scenario does."""
        body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        usual = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.door.ask("POST", path, usual | {k.replace("_", "-"): v for k, v in headers.items()}, body)

    def told(self, path: str, sent: object, **headers: str) -> Any:
        """The JSON object of an answer, which must be one."""
        got = self.post(path, sent, **headers)
        assert (got.status, got.headers["content-type"]) == (200, "application/json"), got
        told = json.loads(got.body)
        assert isinstance(told, dict)
        return told

    def decision(self, sent: object, path: str = EVALUATION, **headers: str) -> bool:
        """The decision about one question."""
        told = self.told(path, sent, **headers)
        assert isinstance(told["decision"], bool)
        assert isinstance(told.get("context", {}), dict)
        return told["decision"]

    def decisions(self, sent: object) -> list[bool]:
        """The decisions about a batch."""
        told = self.told(EVALUATIONS, sent)
        assert "decision" not in told
        assert all(isinstance(each["decision"], bool) for each in told["evaluations"])
        return [each["decision"] for each in told["evaluations"]]

    def found(self, part: str, sent: object) -> set[str]:
        """The names that a search finds."""
        told = self.told(SEARCH + part, sent)
        if part == "action":
            return {each["name"] for each in told["results"]}
        assert {each["type"] for each in told["results"]} <= {sent[part]["type"]}
        return {each["id"] for each in told["results"]}

    def metadata(self) -> tuple[Got, Any]:
        """The metadata, at the place that follows from the identifier."""
        path = IDENTIFIER.replace("https://pdp.example.org", METADATA)
        got = self.door.ask("GET", path, {}, b"")
        return got, json.loads(got.body)


def question(subject: Any = ALICE, action: Any = READ, resource: Any = RECORD_1, **others: Any) -> Any:
    """A whole question; what is None is left out."""
    sent = {"subject": subject, "action": action, "resource": resource, **others}
    return {name: value for name, value in sent.items() if value is not None}


def without(path: str) -> Any:
    """The first question of the scenario without one attribute."""
    entity, name = path.split(".")
    sent = question()
    return sent | {entity: {key: value for key, value in sent[entity].items() if key != name}}


BY_ALICE: Any = question(ALICE, None, None)
SOUGHT: dict[str, Any] = {
    "subject": question(USERS),
    "resource": question(ALICE, READ, RECORDS),
    "action": question(ALICE, None),
}
"""One request for each search: S1, S2 and S3 of the scenario."""

Check = Callable[[Client], object]
BASIC: dict[str, Check] = {
    "2.2.1": lambda it: it.decision(question()),
    "2.2.2": lambda it: not it.decision(question(BOB, WRITE)),
    "2.2.3": lambda it: it.decision(question(context=WHEN)),
    "2.2.8": lambda it: it.decision(
        question(
            ALICE | {"properties": {"department": "Sales", "role": "manager"}},
            READ | {"properties": {"method": "GET"}},
            RECORD_1 | {"properties": {"status": "active", "owner": "bob"}},
        )
    ),
    "2.2.9": lambda it: it.decision(question(foo="bar", futureField={"nested": {"deep": [1, None]}})),
    "2.3.1": lambda it: set(it.told(EVALUATION, question())) <= {"decision", "context"},
    "2.3.2": lambda it: isinstance(it.told(EVALUATION, question(BOB, WRITE)).get("context", {}), dict),
    **{
        f"2.4.1{letter}": lambda it, name=name: it.post(EVALUATION, question(**{name: None})).status == 400
        for letter, name in zip("abc", ("subject", "action", "resource"), strict=True)
    },
    **{
        f"2.4.2{letter}": lambda it, path=path: it.post(EVALUATION, without(path)).status == 400
        for letter, path in zip(
            "abcde", ("subject.type", "subject.id", "action.name", "resource.type", "resource.id"), strict=True
        )
    },
    "2.4.3": lambda it: it.post(EVALUATION, question(), Content_Type="text/plain").status == 400,
    "2.4.4": lambda it: it.post(EVALUATION, b'{"subject": ').status == 400,
    "2.4.5": lambda it: it.post(EVALUATION, b"").status == 400,
    "2.4.6a": lambda it: it.post(EVALUATION, question("alice")).status == 400,
    "2.4.6b": lambda it: it.post(EVALUATION, question(action={"name": 123})).status == 400,
    "2.5.1": lambda it: it.post(EVALUATION, question(), X_Request_ID="c-2-5-1").headers["x-request-id"] == "c-2-5-1",
    "2.5.2": lambda it: it.decision(question()),
    "2.6": lambda it: {it.decision(question()) for _ in range(5)} == {True},
}
BASIC_PROPERTIES: dict[str, Check] = {
    "2.2.4": lambda it: not it.decision(question(ALICE, WRITE, ARCHIVED)),
    "2.2.5": lambda it: it.decision(question(ADMIN, WRITE, ARCHIVED)),
    "2.2.6": lambda it: it.decision(question(ALICE, DELETE | {"properties": {"soft": True}})),
    "2.2.7": lambda it: not it.decision(question(ALICE, DELETE | {"properties": {"soft": False}})),
}
BATCH: dict[str, Check] = {
    "3.2.1": lambda it: (
        len(it.decisions(question(ALICE, READ, None, evaluations=[{"resource": RECORD_1}, {"resource": RECORD_2}])))
        == 2
    ),
    "3.2.2": lambda it: (
        it.decisions(question(BOB, None, RECORD_1, evaluations=[{"action": READ}, {"action": WRITE}])) == [True, False]
    ),
    "3.2.5": lambda it: it.decisions({"evaluations": [question(), question(BOB, WRITE)]}) == [True, False],
    "3.2.6": lambda it: (
        len(
            it.decisions(
                question(ALICE, READ, RECORD_1, context=WHEN, evaluations=[{}, {"context": {"ip": "192.0.2.2"}}])
            )
        )
        == 2
    ),
    "3.3.1": lambda it: len(it.decisions(question(evaluations=[{}] * 7))) == 7,
    "3.3.2": lambda it: (
        it.decisions({"evaluations": [question(), question(BOB, WRITE), question(BOB)]}) == [True, False, True]
    ),
    "3.3.3": lambda it: (
        {
            type(each["decision"])
            for each in it.told(EVALUATIONS, question(evaluations=[{}, {"subject": BOB, "action": WRITE}]))[
                "evaluations"
            ]
        }
        == {bool}
    ),
    "3.4.1": lambda it: (
        it.decisions(
            BY_ALICE
            | {
                "action": READ,
                "evaluations": [{"resource": RECORD_1}, {}],
                "options": {"evaluations_semantic": "execute_all"},
            }
        )
        == [True, False]
    ),
    "3.4.2": lambda it: it.decision(question(), EVALUATIONS),
    "3.4.3": lambda it: it.decision(question(evaluations=[]), EVALUATIONS),
}
BATCH_PROPERTIES: dict[str, Check] = {
    "3.2.3": lambda it: (
        it.decisions(question(ALICE, WRITE, None, evaluations=[{"resource": ACTIVE}, {"resource": ARCHIVED}]))
        == [True, False]
    ),
    "3.2.4": lambda it: (
        it.decisions(question(None, WRITE, ARCHIVED, evaluations=[{"subject": ALICE}, {"subject": ADMIN}]))
        == [False, True]
    ),
    "3.2.7": lambda it: (
        it.decisions(question(ALICE, WRITE, ACTIVE, evaluations=[{}, {"resource": ARCHIVED}])) == [True, False]
    ),
}


def pages_on(it: Client, part: str) -> bool:
    """A first page, and then a request with the token alone, which has a page and a token again (4.5.2)."""
    first = it.told(SEARCH + part, SOUGHT[part] | {"page": {"limit": 1}})
    if not (token := first["page"]["next_token"]):
        return True
    second = it.told(SEARCH + part, SOUGHT[part] | {"page": {"token": token}})
    return isinstance(second["page"]["next_token"], str) and bool(second["results"])


def limited(it: Client, part: str) -> bool:
    """A limit is accepted, and kept to (4.5.1)."""
    told = it.told(SEARCH + part, SOUGHT[part] | {"page": {"limit": 1}})
    return len(told["results"]) <= 1 and isinstance(told["page"]["next_token"], str)


UNKNOWN_ID = {
    "subject": question(USERS, READ, {"type": "record", "id": "nonexistent-record"}),
    "resource": question({"type": "user", "id": "nonexistent-user"}, READ, RECORDS),
    "action": question({"type": "user", "id": "nonexistent-user"}, None),
}
UNKNOWN_TYPE = {
    "subject": question({"type": "spaceship"}),
    "resource": question(ALICE, READ, {"type": "spaceship"}),
    "action": question({"type": "spaceship", "id": "alice"}, None),
}
MISSING = {
    "subject": question(USERS, None),
    "resource": question(None, READ, RECORDS),
    "action": question(ALICE, None, None),
}
WITHOUT_ID = {
    "subject": question(USERS, READ, RECORDS),
    "resource": question(USERS, READ, RECORDS),
    "action": question(USERS, None),
}
PARTS = tuple(zip("abc", ("subject", "resource", "action"), strict=True))

SEARCHES: dict[str, Check] = {
    "4.2.1": lambda it: it.found("subject", SOUGHT["subject"]) == {"alice", "bob"},
    "4.2.2": lambda it: it.found("subject", SOUGHT["subject"] | {"context": WHEN}) == {"alice", "bob"},
    "4.2.3": lambda it: it.found("subject", question(ALICE)) == {"alice", "bob"},
    "4.3.1": lambda it: it.found("resource", SOUGHT["resource"]) >= {"record-1"},
    "4.3.2": lambda it: (
        it.found("resource", SOUGHT["resource"] | {"context": WHEN}) == it.found("resource", SOUGHT["resource"])
    ),
    "4.3.3": lambda it: (
        it.found("resource", question(ALICE, READ, RECORD_2)) == it.found("resource", SOUGHT["resource"])
    ),
    "4.4.1": lambda it: it.found("action", SOUGHT["action"]) >= {"read", "write"},
    "4.4.2": lambda it: (
        it.found("action", SOUGHT["action"] | {"context": WHEN}) == it.found("action", SOUGHT["action"])
    ),
    **{f"4.5.1{letter}": lambda it, part=part: limited(it, part) for letter, part in PARTS},
    **{f"4.5.2{letter}": lambda it, part=part: pages_on(it, part) for letter, part in PARTS},
    "4.5.3": lambda it: next(iter(it.told(SEARCH + "subject", SOUGHT["subject"] | {"page": {"limit": 1}}))) == "page",
    "4.5.4": lambda it: it.told(SEARCH + "subject", SOUGHT["subject"])["page"]["next_token"] == "",
    **{f"4.6.1{letter}": lambda it, part=part: it.found(part, UNKNOWN_ID[part]) == set() for letter, part in PARTS},
    **{f"4.6.2{letter}": lambda it, part=part: it.found(part, UNKNOWN_TYPE[part]) == set() for letter, part in PARTS},
    **{
        f"4.7.1{letter}": lambda it, part=part: it.post(SEARCH + part, MISSING[part]).status == 400
        for letter, part in PARTS
    },
    **{
        f"4.7.2{letter}": lambda it, part=part: it.post(SEARCH + part, WITHOUT_ID[part]).status == 400
        for letter, part in PARTS
    },
}
SEARCH_PROPERTIES: dict[str, Check] = {
    "4.2.4": lambda it: "bob" in it.found("subject", question(USERS, WRITE, ARCHIVED)),
    "4.3.4": lambda it: "record-2" in it.found("resource", question(ADMIN, WRITE, RECORDS)),
    "4.4.3": lambda it: "write" in it.found("action", question(ADMIN, None, ARCHIVED)),
}
ENDPOINTS = ("access_evaluation_endpoint", "access_evaluations_endpoint", "search_subject_endpoint")
DISCOVERY: dict[str, Check] = {
    "6.1a": lambda it: it.metadata()[0].status == 200,
    "6.1b": lambda it: it.metadata()[0].headers["content-type"] == "application/json",
    "6.3a": lambda it: (
        it.metadata()[1]["policy_decision_point"].startswith("https://")
        and not set("?#") & set(it.metadata()[1]["policy_decision_point"])
    ),
    "6.3b": lambda it: it.metadata()[1]["access_evaluation_endpoint"] == IDENTIFIER + EVALUATION,
    "6.5a": lambda it: it.metadata()[1]["policy_decision_point"] == IDENTIFIER,
    "6.5b": lambda it: all(it.metadata()[1][name].startswith("https://") for name in ENDPOINTS),
    "6.5c": lambda it: isinstance(it.metadata()[1].get("capabilities", []), list),
    "6.5d": lambda it: "signed_metadata" not in it.metadata()[1],
}
LEVELS = {
    "Basic Core": BASIC,
    "Basic Properties": BASIC_PROPERTIES,
    "Batch Core": BATCH,
    "Batch Properties": BATCH_PROPERTIES,
    "Search Core": SEARCHES,
    "Search Properties": SEARCH_PROPERTIES,
    "Discovery": DISCOVERY,
}
CASES = {number: check for level in LEVELS.values() for number, check in level.items()}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A service with the certification policy."""
    home = tmp_path_factory.mktemp("certification")
    environ = {
        "ROLEWARDEN_HOME": str(home),
        "ROLEWARDEN_POLICIES": str(FOLDER),
        "ROLEWARDEN_PDP_ID": IDENTIFIER,
    }
    settings = Settings.from_environ(environ)
    initialize(replace(settings, demo=True), lambda *_: None)
    return settings


@pytest.fixture(scope="module")
def client(open_door: Callable[[Settings], Door], settings: Settings) -> Client:
    """A tester with a token."""
    token, text = tokens.mint("tester", None, NOW)
    store = Store.open(settings.store_url)
    with Counter.open(settings.counter).changing():
        store.add_token(replace(token, name=f"tester-{token.id}"))
    store.close()
    return Client(open_door(settings), text)


@pytest.mark.parametrize("number", CASES)
def test_case(client: Client, number: str) -> None:
    """The case of the scenario with this number ends as it says."""
    assert CASES[number](client) is True


def test_all_levels_are_whole() -> None:
    """There are as many cases of each level as the scenario has, 79 in all."""
    assert [len(cases) for cases in LEVELS.values()] == [23, 4, 10, 3, 28, 3, 8]
    assert len(CASES) == 79


def test_no_case_passes_by_chance(client: Client) -> None:
    """What the rules do not permit is refused, so that the cases above were not passed by saying yes to all."""
    for subject, action, resource in ((ALICE, WRITE, RECORD_2), (BOB, DELETE, RECORD_1), (ALICE, DELETE, RECORD_1)):
        assert not client.decision(question(subject, action, resource)), (subject, action, resource)
    for stranger in ({"type": "user", "id": "nobody"}, {"type": "robot", "id": "alice"}):
        assert not client.decision(question(stranger))
