"""Who can sign in, and what is in their queues. Everybody and everything here is invented.

It stands in for the database of an EHR: who a message was forwarded to is known here, and not to the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from threading import Lock

PRACTICE = "riverside"
PRACTICE_NAME = "Riverside Family Practice"

STAFF = {
    "ann": "Ann Alder",
    "ben": "Ben Birch",
    "cam": "Cam Cole",
    "dee": "Dee Dale",
    "eve": "Eve Elm",
    "max": "Max Moss",
    "pat": "Pat Pine",
    "sam": "Sam Roy",
    "lou": "Lou Lark",
}
"""Users of the practice by their User ID."""

KINDS = ("Secure message", "Patient Intake", "Shared document", "Appointment request")


@dataclass
class Item:
    """Something that a patient sent through My Medical Locker. `forwarded_to`: User IDs."""

    id: int
    kind: str
    patient: str
    subject: str
    text: str
    forwarded_to: set[str] = field(default_factory=set)
    reviewed: bool = False
    answers: list[tuple[str, str]] = field(default_factory=list)


class Portal:
    """All that patients sent. It is kept in memory, and begins anew at every start."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._items = {item.id: item for item in _begin()}

    def all(self, *, reviewed: bool) -> list[Item]:
        """What is in the queue: pending, or reviewed."""
        return [item for item in self._items.values() if item.reviewed is reviewed]

    def forwarded(self, user: str) -> list[Item]:
        """What was forwarded to a user."""
        return [item for item in self._items.values() if user in item.forwarded_to]

    def get(self, number: int) -> Item | None:
        """One item; None where there is none of this number."""
        return self._items.get(number)

    def answer(self, item: Item, user: str, text: str) -> None:
        """Keep an answer, by which the item is reviewed."""
        with self._lock:
            item.answers.append((user, text))
            item.reviewed = True

    def forward(self, item: Item, user: str) -> None:
        """Let it arrive in somebody's Communication queue, too."""
        with self._lock:
            item.forwarded_to.add(user)


WAITING = {"Orders": 4, "Results": 11, "Superbill": 2, "SOAP Notes": 3, "eDocuments": 7, "Prescription": 5}
"""What waits in the queues that this program does not open."""


def _begin() -> Iterator[Item]:
    number = count(1041)
    message, intake, document, appointment = KINDS
    yield Item(
        next(number), message, "Iris Penn", "Refill before the weekend",
        "I have three tablets left. Can the refill be sent before Saturday?", {"ben", "cam"},
    )  # fmt: skip
    yield Item(
        next(number), message, "Otto Lund", "A question on my results",
        "The portal shows one value in red. Should I be worried?",
    )  # fmt: skip
    yield Item(
        next(number), intake, "Mina Sato", "New patient form",
        "Allergies: penicillin. Last visit elsewhere: spring.",
    )  # fmt: skip
    yield Item(next(number), document, "Iris Penn", "Insurance card", "Front and back of the new card.")
    yield Item(
        next(number), appointment, "Karl Voss", "Appointment in December",
        "Any morning in the second week would do.", {"ann"},
    )  # fmt: skip
    yield Item(
        next(number), message, "Mina Sato", "Thank you", "All is well again.",
        reviewed=True, answers=[("ann", "We are glad to hear it.")],
    )  # fmt: skip
