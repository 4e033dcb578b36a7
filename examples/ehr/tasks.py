"""What is asked before what. This is the part of an EHR that Rolewarden needs; copy it.

Three rules: ask each time, let through on a true decision and on nothing else, and show what the decision says. What
only the EHR knows, such as who a message was forwarded to, the EHR checks itself, in addition and never instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from examples.ehr.people import PRACTICE, Item
from rolewarden_client import Decision, Rolewarden

LIST = "Task - Patient Portal - List"
TASK = "Task - Patient Portal"
COMMUNICATION = "Task - Communication"

QUEUES = {
    "Communication": (COMMUNICATION, "view"),
    "Orders": ("Task - Orders", "view"),
    "Results": ("Task - Results", "view"),
    "Superbill": ("Task - Superbill", "view"),
    "SOAP Notes": ("Task - SOAP Notes", "view"),
    "eDocuments": ("Task - eDocuments", "view"),
    "Prescription": ("Task - Prescription", "view"),
    "Reminder": ("Task - Reminder", "view"),
    "Patient Portal": (LIST, "open_queue"),
    "Fax": ("Task - Fax", "view"),
    "Fax Updocx": ("Task - Fax Updocx", "view"),
    "Case Mgmt.": ("Task - Case Mgmt.", "view"),
    "NYSED": ("Task - NYSED", "view"),
}
"""Each queue of My Tasks, in its order: the screen that guards it, and what opening it is called there."""

NOT_YOURS = "This message was not forwarded to you."
NO_SUCH_ITEM = "There is nothing of this number in the queue."


class Refused(Exception):
    """Somebody may not do what they tried; `message` is for them to read, `again` that trying again may help."""

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.message, self.again = message, again


@dataclass(frozen=True)
class Tasks:
    """My Tasks of one user. Each method asks, and raises `Refused` where the answer is not a plain yes."""

    rolewarden: Rolewarden
    user: str

    def queues(self) -> dict[str, Decision]:
        """May the user open each queue? Thirteen questions in one request, answered from one policy."""
        asked = [(action, screen) for screen, action in QUEUES.values()]
        answers = dict(zip(QUEUES, self._ask(*asked), strict=True))
        if all(answer.retryable for answer in answers.values()):
            # Nobody could answer. A page on which everything is closed would say that the user may do nothing.
            raise Refused(answers["Patient Portal"].user_message, again=True)
        return answers

    def open_queue(self) -> None:
        """My Tasks > Patient Portal."""
        self._require(("open_queue", LIST))

    def open_from_queue(self, item: Item | None) -> Item:
        """Any item of the queue: a message, an intake form, a document, an appointment request alike."""
        self._require(("open_queue", LIST), ("open_message", TASK))
        if item is None:
            raise Refused(NO_SUCH_ITEM)
        return item

    def open_communication(self) -> None:
        """The Communication queue."""
        self._require(("view", COMMUNICATION))

    def open_forwarded(self, item: Item | None) -> Item:
        """A My Medical Locker Message link. Who guesses the number of a message has not been forwarded it."""
        self._require(("open_message", TASK))
        if item is None or self.user not in item.forwarded_to:
            raise Refused(NOT_YOURS)
        return item

    def respond(self, item: Item | None, *, forwarded: bool) -> Item:
        """Answering is asked by itself, and again when the answer is sent: the page may have been open for an hour."""
        opened = self.open_forwarded(item) if forwarded else self.open_from_queue(item)
        self._require(("respond", TASK))
        return opened

    def may_respond(self) -> bool:
        """Whether to show the box to answer in. Showing it lets nobody answer; `respond` does."""
        return bool(self._ask(("respond", TASK))[0])

    def _ask(self, *asked: tuple[str, str]) -> list[Decision]:
        return self.rolewarden.may_all(self.user, asked, practice=PRACTICE)

    def _require(self, *asked: tuple[str, str]) -> None:
        for decision in self._ask(*asked):
            if not decision:
                raise Refused(decision.user_message, again=decision.retryable)
