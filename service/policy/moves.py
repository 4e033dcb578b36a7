"""Moves: what a change did to a practice, as its people would tell it, worked out from the rows that came and went.

A level that was replaced is one move and not two rows, a role under another name is renamed and not lost and found,
and whoever joined or left stands with the role. No row is left out: each belongs to exactly one entry, which keeps it,
so that what is told can be held against what is recorded. Who gains and loses by it is for `decision.effect`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from service.policy.catalog import OFF
from service.policy.practice import bare
from service.values import ROLE_PREFIX, USER_PREFIX, Row

_ALIKE = 0.5
"""How much of two roles must be the same rows for one to be the other under a new name."""


class Moved(NamedTuple):
    """A row that came or went."""

    added: bool
    row: Row


class Fate(Enum):
    """What became of something that has a name."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"


class LevelMove(NamedTuple):
    """What a role held on a screen, and what it holds there now; `Off` for nothing."""

    screen: str
    before: str
    after: str


class FileMove(NamedTuple):
    """A policy file that came, went or has another text."""

    path: str
    fate: Fate


class RuleMove(NamedTuple):
    """On a screen, whoever holds the level `above` may do, or holds as well, what is `below`; or no longer."""

    screen: str
    below: str
    above: str
    added: bool


@dataclass(frozen=True, slots=True)
class RoleMoves:
    """Everything about one role. `was`: its name before, where it has another. Users are ids."""

    name: str
    was: str
    fate: Fate
    levels: tuple[LevelMove, ...]
    joined: tuple[str, ...]
    left: tuple[str, ...]
    within: tuple[str, ...]
    without: tuple[str, ...]
    rows: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class UserMove:
    """One entry of the directory. `was`: the name before, where it is another; `active`: None where it is as before."""

    user: str
    name: str
    was: str
    fate: Fate
    active: bool | None
    rows: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class PracticeMove:
    """The practice itself: it came, went, or has another name."""

    name: str
    was: str
    fate: Fate
    rows: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """A change, told: by role and by person, in the order of names. `files` and `rules` are what all practices share.

    `others`: rows of a kind that is not known here, so that nothing is left out.
    """

    practice: PracticeMove | None
    roles: tuple[RoleMoves, ...]
    users: tuple[UserMove, ...]
    files: tuple[FileMove, ...]
    rules: tuple[RuleMove, ...]
    shared: tuple[Moved, ...]
    others: tuple[Moved, ...]

    def __bool__(self) -> bool:
        return bool(self.practice or self.roles or self.users or self.shared or self.others)


def moves(added: Iterable[Row], removed: Iterable[Row], practice: str) -> Moves:
    """What these rows did to a practice, and to what all share. Rows of other practices are left aside."""
    moved = sorted(
        Moved(came, row)
        for came, rows in ((True, added), (False, removed))
        for row in rows
        if row.practice in (practice, "")
    )
    of_kind: dict[str, list[Moved]] = defaultdict(list)
    for move in moved:
        of_kind[_kind(move.row)].append(move)
    shared = of_kind["file"] + of_kind["g2"]
    return Moves(
        practice=_practice(of_kind["practice"]),
        roles=tuple(_roles(of_kind["roles"])),
        users=tuple(_users(of_kind["user"])),
        files=tuple(_files(of_kind["file"])),
        rules=tuple(RuleMove(row.fields[2], row.fields[0], row.fields[1], came) for came, row in of_kind["g2"]),
        shared=tuple(shared),
        others=tuple(of_kind["others"]),
    )


def _kind(row: Row) -> str:
    """Under which heading a row is told."""
    if row.kind in ("p", "g", "role"):
        about = row.fields[1 if row.kind in ("g", "role") else 0]
        return "roles" if about.startswith(ROLE_PREFIX) else "others"
    return row.kind if row.kind in ("practice", "user", "file", "g2") else "others"


def _fate(was: object, is_: object) -> Fate:
    if was is None:
        return Fate.ADDED
    return Fate.REMOVED if is_ is None else Fate.KEPT


# --- what has one row ---------------------------------------------------------------------------------------


def _practice(moved: list[Moved]) -> PracticeMove | None:
    if not moved:
        return None
    names = {came: row.fields[1] for came, row in moved}
    was, is_ = names.get(False), names.get(True)
    return PracticeMove(is_ or was or "", was if is_ and was else "", _fate(was, is_), tuple(moved))


def _users(moved: list[Moved]) -> Iterator[UserMove]:
    of_user: dict[str, list[Moved]] = defaultdict(list)
    for move in moved:
        of_user[move.row.fields[1]].append(move)
    found = [_user(user, rows) for user, rows in of_user.items()]
    return iter(sorted(found, key=lambda move: (move.name.casefold(), move.user)))


