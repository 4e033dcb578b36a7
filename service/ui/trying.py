"""Try it: may this user do this on this screen, as it is, and with what is not saved yet.

Both answers come from `decide`, by which the EHR is answered, too; the second one with the draft laid on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import msgspec

from service.access.person import Visit
from service.decide import Answer, decide
from service.decision import trial
from service.decision.engine import Snapshot
from service.exchange import Reply
from service.live import State
from service.policy.practice import Practice, User, bare
from service.ui import places, seeking
from service.ui.panel import panel
from service.ui.render import page
from service.ui.roles import level_words
from service.ui.sheet import Sheet, lay
from service.ui.telling import isolated
from service.values import Caller, Reason, Row

MATCHES = 10
"""People whom a name that fits several offers."""


class What(NamedTuple):
    """Something that can be asked about: the value of the form, the words, and the screen and action."""

    value: str
    words: str
    screen: str
    action: str


class Tried(NamedTuple):
    """An answer in words. `told`: what the user would be shown on the refusal; empty where there is none."""

    allowed: bool
    words: str
    why: tuple[str, ...]
    told: str


def try_it(visit: Visit) -> Reply:
    """The page, with the answers once user and action are known."""
    sheet, query = lay(visit), visit.asked.query
    who, what = query.one("who").strip(), query.one("what")
    groups = _groups(sheet)
    chosen = next((entry for _, entries in groups for entry in entries if entry.value == what), None)
    people = sheet.after.users | sheet.before.users
    found = seeking.people(who, people.values()) if who else []
    user = found[0] if len(found) == 1 else people.get(who)
    now = then = None
    if user and chosen:
        now = _tried(sheet, sheet.before, user, chosen)
        then = _tried(sheet, sheet.after, user, chosen) if sheet.kept and sheet.preview.refused is None else None
    return page(
        visit,
        "try.html",
        sheet=sheet,
        panel=panel(sheet),
        who=user.id if user else who,
        what=what,
        user=user,
        chosen=chosen,
        groups=groups,
        matches=[(match, _place(sheet, match, what)) for match in found[:MATCHES]] if who and not user else [],
        more=len(found) - MATCHES,
        now=now,
        then=then,
    )


def _place(sheet: Sheet, user: User, what: str) -> str:
    return places.to(sheet.visit.practice, places.TRY, who=user.id, what=what)


def _groups(sheet: Sheet) -> list[tuple[str, list[What]]]:
    """Everything that can be asked about, by screen."""
    return [
        (name, [What(_value(name, action), words, name, action) for action, words in screen.actions.items()])
        for name, screen in sheet.read.catalog.screens.items()
    ]


def _value(screen: str, action: str) -> str:
    return msgspec.json.encode([screen, action]).decode()


def _tried(sheet: Sheet, practice: Practice, user: User, what: What) -> Tried:
    state = _state(sheet, practice)
    question = state.loaded.request_map.asking(
        user=user.id, practice=practice.id, screen=what.screen, action=what.action
    )
    answer = decide(question, Caller("setup", frozenset({practice.id})), state, explain=True)
    may = "can" if answer.decision.allowed else "cannot"
    words = f"{isolated(practice.called(user.id))} {may} {what.words}."
    return Tried(answer.decision.allowed, words, _why(sheet, practice, user, what, answer), answer.message_without_code)


def _state(sheet: Sheet, practice: Practice) -> State:
    """What is answered from, with this practice as it is written here in place of the one that is live."""
    rules = trial.ruleset(sheet.read)
    loaded = sheet.visit.state.loaded
    snapshot = Snapshot(rules, {practice.id: rules.compile(tuple(practice.rows))}, loaded.revision)
    return State(replace(loaded, snapshot=snapshot, refused={}), None, sheet.visit.office.live)


def _why(sheet: Sheet, practice: Practice, user: User, what: What, answer: Answer) -> tuple[str, ...]:
    match answer.decision.reason:
        case Reason.ALLOWED:
            return tuple(_holds(sheet, row) for row in answer.explanation.rows) if answer.explanation else ()
        case Reason.INACTIVE_USER:
            return ("Inactive users are refused everything.",)
        case Reason.UNKNOWN_USER:
            return ("There is no such user yet.",)
    reached = practice.reached_by(user.id)
    if not reached:
        return ("No role.",)
    held = [
        row
        for row in practice.rows
        if row.kind == "p" and row.fields[2] == what.screen and bare(row.fields[0]) in reached
    ]
    return tuple(_holds(sheet, row) for row in sorted(held)) or ("None of their roles has a level on this screen.",)


def _holds(sheet: Sheet, row: Row) -> str:
    role, _, screen, level = row.fields[:4]
    verb = "denies" if row.denies else "has"
    return f"{isolated(bare(role))} {verb} {level_words(level, sheet.known.acts_as(screen, level))}."


VIEWS = {("GET", f"/practices/<practice>/{places.TRY}"): try_it}
