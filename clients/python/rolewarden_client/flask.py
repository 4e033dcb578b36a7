"""`@requires` for Flask: a view that runs only for whom the decision point lets through.

    guard = Guard(rolewarden, user=lambda: session.get("user"), practice=lambda: session.get("practice"))

    @app.get("/tasks/portal")
    @guard.requires("open_queue", screen="Task - Patient Portal - List")
    def queue(): ...

Nobody signed in, no practice, no answer: the view does not run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort, make_response
from flask.typing import ResponseReturnValue

from rolewarden_client.asking import Rolewarden
from rolewarden_client.wire import Decision, unanswered

P = ParamSpec("P")
R = TypeVar("R")

_FORBIDDEN = 403
_UNAVAILABLE = 503


def refuse(decision: Decision) -> ResponseReturnValue:
    """The answer to somebody who was refused: the security message, as plain text.

    503 where nobody could answer, so that a browser may try again; 403 otherwise.
    """
    status = _UNAVAILABLE if decision.retryable else _FORBIDDEN
    return make_response(decision.user_message, status, {"Content-Type": "text/plain; charset=utf-8"})


class Guard:
    """Knows whom a request is from (`user`, `practice`), and what a refused user gets (`refused`)."""

    def __init__(
        self,
        rolewarden: Rolewarden,
        *,
        user: Callable[[], str | None],
        practice: Callable[[], str | None],
        refused: Callable[[Decision], ResponseReturnValue] = refuse,
    ) -> None:
        self._rolewarden, self._user, self._practice, self._refused = rolewarden, user, practice, refused

    def ask(self, *asked: tuple[str, str]) -> list[Decision]:
        """The decision on each (action, screen) for whoever the request is from; all refused when that is nobody."""
        user, practice = self._user(), self._practice()
        if not user or not practice:
            return [unanswered("nobody is signed in", retryable=False)] * len(asked)
        return self._rolewarden.may_all(user, asked, practice=practice)

    def requires(self, *actions: str, screen: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Let a view run when every one of these actions is allowed on the screen."""
        if not actions:
            raise ValueError("a view that requires nothing needs no guard")

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                for decision in self.ask(*((action, screen) for action in actions)):
                    if not decision:
                        abort(make_response(self._refused(decision)))
                return view(*args, **kwargs)

            return guarded

        return decorate
