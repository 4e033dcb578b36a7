"""What operators see of each request and of the policy: numbers for Prometheus, and lines in the log.

The rule kept here: the number of series is fixed; a label takes its values from a list of ours, never from what a
caller sent. And taking something down never fails what is taken down.

INVARIANT: prometheus-client decides how values are kept when it is first imported. So whoever serves with several
workers names their folder (`METRICS_FOLDER`) before anything imports this module; see `service.wsgi.serve`.
"""

from __future__ import annotations

import os
import threading
from collections import Counter as Tally
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from service.config import LogDecisions
from service.decide import Answer
from service.live import Health, Live
from service.log import SINK, tell
from service.policy.request import Part
from service.search import Found
from service.shadow import COMPARED, CONTEXT, Ledger
from service.values import Caller, Question, Reason

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus-client learns where workers share their values."""

ALARMING_AGE = 60.0
"""Seconds without a word from the store after which somebody should know."""

_LONGEST = 200
"""Characters of an id that a line holds. A caller may send as many as the body may have."""

_WATCH_SECONDS = 1.0
_SECONDS = (0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.5, 2.0)
_STATUSES = (400, 401, 403, 404, 405, 413, 500, 503)
_INTERNAL = 500


class Recorder:
    """Takes down what became of each request: always as numbers, and as log lines where the setting says so."""

    def __init__(self, log_decisions: LogDecisions, shadow: Path | None = None) -> None:
        """`shadow`: where to take down what an EHR decides otherwise; None for nowhere."""
        self._log = structlog.get_logger().bind()  # made once: by itself it would be made anew for each line
        self._log_allowed = log_decisions is LogDecisions.ALL
        self._registry = CollectorRegistry()
        self._problem = ""
        self._alarming = False
        # Each series is there from the start, at nought, and is looked up once.
        decisions = self._counter("decisions", "Decisions by reason.", "reason")
        self._decisions = {reason: decisions.labels(reason.value) for reason in Reason}
        errors = self._counter("errors", "Requests that got no decision, by HTTP status.", "status")
        self._errors = {status: errors.labels(str(status)) for status in _STATUSES}
        self._other_errors = errors.labels("other")
        searches = self._counter("searches", "Searches, by what was looked for.", "part")
        self._searches = {part: searches.labels(part) for part in get_args(Part)}
        self._failures = self._counter("policy_read_failures", "Times that reading policy began to fail.")
        compared = self._counter("shadow_answers", "Answers that an EHR compared with its own decision.", "what")
        self._compared = {what: compared.labels(what) for what in COMPARED}
        lost = self._counter("shadow_lost", "Compared answers that could not be kept.")
        self.shadow = None if shadow is None else Ledger(shadow, lost.inc)
        SINK.on_failure = self._counter("log_failures", "Log lines that could not be written and are lost.").inc
        self._seconds = self._histogram("check_seconds", "Seconds from a request to its decision.")
        self._batch_seconds = self._histogram("batch_seconds", "Seconds from a batch to its decisions.")
        self._search_seconds = self._histogram("search_seconds", "Seconds from a search to all that it finds.")
        self._revision = self._gauge("policy_revision", "The oldest revision that a worker has.", "livemin")
        self._age = self._gauge("policy_age_seconds", "Seconds since a worker last saw the store.", "livemax")
        self._loaded = self._gauge("practices_loaded", "Practices that a worker has in memory.", "livemax")
        self._altered = self._gauge(
            "practices_altered", "Practices refused because their rows are not what was published.", "livemax"
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"rolewarden_{name}", meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, of_workers: Any) -> Gauge:
        return Gauge(f"rolewarden_{name}", meaning, multiprocess_mode=of_workers, registry=self._registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(f"rolewarden_{name}", meaning, buckets=_SECONDS, registry=self._registry)

    def decided(self, answer: Answer, caller: Caller, request_id: str, seconds: float) -> None:
        """A request got its decision."""
        self._seconds.observe(seconds)
        self._decisions[answer.decision.reason].inc()
        self._tell((answer,), caller, request_id)

    def decided_all(self, answers: Sequence[Answer], caller: Caller, request_id: str, seconds: float) -> None:
        """A request got its decisions, together."""
        self._batch_seconds.observe(seconds)
        for reason, number in Tally(answer.decision.reason for answer in answers).items():
            self._decisions[reason].inc(number)
        self._tell(answers, caller, request_id)

    def _tell(self, answers: Sequence[Answer], caller: Caller, request_id: str) -> None:
        """Decisions, to whom they may concern."""
        if self.shadow is not None:
            for answer in answers:
                if CONTEXT in answer.question.context and (what := self.shadow.note(answer)):
                    self._compared[what].inc()
        told = [answer for answer in answers if self._log_allowed or not answer.decision.allowed]
        if told:
            tell("decision", *(_line(answer, caller, request_id) for answer in told))

    def searched(
        self, part: Part, found: Found, question: Question, caller: Caller, request_id: str, seconds: float
    ) -> None:
        """A search was answered. Each is a line: it tells of many at once who may do what."""
        self._searches[part].inc()
        self._search_seconds.observe(seconds)
        line = {
            "part": part,
            "found": len(found.names),
            "reason": found.reason.value,
            **_asked(found.practice, question),
            "revision": found.revision,
            "caller": caller.name,
            "request_id": request_id,
        }
        tell("search", line)

    def failed(self, error: Exception, status: int, request_id: str) -> None:
        """A request got an error. An error of ours is told whole here, and nowhere else.

        INVARIANT: this raises nothing: it stands where errors become answers, and behind it there is nobody.
        """
        try:
            self._errors.get(status, self._other_errors).inc()
            if status == _INTERNAL:
                self._log.error("internal_error", exc_info=error, request_id=request_id)
            else:
                self._log.warning("no_decision", status=status, why=str(error), request_id=request_id)
        except Exception:  # noqa: BLE001 - see the invariant; an error whose text cannot be made, say
            SINK.lose()

    def watched(self, health: Health) -> None:
        """How the policy of this worker fares. Lines are written when something begins or ends."""
        age = health.age or 0.0
        self._revision.set(health.revision or 0)
        self._age.set(age)
        self._loaded.set(health.loaded)
        self._altered.set(len(health.altered))
        if health.problem != self._problem:
            if not self._problem:
                self._failures.inc()
            self._problem = health.problem
            self._log.warning("policy_read", problem=health.problem or None, revision=health.revision)
        if (age >= ALARMING_AGE) != self._alarming:
            self._alarming = not self._alarming
            self._log.warning("policy_age", alarming=self._alarming, seconds=round(age))

    def exposition(self) -> bytes:
        """All numbers in the text format of Prometheus; those of all workers where there are several."""
        registry = self._registry
        if METRICS_FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # as shipped
        return generate_latest(registry)


def _asked(practice: str, question: Question) -> dict[str, str]:
    """What was asked, as far as a line holds it."""
    return {
        "practice": practice[:_LONGEST],
        "user": question.subject_id[:_LONGEST],
        "screen": question.resource_id[:_LONGEST],
        "action": question.action[:_LONGEST],
    }


def _line(answer: Answer, caller: Caller, request_id: str) -> dict[str, str | int]:
    """What the line of a decision says."""
    decision = answer.decision
    return {
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        **_asked(answer.practice, answer.question),
        "revision": decision.revision,
        "code": answer.code,
        "caller": caller.name,
        "request_id": request_id,
    }


def watch(live: Live, recorder: Recorder, pause: float = _WATCH_SECONDS) -> None:
    """Have the health of a worker taken down every second: a scrape reaches one worker and asks for all."""
    waiting = threading.Event()

    def run() -> None:
        failing = False
        while True:
            try:
                recorder.watched(live.health())
                failing = False
            except Exception as error:  # noqa: BLE001 - gauges that stand still look like a policy that fares well
                if not failing:
                    recorder.failed(error, _INTERNAL, "")
                failing = True
            waiting.wait(pause)

    threading.Thread(target=run, name="rolewarden-watch", daemon=True).start()
