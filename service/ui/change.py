"""One change: its facts, who gained and lost by it, what moved, and the rows as recorded.

Nothing is worked out here that `service.review` does not know: this puts it on a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from service import review
from service.access.permissions import ANY_CHANGE, CHANGE, CHANGES, UNDO, VIEW_CHANGES
from service.access.person import Visit, answer_about
from service.decision.standing import Alike, Line
from service.errors import AccessRefused, NotFound
from service.exchange import Reply
from service.policy.moves import Fate, LevelMove, Moved, Moves, RoleMoves, RuleMove, UserMove
from service.policy.rows import dump_row
from service.policy.wording import Phrase, called, name, phrase, series
from service.review import Told
from service.ui.attribution import HOW, who
from service.ui.changes import around
from service.ui.render import page, place_in
from service.ui.telling import moment
from service.values import USER_PREFIX

MANY = 4
"""People to whom the same happened who are told together."""

MOST_ROWS = 2_000
"""Rows of one entry that a page shows; `rolewarden log --rows` has all of them."""

DONE, TO_DO = ("gained", "lost"), ("would gain", "would lose")
"""What a change did, and what one would do."""

FLAGS = {"own-access": "Changed their own access, as the only person who could"}
"""What a reviewer should see, in words; one that is not here is shown by its name."""


class Group(NamedTuple):
    """People for whom the same became different. `people` are (id, name) in the order of names."""

    people: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    sign: str


class Entry(NamedTuple):
    """One role, person or file of what changed: what it is, what became of it, and the rows that say so.

    `joined` and `left` are (id, name) of people, `also` what else is to be said.
    """

    kind: str
    name: str
    mark: str
    levels: tuple[LevelMove, ...]
    joined: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...]
    also: tuple[Phrase, ...]
    rows: tuple[Moved, ...]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The rows as they stand in a file, each with its sign."""
        return [("+" if added else "-", dump_row(row)) for added, row in self.rows[:MOST_ROWS]]

    @property
    def more(self) -> int:
        """Rows that are not among them."""
        return len(self.rows) - len(self.rows[:MOST_ROWS])


def change(visit: Visit) -> Reply:
    """One change of the practice."""
    told = told_to(visit)
    made, evidence = told.revision, told.revision.evidence
    names = dict(around(visit).names) | told.names
    return page(
        visit,
        "changes/one.html",
        made=made,
        told=told,
        when=moment(made.time),
        who=who(made.actor, names),
        account=made.actor.removeprefix(USER_PREFIX) if made.actor.startswith(USER_PREFIX) else "",
        how=HOW[made.how],
        flags=[FLAGS.get(flag, flag) for flag in (evidence.flags if evidence else ())],
        groups=groups(told.alike or (), names),
        summary=summary(told.alike or (), names),
        entries=entries(told.moves, names),
        back=place_in(visit.practice, CHANGES),
        undo=_undo_place(visit, told),
        saved=visit.asked.query.one("saved") == "1",
    )


def told_to(visit: Visit) -> Told:
    """The change that the address names, where the person may see it."""
    number = _number(visit)
    with visit.office.press.store.reading() as view:
        told = review.told(view, visit.practice, number)
    if told is None:
        raise NotFound(f"there is no change no. {number} of this practice")
    if not visit.may(VIEW_CHANGES) and told.revision.actor != visit.someone.actor:
        # INVARIANT: whoever may not view all changes is never shown one of somebody else's.
        answer = answer_about(VIEW_CHANGES, visit)
        raise AccessRefused(
            answer.user_message,
            actor=visit.someone.actor,
            reason=answer.decision.reason.value,
            right=str(VIEW_CHANGES),
            sign=answer.code,
        )
    return told


def _number(visit: Visit) -> int:
    typed = visit.asked.names.get("number", "")
    if not typed.isascii() or not typed.isdigit() or typed.startswith("0") or len(typed) > 9:  # noqa: PLR2004
        raise NotFound("there is no such change")
    return int(typed)


def _undo_place(visit: Visit, told: Told) -> str:
    """Where this change can be undone; empty for whoever may not, and for one without rows of the practice."""
    own = any(row.practice == visit.practice for row in (*told.revision.added, *told.revision.removed))
    may = visit.may(*ANY_CHANGE)
    return place_in(visit.practice, UNDO).replace("<number>", str(told.revision.number)) if own and may else ""


