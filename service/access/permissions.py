"""Every endpoint there is, in one table, with what a caller needs for it.

The application is built from this table, so that nothing can be reached that does not stand here; and `admit` asks
for what a row says before anything of the request is read but its headers. What is public tells counts, and places
in policy files; never the name of a practice, a user or a screen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from service.access.tokens import authenticate
from service.live import Live, State
from service.values import Caller


class Needs(StrEnum):
    """What a request must bring."""

    PUBLIC = "public"
    """Nothing."""

    BEARER = "bearer token"
    """A token of ours, which also says about which practices its holder may ask."""


class Endpoint(NamedTuple):
    """One row of the table."""

    path: str
    method: str
    needs: Needs
    meaning: str


EVALUATION = "/access/v1/evaluation"
ALIVE = "/livez"
READY = "/readyz"
METRICS = "/metrics"

ENDPOINTS = (
    Endpoint(EVALUATION, "POST", Needs.BEARER, "Answers one access evaluation request of AuthZEN 1.0."),
    Endpoint(ALIVE, "GET", Needs.PUBLIC, "Says that this process answers at all."),
    Endpoint(READY, "GET", Needs.PUBLIC, "Says whether checks may be routed here, and what is served."),
    Endpoint(METRICS, "GET", Needs.PUBLIC, "Numbers for Prometheus, summed over all workers."),
)


class Admitted(NamedTuple):
    """Who asks, and the state that knows them. Only `admit` makes one."""

    caller: Caller
    state: State


def admit(endpoint: Endpoint, authorization: str | None, live: Live) -> Admitted | None:
    """Let a request in, or raise `Unauthenticated`. None where anybody may come.

    INVARIANT: what is not public needs a token, whatever else a row may come to say.
    """
    if endpoint.needs is Needs.PUBLIC:
        return None
    state = live.state()
    return Admitted(authenticate(authorization, state.loaded.tokens), state)
