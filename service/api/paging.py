"""Lists in parts: whoever follows the cursors to the end has read all of it, or is told that they cannot.

A cursor says which list it belongs to, as of which state, and behind which entry to go on. It is opaque to callers and
worth nothing to them: it is read as strictly as anything else that comes in, and what it names is looked up anew among
what its token may see. When the list has changed since its first part, the answer is an error, never a list in which
somebody is missing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Generic, TypeVar

import msgspec

from service.errors import Declined

T = TypeVar("T")

DEFAULT, MOST = 100, 500
"""Entries of one part: without `limit`, and at most."""

_LONGEST = 4096


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One part of a list. `next` is there when there is more."""

    items: tuple[T, ...]
    next: str | msgspec.UnsetType = msgspec.UNSET


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where to go on. `list`: which list, with its filters; `state`: what it was when its first part was read."""

    list: str
    state: str
    behind: tuple[str, ...]


_read = msgspec.json.Decoder(Cursor).decode


def named(path: str, filters: Mapping[str, object]) -> str:
    """A short name for a list: its path and its filters."""
    told = msgspec.json.encode([path, sorted((name, str(value)) for name, value in filters.items())])
    return sha256(told).hexdigest()[:16]


def dumped(cursor: Cursor) -> str:
    """A cursor as it is handed out."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def parsed(text: str, name: str) -> Cursor:
    """The cursor of a list. Raises `Declined` for what is none, or is that of another list."""
    try:
        if len(text) > _LONGEST:
            raise ValueError(text[:20])
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        cursor = _read(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise _stranger() from error
    if cursor.list != name or dumped(cursor) != text:
        raise _stranger()
    return cursor


def part(
    entries: Sequence[T], key: Callable[[T], tuple[str, ...]], *, name: str, state: str, cursor: str, limit: int
) -> Page[T]:
    """The part of a sorted list behind a cursor, or its first. `state` is what the list is now.

    Raises `Declined` when the list has changed since its first part.
    """
    start = 0
    if cursor:
        known = parsed(cursor, name)
        require_state(known, state)
        start = next((at for at, entry in enumerate(entries) if key(entry) == known.behind), -1) + 1
        if not start:
            raise _stranger()
    some = tuple(entries[start : start + limit])
    more = start + limit < len(entries)
    return Page(some, dumped(Cursor(name, state, key(some[-1]))) if more else msgspec.UNSET)


def require_state(cursor: Cursor, state: str) -> None:
    """Raise unless the list is as it was."""
    if cursor.state != state:
        raise Declined(
            "list-moved", "this list has changed since its first part was read", "begin again without a cursor"
        )


def digest(names: Iterable[str]) -> str:
    """The state of a list that no change number covers."""
    return sha256(msgspec.json.encode(sorted(names))).hexdigest()[:16]


def _stranger() -> Declined:
    return Declined(
        "cursor-invalid", "this cursor is not one of this list", "take `next` as it was given, with the same filters"
    )


def limited(value: Any) -> int:
    """How many entries a part may have, from what was asked for."""
    return DEFAULT if value is None else int(value)
