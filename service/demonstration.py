"""The demonstration: invented people on loopback, in a store of its own that carries a mark.

The mark keeps the two worlds apart: `--demo` refuses a store without it, and a store with it is served by nothing
else, so that neither invented people nor the printed token can ever stand beside real ones.
"""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime

from service.access import tokens
from service.config import Settings
from service.errors import ConfigError
from service.policy.bare import Bare
from service.publish import Press
from service.store.sql import Store
from service.watch import DEMO_MARK

TOKEN_NAME = "demonstration"  # noqa: S105  a name, and the only thing about the token that is fixed


def require_own_store(store: Store, *, demo: bool) -> None:
    """Refuse to mix the demonstration with anything else."""
    with store.reading() as view:
        used = view.head().number > 0
        marked = used and view.marked(DEMO_MARK) is not None
    if demo and used and not marked:
        mend = "leave out `--demo`, or set `ROLEWARDEN_HOME` to another folder"
        raise ConfigError("this store is not a demonstration's", mend)
    if marked and not demo:
        mend = "set `ROLEWARDEN_HOME` to another folder and run `rolewarden init`"
        raise ConfigError("this store is a demonstration's", mend)


def mark(store: Store, *, demo: bool) -> None:
    """Say whose store this is, before anything is published into it. A store in use keeps the mark that it has."""
    with store.reading() as view:
        used = view.head().number > 0
    if not used:
        store.mark(DEMO_MARK, "") if demo else store.unmark(DEMO_MARK)


def make_token(settings: Settings, press: Press) -> str:
    """The token that is printed: the one that was given, or a new one. The one of the last start ends."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    given = settings.demo_token
    with press.counter.changing():
        with press.store.reading() as view:
            every = view.tokens()
        known = [token for token in every if token.name == TOKEN_NAME and token.revoked is None]
        token, text = tokens.mint(TOKEN_NAME, None, now)
        if given:
            token, text = tokens.from_text(given, TOKEN_NAME, None, now), given
            if any(token.id == old.id and token.secret_hash == old.secret_hash for old in known):
                return text
        if any(token.id == old.id for old in every):
            raise ConfigError("`ROLEWARDEN_DEMO_TOKEN` was used before", "choose another: its 12 digits name one token")
        for _ in known:
            press.store.revoke_token(TOKEN_NAME, now)
        press.store.add_token(token)
    return text


def banner(settings: Settings, token: str, bare: Bare | None = None) -> str:
    """What `make run` prints once the service answers; `bare`: the folder that is served, if it has no practices."""
    ask, body, more = _of_practices(settings) if bare is None else _of_bare(bare)
    socket = f"--unix-socket {settings.bind.host} " if settings.bind.port is None else ""
    host = "localhost" if settings.bind.port is None else str(settings.bind)
    scheme = "https" if settings.tls_cert else "http"
    return f"""
  DEMONSTRATION: invented people, on this machine only. Do not connect a real EHR to it.

{ask}

curl -s {socket}{scheme}://{host}/access/v1/evaluation \\
  -H 'Authorization: Bearer {token}' \\
  -H 'Content-Type: application/json' \\
  -d '{json.dumps(body)}'

{more}
  The policy that says so: {settings.policies}   (edit it while this runs)   Stop with Ctrl-C.
"""


def _of_practices(settings: Settings) -> tuple[str, dict[str, object], str]:
    """What to try, the body that asks it, and what else there is to try."""
    body: dict[str, object] = {
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "open_queue"},
        "resource": {"type": "screen", "id": "Task - Patient Portal - List"},
        "context": {"practice": "riverside"},
    }
    ask = f"""  Setup, where Pat changes who may do what: {_pages(settings)}   (choose who to be)

  May Ann of practice Riverside open the Patient Portal queue?"""
    more = """  Put `eve` and `respond` on `Task - Patient Portal`, or `ben`, in place of Ann to see a refusal.
  In words, with the reasons: rolewarden ask riverside ben open_queue "Task - Patient Portal - List\""""
    return ask, body, more


def _of_bare(bare: Bare) -> tuple[str, dict[str, object], str]:
    """The same for a folder without practices: what its first case asks."""
    asked = next((expected.question for case in bare.cases for expected in case.expected), None)
    if asked is None:
        asked = bare.request_map.asking(user="somebody", practice="", screen="something", action="read")
    body: dict[str, object] = {
        "subject": {"type": asked.subject_type, "id": asked.subject_id, "properties": dict(asked.subject_properties)},
        "action": {"name": asked.action, "properties": dict(asked.action_properties)},
        "resource": {
            "type": asked.resource_type,
            "id": asked.resource_id,
            "properties": dict(asked.resource_properties),
        },
        "context": dict(asked.context),
    }
    ask = f"  May {asked.subject_id} {asked.action} {asked.resource_id}?"
    names = [shlex.quote(name) for name in (asked.subject_id, asked.action, asked.resource_id)]
    return ask, body, f"  In words: rolewarden ask - {' '.join(names)}"


def _pages(settings: Settings) -> str:
    """Where a browser finds the page to sign in."""
    if settings.setup_bind.port is None:
        return f"on the socket {settings.setup_bind.host}"
    return f"{settings.setup_address}/signin"
