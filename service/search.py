"""Search: everyone, or everything, for which a question with a gap in it is allowed.

The gap stands where the question would name a subject, a resource or an action. Each name that could stand there is
asked of the snapshot, as `decide` asks it, so that a search finds what single questions allow, and all of it. What
cannot be complete is an error. There is no index to keep and nothing that could disagree with a decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.decide import placed
from service.decision.rulebook import Answering
from service.errors import SearchUnavailable
from service.live import State
from service.policy.request import Part
from service.values import Caller, Question, Reason


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found, sorted. `reason`: why it is nothing, or ALLOWED where it is something."""

    names: tuple[str, ...]
    reason: Reason
    practice: str
    revision: int


def search(part: Part, question: Question, caller: Caller, state: State) -> Found:
    """Find every name for the gap that makes the question an allow.

    What is unknown finds nothing. Forbidden is raised when the caller may not ask there, SearchUnavailable when
    something could be left out.
    """
    # 4-6 of `decide`. Its question has no gap, so something stands there.
    request, practice, state = placed(state.loaded.request_map.filled(question, part), caller, state)
    loaded = state.loaded
    if isinstance(request, Reason):
        if request.retryable:
            raise SearchUnavailable(f"the policy cannot be searched now: {request}", "try again in a minute")
        return Found((), request, practice, loaded.revision)
    # 7. Once for each name.
    names = _known(part, question, practice, loaded.snapshot)
    asked = loaded.request_map.each(question, part, names)
    if isinstance(asked, Reason):
        return Found((), asked, practice, loaded.revision)
    decide = loaded.snapshot.decide
    found = sorted(name for name, each in asked if decide(each).allowed)
    reason = Reason.ALLOWED if found else decide(asked[0][1] if asked else request).reason
    return Found(tuple(found), reason, practice, loaded.revision)


def _known(part: Part, question: Question, practice: str, snapshot: Answering) -> tuple[str, ...]:
    """Every name that the policy knows for the gap."""
    if part == "subject":
        known = snapshot.subjects(practice, question.subject_type)
    elif part == "resource":
        known = snapshot.resources(practice, question.resource_type)
    else:
        known = snapshot.actions(practice, question.resource_type, question.resource_id)
    if known is None:
        raise SearchUnavailable(f"this policy does not say which {part}s there are", "ask about each by name")
    return known