# --- who gained and lost ------------------------------------------------------------------------------------


def groups(alike: Sequence[Alike] | None, names: Mapping[str, str]) -> list[Group]:
    """Those who gained, then those who lost, then those who did both; in each, the largest group first."""
    signs = {(True, False): "gained", (False, True): "lost", (True, True): "both"}
    found = [Group(_people(each.people, names), each.lines, signs[each.gains, each.loses]) for each in alike or ()]
    return sorted(found, key=lambda group: ("gained", "lost", "both").index(group.sign))


def _people(users: Sequence[str], names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(((user, names.get(user, user)) for user in users), key=lambda pair: pair[1].casefold()))


def summary(alike: Sequence[Alike], names: Mapping[str, str], verbs: tuple[str, str] = DONE) -> tuple[Phrase, Phrase]:
    """Who gained and who lost, in a sentence each."""
    gained, lost = (
        called([user for each in alike if side(each) for user in each.people], names) for side in (_GAINS, _LOSES)
    )
    return (
        phrase(series(gained) if gained else "Nobody", f" {verbs[0]} access."),
        phrase(series(lost) if lost else "Nobody", f" {verbs[1]} access."),
    )


_GAINS, _LOSES = attrgetter("gains"), attrgetter("loses")


# --- what moved ---------------------------------------------------------------------------------------------


def entries(moved: Moves, names: Mapping[str, str]) -> list[Entry]:
    """Everything that changed, by practice, role, person and what all practices share."""
    found = []
    if moved.practice:
        found.append(
            _plain("Practice", moved.practice.name, _mark(moved.practice.fate, moved.practice.was), moved.practice.rows)
        )
    found += [_role(role, names) for role in moved.roles]
    found += _directory(moved.users)
    files = [phrase(name(file.path), f" {_FILE[file.fate]}") for file in moved.files]
    rules = [_rule(rule) for rule in moved.rules]
    if moved.shared:
        found.append(Entry("Policy files", "", "all practices", (), (), (), (*files, *rules), moved.shared))
    if moved.others:
        found.append(_plain("Other rows", "", "", moved.others))
    return found


def _role(role: RoleMoves, names: Mapping[str, str]) -> Entry:
    """What is said of a role besides levels and members is that it is within another one."""
    also = [phrase("now has what ", series(role.within), " has")] if role.within else []
    also += [phrase("no longer has what ", series(role.without), " has")] if role.without else []
    joined, left = _people(role.joined, names), _people(role.left, names)
    mark = _mark(role.fate, role.was)
    return Entry("Role", role.name, mark, role.levels, joined, left, tuple(also), role.rows)


def _directory(users: Sequence[UserMove]) -> list[Entry]:
    """What became of people. Many of whom the same became are one entry, so that an import reads like one."""
    alike: dict[str, list[UserMove]] = defaultdict(list)
    for user in users:
        alike[_mark(user.fate, user.was, user.active)].append(user)
    found = []
    for mark, some in alike.items():
        if len(some) < MANY:
            found += [_plain("Person", user.name, mark, user.rows) for user in some]
        else:
            people = tuple((user.user, user.name) for user in some)
            rows = tuple(row for user in some for row in user.rows)
            found.append(Entry("People", "", f"{len(some):,} {mark}", (), people, (), (), rows))
    return found


def _plain(kind: str, own: str, mark: str, rows: tuple[Moved, ...]) -> Entry:
    return Entry(kind, own, mark, (), (), (), (), rows)


def _mark(fate: Fate, was: str = "", active: bool | None = None) -> str:
    """What became of it, in a word or two."""
    said = [] if fate is Fate.KEPT else [fate.value]
    said += [f"was {was}"] if was else []
    return ", ".join(said + ([] if active is None else ["made active" if active else "made inactive"]))


_FILE = {Fate.KEPT: "changed", Fate.ADDED: "added", Fate.REMOVED: "removed"}


def _rule(rule: RuleMove) -> Phrase:
    """`Task - Orders: Write includes Update`."""
    return phrase(
        name(rule.screen), f": {rule.above} {'includes' if rule.added else 'no longer includes'} {rule.below}"
    )


VIEWS = {("GET", CHANGE): change}
