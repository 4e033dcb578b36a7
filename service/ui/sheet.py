"""The sheet: one practice in front of a person, as it is and with what they have changed and not saved laid on it.

Every page is drawn from a sheet. What is not saved is a draft in the store, so that it is there on the next page, after
the end of a session, and in `Try it`. The rule kept here: what a page shows as the effect is what saving would do,
worked out by `service.drafts` and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256

from service import drafts
from service.access.permissions import (
    ADD_ROLES,
    ADD_USERS,
    EDIT_ROLES,
    EDIT_USERS,
    VIEW_CHANGES,
    VIEW_ROLES,
    VIEW_USERS,
)
from service.access.person import Visit
from service.changes import Author
from service.decision import trial
from service.decision.effect import Opened
from service.decision.meant import Shortfall
from service.decision.words import NOTHING, State, Told
from service.drafts import Draft, Preview
from service.inspection import parsed
from service.policy import edits as editing
from service.policy.bundle import Bundle
from service.policy.catalog import Profile
from service.policy.edits import AddRole, Edits, RenameRole
from service.policy.lint import Screens
from service.policy.practice import Practice, Role
from service.publish import Press
from service.store.base import KeptDraft
from service.ui import folding
from service.ui.places import Here
from service.ui.telling import isolated
from service.values import How, Row

LONGEST_NUMBER = 9
"""Digits of the number of a change."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person may do in Setup of this practice. What they may not do is not offered."""

    see_roles: bool
    edit_roles: bool
    add_roles: bool
    see_users: bool
    edit_users: bool
    add_users: bool
    see_changes: bool

    @property
    def members(self) -> bool:
        """Whether they may put people into roles and take them out."""
        return self.edit_roles or self.edit_users

    @property
    def anything(self) -> bool:
        """Whether there is anything that they may change."""
        return self.members or self.add_roles or self.add_users


@dataclass(frozen=True)
class Sheet:
    """What a page is drawn from. `read`: the policy files as published; `kept`: the draft, None where there is none.

    `told` and `shortfalls`: what the draft would do, in words, and what of it would not come true as meant.
    """

    visit: Visit
    rights: Rights
    read: Bundle
    preview: Preview
    edits: Edits = ()
    kept: KeptDraft | None = None
    told: Told = NOTHING
    shortfalls: tuple[Shortfall, ...] = ()

    @cached_property
    def at(self) -> Here:
        """The page that this is, for its links and forms."""
        return Here(self.visit.practice, self.visit.asked)

    @cached_property
    def saved(self) -> int:
        """The change that the person has just saved, as the address says and the record confirms; else 0."""
        number = self.visit.asked.query.one("saved")
        if not number.isdecimal() or len(number) > LONGEST_NUMBER:
            return 0
        with self.visit.office.press.store.reading() as view:
            made = view.revision(int(number))
        own = made is not None and made.actor == self.visit.someone.actor
        return int(number) if own and made and self.visit.practice in dict(made.practices) else 0

    @property
    def before(self) -> Practice:
        """The practice as it is."""
        return self.preview.before

    @property
    def after(self) -> Practice:
        """The practice with the draft laid on it; as it is, where the draft no longer fits."""
        return self.preview.after

    @cached_property
    def known(self) -> Screens:
        """Screens, their levels, and what these open."""
        return self.read.screens

    @cached_property
    def state(self) -> State:
        """The practice with the draft laid on it, to be spoken of."""
        division = trial.ruleset(self.read).compile(self.after.rows)
        return State(self.after, Opened(division), self.known, isolated)

    def of_user(self, user: str) -> dict[str, Profile]:
        """What a user has of each topic of the catalog."""
        return self.read.catalog.having(self.state.may(user))

    def of_role(self, role: str, practice: Practice | None = None) -> dict[str, Profile]:
        """What a role, of this practice unless it is of another one, gives of each topic of the catalog."""
        return self.read.catalog.having((practice or self.after).gives(role, self.known.granted))

    @property
    def templates(self) -> tuple[Row, ...]:
        """The rows of the role templates."""
        return tuple(self.read.templates.rows)

    @property
    def base(self) -> int:
        """The change that the draft was made from; the newest one, where there is no draft."""
        return self.kept.base if self.kept else self.preview.newest

    @property
    def moved(self) -> bool:
        """Whether somebody changed the practice since the draft was begun."""
        return self.base != self.preview.newest

    def formerly(self, role: str) -> str:
        """What a role is called without the draft; empty where the draft made it."""
        for edit in reversed(self.edits):
            if isinstance(edit, AddRole) and edit.role == role:
                return ""
            if isinstance(edit, RenameRole) and edit.to == role:
                role = edit.role
        return role

    def old_role(self, role: str) -> Role | None:
        """A role as it is without the draft; None where there is none."""
        return self.before.roles.get(self.formerly(role))

    @property
    def author(self) -> Author:
        """On whose word the draft would be saved."""
        return author(self.visit, self.kept)

    @property
    def mark(self) -> str:
        """Eight digits that change with the draft, by which Save knows that it saves what was looked at."""
        shown = f"{self.base} {self.kept.edits if self.kept else ''}"
        return sha256(shown.encode()).hexdigest()[:8]


