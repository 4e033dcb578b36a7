"""Changes: what has to be different, worked out from the store as it stands.

Each function reads and returns a change with the base it was made from; none of them writes. `service.publish` takes
it from there. An empty change (nothing added, nothing removed) means that all is as wanted already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from service.errors import BaseMoved, PracticeMoved, UsageError
from service.inspection import identity
from service.policy import model as models
from service.policy.bundle import MODEL, TEMPLATES, Bundle
from service.policy.cases import instance
from service.policy.edits import Edit, carried_out
from service.policy.practice import Practice
from service.policy.rows import parse
from service.publish import Press, publish
from service.store.view import View, text_digest
from service.values import ROLE_PREFIX, USER_PREFIX, Change, How, Revision, Row

_TRIES = 5
ADMINISTRATOR = ROLE_PREFIX + "Practice Administrator"
"""The template that the first administrator of a practice gets."""


@dataclass(frozen=True, slots=True)
class Author:
    """On whose word a change is made, how it came, why, and under which reference."""

    actor: str
    how: How = How.COMMAND
    reason: str = ""
    reference: str = ""


def of_files(view: View, author: Author, read: Bundle) -> Change:
    """What publishing these files would change: the files themselves, and the `g2` rows they hold."""
    files = {Row("file", (path, text_digest(text))) for path, text in read.texts.items()}
    return _difference(view, author, set(view.rows("")), files | set(read.shared.rows))


def of_worlds(view: View, author: Author, read: Bundle) -> Change:
    """What it takes for the practices of the folder's worlds to be as written there, and no practice else."""
    wanted: set[Row] = {row for world in read.worlds for row in world.rows()}
    wanted |= _roles(wanted)
    current = {row for practice in {row.practice for row in wanted} for row in view.rows(practice)}
    return _difference(view, author, current, wanted)


def of_no_practices(view: View, author: Author) -> Change:
    """What it takes for the store to have no practices: only a demonstration's are ever given up like that."""
    return _difference(view, author, {row for name in view.practice_ids() for row in view.rows(name)}, set())


def of_new_practice(
    view: View, author: Author, practice: str, name: str, admin: str, templates: Iterable[Row]
) -> Change:
    """A practice with one administrator, who holds the template for that."""
    if practice in view.practice_ids():
        raise UsageError(f"there is already a practice `{practice}`", "choose another id")
    rows = {Row("practice", (practice, name)), Row("user", (practice, admin, admin, "active"))}
    levels = {instance(row, practice) for row in templates if row.fields[0] == ADMINISTRATOR}
    if not levels:
        raise UsageError(f"no template `{ADMINISTRATOR}`", "add it to `templates.csv`")
    rows |= levels | {Row("g", (USER_PREFIX + admin, ADMINISTRATOR, practice))}
    return _difference(view, author, set(), rows | _roles(rows))


def of_user(view: View, author: Author, practice: str, user: str, *, name: str | None, active: bool) -> Change:
    """A user added (`name` set), or made active or inactive."""
    if practice not in view.practice_ids():
        raise UsageError(f"there is no practice `{practice}`", "see `rolewarden practice list`")
    old = next((row for row in view.rows(practice) if row.kind == "user" and row.fields[1] == user), None)
    if old is None and name is None:
        raise UsageError(f"`{practice}` has no user `{user}`", "see `rolewarden user list`")
    if old is not None and name is not None:
        raise UsageError(f"`{practice}` already has a user `{user}`", "enable or disable the user instead")
    shown = name if old is None else old.fields[2]
    new = Row("user", (practice, user, shown or user, "active" if active else "inactive"))
    return _difference(view, author, {old} if old else set(), {new})


def of_rows(view: View, author: Author, rows: frozenset[Row], *, whole: bool) -> Change:
    """What it takes for these rows of practices to stand. With `whole` they are all that their practices have.

    Roles that `p` and `g` rows name come into being; a user does not.
    """
    wanted = rows | _roles(rows)
    current = {row for practice in {row.practice for row in wanted} for row in view.rows(practice)}
    if not whole:
        about = {subject for row in wanted for subject in subjects(row)}
        current = {row for row in current if not about.isdisjoint(subjects(row))}
    return _difference(view, author, current, set(wanted))


Subject = tuple[str, tuple[str, ...]]
"""What a row can say something about: its kind, and the fields by which that is known."""


def subjects(row: Row) -> Iterator[Subject]:
    """What a row says something about, so that the last word counts: a level of role and screen stands for another."""
    yield identity(row)
    if row.kind == "p" and not row.denies:
        yield row.kind, row.fields[:3]


def of_edits(view: View, author: Author, practice: str, edits: Iterable[Edit], base: int) -> Change:
    """What these edits make of a practice. `base`: the newest revision that touched it when the author looked.

    Raises PracticeMoved where somebody else has changed the practice since.
    """
    if practice not in view.existing([practice]):
        raise UsageError(f"there is no practice `{practice}`", "see `rolewarden practice list`")
    if (newest := view.last_touched(practice)) != base:
        raise PracticeMoved(practice, base, newest)
    current = Practice.of(practice, view.rows(practice))
    return between(view, author, current, carried_out(current, edits, published_templates(view)))


def between(view: View, author: Author, current: Practice, wanted: Practice) -> Change:
    """What it takes for a practice to be as wanted."""
    return _difference(view, author, set(current.rows), set(wanted.rows))


def published_templates(view: View) -> tuple[Row, ...]:
    """The rows of the role templates that are published."""
    files = view.files()
    return _templates(files.get(MODEL, ""), files.get(TEMPLATES, ""))


@lru_cache(maxsize=2)
def _templates(model: str, text: str) -> tuple[Row, ...]:
    read, _ = models.parse(MODEL, model)
    return tuple(parse(TEMPLATES, text, read.widths)[0].rows) if read else ()


def together(one: Change, other: Change) -> Change:
    """Two changes from the same base as one."""
    return replace(one, added=one.added | other.added, removed=one.removed | other.removed)


def carry_out(press: Press, find: Callable[[View], Change], files: Mapping[str, str] | None = None) -> Revision | None:
    """Work out a change and publish it; again when somebody else's came first. None when there is nothing to change."""
    moved: BaseMoved | None = None
    for _ in range(_TRIES):
        with press.store.reading() as view:
            change = find(view)
        if not change.added and not change.removed:
            return None
        try:
            named = {row.fields[0] for row in change.added if row.kind == "file"}
            return publish(change, press, {path: text for path, text in (files or {}).items() if path in named})
        except PracticeMoved:
            raise  # which trying again would not mend
        except BaseMoved as error:
            moved = error
    raise moved or BaseMoved(0, 0)


def _roles(rows: Iterable[Row]) -> set[Row]:
    """The roles that stand in `p` and `g` rows, as rows of their own."""
    column = {"p": (0,), "g": (0, 1)}
    return {
        Row("role", (row.practice, row.fields[at]))
        for row in rows
        for at in column.get(row.kind, ())
        if row.fields[at].startswith(ROLE_PREFIX)
    }


def _difference(view: View, author: Author, current: set[Row], wanted: set[Row]) -> Change:
    return Change(
        added=frozenset(wanted - current),
        removed=frozenset(current - wanted),
        actor=author.actor,
        how=author.how,
        base=view.head().number,
        reason=author.reason,
        reference=author.reference,
    )
