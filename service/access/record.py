"""What is kept of comings and goings: sign-ins, refusals and sign-outs, in the store for good and in the log at once.

Ids only: no name of a person, nothing of what was typed, and no secret. Somebody who signs in does so only when it was
kept; a refusal and an end stand whether or not they could be.
"""

from __future__ import annotations

import structlog

from service.access.person import Office
from service.audit.events import AuditEvent
from service.errors import StoreUnavailable
from service.store.base import Event


def keep(office: Office, event: AuditEvent, actor: str, practice: str = "", **details: str) -> None:
    """Keep an event. Raises StoreUnavailable where it cannot be kept."""
    office.press.store.note_event(Event(office.now(), event, actor, practice, details))
    structlog.get_logger().info(event.value, actor=actor, practice=practice, **details)


def keep_or_log(office: Office, event: AuditEvent, actor: str, practice: str = "", **details: str) -> None:
    """Keep what has happened all the same where the store is away; then the log alone has it."""
    try:
        keep(office, event, actor, practice, **details)
    except StoreUnavailable as error:
        structlog.get_logger().error(event.value, actor=actor, practice=practice, lost=error.message, **details)
