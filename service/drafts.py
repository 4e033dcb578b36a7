"""A draft: what somebody is about to change in one practice, seen before it is saved.

Pages and the admin API change a practice by this and nothing else: `preview` shows what would be, `save` makes it so.
Both go through `service.publish`, so that what is shown is what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from service import changes
from service.changes import Author, carry_out
from service.decision.meant import Shortfall, shortfalls
from service.decision.words import NOTHING, Told, told
from service.errors import ChangeRefused, InvalidPolicy, UsageError
from service.policy.edits import Edits, carried_out
from service.policy.practice import Practice
from service.publish import Press, Rehearsal, rehearse
from service.values import Revision


@dataclass(frozen=True, slots=True)
class Draft:
    """Edits of one practice, from the change that its author looked at (`base`: the newest that touched it)."""

    practice: str
    base: int
    edits: Edits = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A practice as it is and as it would be. `newest`: the newest revision that touched it.

    `rehearsal`: what saving would do; None where it would be refused, and `refused` says why, or where nothing would
    be different. `after` is `before` where the edits cannot be carried out at all.
    """

    before: Practice
    after: Practice
    newest: int
    rehearsal: Rehearsal | None = None
    refused: ChangeRefused | InvalidPolicy | None = None

    @property
    def nothing(self) -> bool:
        """Whether all is as wanted already."""
        return self.refused is None and self.before.rows == self.after.rows


def preview(press: Press, author: Author, draft: Draft) -> Preview:
    """What a draft would do to the practice as it stands now, whatever it was made from. Writes nothing.

    Raises UsageError where there is no such practice, and StoreUnavailable.
    """
    return previewed(press, author, draft.practice, lambda _: draft.edits)


def previewed(press: Press, author: Author, practice: str, edits: Callable[[Practice], Edits]) -> Preview:
    """The same for edits that are made from the practice as it stands."""
    with press.store.reading() as view:
        if practice not in view.existing([practice]):
            raise UsageError(f"there is no practice `{practice}`", "see `rolewarden practice list`")
        before = Practice.of(practice, view.rows(practice))
        newest, templates = view.last_touched(practice), changes.published_templates(view)
        shown = Preview(before, before, newest)
        try:
            shown = replace(shown, after=carried_out(before, edits(before), templates))
            change = changes.between(view, author, before, shown.after)
        except ChangeRefused as error:
            return replace(shown, refused=error)
    if shown.nothing:
        return shown
    try:
        return replace(shown, rehearsal=rehearse(change, press.store))
    except (ChangeRefused, InvalidPolicy) as error:
        return replace(shown, refused=error)


def in_words(shown: Preview, edits: Edits, mark: Callable[[str], str] = str) -> tuple[Told, tuple[Shortfall, ...]]:
    """What a preview says: who gains and who loses, and what of these edits does not come true as meant.

    Nothing of either, where the draft changes nothing or would be refused. `mark` is put around every name.
    """
    if shown.rehearsal is None:
        return NOTHING, ()
    before, after = shown.rehearsal.staging.states(shown.before.id, mark)
    return told(shown.rehearsal.effect, before, after), shortfalls(edits, before, after)


def save(press: Press, author: Author, draft: Draft) -> Revision | None:
    """Make a draft the next revision; None where all is as wanted already.

    Raises PracticeMoved where somebody else has changed the practice since `draft.base`, and what `publish` raises. A
    change of another practice in between is no reason to refuse.
    """
    return carry_out(press, lambda view: changes.of_edits(view, author, draft.practice, draft.edits, draft.base))
