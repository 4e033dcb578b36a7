"""Forward authentication: may the request that a proxy has in hand go through to the EHR? 200 or 403.

The proxy says in headers whose request it is and what it is for; which headers are believed is a setting, and without
it the endpoint is not there. Why is in a header of the answer. What must be allowed for a path stands in `paths.yaml`;
all of it is asked, of one state, by the same function as everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

from service.access.permissions import Admitted
from service.api.authzen import decided
from service.api.intake import REQUEST_ID, REVISION
from service.config import Settings
from service.errors import Unauthenticated
from service.exchange import Reply
from service.live import Live
from service.observe import Recorder
from service.values import Question

REASON = "X-Rolewarden-Reason"
"""Why, in the answer: `allowed`, `public`, the reason of the decision, or one of the two below."""

PATH_REFUSED = "path_refused"
"""No entry of `paths.yaml` fits, or the path could be read in two ways."""

HEADER_MISSING = "header_missing"
"""The proxy did not say whose request it is, or what for."""


def forward(
    headers: Mapping[str, str],
    _body: bytes,
    admitted: Admitted | None,
    *,
    live: Live,  # noqa: ARG001 - as every handler is called
    settings: Settings,
    recorder: Recorder,
) -> Reply:
    """Answer for one request of the proxy. Who may not ask is raised, as everywhere."""
    if admitted is None or settings.forward_auth is None:
        raise Unauthenticated("nobody is answered here without a token")
    caller, state = admitted
    believed = {part: headers.get(name, "") for part, name in settings.forward_auth._asdict().items()}
    if not believed["method"] or not believed["uri"]:
        return _no(HEADER_MISSING, state.loaded.revision)
    asked = state.loaded.paths.asked(believed["method"], believed["uri"])
    if asked is None:
        return _no(PATH_REFUSED, state.loaded.revision)
    if not asked:
        return _answer(200, "public", state.loaded.revision)
    if not believed["user"] or not believed["practice"]:
        return _no(HEADER_MISSING, state.loaded.revision)
    for duty in asked:
        began = perf_counter()
        context = {"practice": believed["practice"]}
        question = Question("user", believed["user"], duty.action, "screen", duty.screen, context)
        answer = decided(question, caller, state, settings)
        recorder.decided(answer, caller, headers.get(REQUEST_ID, ""), perf_counter() - began)
        if not answer.decision.allowed:
            return _no(answer.decision.reason.value, answer.decision.revision, answer.user_message)
    return _answer(200, "allowed", state.loaded.revision)


def _no(reason: str, revision: int, message: str = "") -> Reply:
    return _answer(403, reason, revision, message)


def _answer(status: int, reason: str, revision: int, message: str = "") -> Reply:
    headers = {"Content-Type": "text/plain; charset=utf-8", REASON: reason, REVISION: str(revision)}
    return Reply(status, headers, message.encode())
