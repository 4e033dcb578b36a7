"""How the tests of this folder ask a door, and what they hold an answer to."""

import json
from collections.abc import Callable
from typing import Any

from service.config import Settings
from tests.contract.endpoint.doors import Door, Got

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SEARCH = "/access/v1/search/"
LIST, TASK, ORDERS = "Task - Patient Portal - List", "Task - Patient Portal", "Task - Orders"
CLOSING = "Questions? Ask your practice administrator. Code "

Asking = Callable[..., Got]
Opening = Callable[[Settings], Door]


def question(user: str = "ann", action: str = "respond", screen: str = TASK, practice: str = "riverside") -> Any:
    """A request as the EHR sends it."""
    return {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": "screen", "id": screen},
        "context": {"practice": practice},
    }


def asking(door: Door, token: str, path: str = EVALUATION) -> Asking:
    """Asks a door as a well-behaved client does, but for what a test does otherwise. A header of None is left out."""

    def ask(sent: object = None, **headers: str | None) -> Got:
        body = sent if isinstance(sent, bytes) else json.dumps(question() if sent is None else sent).encode()
        usual = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        all_headers = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        return door.ask("POST", path, {k: v for k, v in all_headers.items() if v is not None}, body)

    return ask


def answered(got: Got) -> Any:
    """The object in an answer, which must be one (A-11, A-13): 200, and JSON."""
    assert (got.status, got.headers["content-type"]) == (200, "application/json"), got
    answer = json.loads(got.body)
    assert isinstance(answer, dict)
    return answer


def decided(got: Got) -> Any:
    """The decision in an answer, which must be one: with a boolean (A-5)."""
    answer = answered(got)
    assert type(answer["decision"]) is bool
    return answer


def reason(got: Got) -> Any:
    """Why an answer is a refusal."""
    answer = decided(got)
    assert answer["decision"] is False
    return answer["context"]["reason"]


def refused(got: Got, status: int, code: str) -> Any:
    """The error in an answer, which must be this one (A-18)."""
    assert (got.status, got.headers["content-type"]) == (status, "application/json"), got
    error = json.loads(got.body)["error"]
    assert error["code"] == code
    assert "x-policy-revision" not in got.headers
    return error
