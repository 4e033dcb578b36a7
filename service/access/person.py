"""Who has signed in, and what a view is handed when it is called.

A `Person` says who it is and in which practices; what they may do there is asked of our own policy each time, through
`decide`, and never remembered. A `Visit` is one request that has been let in: only `access.door` makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from service.access.permissions import Right
from service.access.provider import Provider
from service.config import Settings
from service.decide import Answer, decide
from service.exchange import Asked, Reply
from service.live import Live, State
from service.publish import Press
from service.store.base import Token
from service.values import USER_PREFIX, Caller


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in. `session` is the hash under which the store knows this browser."""

    user: str
    name: str
    practices: frozenset[str]
    session: str

    @property
    def actor(self) -> str:
        """Who it is, as changes and events name them."""
        return f"{USER_PREFIX}{self.user}"


@dataclass(frozen=True, slots=True)
class Office:
    """What views work with: built once in each process, by `setup_web`."""

    settings: Settings
    press: Press
    live: Live
    provider: Provider | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def now(self) -> str:
        """The time as the store keeps it."""
        return self.clock().isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that was let in.

    `person` is there wherever the row of the endpoint asks for somebody who has signed in, and `token` where it asks
    for a scope. `practice` is the one that the path names and that they belong to, or empty.
    """

    asked: Asked
    office: Office
    taken: State | None = None
    person: Person | None = None
    practice: str = ""
    token: Token | None = None

    @property
    def state(self) -> State:
        """The policy as it was taken, once, when the person was let in."""
        if self.taken is None:
            raise LookupError("the endpoint is public, and no policy was taken for it")
        return self.taken

    @property
    def someone(self) -> Person:
        """The person, where the row of the endpoint asks for one."""
        if self.person is None:
            raise LookupError("nobody has signed in, and the endpoint let them in")
        return self.person

    def may(self, *rights: Right) -> bool:
        """Whether the person holds one of these rights in the practice."""
        return any(answer_about(right, self).decision.allowed for right in rights)


View = Callable[[Visit], Reply]
"""What stands behind an endpoint of the Setup part."""


def answer_about(right: Right, visit: Visit) -> Answer:
    """What our own policy says about a right of the person in the practice of the visit."""
    question = visit.state.loaded.request_map.asking(
        user=visit.someone.user, practice=visit.practice, screen=right.screen, action=right.action
    )
    return decide(question, Caller("setup", frozenset({visit.practice})), visit.state)
