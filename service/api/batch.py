"""Access evaluations of AuthZEN 1.0: many questions in one request, all answered from one state.

Each item is answered by the same function as a question that comes alone. Two rules are kept here. What the request
as a whole gets wrong is an error; what one item gets wrong closes that item and no other (A-36). And nothing is
grouped or remembered between items: two that differ in one property are two questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from time import perf_counter

from service.access.permissions import Admitted
from service.api.authzen import answer_one, decided
from service.api.intake import REVISION, Call, take_in
from service.api.wire import JSON, Object, read_object, read_question, write_answer, write_refusal
from service.config import Settings
from service.decide import Answer
from service.errors import BadRequest, RequestError, TooLarge
from service.exchange import Reply
from service.live import Live, State
from service.observe import Recorder
from service.values import Caller, Question

_SHARED = ("subject", "action", "resource", "context")
_INTERNAL = 500


class Semantic(StrEnum):
    """How far a batch is answered (A-35)."""

    EXECUTE_ALL = "execute_all"
    """To its end."""

    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    """To the first refusal, which an item in error is: all must be allowed."""

    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"
    """To the first allow: one is enough."""


_ENDS_WITH = {
    Semantic.EXECUTE_ALL: None,
    Semantic.DENY_ON_FIRST_DENY: False,
    Semantic.PERMIT_ON_FIRST_PERMIT: True,
}


def evaluate_all(
    headers: Mapping[str, str],
    body: bytes,
    admitted: Admitted | None,
    *,
    live: Live,
    settings: Settings,
    recorder: Recorder,
) -> Reply:
    """Answer an access evaluations request, in the order of its items (A-30 to A-37).

    Raises `RequestError` for what is wrong with the whole of it, and `StoreUnavailable` while no policy could ever be
    read.
    """
    # 1-3
    asked = take_in(headers, body, admitted, live, settings)
    items = _items(asked.body, settings.max_evaluations)
    if not items:
        return answer_one(asked, settings, recorder)
    ends_with = _ENDS_WITH[_semantic(asked.body)]
    questions = _questions(asked.body, items, asked.at_least)
    # 6. The practices of all items, so that one state answers them all.
    asked = asked._replace(state=_holding(asked.state, asked.caller, questions))
    # 4-9
    answers, told = [], []
    for question in questions:
        answer, text = _answer(question, asked, settings, recorder)
        told.append(text)
        if answer is not None:
            answers.append(answer)
        if (answer is not None and answer.decision.allowed) is ends_with:
            break
    recorder.decided_all(answers, asked.caller, asked.request_id, perf_counter() - asked.began)
    # 10
    headers = {"Content-Type": JSON, REVISION: str(asked.state.loaded.revision)}
    return Reply(200, headers, b'{"evaluations":[' + b",".join(told) + b"]}")


def _items(request: Object, most: int) -> list[object]:
    items = request.get("evaluations", [])
    if not isinstance(items, list):
        raise BadRequest("`evaluations` must be an array")
    if len(items) > most:
        raise TooLarge(f"{len(items)} evaluations, and at most {most} are answered at once", "ask in several requests")
    return items


def _semantic(request: Object) -> Semantic:
    options = read_object(request, "options") if "options" in request else {}
    try:
        return Semantic(options.get("evaluations_semantic", Semantic.EXECUTE_ALL))  # type: ignore[arg-type] # any value
    except ValueError:
        known = ", ".join(f"`{semantic}`" for semantic in Semantic)
        raise BadRequest(f"`options.evaluations_semantic` must be one of {known}") from None


def _questions(request: Object, items: Sequence[object], at_least: int) -> list[Question | BadRequest]:
    """The question of each item; in the place of one that cannot be read, why not.

    A default stands in for a whole member that an item does not have; nothing is merged (A-32, A-33).
    """
    defaults = {name: request[name] for name in _SHARED if name in request}
    _require_readable(defaults)
    found: list[Question | BadRequest] = []
    for item in items:
        try:
            if not isinstance(item, dict):
                raise BadRequest("an evaluation must be an object")
            found.append(read_question({**defaults, **item}, at_least))
        except BadRequest as error:
            found.append(error)
    return found


def _require_readable(defaults: Object) -> None:
    """What stands at the top level must be whole, whoever uses it: half an entity was meant to be merged."""
    whole: Object = {"subject": {"type": "", "id": ""}, "action": {"name": ""}, "resource": {"type": "", "id": ""}}
    read_question({**whole, **defaults})


def _holding(state: State, caller: Caller, questions: Sequence[Question | BadRequest]) -> State:
    """A state with every practice that is asked about; where it cannot be read, each item finds that out itself."""
    if state.refusal is not None:
        return state
    whole = state.having(*sorted(set(_practices(state, caller, questions))))
    return state if whole.refusal is not None else whole


def _practices(state: State, caller: Caller, questions: Sequence[Question | BadRequest]) -> Iterator[str]:
    for question in questions:
        if isinstance(question, Question):
            practice = state.loaded.request_map.practice(question)
            if not practice or caller.may_ask(practice):
                yield practice


def _answer(
    question: Question | BadRequest, asked: Call, settings: Settings, recorder: Recorder
) -> tuple[Answer | None, bytes]:
    """The decision on one item, None where it gets none, and the element of the answer that tells it.

    INVARIANT: whatever goes wrong with an item, the item is refused (A-36).
    """
    said = settings.decision_context
    try:
        if isinstance(question, BadRequest):
            raise question
        answer = decided(question, asked.caller, asked.state, settings)
        return answer, write_answer(answer, said)
    except RequestError as error:
        recorder.failed(error, error.status, asked.request_id)
        return None, write_refusal(error.status, error.code, error.message, said)
    except Exception as error:  # noqa: BLE001 - see the invariant
        recorder.failed(error, _INTERNAL, asked.request_id)
        return None, write_refusal(_INTERNAL, "internal", "an error of ours", said)
