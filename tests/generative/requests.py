"""Requests that went wrong on their way: whole ones from which a seeded chance takes, adds, swaps and breaks things.

A request starts as a client of ours would send it. Most mutations work on the value, so that what comes out is still
JSON and gets far; some work on the bytes, and some on the headers. The same seed makes the same requests.
"""

import json
import random
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from service.access.permissions import EVALUATION, EVALUATIONS, SEARCH_ACTION, SEARCH_RESOURCE, SEARCH_SUBJECT

PATHS = (EVALUATION, EVALUATIONS, SEARCH_SUBJECT, SEARCH_RESOURCE, SEARCH_ACTION)
USERS = ("ann", "ben", "cam", "dee", "eve", "lou", "max", "pat", "nobody", "", "user:ann", "role:Front Desk", "Ann")
SCREENS = (
    *("Task - Patient Portal - List", "Task - Patient Portal", "Task - Orders", "Setup - Roles"),
    *("Audit - Policy Changes", "nothing", "", "Task - Patient Portal "),
)
ACTIONS = ("open_queue", "open_message", "respond", "view", "edit", "add", "sign", "fly", "", "Write", "Read")
PRACTICES = ("riverside", "lakeside", "nowhere", "template", "", "Riverside")
TYPES = ("user", "user", "user", "screen", "screen", "screen", "role", "record", "")
LIKELY = (
    ("ann", "open_queue", "Task - Patient Portal - List", "riverside"),
    ("ann", "respond", "Task - Patient Portal", "riverside"),
    ("ben", "open_message", "Task - Patient Portal", "riverside"),
    ("max", "add", "Task - Orders", "riverside"),
    ("pat", "edit", "Setup - Roles", "riverside"),
    ("ann", "view", "Task - Orders", "lakeside"),
)
"""Questions that are allowed, so that an allow can be brought about or lost by what is changed."""
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit", "all", "")
NAMES = (
    *("subject", "action", "resource", "context", "evaluations", "options", "evaluations_semantic", "page", "token"),
    *("limit", "type", "id", "name", "properties", "practice", "Subject", "decision", "role", "x", ""),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, 10**30, -0.0, 1e308, "", "\x00", "\u202e", "\U0001f600", "a" * 3000),
    *([], {}, [[]], [{}], {"": {}}, [None] * 5, {"id": "ann"}, {"type": "user", "id": "ann"}, {"name": "respond"}),
)
BYTES = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"NaN",
    b"1e999",
)


@dataclass
class Sent:
    """A request as it goes to a door."""

    path: str
    headers: dict[str, str]
    body: bytes
    value: Any = field(repr=False)


class Mutations:
    """Makes requests, one after the other, from a seed."""

    def __init__(self, seed: int, tokens: tuple[str, ...]) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self._tokens = tokens
        self.pages: list[str] = []
        """Page tokens that were given out, for requests that they may or may not belong to."""

    def next(self) -> Sent:
        """The next request: one in four as it should be."""
        chance = self.chance
        path = chance.choice(PATHS)
        value = self._whole(path)
        for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 3, 6))):
            value = self._changed(value)
        body = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        if chance.random() < 0.15:
            body = self._broken(body)
        return Sent(path, self._headers(), body, value)

    # -- whole ones --

    def _whole(self, path: str) -> Any:
        chance = self.chance
        sent: dict[str, Any] = self._question()
        if path == EVALUATIONS and chance.random() < 0.9:
            items = [self._part() for _ in range(chance.choice((0, 1, 2, 3, 13)))]
            sent = {**(self._part() if chance.random() < 0.7 else {}), "evaluations": items}
            if chance.random() < 0.5:
                sent["options"] = {"evaluations_semantic": chance.choice(SEMANTICS)}
        elif path != EVALUATION:
            part = path.rpartition("/")[2]
            if part == "action":
                del sent["action"]
            elif part in sent:
                del sent[part]["id"]
            if chance.random() < 0.5:
                sent["page"] = {"limit": chance.choice((0, 1, 2, 100))}
            if self.pages and chance.random() < 0.3:
                sent["page"] = {"token": chance.choice(self.pages)}
        return sent

    def _question(self) -> dict[str, Any]:
        likely = self.chance.choice(LIKELY)
        pools = (USERS, ACTIONS, SCREENS, PRACTICES)
        user, action, screen, practice = (
            name if self.chance.random() < 0.9 else self.chance.choice(pool)  # one in ten is anything
            for name, pool in zip(likely, pools, strict=True)
        )
        return {
            "subject": {"type": "user", "id": user},
            "action": {"name": action},
            "resource": {"type": "screen", "id": screen},
            "context": {"practice": practice},
        }

    def _part(self) -> dict[str, Any]:
        """A question of which some members may be left to the defaults."""
        return {name: value for name, value in self._question().items() if self.chance.random() < 0.8}

    # -- changes of the value --

    def _changed(self, value: Any) -> Any:
        """The value with one change somewhere."""
        places = list(_places(value))
        owner, key = self.chance.choice(places) if places else ({}, "")
        change = self.chance.choice((self._drop, self._replace, self._replace, self._add, self._swap, self._wrap))
        change(owner, key)
        return value if self.chance.random() < 0.99 else self._odd()

    def _odd(self) -> Any:
        return deepcopy(self.chance.choice(ODD))

    def _drop(self, owner: Any, key: Any) -> None:
        if key in owner if isinstance(owner, dict) else key != "":
            del owner[key]

    def _replace(self, owner: Any, key: Any) -> None:
        pools = (USERS, SCREENS, ACTIONS, PRACTICES, TYPES, ODD)
        owner[key] = deepcopy(self.chance.choice(self.chance.choice(pools)))

    def _add(self, owner: Any, _key: Any) -> None:
        if isinstance(owner, dict):
            owner[self.chance.choice(NAMES)] = self._odd()
        else:
            owner.append(self._odd())

    def _swap(self, owner: Any, key: Any) -> None:
        if isinstance(owner, dict) and key in owner:
            owner[self.chance.choice(NAMES)] = owner.pop(key)

    def _wrap(self, owner: Any, key: Any) -> None:
        for _ in range(self.chance.choice((1, 1, 2, 40))):
            owner[key] = (
                self.chance.choice(([owner.get(key)], {"x": owner.get(key)})) if isinstance(owner, dict) else []
            )

    # -- changes of bytes and headers --

    def _broken(self, body: bytes) -> bytes:
        chance = self.chance
        at = chance.randrange(len(body) + 1)
        return chance.choice(
            (
                body[:at],
                body[:at] + chance.choice(BYTES) + body[at:],
                body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
                body + body,
                b"[" * 50_000,
                body.replace(b'"id"', b'"\\u0069d"'),
                body.replace(b'"context"', b'"context": {"practice": "lakeside"}, "context"', 1),
                body.decode("utf-8", "replace").encode("utf-16"),
            )
        )

    def _headers(self) -> dict[str, str]:
        chance = self.chance
        headers = {"Authorization": f"Bearer {chance.choice(self._tokens)}", "Content-Type": "application/json"}
        if chance.random() < 0.06:
            name = chance.choice(("Authorization", "Content-Type", "X-Request-ID", "X-Policy-Revision-At-Least"))
            headers[name] = chance.choice(("", "x", "1", "99", "Bearer x", "text/plain", "a b", "\xe9", "9" * 200))
        return headers


def _places(value: Any) -> Any:
    """Every member and item within a value, as its owner and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from _places(each)