def lay(visit: Visit) -> Sheet:
    """The sheet of the practice of this visit."""
    press, practice = visit.office.press, visit.practice
    with press.store.reading() as view:
        kept = view.draft(practice, visit.someone.user)
        newest, shared = view.last_touched(practice), view.last_touched("")
        read = parsed(view.files())
    edits = editing.parsed(kept.edits) if kept else ()
    shown, words, short = _previewed(press, visit.someone.actor, practice, edits, (newest, shared))
    return Sheet(visit, _rights(visit), read, shown, edits, kept if edits else None, words, short)


@lru_cache(maxsize=8)
def _previewed(
    press: Press, actor: str, practice: str, edits: Edits, _state: tuple[int, int]
) -> tuple[Preview, Told, tuple[Shortfall, ...]]:
    """A preview with its words, kept while neither draft nor practice nor what all practices share has changed."""
    shown = drafts.preview(press, Author(actor, How.SETUP), Draft(practice, 0, edits))
    return shown, *drafts.in_words(shown, edits, isolated)


def author(visit: Visit, kept: KeptDraft | None) -> Author:
    """The person, with the reason and the reference that they gave."""
    reason = ": ".join(filter(None, (kept.reason, kept.note))) if kept else ""
    return Author(visit.someone.actor, How.SETUP, reason, kept.reference if kept else "")


def lay_on(sheet: Sheet, more: Iterable[editing.AnyEdit]) -> None:
    """Add edits to the draft of the person. ChangeRefused where one of them cannot be carried out."""
    edits = folding.folded(sheet.before, (*sheet.edits, *more), sheet.templates)
    editing.carried_out(sheet.before, edits, sheet.templates)
    keep(sheet, edits)


def keep(sheet: Sheet, edits: Edits, base: int | None = None, words: tuple[str, str, str] | None = None) -> KeptDraft:
    """Keep a draft in place of the one before. `words`: reason, note and reference, where they are new."""
    visit, old = sheet.visit, sheet.kept
    reason, note, reference = words or ((old.reason, old.note, old.reference) if old else ("", "", ""))
    kept = KeptDraft(
        practice=visit.practice,
        user=visit.someone.user,
        base=sheet.base if base is None else base,
        edits=editing.dumped(edits),
        reason=reason,
        note=note,
        reference=reference,
        updated=visit.office.now(),
    )
    if edits:
        visit.office.press.store.keep_draft(kept)
    else:
        drop(visit)
    return kept


def drop(visit: Visit) -> None:
    """Forget the draft of the person."""
    visit.office.press.store.drop_draft(visit.practice, visit.someone.user)


def _rights(visit: Visit) -> Rights:
    return Rights(*map(visit.may, (VIEW_ROLES, EDIT_ROLES, ADD_ROLES, VIEW_USERS, EDIT_USERS, ADD_USERS, VIEW_CHANGES)))


def tried(sheet: Sheet) -> Sheet:
    """The same sheet as if nothing had been changed."""
    shown = Preview(sheet.before, sheet.before, sheet.preview.newest)
    return replace(sheet, edits=(), kept=None, preview=shown, told=NOTHING, shortfalls=())
