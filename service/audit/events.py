"""Audit events: what is kept beside the changes themselves, by name.

A name reads `part:thing:verb`: `setup:session:begin`. Auditors read these names, so they never change their meaning.
What else is known of one event stands in its details, which never hold a secret.
"""

from __future__ import annotations

from enum import StrEnum


class AuditEvent(StrEnum):
    """Everything that is noted, beside revisions."""

    SESSION_BEGIN = "setup:session:begin"
    """Somebody signed in."""

    SESSION_REFUSE = "setup:session:refuse"
    """Somebody tried to sign in and was not let in."""

    SESSION_END = "setup:session:end"
    """Somebody signed out, on every device."""

    SESSION_EXPIRE = "setup:session:expire"
    """A session was over: idle for too long, or too old."""

    PAGE_REFUSE = "setup:page:refuse"
    """A signed-in person asked for a page, or pressed a button, without the right to."""

    CHANGE_REFUSE = "setup:change:refuse"
    """A guard rail stopped what a person wanted to save."""

    API_REQUEST_REFUSE = "admin:request:refuse"
    """A token asked the admin API for what it has no right to."""

    API_CHANGE_REFUSE = "admin:change:refuse"
    """A guard rail stopped what a token wanted to publish."""
