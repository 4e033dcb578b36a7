"""Lint: whether rows mean what somebody can have meant.

Each check takes rows and a function that places them, so that the same checks serve files, cases and changes from
Setup or the command line, which have no file. Nothing here decides access.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from service.policy.catalog import Catalog
from service.policy.findings import finding, listed
from service.policy.matcher import Term
from service.policy.model import Model
from service.policy.roles import Links
from service.policy.rows import RowFile, dump_row
from service.values import ROLE_PREFIX, TEMPLATE_PRACTICE, USER_PREFIX, Finding, Position, Row

At = Callable[[int, int], Position]
"""Where row number `index` stands, and in it field number `column` (-1: its type)."""


# INVARIANT: every request field is matched. A matcher that left out the action would allow any of them.
_MATCHER = (
    "r.screen == p.screen && r.practice == p.practice && "
    "g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)"
)
_TERMS = {Term(2, 2), Term(1, 1), Term(0, 0, "g", 1), Term(3, 3, "g2", 2)}


@dataclass(frozen=True, slots=True)
class Screens:
    """What `screens.csv` and the catalog say together. `granted`: (screen, level) -> the actions it opens."""

    catalog: Catalog
    levels: Mapping[str, frozenset[str]]
    granted: Mapping[tuple[str, str], frozenset[str]]

    def acts_as(self, screen: str, level: str) -> str | None:
        """The highest level above this one that opens exactly the same actions here; None where there is none."""
        above = self.catalog.levels[self.catalog.levels.index(level) + 1 :]
        same = [name for name in above if self.granted.get((screen, name)) == self.granted.get((screen, level))]
        return same[-1] if same else None


def screens(catalog: Catalog, shared: Iterable[Row]) -> Screens:
    """Work out which levels each screen has and which actions each opens."""
    links = _by_screen(shared)
    levels = {screen: frozenset(link.names & set(catalog.levels)) for screen, link in links.items()}
    granted = {
        (screen, level): links[screen].below(level) & catalog.screens[screen].actions.keys()
        for screen in links
        if screen in catalog.screens
        for level in levels[screen]
    }
    return Screens(catalog, levels, granted)


def model(file: str, model: Model) -> list[Finding]:
    """The model speaks of what the rest of the product speaks of, in the columns where the store keeps it."""
    found = []
    says = {"r": model.request, "p": model.policy[:4], "g": model.roles.get("g"), "g2": model.roles.get("g2")}
    wants = {
        "r": ("user", "practice", "screen", "action"),
        "p": ("role", "practice", "screen", "level"),
        "g": 3,
        "g2": 3,
    }
    for key, wanted in wants.items():
        if says[key] != wanted:
            text = ", ".join(wanted) if isinstance(wanted, tuple) else "_, _, _"
            found.append(
                finding("model-vocabulary", Position(file), f"`{key}` is not `{text}`", f"write `{key} = {text}`")
            )
    if not found and set(model.matcher.terms) != _TERMS:
        text = "the matcher does not compare practice, screen, user and action, each once"
        mend = f"write `m = {_MATCHER}`"
        found.append(finding("model-vocabulary", Position(file), text, mend))
    return found


def effects(file: RowFile, column: int | None) -> list[Finding]:
    """Each row says exactly `allow` or `deny`, where the model has it say one of them."""
    if column is None:
        return []
    return [
        finding(
            "effect-spelling", file.position(index, column), f"effect `{row.fields[column]}`", "write `allow` or `deny`"
        )
        for index, row in enumerate(file.rows)
        if row.kind == "p" and row.fields[column] not in ("allow", "deny")
    ]


def shared(file: RowFile, catalog: Catalog, catalog_file: str) -> list[Finding]:
    """`screens.csv`: every name declared, no circle, and screens and catalog equal."""
    rows = [row for row in file.rows if row.kind == "g2"]
    found = [
        finding("row-home", file.position(index), f"`{dump_row(row)}`", f"`{file.file}` holds `g2` rows only")
        for index, row in enumerate(file.rows)
        if row.kind != "g2"
    ]
    for index, row in enumerate(file.rows):
        if row.kind == "g2":
            found += _declared(file, index, catalog)
    return (
        found
        + _paired(file, catalog, catalog_file)
        + _faults("g2", rows, lambda row: file.position(file.rows.index(row)))
        + _ungranted(catalog, _by_screen(rows))
    )


def _declared(file: RowFile, index: int, catalog: Catalog) -> list[Finding]:
    """Level and action of a `g2` row are names of the catalog."""
    lower, upper, screen = file.rows[index].fields
    found, known = [], catalog.screens.get(screen)
    if upper not in catalog.levels:
        mend = f"the levels are {listed(catalog.levels)}"
        found.append(finding("level-unknown", file.position(index, 1), f"level `{upper}`", mend))
    if known and lower not in catalog.levels and lower not in known.actions:
        mend = f"add the action to `{screen}` in the catalog, or use {listed(known.actions)}"
        found.append(finding("action-unknown", file.position(index, 0), f"action `{lower}` on `{screen}`", mend))
    return found


def _paired(file: RowFile, catalog: Catalog, catalog_file: str) -> list[Finding]:
    """Every screen stands in both files."""
    places: dict[str, int] = {}
    for index, row in enumerate(file.rows):
        if row.kind == "g2":
            places.setdefault(row.fields[2], index)
    missing = [
        finding(
            "catalog-missing",
            file.position(index, 2),
            f"screen `{screen}` has no catalog entry",
            _close(screen, catalog.screens) or f"describe it in `{catalog_file}`",
        )
        for screen, index in places.items()
        if screen not in catalog.screens
    ]
    return missing + [
        finding("catalog-orphan", known.position, f"screen `{screen}` has no rows", f"add `g2` rows to `{file.file}`")
        for screen, known in catalog.screens.items()
        if screen not in places
    ]


def _ungranted(catalog: Catalog, links: Mapping[str, Links]) -> list[Finding]:
    """Actions that can be asked about and never allowed."""
    levels = set(catalog.levels)
    return [
        finding(
            "action-ungranted",
            known.position,
            f"no level of `{screen}` grants `{action}`",
            f"add `g2, {action}, <level>, {screen}`",
        )
        for screen, known in catalog.screens.items()
        for action in known.actions
        if screen in links and not links[screen].above(action) & levels
    ]


def practice_rows(rows: Sequence[Row], at: At, known: Screens, users: Mapping[str, set[str]] | None) -> list[Finding]:
    """`p` and `g` rows of practices or templates; `users`: the directory of each practice, None where there is none."""
    found: list[Finding] = []
    levels, opens, catalog = known.levels, known.catalog.screens, known.catalog
    for index, row in enumerate(rows):
        fields = row.fields
        if row.kind == "p":
            role, _, screen, level = fields[:4]
            if role.startswith(ROLE_PREFIX) and level in levels.get(screen, ()) and len(role) > len(ROLE_PREFIX):
                continue
            if role.startswith(USER_PREFIX):
                mend = f"grant it to a role, and add `g, {role}, role:..., {fields[1]}`"
                found.append(finding("grant-to-user", at(index, 0), f"a level granted to `{role}`", mend))
            elif not role.startswith(ROLE_PREFIX) or role == ROLE_PREFIX:
                found.append(_prefix(at(index, 0), role, ROLE_PREFIX))
            if screen not in opens:
                mend = _close(screen, opens) or "declare it in the catalog and in `screens.csv`"
                found.append(finding("screen-unknown", at(index, 2), f"screen `{screen}`", mend))
            elif level not in levels.get(screen, ()):
                mend = f"`{screen}` has {listed(sorted(levels.get(screen, ()), key=catalog.levels.index))}"
                mend += "; for no access, write no row" if level == "Off" else ""
                found.append(finding("level-unknown", at(index, 3), f"level `{level}`", mend))
        elif row.kind == "g":
            found += _membership(index, fields, at, users)
    found += _faults("g", rows, lambda row: at(rows.index(row), -1))
    return found


def duplicates(files: Iterable[RowFile]) -> list[Finding]:
    """The same row twice, in one file or in two."""
    found = []
    first: dict[Row, tuple[RowFile, int]] = {}
    for file in files:
        for index, row in enumerate(file.rows):
            known = first.setdefault(row, (file, index))
            if known != (file, index) and (known[0] is not file or known[1] != index):
                text = f"`{dump_row(row)}` stands already at {known[0].position(known[1])}"
                found.append(finding("row-duplicate", file.position(index), text, "take one of the two out"))
    return found


def worth_a_look(rows: Sequence[Row], at: At, known: Screens, *, live: bool) -> list[Finding]:
    """Warnings and notices on rows that hold; `live` rows are those of a practice, whose roles should have members."""
    found: list[Finding] = []
    held: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    joined = {(row.fields[2], row.fields[1]) for row in rows if row.kind == "g"}
    for index, row in enumerate(rows):
        if row.kind == "p":
            held[row.fields[1], row.fields[0]].setdefault(row.fields[2], index)
    for index, row in enumerate(rows):
        if row.kind != "p":
            continue
        role, practice, screen, level = row.fields[:4]
        other = known.acts_as(screen, level)
        if other:
            found.append(finding("level-acts-as", at(index, 3), f"{level} (same as {other} on `{screen}`)"))
        without = known.catalog.screens[screen].warn_without
        if without and without.screen not in held[practice, role] and held[practice, role][screen] == index:
            text = f"`{_bare(role)}` has no level on `{without.screen}`. {without.say}"
            found.append(
                finding("queue-only", at(index, 0), text, f"add a level on `{without.screen}` if that is meant")
            )
    for (practice, role), places in held.items():
        if live and (practice, role) not in joined:
            text = f"nobody is in `{_bare(role)}` of `{practice}`"
            found.append(
                finding("role-empty", at(min(places.values()), 0), text, f"add `g, user:..., {role}, {practice}`")
            )
    return found


def _membership(index: int, fields: tuple[str, ...], at: At, users: Mapping[str, set[str]] | None) -> list[Finding]:
    """One `g` row: a user or role in a role of a practice."""
    member, role, practice = fields
    found = []
    if role.startswith(USER_PREFIX):
        text = f"`{role}` used as a role"
        found.append(finding("user-as-role", at(index, 1), text, "write the user first, then the role"))
    elif not role.startswith(ROLE_PREFIX) or role == ROLE_PREFIX:
        found.append(_prefix(at(index, 1), role, ROLE_PREFIX))
    if not member.startswith((USER_PREFIX, ROLE_PREFIX)) or member in (USER_PREFIX, ROLE_PREFIX):
        found.append(_prefix(at(index, 0), member, USER_PREFIX))
    elif member.startswith((USER_PREFIX + USER_PREFIX, USER_PREFIX + ROLE_PREFIX)):
        text = f"a user named `{member.removeprefix(USER_PREFIX)}`"
        found.append(finding("user-as-role", at(index, 0), text, "give the user an id without a prefix"))
    elif users is not None and member.startswith(USER_PREFIX):
        known = users.get(practice, set())
        if member.removeprefix(USER_PREFIX) not in known:
            text = f"user `{member}` is not in the directory of `{practice}`"
            found.append(finding("user-unknown", at(index, 0), text, "add the user to the directory"))
    if practice == TEMPLATE_PRACTICE:
        text = "a member of a template"
        found.append(finding("row-home", at(index, 2), text, "templates have levels only; name a practice"))
    return found


def _faults(kind: str, rows: Iterable[Row], at: Callable[[Row], Position]) -> list[Finding]:
    """Circles and chains that are too long, domain by domain."""
    pairs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.kind == kind and (kind == "g2" or row.fields[0].startswith(ROLE_PREFIX)):
            pairs[row.fields[2]].append(row)
    found = []
    for domain, linked in pairs.items():
        # A user is one link more below the chain of roles.
        links = [(row.fields[0], row.fields[1]) for row in linked]
        fault = Links(links if kind == "g2" else [*links, *(("", lower) for lower, _ in links)]).fault()
        if fault:
            fault = [name for name in fault if name]
            rule = "role-cycle" if len(set(fault)) < len(fault) else "role-depth"
            row = next(row for row in linked if row.fields[0] == fault[0] and row.fields[1] == fault[1])
            text = f"in `{domain}`: " + " in ".join(f"`{name}`" for name in fault)
            found.append(finding(rule, at(row), text, "take one of the links out"))
    return found


def _by_screen(shared: Iterable[Row]) -> dict[str, Links]:
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in shared:
        pairs[row.fields[2]].append((row.fields[0], row.fields[1]))
    return {screen: Links(links) for screen, links in pairs.items()}


def _prefix(at: Position, name: str, prefix: str) -> Finding:
    bare = name.removeprefix(prefix)
    return finding(
        "prefix-missing",
        at,
        f"`{name}`",
        f"write `{prefix}{bare}`" if bare else f"write a name behind `{prefix}`",
    )


def _bare(role: str) -> str:
    return role.removeprefix(ROLE_PREFIX)


def _close(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else ""
