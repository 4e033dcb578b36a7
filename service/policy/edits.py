"""Edits: what somebody wants to be different in one practice, in the words of people, and what that makes of its rows.

The one vocabulary of change: the fields of a page, the draft that the store keeps, and the JSON of the admin API all
become these. An edit says what shall be, not how rows move, so that doing it twice is doing it once, and a draft can
be laid on rows that somebody else has changed meanwhile. Whether the result may be is for lint and guard rails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import msgspec

from service.errors import ChangeRefused
from service.policy.cases import instance
from service.policy.catalog import OFF
from service.policy.practice import Practice
from service.values import ROLE_PREFIX, TEMPLATE_PRACTICE, USER_PREFIX, Row


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="edit", order=True):
    """One thing to be different. `carry_out` gives the rows of the practice as they are then, or ChangeRefused."""

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:
        """The rows afterwards. Those of a practice in which it is so already are the same rows."""
        raise NotImplementedError


class SetLevel(Edit, frozen=True, tag="set_level"):
    """A role holds this level on a screen, in place of the one before; `Off` for none. Rows that deny stay."""

    role: str
    screen: str
    level: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:
        """The `p` row of role and screen, replaced."""
        _require_role(practice, self.role)
        role = ROLE_PREFIX + self.role
        held = {
            row
            for row in practice.rows
            if row.kind == "p" and row.fields[0] == role and row.fields[2] == self.screen and not row.denies
        }
        if [row.fields[3] for row in held] == ([] if self.level == OFF else [self.level]):
            return practice.rows
        grant = (role, practice.id, self.screen, self.level)
        if Row("p", (*grant, "deny")) in practice.rows:
            text = f"role `{self.role}` denies {self.level} on `{self.screen}`"
            raise _refused("level-denied", text, "take out the row that denies it, by an import")
        new = Row("p", (*grant, *_effect(practice, templates)))
        return practice.rows - held if self.level == OFF else practice.rows - held | {new}


class AddMember(Edit, frozen=True, tag="add_member"):
    """A user is in a role."""

    role: str
    user: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """With the `g` row."""
        _require_role(practice, self.role)
        _require_user(practice, self.user)
        return practice.rows | {_membership(practice, self.role, self.user)}


class RemoveMember(Edit, frozen=True, tag="remove_member"):
    """A user is not in a role."""

    role: str
    user: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """Without the `g` row."""
        _require_role(practice, self.role)
        return practice.rows - {_membership(practice, self.role, self.user)}


class AddRole(Edit, frozen=True, tag="add_role"):
    """There is a role, with the levels of a template, or those of another role (`like`), or none. Nobody is in it."""

    role: str
    template: str = ""
    like: str = ""

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:
        """With its `role` row and the levels that it begins with."""
        if _has_role(practice, self.role):
            raise _refused("role-exists", f"there is a role `{self.role}` already", "choose another name")
        role = ROLE_PREFIX + self.role
        levels = set()
        if self.template:
            own = [row for row in templates if row.fields[:2] == (ROLE_PREFIX + self.template, TEMPLATE_PRACTICE)]
            if not own:
                raise _refused("template-unknown", f"there is no template `{self.template}`", "choose one of the list")
            levels = {_renamed(instance(row, practice.id), {0: role}) for row in own}
        if self.like:
            _require_role(practice, self.like)
            copied = {ROLE_PREFIX + self.like: role}
            levels |= {
                _renamed(row, {0: copied[row.fields[0]]})
                for row in practice.rows
                if row.kind in ("p", "g") and row.fields[0] in copied
            }
        return practice.rows | levels | {Row("role", (practice.id, role))}


class RenameRole(Edit, frozen=True, tag="rename_role"):
    """A role has another name; its levels and members stay."""

    role: str
    to: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """Every row that names it, renamed."""
        _require_role(practice, self.role)
        if self.to == self.role:
            return practice.rows
        if _has_role(practice, self.to):
            raise _refused("role-exists", f"there is a role `{self.to}` already", "choose another name")
        old, new = ROLE_PREFIX + self.role, ROLE_PREFIX + self.to
        columns = {"p": (0,), "g": (0, 1), "role": (1,)}
        return frozenset(
            _renamed(row, {at: new for at in columns.get(row.kind, ()) if row.fields[at] == old})
            for row in practice.rows
        )


class DeleteRole(Edit, frozen=True, tag="delete_role"):
    """There is no such role; what its members had by it they have no more."""

    role: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """Without any row that names it."""
        _require_role(practice, self.role)
        role = ROLE_PREFIX + self.role
        naming = {"p": (0,), "g": (0, 1), "role": (1,)}
        return frozenset(
            row for row in practice.rows if not any(row.fields[at] == role for at in naming.get(row.kind, ()))
        )


class AddUser(Edit, frozen=True, tag="add_user"):
    """There is an active user of this id and name, without any role."""

    user: str
    name: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """With the row of the directory."""
        if _person_of(practice, self.user) is not None:
            raise _refused("user-exists", f"there is a user `{self.user}` already", "choose another id")
        return practice.rows | {Row("user", (practice.id, self.user, self.name, "active"))}


class RenameUser(Edit, frozen=True, tag="rename_user"):
    """A user has another name; the id stays."""

    user: str
    name: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """The row of the directory, replaced."""
        old = _require_user(practice, self.user)
        return practice.rows - {old} | {Row("user", (*old.fields[:2], self.name, old.fields[3]))}


class SetActive(Edit, frozen=True, tag="set_active"):
    """A user is active, or is refused everything and keeps their roles."""

    user: str
    active: bool

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """The row of the directory, replaced."""
        old = _require_user(practice, self.user)
        return practice.rows - {old} | {Row("user", (*old.fields[:3], "active" if self.active else "inactive"))}


class RenamePractice(Edit, frozen=True, tag="rename_practice"):
    """The practice has another name; the id stays."""

    name: str

    def carry_out(self, practice: Practice, templates: Iterable[Row]) -> frozenset[Row]:  # noqa: ARG002
        """Its row, replaced."""
        others = {row for row in practice.rows if row.kind != "practice"}
        return frozenset(others | {Row("practice", (practice.id, self.name))})


AnyEdit = (
    SetLevel
    | AddMember
    | RemoveMember
    | AddRole
    | RenameRole
    | DeleteRole
    | AddUser
    | RenameUser
    | SetActive
    | RenamePractice
)
"""What a list of edits may hold."""

Edits = tuple[AnyEdit, ...]

_decode: Callable[[bytes | str], Edits] = msgspec.json.Decoder(Edits).decode


def carried_out(practice: Practice, edits: Iterable[Edit], templates: Iterable[Row]) -> Practice:
    """The practice after all edits, in their order. ChangeRefused for one that cannot be."""
    known = tuple(templates)
    for edit in edits:
        practice = Practice(practice.id, edit.carry_out(practice, known))
    return practice


def dumped(edits: Iterable[Edit]) -> str:
    """Edits as JSON, as the store keeps them and the admin API takes them."""
    return msgspec.json.encode(tuple(edits)).decode()


def parsed(text: str | bytes) -> Edits:
    """Edits from their JSON. ValueError (of msgspec) says what does not hold, and where."""
    return _decode(text)


def _effect(practice: Practice, templates: Iterable[Row]) -> tuple[str, ...]:
    """What stands behind the level in a row that gives it: `allow` where rows have to say so, as those there are do."""
    says = any(row.kind == "p" and row.fields[4:] for row in chain(practice.rows, templates))
    return ("allow",) if says else ()


def _require_role(practice: Practice, role: str) -> None:
    if not _has_role(practice, role):
        raise _refused("role-unknown", f"there is no role `{role}`", "it may have been renamed or deleted meanwhile")


def _require_user(practice: Practice, user: str) -> Row:
    row = _person_of(practice, user)
    if row is None:
        raise _refused("user-unknown", f"there is no user `{user}`", "add the user first")
    return row


# A list of edits makes a practice for each of them: what is asked of it is looked for in its rows, since an index of
# all its people and roles would be of no use to the next edit.


def _has_role(practice: Practice, role: str) -> bool:
    """Whether any row speaks of a role of this name."""
    name = ROLE_PREFIX + role
    return any(name in row.fields[:2] for row in practice.rows if row.kind in ("role", "g", "p"))


def _person_of(practice: Practice, user: str) -> Row | None:
    """The row of the directory."""
    return next((row for row in practice.rows if row.kind == "user" and row.fields[1] == user), None)


def _refused(rule: str, message: str, mend: str) -> ChangeRefused:
    return ChangeRefused(rule, message, mend)


def _membership(practice: Practice, role: str, user: str) -> Row:
    return Row("g", (USER_PREFIX + user, ROLE_PREFIX + role, practice.id))


def _renamed(row: Row, names: dict[int, str]) -> Row:
    """The row with other names in these columns."""
    return Row(row.kind, tuple(names.get(at, value) for at, value in enumerate(row.fields))) if names else row
