"""`rolewarden ask`: one question, answered by the same `decide` as over HTTP, and told as a sentence.

The store is asked through a `Live`, as a worker of the service would; `--policies` asks the worlds of a folder
instead, so that a change can be tried before it is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from service import folder as folders
from service.commands import bare, desk, present, sentences, trace
from service.commands.desk import Desk, Exit
from service.commands.sentences import Told
from service.decide import decide
from service.decision import trial
from service.decision.engine import Snapshot
from service.errors import InvalidPolicy, StoreUnavailable
from service.live import State
from service.loaded import Loaded
from service.policy import bundle as bundles
from service.policy.baremap import BareMap
from service.policy.findings import errors
from service.policy.rows import dump_row
from service.values import Caller, Reason

EVERYWHERE = Caller("the command line", None)
"""Whoever can read the store may ask about every practice in it."""


MOST_SCREENS = 5
"""Screens that are named where an action was asked of another one."""


@click.command()
@click.argument("practice")
@click.argument("user")
@click.argument("action")
@click.argument("screen")
@click.option("--trace", "traced", is_flag=True, help="Show each step, with what was found at it.")
@desk.form("human", "json")
@click.option(
    "--policies",
    "root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Ask the practices written in this folder, not those of the store.",
)
@click.pass_obj
def ask(
    given: Desk, practice: str, user: str, action: str, screen: str, traced: bool, form: str, root: Path | None
) -> Exit:
    """Ask whether a user may do something, and why.

    Ends with 0 when it is allowed and with 2 when it is refused. Names are taken exactly as they are typed. Where the
    policy has no practices, PRACTICE is `-`, and USER and SCREEN are subject and resource.

    \b
    Example:
      rolewarden ask riverside eve respond "Task - Patient Portal"
      rolewarden ask --policies policies --trace riverside ann open_queue "Task - Patient Portal - List"
    """
    asked = (user, practice, screen, action)
    if root is not None:
        told = answer(of_folder(root, practice), *asked)
    else:
        _require_published(given)
        with given.live() as live:
            told = answer(live.state(), *asked)
    if isinstance(told, bare.Told):
        return bare.show(told, form, traced=traced)
    steps = trace.steps(told) if traced else []
    if form == "json":
        present.as_json(data(told, steps))
    else:
        human(present.out(), told, steps)
    return Exit.DONE if told.answer.decision.allowed else Exit.DENIED


def answer(state: State, user: str, practice: str, screen: str, action: str) -> Told | bare.Told:
    """The answer, with what it was read from."""
    asked = {"user": user, "practice": practice, "screen": screen, "action": action}
    request_map = state.loaded.request_map
    if isinstance(request_map, BareMap):
        bare.require_none(practice)
    given = decide(request_map.asking(**asked), EVERYWHERE, state, explain=True)
    if isinstance(request_map, BareMap):
        return bare.Told(given, request_map)
    return Told(given, state.having(practice).loaded, asked)


def _require_published(given: Desk) -> None:
    with given.store() as store, store.reading() as view:
        if view.head().number == 0:
            raise StoreUnavailable(
                "nothing is published yet", "run `rolewarden init`, or ask a folder with `--policies`"
            )


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where a `Live` would stand: everything that can be asked of a folder was loaded when it was read."""

    loaded: Loaded

    def load(self, *practices: str) -> State:  # noqa: ARG002 - as `Live.load`
        """The same state: nothing comes later."""
        return State(self.loaded, None, self)

    def use(self, practice: str) -> None:
        """Nothing is ever let go, so that nothing is noted."""


def of_folder(root: Path, practice: str) -> State:
    """The worlds of a folder as a state, with this practice compiled. InvalidPolicy where the folder has errors."""
    read, found = bundles.load(folders.read(root))
    if read is None or errors(found):
        raise InvalidPolicy(found)
    rows = [row for world in read.worlds for row in world.rows()]
    snapshot = trial.unloaded(read, 0)
    own = [row for row in rows if row.practice == practice]
    if own and isinstance(snapshot, Snapshot):
        snapshot = Snapshot(snapshot.ruleset, {practice: snapshot.ruleset.compile(own)})
    loaded = Loaded(
        snapshot=snapshot,
        request_map=read.request_map,
        catalog=read.catalog,
        paths=read.paths,
        tokens={},
        practices=frozenset(row.practice for row in rows),
        digest="",
        folder_digest="",
    )
    return State(loaded, None, _Folder(loaded))


# --- what is printed ---


def human(console: Console, told: Told, steps: list[trace.Step]) -> None:
    """The sentence, then what stands behind it; with steps, those."""
    said = present.words(sentences.sentence(told))
    verdict, style = ("may", "+") if told.answer.decision.allowed else ("may not", "-")
    at = len(present.visible(told.who)) + 1
    if said.plain.startswith(verdict, at):
        said.stylize(f"bold {present.STYLES[style]}", at, at + len(verdict))
    present.say(console, said)
    if told.rows:
        present.say(console, "", *(present.below(present.row("", row)) for row in told.rows))
    if known := _facts(told):
        present.say(console, "", present.facts(*known))
    if steps:
        present.say(console, "", trace.table(steps))


def _facts(told: Told) -> list[tuple[str, str]]:
    """What helps with a refusal: what the user has, what would be enough, and what the user reads."""
    given, explained = told.answer, told.answer.explanation
    facts: list[tuple[str, str]] = []
    if given.decision.reason is Reason.NO_LEVEL:
        facts.append((f"roles of {told.who}", present.series(told.roles) or "none"))
        would = [sentences.bare(role) for role in explained.would_allow] if explained else []
        facts.append(("would allow it", present.series(would) or f"no role of {told.where}"))
    if given.screens:
        facts.append((f"screens with `{told.asked['action']}`", present.series(given.screens, MOST_SCREENS)))
    if told.message:
        facts.append(("the user is shown", told.message))
    return facts


def data(told: Told, steps: list[trace.Step]) -> dict[str, object]:
    """The answer for a program. The names here never change their meaning."""
    given, explained = told.answer, told.answer.explanation
    made: dict[str, object] = {
        "decision": given.decision.allowed,
        "reason": given.decision.reason.value,
        "revision": given.decision.revision,
        **told.asked,
        "sentence": sentences.sentence(told),
        "rows": [dump_row(row) for row in told.rows],
        "roles": told.roles,
        "would_allow": [sentences.bare(role) for role in explained.would_allow] if explained else [],
        "similar": list(explained.similar) if explained else [],
        "screens_with_action": list(given.screens),
        "user_message": told.message,
    }
    if steps:
        made["trace"] = [{"step": step.number, "name": step.name, "found": list(step.found)} for step in steps]
    return made
