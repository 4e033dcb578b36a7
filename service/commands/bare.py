"""`rolewarden ask` where the policy has no practices: subject, action and resource, and the rows that decided."""

from __future__ import annotations

from typing import NamedTuple

from service.commands import present
from service.commands.desk import Exit
from service.decide import Answer
from service.errors import UsageError
from service.policy.baremap import BareMap
from service.policy.rows import dump_row
from service.values import Reason

NO_PRACTICE = "-"
"""What is typed in the place of a practice."""


class Told(NamedTuple):
    """An answer, and how its question was read."""

    answer: Answer
    request_map: BareMap

    @property
    def rows(self) -> list[str]:
        """The rows that decided."""
        explained = self.answer.explanation
        return [dump_row(row) for row in explained.rows] if explained else []


def require_none(practice: str) -> None:
    """Refuse a practice where there are none."""
    if practice != NO_PRACTICE:
        raise UsageError(f"`{practice}`: this policy has no practices", f"write `{NO_PRACTICE}` in its place")


def show(told: Told, form: str, *, traced: bool) -> Exit:
    """Print the answer; `traced`, with what was asked of the rows."""
    given = told.answer
    if form == "json":
        present.as_json(_data(told, traced=traced))
    else:
        console = present.out()
        present.say(console, _sentence(told))
        if told.rows:
            present.say(console, "", *(present.below(row) for row in told.rows))
        if traced:
            present.say(console, "", *(present.below(line) for line in _request(told)))
    return Exit.DONE if given.decision.allowed else Exit.DENIED


def _sentence(told: Told) -> str:
    asked, reason = told.answer.question, told.answer.decision.reason
    may = "may" if told.answer.decision.allowed else "may not"
    return f"`{asked.subject_id}` {may} `{asked.action}` `{asked.resource_id}`: {_WHY.get(reason, reason.value)}."


_WHY = {
    Reason.ALLOWED: "the policy allows it",
    Reason.NO_RULE: "the rows of the policy do not allow it",
    Reason.UNKNOWN_SUBJECT: "there is no such subject",
    Reason.UNKNOWN_RESOURCE: "there is no such resource",
    Reason.UNKNOWN_ACTION: "there is no such action",
}


def _request(told: Told) -> list[str]:
    """The model's request, a line for each value."""
    request, fields = told.request_map.read(told.answer.question), told.request_map.fields
    if isinstance(request, Reason):
        return [f"no request: {request.value}"]
    names = [f"r.{field.name}" for field in fields]
    names += [f"r.{fields[column].name}.{name}" for column, name in told.request_map.attributes]
    return [f"{name} = {'(missing)' if value is None else value}" for name, value in zip(names, request, strict=True)]


def _data(told: Told, *, traced: bool) -> dict[str, object]:
    """The answer for a program. The names here never change their meaning."""
    given = told.answer
    made: dict[str, object] = {
        "decision": given.decision.allowed,
        "reason": given.decision.reason.value,
        "revision": given.decision.revision,
        "subject": given.question.subject_id,
        "action": given.question.action,
        "resource": given.question.resource_id,
        "sentence": _sentence(told),
        "rows": told.rows,
    }
    if traced:
        made["request"] = _request(told)
    return made