def _user(user: str, moved: list[Moved]) -> UserMove:
    states = {came: row.fields[2:4] for came, row in moved}
    was, is_ = states.get(False), states.get(True)
    name = (is_ or was or ("", ""))[0]
    if was is None or is_ is None:
        # Whoever comes is active, unless it is said.
        return UserMove(user, name, "", _fate(was, is_), False if is_ and is_[1] != "active" else None, tuple(moved))
    active = None if was[1] == is_[1] else is_[1] == "active"
    return UserMove(user, name, "" if was[0] == name else was[0], Fate.KEPT, active, tuple(moved))


def _files(moved: list[Moved]) -> Iterator[FileMove]:
    came = {row.fields[0] for added, row in moved if added}
    went = {row.fields[0] for added, row in moved if not added}
    for path in sorted(came | went):
        yield FileMove(path, _fate(path if path in went else None, path if path in came else None))


# --- roles --------------------------------------------------------------------------------------------------


class _Held:
    """The rows of one side of a change that are about roles: what went, or what came."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.names = set[str]()
        self.levels: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
        self.members: dict[str, set[str]] = defaultdict(set)
        self.rows: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            role = _about(row)
            self.rows[role].append(row)
            if row.kind == "role":
                self.names.add(role)
            elif row.kind == "p":
                *_, screen, level = row.fields[:4]
                # A role gives one level on a screen, and may deny others there: each is told.
                if row.denies:
                    self.levels[role][screen, level] = f"{level} (deny)"
                else:
                    self.levels[role][screen, ""] = level
            else:
                # A role that is put into another one has that one's levels: it is the first that is different.
                self.members[role].add(row.fields[1] if row.fields[0].startswith(ROLE_PREFIX) else row.fields[0])

    def substance(self, role: str) -> set[object]:
        """What a role is apart from its name: levels and members."""
        return {*self.levels[role].items(), *self.members[role]}


def _about(row: Row) -> str:
    """The role that a row is told under."""
    if row.kind == "p":
        return row.fields[0]
    if row.kind == "role":
        return row.fields[1]
    return row.fields[0] if row.fields[0].startswith(ROLE_PREFIX) else row.fields[1]


def _roles(moved: list[Moved]) -> list[RoleMoves]:
    went, came = (_Held(row for added, row in moved if added is side) for side in (False, True))
    renamed = _renamed(went, came)
    new_names = {new: old for old, new in renamed.items()}
    every = (went.rows.keys() | came.rows.keys()) - renamed.keys()
    found = [_role(name, new_names.get(name, name), went, came, renamed) for name in every]
    return sorted(found, key=lambda role: (role.name.casefold(), role.name))


def _renamed(went: _Held, came: _Held) -> dict[str, str]:
    """Roles that are there under another name, the most alike first: old name -> new name."""
    pairs = [
        (-alike, old, new)
        for old in sorted(went.names - came.rows.keys())
        for new in sorted(came.names - went.rows.keys())
        if (alike := _alike(went.substance(old), came.substance(new))) >= _ALIKE
    ]
    found: dict[str, str] = {}
    for _, old, new in sorted(pairs):
        if old not in found and new not in found.values():
            found[old] = new
    return found


def _alike(one: set[object], other: set[object]) -> float:
    """1 for equal, 0 for nothing in common. Two roles without anything are alike."""
    together = one | other
    return len(one & other) / len(together) if together else 1.0


def _role(name: str, was: str, went: _Held, came: _Held, renamed: Mapping[str, str]) -> RoleMoves:
    before, after = went.levels[was], came.levels[name]
    # A member that only goes by another name has neither joined nor left.
    old = {renamed.get(member, member) for member in went.members[was]}
    new = came.members[name]
    gone, made = was in went.names, name in came.names
    rows = [Moved(False, row) for row in went.rows[was]] + [Moved(True, row) for row in came.rows[name]]
    return RoleMoves(
        name=bare(name),
        was=bare(was) if was != name else "",
        fate=Fate.KEPT if gone == made else Fate.ADDED if made else Fate.REMOVED,
        levels=tuple(
            LevelMove(screen, before.get((screen, denied), OFF), after.get((screen, denied), OFF))
            for screen, denied in sorted(before.keys() | after.keys())
            if before.get((screen, denied)) != after.get((screen, denied))
        ),
        joined=_bare(new - old, USER_PREFIX),
        left=_bare(old - new, USER_PREFIX),
        within=_bare(new - old, ROLE_PREFIX),
        without=_bare(old - new, ROLE_PREFIX),
        rows=tuple(sorted(rows, key=as_replaced)),
    )


def _bare(names: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(sorted(bare(name) for name in names if name.startswith(prefix)))


def as_replaced(move: Moved) -> tuple[object, ...]:
    """An order in which a row stands below the one that it replaces."""
    added, row = move
    says = row.kind == "p" and row.fields[-1] in ("allow", "deny")
    return row.practice, row.kind, row.fields[: -2 if says else -1], added, row.fields
