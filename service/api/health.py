"""What a supervisor, a load balancer and Prometheus ask: does it live, may it be routed to, how does it fare.

All three are public. They tell counts, revisions and places in files, and neither names nor messages, which may
quote the policy: those are in the log.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST

from service.api.wire import JSON, write_json
from service.errors import StoreUnavailable
from service.exchange import Reply
from service.folder import Glance
from service.live import Health, Live
from service.observe import Recorder
from service.values import Severity

_MOST_ERRORS = 20


def livez() -> Reply:
    """That this process answers. It asks nothing of the store, which a restart would not bring back."""
    return Reply(200, {"Content-Type": JSON}, write_json({"alive": True}))


def readyz(live: Live, glance: Glance) -> Reply:
    """200 with what is served, or 503 with why nothing may be routed here."""
    reasons = list(_why_not_ready(live))
    told = {"ready": not reasons, "reasons": reasons, **_served(live.health(), glance.digest())}
    return Reply(503 if reasons else 200, {"Content-Type": JSON}, write_json(told))


def metrics(recorder: Recorder) -> Reply:
    """The numbers, in the text format of Prometheus."""
    return Reply(200, {"Content-Type": CONTENT_TYPE_LATEST}, recorder.exposition())


def _why_not_ready(live: Live) -> Iterator[str]:
    """What would make a refusal of every check: found by taking a state as a check does."""
    try:
        state = live.state()
    except StoreUnavailable as error:
        yield error.code
    else:
        if state.refusal is not None:
            yield state.refusal.value


def _served(health: Health, folder: str | None) -> dict[str, object]:
    told: dict[str, object] = {
        "practices": health.practices,
        "practices_loaded": health.loaded,
        "practices_altered": len(health.altered),
        "folder": _folder(health, folder),
    }
    if health.revision is not None and health.age is not None:
        told |= {"revision": health.revision, "age_seconds": round(health.age, 1)}
    return told


def _folder(health: Health, on_disk: str | None) -> dict[str, object]:
    """The policy folder of this host beside what is published, and what kept it from being published."""
    status = health.folder_status
    if on_disk is None:
        return {"state": "absent"}
    if status is not None and status.digest == on_disk and not status.holds:
        errors = [finding for finding in status.findings if finding.severity is Severity.ERROR]
        places = [
            {"file": error.position.file, "line": error.position.line, "rule": error.rule}
            for error in errors[:_MOST_ERRORS]
        ]
        return {"state": "refused", "since": status.time, "errors": places}
    return {"state": "published" if on_disk == health.folder_digest else "differs"}
