"""Between JSON and values: a request becomes a `Question`, an `Answer` becomes a response body.

Dictionaries end here. What the standard requires of a request is required to the letter (AuthZEN A-4, A-13,
A-14); what it does not know is ignored at every depth (A-15). No answer holds a null (A-17).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from service.config import DecisionContext
from service.decide import Answer
from service.errors import BadRequest
from service.policy.rows import dump_row
from service.values import NOTHING, Question, Reason

JSON = "application/json"

Object = dict[str, object]
"""A JSON object as it was read."""

_encode = msgspec.json.Encoder().encode
_ABSENT = object()
_YES = b'{"decision":true}'
_NO = b'{"decision":false}'


def read_question(request: Object, at_least: int = 0) -> Question:
    """The question in an evaluation request. Raises `BadRequest` that names what is wrong."""
    subject = read_object(request, "subject")
    action = read_object(request, "action")
    resource = read_object(request, "resource")
    return Question(
        subject_type=_text(subject, "subject", "type"),
        subject_id=_text(subject, "subject", "id"),
        action=_text(action, "action", "name"),
        resource_type=_text(resource, "resource", "type"),
        resource_id=_text(resource, "resource", "id"),
        context=read_object(request, "context") if "context" in request else {},
        at_least=at_least,
        subject_properties=_properties(subject, "subject"),
        resource_properties=_properties(resource, "resource"),
        action_properties=_properties(action, "action"),
    )


def read_entity(request: Object, name: str) -> Object:
    """A subject, action or resource, all of which may have properties."""
    entity = read_object(request, name)
    _properties(entity, name)
    return entity


def read_object(owner: Object, name: str) -> Object:
    """A member that must be there, and an object."""
    value = owner.get(name, _ABSENT)
    if isinstance(value, dict):
        return value
    raise BadRequest(_wrong(name, value, "an object"))


def write_answer(answer: Answer, said: DecisionContext) -> bytes:
    """The body that tells an answer, with as much of a reason as the setting lets it say."""
    allowed = answer.decision.allowed
    if said is DecisionContext.NONE or (allowed and said is not DecisionContext.ALL):
        return _YES if allowed else _NO
    reason = _why(answer) if allowed else _why_not(answer)
    return _encode({"decision": allowed, "context": {"reason": reason}})


def write_refusal(status: int, code: str, message: str, said: DecisionContext) -> bytes:
    """What stands in a batch for an item that got no decision: refused, with why where the setting lets it (A-36)."""
    if said is DecisionContext.NONE:
        return _NO
    error = {"status": status, "code": code, "message": message}
    return _encode({"decision": False, "context": {"error": error}})


def write_error(code: str, message: str, mend: str = "") -> bytes:
    """The body of an answer without a decision (A-18)."""
    error = {"code": code, "message": message}
    if mend:
        error["mend"] = mend
    return _encode({"error": error})


def write_json(value: object) -> bytes:
    """The body of an answer that is neither."""
    return _encode(value)


def _why_not(answer: Answer) -> Object:
    reason = answer.decision.reason
    told: Object = {
        "code": reason.value,
        "screen": answer.question.resource_id,
        "user_message": answer.user_message,
        "retryable": reason.retryable,
    }
    if reason is Reason.UNKNOWN_ACTION:
        told["screens"] = answer.screens
    return told


def _why(answer: Answer) -> Object:
    told: Object = {"code": answer.decision.reason.value}
    if answer.explanation is not None and answer.explanation.rows:
        row = answer.explanation.rows[0]
        told["role"] = row.fields[0]
        told["row"] = dump_row(row)
    return told


def _properties(entity: Object, name: str) -> Mapping[str, object]:
    if "properties" not in entity:
        return NOTHING
    found = entity["properties"]
    if isinstance(found, dict):
        return found
    raise BadRequest(f"`{name}.properties` must be an object")


def _text(owner: Object, path: str, name: str) -> str:
    value = owner.get(name, _ABSENT)
    if isinstance(value, str):
        return value
    raise BadRequest(_wrong(f"{path}.{name}", value, "a string"))


def _wrong(path: str, value: object, wanted: str) -> str:
    return f"`{path}` is missing" if value is _ABSENT else f"`{path}` must be {wanted}"
