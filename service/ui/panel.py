"""What stands beside Save while something is changed: who gains and who loses, by name, counts first; then Save.

Pure. Everything said here is the complete effect of saving the draft; what is not shown at once is folded, never left
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from service.errors import ChangeRefused, InvalidPolicy
from service.ui import telling
from service.ui.effects import Said, Warned, sentences, warnings
from service.ui.sheet import Sheet

REASONS = ("New starter", "Changed job", "Left", "Cover", "Other")
"""Why somebody changes access, as the list has it."""

FIRST = 6
"""Sentences that are not folded."""


class Made(NamedTuple):
    """One edit of the draft in words, and what the button beside it leaves of the draft when it is taken back."""

    words: str
    at: int


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
    return Panel(made, len(gained), len(lost), sentences(sheet), warnings(sheet), moved=sheet.moved)


def refusal(error: ChangeRefused | InvalidPolicy) -> str:
    """Why something cannot be saved, in the words of a practice."""
    if isinstance(error, ChangeRefused):
        return error.for_people
    first = next((found for found in error.findings if found.severity == "error"), None)
    if first is None:
        return error.message
    sentences = (f"{text[:1].upper()}{text[1:]}." for text in (first.found, first.mend) if text)
    return " ".join(sentences).replace("`", "")
