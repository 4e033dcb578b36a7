"""Attribution: by whom and in which way something was done, in the words of a practice.

Pure. Whoever the directory does not have goes by their id.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.policy.wording import Phrase, name, phrase
from service.values import How

HOW = {
    How.SETUP: "Setup",
    How.API: "The EHR (admin API)",
    How.UPGRADE: "Upgrade",
    How.COMMAND: "Command line",
    How.FILES: "Policy files",
    How.DEMO: "Demonstration",
}
"""The way by which a change came, as people read it."""

_KINDS = {"operator": "operator ", "token": "program "}
_ITSELF = "operator:rolewarden"


def who(actor: str, names: Mapping[str, str]) -> Phrase:
    """Who did something: `Pat Pine`, `operator root`, `program ehr`."""
    if actor == _ITSELF:
        return phrase("Rolewarden itself")
    kind, _, own = actor.partition(":")
    if kind == "user":
        return phrase(name(names.get(own, own)))
    return phrase(_KINDS[kind], name(own)) if kind in _KINDS else phrase(name(actor))
