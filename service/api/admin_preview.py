"""Looking before saving: what edits would do, and what a check would answer if they were made. Nothing is written."""

from __future__ import annotations

from service import drafts, inspection
from service.api import admin_values as values
from service.api.admin_read import no_practice, told
from service.api.admin_request import Request
from service.decision import trial
from service.decision.engine import Snapshot
from service.drafts import Draft, Preview
from service.errors import ChangeRefused, InvalidPolicy, UsageError
from service.exchange import Reply
from service.values import Decision, Reason


def preview(request: Request) -> Reply:
    """Who could do what after the edits, in full and by name, in words as well, and why it would be refused."""
    seen = _seen(request)
    flips = seen.rehearsal.effect.flips if seen.rehearsal else ()
    words, short = drafts.in_words(seen, request.body.edits)
    shown = values.PreviewShown(
        change=seen.newest,
        nothing=seen.nothing,
        flips=tuple(values.Flip(flip.user, flip.screen, flip.action, flip.gained) for flip in flips),
        sentences=tuple(values.Sentence(each.text, each.users, each.gained) for each in (*words.lost, *words.gained)),
        shortfalls=tuple(values.Shortfall(each.text, each.user, each.roles) for each in short),
        refused=_refusal(seen.refused) if seen.refused else None,
    )
    return told(shown, seen.newest)


def try_it(request: Request) -> Reply:
    """Whether a check would be allowed if the edits were made. Edits that may not be are refused as on saving."""
    seen, asked = _seen(request), request.body
    if seen.refused is not None:
        raise seen.refused
    request_map = request.visit.state.loaded.request_map
    read = request_map.read(
        request_map.asking(user=asked.user, practice=request.practice, screen=asked.screen, action=asked.action)
    )
    decision = Decision(read, 0) if isinstance(read, Reason) else _snapshot(request, seen).decide(read)
    return told(values.Answer(decision.allowed, decision.reason.value), seen.newest)


def _seen(request: Request) -> Preview:
    draft = Draft(request.practice, 0, request.body.edits)
    try:
        return drafts.preview(request.press, request.author(), draft)
    except UsageError as error:
        raise no_practice() from error


def _snapshot(request: Request, seen: Preview) -> Snapshot:
    """The practice after the edits, compiled."""
    with request.press.store.reading() as view:
        rules = trial.ruleset(inspection.parsed(view.files()))
    return Snapshot(rules, {request.practice: rules.compile(seen.after.rows)})


def _refusal(error: ChangeRefused | InvalidPolicy) -> values.Refusal:
    if isinstance(error, ChangeRefused):
        return values.Refusal(error.rule, error.message, error.mend)
    first = next(problem for problem in error.findings if problem.severity == "error")
    return values.Refusal(first.rule, first.found, first.mend)
