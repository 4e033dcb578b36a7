"""Spine 1, decide: from a caller's question to a decision that carries its reasons.

    1. take the state, once               the caller: `live.state()`
    2. who calls                          the caller: `access.tokens`
    3. read the request strictly          the caller: `api.wire`
    4. may this caller ask about this practice
    5. turn the question into the model's request
    6. find the practice
    7. find the rows, match, combine      `decision.engine`, pure
    8. give reasons, and words for the user
    9. record                             the caller: `observe`
    10. answer                            the caller: `api.wire`

The same function serves HTTP, the command line and whatever is built on them, so that they cannot disagree. It
decides nothing about HTTP: a refusal is a value. `docs/flows.md` tells this in prose.
"""

from __future__ import annotations

import random
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple

from service.decision.rulebook import Rulebook
from service.errors import Forbidden
from service.live import State
from service.values import USER_PREFIX, Caller, Decision, Explanation, Question, Reason

CODE_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of the code that a refused user can read out on the telephone: nothing that looks or sounds like something else."""

_NO_CODE = "XXXX"

_UNANSWERABLE = (Reason.POLICY_UNAVAILABLE, Reason.POLICY_TOO_OLD, Reason.ROWS_ALTERED)


class Answer(NamedTuple):
    """A decision with what was asked, and with what a refused user is told (`user_message`, empty on an allow).

    `code` (4 signs, refusals only) finds the refusal again. `screens`: for an unknown action, the screens that have it.
    """

    decision: Decision
    question: Question
    practice: str
    user_message: str = ""
    code: str = ""
    screens: tuple[str, ...] = ()
    explanation: Explanation | None = None

    @property
    def message_without_code(self) -> str:
        """The message where nobody is refused and it is only shown: its code would find nothing."""
        return self.user_message.replace(self.code, _NO_CODE) if self.code else ""


class Placed(NamedTuple):
    """A question after step 6: what is left to ask of the snapshot of `state`, or the reason that nothing can be."""

    request: tuple[Any, ...] | Reason
    practice: str
    state: State


def decide(question: Question, caller: Caller, state: State, *, explain: bool = False) -> Answer:
    """Answer one question. A refusal is an answer; Forbidden is raised when the caller may not ask there."""
    # 4-6
    request, practice, state = placed(question, caller, state)
    if isinstance(request, Reason):
        return _refused(question, practice, Decision(request, state.loaded.revision), (), state)
    # 7. One lookup each for user and (screen, action), and one `&`.
    decision = state.loaded.snapshot.decide(request)
    # 8. Reasons are worked out when somebody wants them.
    explanation = _explain(request, practice, caller, state) if explain else None
    if decision.allowed:
        return Answer(decision, question, practice, explanation=explanation)
    return _refused(question, practice, decision, request, state, explanation)


def placed(question: Question, caller: Caller, state: State) -> Placed:
    """Steps 4 to 6, which whoever asks many questions at once comes through as well. Raises Forbidden."""
    loaded = state.loaded
    # 4. A caller outside its practices learns nothing, not even whether the practice exists.
    practice = loaded.request_map.practice(question)
    if not caller.may_ask(practice) and (practice or isinstance(loaded.snapshot, Rulebook)):
        raise Forbidden("this token may not ask about this practice", "use a token that names the practice")
    # 5. The subject becomes `user:<id>`; the name of a role or a level cannot be asked for.
    request = loaded.request_map.read(question)
    if state.refusal is not None:
        request = state.refusal
    if isinstance(request, Reason):
        return Placed(request, practice, state)
    # 6. A practice is loaded when it is first asked about.
    state.live.use(practice)
    state = state.having(practice)
    return Placed(state.refusal or state.loaded.refused.get(practice) or request, practice, state)


def _refused(
    question: Question,
    practice: str,
    decision: Decision,
    request: tuple[Any, ...],
    state: State,
    explanation: Explanation | None = None,
) -> Answer:
    """A refusal with the sentence that the user is shown."""
    catalog, snapshot = state.loaded.catalog, state.loaded.snapshot
    code = "".join(random.choices(CODE_SIGNS, k=4))  # noqa: S311 - it names this refusal, and guards nothing
    if decision.reason in _UNANSWERABLE:
        return Answer(decision, question, practice, catalog.unavailable, code, (), explanation)

    def may(action: str, screen: str) -> bool:
        return bool(request) and snapshot.decide((*request[:2], screen, action)).allowed

    message = catalog.security_message(question.resource_id, may, code)
    screens = _having(question.action, state) if decision.reason is Reason.UNKNOWN_ACTION else ()
    return Answer(decision, question, practice, message, code, screens, explanation)


def _having(action: str, state: State) -> tuple[str, ...]:
    """The screens that have an action."""
    return tuple(name for name, screen in state.loaded.catalog.screens.items() if action in screen.actions)


def _explain(request: tuple[Any, ...], practice: str, caller: Caller, state: State) -> Explanation:
    """The explanation of a decision, with close names for a name that nobody has."""
    snapshot, catalog = state.loaded.snapshot, state.loaded.catalog
    explanation = snapshot.explain(request)
    if isinstance(snapshot, Rulebook):
        return explanation
    user, _, screen, action = request
    known: dict[Reason, list[str]] = {
        # A caller is not told of practices that it may not ask about.
        Reason.UNKNOWN_PRACTICE: sorted(filter(caller.may_ask, state.loaded.practices)),
        Reason.UNKNOWN_SCREEN: sorted(catalog.screens),
        Reason.UNKNOWN_ACTION: sorted(catalog.screens[screen].actions) if screen in catalog.screens else [],
    }
    asked = {Reason.UNKNOWN_PRACTICE: practice, Reason.UNKNOWN_SCREEN: screen, Reason.UNKNOWN_ACTION: action}
    reason = explanation.decision.reason
    if reason is Reason.UNKNOWN_USER:
        known[reason] = sorted(name.removeprefix(USER_PREFIX) for name in snapshot.divisions[practice].held)
        asked[reason] = user.removeprefix(USER_PREFIX)
    similar = similar_names(asked[reason], known[reason]) if reason in known else ()
    having = _having(action, state) if reason is Reason.UNKNOWN_ACTION else ()
    return replace(explanation, similar=similar, screens_with_action=having)


def similar_names(name: str, known: list[str]) -> tuple[str, ...]:
    """Up to three known names that somebody may have meant; names are compared as typed, never folded silently."""
    folded = {other.casefold(): other for other in known}
    if name.casefold() in folded:
        return (folded[name.casefold()],)
    return tuple(get_close_matches(name, known, n=3))
