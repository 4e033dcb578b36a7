"""What stands beside Save while something is changed: who gains and who loses, by name, counts first; then Save.

Pure. Everything said here is the complete effect of saving the draft; what is not shown at once is folded, never left
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from service.decision.meant import Shortfall
from service.decision.words import NAMED, Sentence, series
from service.errors import ChangeRefused, InvalidPolicy
from service.policy.practice import Practice
from service.ui import telling, typed
from service.ui.sheet import Sheet

REASONS = ("New starter", "Changed job", "Left", "Cover", "Other")
"""Why somebody changes access, as the list has it."""

FIRST = 6
"""Sentences that are not folded."""


class Made(NamedTuple):
    """One edit of the draft in words, and what the button beside it leaves of the draft when it is taken back."""

    words: str
    at: int


class Said(NamedTuple):
    """A sentence about people to whom the same happens. `names`: all of them, where the sentence only counts some."""

    words: str
    gained: bool
    why: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Warned(NamedTuple):
    """Something that did not work as meant. `edits`: what the button does; empty where there is none."""

    words: str
    button: str = ""
    edits: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel. `look`: saving stops once for a look, because somebody loses something or a warning stands there."""

    made: tuple[Made, ...] = ()
    gains: int = 0
    loses: int = 0
    said: tuple[Said, ...] = ()
    warned: tuple[Warned, ...] = ()
    refused: str = ""
    moved: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the list of reasons holds."""
        return REASONS

    @property
    def look(self) -> bool:
        """Whether saving stops once for a look."""
        return bool(self.loses or self.warned)

    @property
    def counts(self) -> str:
        """The effect in numbers, which stand first."""
        if self.refused:
            return "This cannot be saved as it is."
        gains = f"{telling.count(self.gains, 'person gains', 'people gain')} access." if self.gains else ""
        loses = f"{telling.count(self.loses, 'person loses', 'people lose')} access." if self.loses else ""
        if not self.gains and not self.loses:
            return "Nobody gains or loses anything."
        return " ".join(filter(None, (gains, loses or "Nobody loses anything.")))


def panel(sheet: Sheet) -> Panel | None:
    """The panel; None where nothing is changed."""
    if sheet.kept is None:
        return None
    made = tuple(Made(telling.edit(edit, sheet.before), at) for at, edit in enumerate(sheet.edits))
    shown = sheet.preview
    if shown.refused is not None:
        return Panel(made, refused=refusal(shown.refused), moved=sheet.moved)
    effect = shown.rehearsal.effect if shown.rehearsal else None
    gained = {flip.user for flip in effect.gained} if effect else set()
    lost = {flip.user for flip in effect.lost} if effect else set()
    said = tuple(_said(each, sheet) for each in (*sheet.told.lost, *sheet.told.gained))
    return Panel(made, len(gained), len(lost), said, _warnings(sheet), moved=sheet.moved)


def _said(sentence: Sentence, sheet: Sheet) -> Said:
    practice = sheet.after if sentence.gained else sheet.before
    users = sentence.users if len(sentence.users) > NAMED else ()
    names = tuple(telling.person(practice, user) for user in users)
    return Said(sentence.text, sentence.gained, sentence.why, names)


def _warnings(sheet: Sheet) -> tuple[Warned, ...]:
    """What does not come true as meant, with the button that mends it; then what the policy hints at."""
    hints = sheet.preview.rehearsal.hints if sheet.preview.rehearsal else ()
    said = (f"{hint.found[:1].upper()}{hint.found[1:]}.".replace("`", "").replace("..", ".") for hint in hints)
    return (*(_warned(each, sheet.after) for each in sheet.shortfalls), *map(Warned, said))


def _warned(short: Shortfall, practice: Practice) -> Warned:
    if not short.remedy:
        return Warned(short.text)
    who, roles = practice.called(short.user), series([telling.isolated(role) for role in short.roles])
    return Warned(short.text, f"Take {telling.isolated(who)} out of {roles}", typed.as_field(*short.remedy))


def refusal(error: ChangeRefused | InvalidPolicy) -> str:
    """Why something cannot be saved, in the words of a practice."""
    if isinstance(error, ChangeRefused):
        return error.for_people
    first = next((found for found in error.findings if found.severity == "error"), None)
    if first is None:
        return error.message
    sentences = (f"{text[:1].upper()}{text[1:]}." for text in (first.found, first.mend) if text)
    return " ".join(sentences).replace("`", "")
