"""Every endpoint there is, in one table, with what a caller needs for it.

The application is built from this table, so that nothing can be reached that does not stand here; a test walks
the routes and asks each one without a token. What is public tells counts, and places in policy files; never the
name of a practice, a user or a screen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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
