"""The metadata of AuthZEN 1.0 (s.9): who we are, and where each API of ours is.

All of it follows from one setting, the identifier of this decision point. Nothing of a request is looked at, so that
no `Host` can make us tell callers to ask somebody else (A-63).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from service.access.permissions import (
    EVALUATION,
    EVALUATIONS,
    METADATA,
    SEARCH_ACTION,
    SEARCH_RESOURCE,
    SEARCH_SUBJECT,
)
from service.api.wire import JSON, write_json
from service.exchange import Reply

MAX_AGE = 3600
"""Seconds for which it may be kept (A-65): it changes when somebody changes a setting."""

_APIS = {
    "access_evaluation_endpoint": EVALUATION,
    "access_evaluations_endpoint": EVALUATIONS,
    "search_subject_endpoint": SEARCH_SUBJECT,
    "search_resource_endpoint": SEARCH_RESOURCE,
    "search_action_endpoint": SEARCH_ACTION,
}


def place(identifier: str) -> str:
    """The path at which the metadata of an identifier is looked for: its own path comes behind (A-60)."""
    return METADATA + urlsplit(identifier).path


def configuration(identifier: str) -> Reply:
    """The metadata document (A-61, A-62). What there is nothing to say of is left out."""
    told = {"policy_decision_point": identifier, **{name: identifier + path for name, path in _APIS.items()}}
    return Reply(200, {"Content-Type": JSON, "Cache-Control": f"public, max-age={MAX_AGE}"}, write_json(told))
