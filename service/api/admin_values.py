"""What the admin API takes and gives, as types: the JSON of bodies, and from them the schemas of the OpenAPI document.

Names are those that people type, without the prefixes of rows. A member that is not known is refused: what somebody
meant to change must not be passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from service.policy.edits import AnyEdit
from service.policy.rows import LONGEST_NAME

MOST_EDITS = 1_000
"""Edits of one change: what can be looked at and published while somebody waits."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a body holds."""


class Given(msgspec.Struct, frozen=True):
    """What an answer holds."""


# --- what is asked for ---


class NewPractice(Taken, frozen=True):
    """A practice to be, with its first administrator, who gets the template Practice Administrator."""

    id: Name
    name: Name
    administrator: Name


class PracticeName(Taken, frozen=True):
    """What a practice shall be called."""

    name: Name


class UserState(Taken, frozen=True):
    """A user as they shall be. An inactive one is refused everything and keeps their roles."""

    name: Name
    active: bool = True


class RoleState(Taken, frozen=True):
    """A role as it shall be: every level but Off, and everybody in it. What is left out stays as it is."""

    levels: dict[Name, Name] | msgspec.UnsetType = msgspec.UNSET
    members: tuple[Name, ...] | msgspec.UnsetType = msgspec.UNSET


class LevelState(Taken, frozen=True):
    """What a role shall hold on a screen; `Off` for nothing."""

    level: Name


class Why(Taken, frozen=True):
    """Why something is changed, and for whom. `on_behalf_of`: the user who does it; their rights then count."""

    reason: Text = ""
    reference: Text = ""
    on_behalf_of: Text = ""


class EditList(Why, frozen=True):
    """Edits that are made together or not at all, in their order."""

    edits: Annotated[tuple[AnyEdit, ...], msgspec.Meta(max_length=MOST_EDITS)] = ()


class Trial(Taken, frozen=True):
    """A question to be answered as if the edits were made."""

    user: Name
    screen: Name
    action: Name
    edits: Annotated[tuple[AnyEdit, ...], msgspec.Meta(max_length=MOST_EDITS)] = ()


# --- what is answered ---


class PracticeListed(Given, frozen=True):
    """A practice in a list."""

    id: str
    name: str


class PracticeShown(Given, frozen=True):
    """A practice. `change`: the newest change that touched it, which is also its `ETag`."""

    id: str
    name: str
    users: int
    roles: int
    change: int


class UserShown(Given, frozen=True):
    """A user with the roles they were put into."""

    id: str
    name: str
    active: bool
    roles: tuple[str, ...]


class RoleShown(Given, frozen=True):
    """A role: its levels other than Off by screen, who is in it, and the roles whose levels it has as well."""

    name: str
    levels: dict[str, str]
    members: tuple[str, ...]
    within: tuple[str, ...]


class LevelShown(Given, frozen=True):
    """What a role holds on a screen; `Off` where it holds nothing."""

    role: str
    screen: str
    level: str


class MemberShown(Given, frozen=True):
    """A user who is in a role."""

    role: str
    user: str


class ActionShown(Given, frozen=True):
    """An action of a screen, and what it lets somebody do, in words."""

    name: str
    phrase: str


class LevelOpens(Given, frozen=True):
    """A level that a role may hold on a screen, and the actions that it opens there."""

    name: str
    actions: tuple[str, ...]


class ScreenShown(Given, frozen=True):
    """A screen with its actions, and the levels that a role may hold on it beside Off, from lowest to highest."""

    name: str
    group: str
    description: str
    levels: tuple[LevelOpens, ...]
    actions: tuple[ActionShown, ...]


class Screens(Given, frozen=True):
    """All screens."""

    items: tuple[ScreenShown, ...]


class TemplateShown(Given, frozen=True):
    """A role template, with the levels that a role made from it begins with."""

    name: str
    levels: dict[str, str]


class Templates(Given, frozen=True):
    """All role templates."""

    items: tuple[TemplateShown, ...]


class Affected(Given, frozen=True):
    """On one screen, how many actions a user gains and loses."""

    user: str
    screen: str
    gained: int
    lost: int


class Flip(Given, frozen=True):
    """Something that a user may do afterwards and might not before (`gained`), or the other way round."""

    user: str
    screen: str
    action: str
    gained: bool


class RowShown(Given, frozen=True):
    """A row of policy, or of the directory, that was added or removed, as canonical Casbin CSV."""

    added: bool
    row: str


class ChangeListed(Given, frozen=True, omit_defaults=True):
    """A change in a list. The counts are left out for a change that touched other practices, too."""

    number: int
    time: str
    actor: str
    how: str
    reason: str
    reference: str
    rows_added: int | msgspec.UnsetType = msgspec.UNSET
    rows_removed: int | msgspec.UnsetType = msgspec.UNSET
    people: int | msgspec.UnsetType = msgspec.UNSET


class ChangeShown(Given, frozen=True):
    """A change, as far as it is about this practice: the rows, and who gained or lost."""

    number: int
    time: str
    actor: str
    how: str
    reason: str
    reference: str
    rows: tuple[RowShown, ...]
    effects: tuple[Affected, ...]


class Saved(Given, frozen=True):
    """What became of a change. `saved` is false where all was so already; then `change` is the newest there is."""

    saved: bool
    change: int
    effects: tuple[Affected, ...] = ()


class Refusal(Given, frozen=True):
    """Why saving would be refused: the rule, what is wrong, and what to do."""

    rule: str
    detail: str
    mend: str


class Sentence(Given, frozen=True):
    """What a change would do for these users, who gain or lose the same, as pages say it."""

    text: str
    users: tuple[str, ...]
    gained: bool


class Shortfall(Given, frozen=True):
    """What would not come true as meant, since these other roles of the user give it all the same."""

    text: str
    user: str
    roles: tuple[str, ...]


class PreviewShown(Given, frozen=True):
    """What a change would do, made from the practice as it is now (`change`). Nothing is written.

    `flips` in full and by name; `sentences` say the same in words, those who lose first.
    """

    change: int
    nothing: bool
    flips: tuple[Flip, ...]
    sentences: tuple[Sentence, ...]
    shortfalls: tuple[Shortfall, ...]
    refused: Refusal | None = None


class Answer(Given, frozen=True):
    """Whether it would be allowed, and why."""

    decision: bool
    reason: str


def schemas(types: Iterable[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """The JSON schemas of some types, and of all that they are made of, as OpenAPI refers to them."""
    return msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
