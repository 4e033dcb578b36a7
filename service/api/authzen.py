"""Access evaluation of AuthZEN 1.0, one question at a time, as a plain function: headers and a body in, a reply out.

It knows no server and no framework, so that any door may call it and all doors answer alike. What gets no
decision, a caller who may not ask or a request that cannot be read, is raised; the door turns it into a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

from service.access.permissions import Admitted
from service.api.intake import REVISION, Call, take_in
from service.api.wire import JSON, read_question, write_answer
from service.config import DecisionContext, Settings
from service.decide import Answer, decide
from service.exchange import Reply
from service.live import Live, State
from service.observe import Recorder
from service.values import Caller, Question


def evaluate(
    headers: Mapping[str, str],
    body: bytes,
    admitted: Admitted | None,
    *,
    live: Live,
    settings: Settings,
    recorder: Recorder,
) -> Reply:
    """Answer one access evaluation request (A-10, A-11), in the steps of `service.decide`.

    Raises `RequestError`, and `StoreUnavailable` while no policy could ever be read.
    """
    # 1-3
    return answer_one(take_in(headers, body, admitted, live, settings), settings, recorder)


def answer_one(asked: Call, settings: Settings, recorder: Recorder) -> Reply:
    """The reply to a request that holds one question."""
    question = read_question(asked.body, asked.at_least)
    answer = decided(question, asked.caller, asked.state, settings)
    # 9
    recorder.decided(answer, asked.caller, asked.request_id, perf_counter() - asked.began)
    # 10
    told = write_answer(answer, settings.decision_context)
    return Reply(200, {"Content-Type": JSON, REVISION: str(answer.decision.revision)}, told)


def decided(question: Question, caller: Caller, state: State, settings: Settings) -> Answer:
    """Steps 4 to 8, with as much of an explanation as will be told.

    The rows behind an allow are told where the setting says so; those behind a refusal are for operators, and cost a
    walk through every name that somebody may have meant.
    """
    answer = decide(question, caller, state)
    if answer.decision.allowed and settings.decision_context is DecisionContext.ALL:
        answer = decide(question, caller, state, explain=True)
    return answer
