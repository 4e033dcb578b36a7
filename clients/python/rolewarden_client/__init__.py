"""Asks Rolewarden, or any AuthZEN 1.0 decision point, whether a user may do something.

    from rolewarden_client import Rolewarden

    rolewarden = Rolewarden("http://127.0.0.1:8180", token)
    answer = rolewarden.may("eve", "respond", "Task - Patient Portal", practice="riverside")
    if not answer:
        show(answer.user_message)

The rule kept here: a `Decision` is true when the decision point said `true`, and in no other case whatever. Nothing
that goes wrong on the way, a time-out, another status, a body that cannot be read, raises or lets anybody through.
"""

from rolewarden_client.asking import AsyncRolewarden, Rolewarden
from rolewarden_client.wire import Decision, Entity, Question

__all__ = ["AsyncRolewarden", "Decision", "Entity", "Question", "Rolewarden"]
