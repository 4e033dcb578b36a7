"""Questions and decisions, and how AuthZEN 1.0 writes them (sections 6 and 7).

No network here: a question becomes a body, an answer becomes decisions. What cannot be read is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SORRY = "We can't check your access right now. Try again in a minute."
"""What a user is shown when nobody could answer."""

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer. In a condition it is true for an allow and false for everything else.

    `code`: why, as the reference of reason codes lists them; `unanswered` where there was no decision at all, and
    `problem` then says what happened, for your log. `user_message` is for the refused user. `retryable`: the same
    question may be answered otherwise in a moment. `revision`: which policy answered, 0 where that is not known.
    """

    allowed: bool
    code: str = ""
    user_message: str = ""
    retryable: bool = False
    revision: int = 0
    problem: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.allowed is True


def unanswered(problem: str, *, retryable: bool = True) -> Decision:
    """The refusal that stands in for an answer which did not come."""
    return Decision(False, "unanswered", SORRY, retryable, problem=problem)


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject or resource of any kind: `Entity("record", "record-1", {"status": "active"})`."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """As it stands in a request."""
        return {"type": self.type, "id": self.id, **_properties(self.properties)}


@dataclass(frozen=True, slots=True)
class Question:
    """May this subject do this with this resource? `Question.of` writes the ones that an EHR asks."""

    subject: Entity
    action: str
    resource: Entity
    context: Mapping[str, Any] = field(default_factory=dict)
    action_properties: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, user: str, action: str, screen: str, practice: str) -> Question:
        """May the user do this on the screen, in the practice?"""
        return cls(Entity("user", user), action, Entity("screen", screen), {"practice": practice})

    def written(self) -> dict[str, Any]:
        """As it stands in a request."""
        return {
            "subject": self.subject.written(),
            "action": {"name": self.action, **_properties(self.action_properties)},
            "resource": self.resource.written(),
            "context": dict(self.context),
        }


def body(questions: Sequence[Question]) -> tuple[str, dict[str, Any]]:
    """Where to send these questions, and what: one by itself, several as a batch that is answered whole."""
    if len(questions) == 1:
        return EVALUATION, questions[0].written()
    return EVALUATIONS, {"evaluations": [question.written() for question in questions]}


def decisions(answer: Any, asked: int, revision: str | None) -> list[Decision]:
    """The decisions in the body of a 200. ValueError for a body that has not exactly one for each question."""
    if asked == 1:
        return [_decision(answer, revision)]
    items = answer.get("evaluations") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != asked:
        raise ValueError("the answer has not one decision for each question")
    return [_decision(item, revision) for item in items]


def _decision(item: Any, revision: str | None) -> Decision:
    # INVARIANT: `true` and nothing like it. 1, "true" and a missing member are no decision.
    if not isinstance(item, dict) or not isinstance(item.get("decision"), bool):
        raise ValueError("the answer has no decision")  # noqa: TRY004 - what a body lacks, not an argument
    context = item.get("context")
    context = context if isinstance(context, dict) else {}
    reason = context.get("reason")
    reason = reason if isinstance(reason, dict) else {}
    number = int(revision) if revision is not None and revision.isascii() and revision.isdigit() else 0
    allowed = item["decision"]
    return Decision(
        allowed,
        code=_text(reason.get("code")) or ("allowed" if allowed else "denied"),
        user_message="" if allowed else _text(reason.get("user_message")) or SORRY,
        retryable=not allowed and reason.get("retryable") is True,
        revision=number,
        context=context,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": dict(properties)} if properties else {}
