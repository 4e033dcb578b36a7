"""Lint: whether rows mean what somebody can have meant.

Each check takes rows and a function that places them, so that the same checks serve files, cases and changes from
Setup or the command line, which have no file. Nothing here decides access.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from service.policy.catalog import OFF, Catalog
from service.policy.findings import finding, listed
from service.policy.joint import Tie
from service.policy.model import Effect, Model
from service.policy.roles import Links
from service.policy.rows import RowFile, dump_row
from service.values import ROLE_PREFIX, USER_PREFIX, Finding, Position, Row

At = Callable[[int, int], Position]
"""Where row number `index` stands, and in it field number `column` (-1: its type)."""


# INVARIANT: every request field is matched. A matcher that left out the action would allow any of them.
_MATCHER = (
    "r.screen == p.screen && r.practice == p.practice && "
    "g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)"
)
_TIES = {Tie(2, 2), Tie(1, 1), Tie(0, 0, "g", 1), Tie(3, 3, "g2", 2)}
_EFFECTS = (Effect.ALLOW_OVERRIDE, Effect.ALLOW_AND_DENY)


@dataclass(frozen=True, slots=True)
class Screens:
    """What `screens.csv` and the catalog say together. `granted`: (screen, level) -> the actions it opens."""

    catalog: Catalog
    levels: Mapping[str, frozenset[str]]
    granted: Mapping[tuple[str, str], frozenset[str]]

    def acts_as(self, screen: str, level: str) -> str | None:
        """The highest level above this one that opens exactly the same actions here; None where there is none."""
        if (screen, level) not in self.granted:
            return None
        above = self.catalog.levels[self.catalog.levels.index(level) + 1 :]
        same = [name for name in above if self.granted.get((screen, name)) == self.granted.get((screen, level))]
        return same[-1] if same else None


def screens(catalog: Catalog, shared: Iterable[Row]) -> Screens:
    """Work out which levels each screen has and which actions each opens."""
    links = by_domain(shared)
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
    policy = tuple(name for name in model.policy if name != "eft")
    says = {"r": model.request, "p": policy, "g": model.roles.get("g"), "g2": model.roles.get("g2")}
    wants = {
        "r": ("user", "practice", "screen", "action"),
        "p": ("role", "practice", "screen", "level"),
        "g": 3,
        "g2": 3,
    }
    found = []
    for key, wanted in wants.items():
        if says[key] != wanted:
            text = ", ".join(wanted) if isinstance(wanted, tuple) else "_, _, _"
            at = model.places.get(key, Position(file))
            found.append(finding("model-vocabulary", at, f"`{key}` is not `{text}`", f"write `{key} = {text}`"))
    if not found and (model.joint is None or set(model.joint.ties) != _TIES):
        text = "the matcher does not compare practice, screen, user and action, each once"
        found.append(finding("model-vocabulary", model.places["m"], text, f"write `m = {_MATCHER}`"))
    if "eft" in model.policy and model.effect is Effect.ALLOW_OVERRIDE:
        # INVARIANT: a row that denies counts, or there is none: what says "no" and is not heard would mislead.
        mend = f"write `e = {Effect.ALLOW_AND_DENY}`, or take `eft` out"
        found.append(finding("model-vocabulary", model.places["e"], "an effect that hears no row that denies", mend))
    if model.effect not in _EFFECTS:
        # INVARIANT: in a practice access is by role alone, and no row comes before another.
        mend = f"write {listed(effect.value for effect in _EFFECTS)}"
        found.append(finding("model-vocabulary", model.places["e"], f"effect `{model.effect}`", mend))
    return found


def effects(file: RowFile, column: int | None) -> list[Finding]:
    """Each row says exactly `allow` or `deny`, where the model has it say one of them."""
    if column is None:
        return []
    mend = "write `allow` or `deny`"
    return [
        finding("effect-spelling", file.position(index, column), f"effect `{row.fields[column]}`", mend)
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
        + _ungranted(catalog, by_domain(rows))
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
            known.places[action],
            f"no level of `{screen}` grants `{action}`",
            f"add `g2, {action}, <level>, {screen}`",
        )
        for screen, known in catalog.screens.items()
        for action in known.actions
        if screen in links and not links[screen].above(action) & levels
    ]


def practice_rows(rows: Sequence[Row], at: At, known: Screens, users: Mapping[str, set[str]] | None) -> list[Finding]:
    """The rows of practices or templates; `users`: the directory of each practice, None where there is none."""
    found: list[Finding] = []
    unknown: set[str] = set()
    for index, row in enumerate(rows):
        if row.kind == "user" and row.fields[1].startswith((USER_PREFIX, ROLE_PREFIX)):
            text, mend = f"a user named `{row.fields[1]}`", "give the user an id without a prefix"
            found.append(finding("user-as-role", at(index, 1), text, mend))
        if row.kind == "role" and row.fields[1].startswith(ROLE_PREFIX) and not _is_role(row.fields[1]):
            found.append(_misnamed(at(index, 1), row.fields[1], ROLE_PREFIX))
        if row.kind not in ("p", "g"):
            continue
        if users is not None and row.practice not in users and row.practice not in unknown:
            unknown.add(row.practice)
            mend = _close(row.practice, users) or "add the practice to the directory, or correct its id"
            column = 1 if row.kind == "p" else 2
            found.append(finding("practice-unknown", at(index, column), f"practice `{row.practice}`", mend))
        if row.kind == "g":
            found += _membership(index, row.fields, at, users)
        elif not _is_role(row.fields[0]) or row.fields[3] not in known.levels.get(row.fields[2], ()):
            found += _grant(index, row.fields, at, known)
    return found + _faults("g", rows, lambda row: at(rows.index(row), -1))


def _grant(index: int, fields: tuple[str, ...], at: At, known: Screens) -> list[Finding]:
    """What is wrong with one `p` row: its role, its screen or its level."""
    role, practice, screen, level = fields[:4]
    opens = known.catalog.screens
    # A screen without rows of its own was reported where it stands; its levels are as good as any.
    levels = known.levels.get(screen, frozenset(known.catalog.levels))
    found = []
    if role.startswith(USER_PREFIX):
        mend = f"grant it to a role, and add `g, {role}, role:..., {practice}`"
        found.append(finding("grant-to-user", at(index, 0), f"a level granted to `{role}`", mend))
    elif not _is_role(role):
        found.append(_misnamed(at(index, 0), role, ROLE_PREFIX))
    if screen not in opens:
        mend = _close(screen, opens) or "declare it in the catalog and in `screens.csv`"
        found.append(finding("screen-unknown", at(index, 2), f"screen `{screen}`", mend))
    elif level == OFF:
        found.append(finding("level-unknown", at(index, 3), f"level `{OFF}`", "for no access, write no row"))
    elif level not in levels:
        mend = f"`{screen}` has {listed(name for name in known.catalog.levels if name in levels)}"
        found.append(finding("level-unknown", at(index, 3), f"level `{level}`", mend))
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


def _membership(index: int, fields: tuple[str, ...], at: At, users: Mapping[str, set[str]] | None) -> list[Finding]:
    """One `g` row: a user or role in a role of a practice."""
    member, role, practice = fields
    found = []
    if role.startswith(USER_PREFIX):
        text = f"`{role}` used as a role"
        found.append(finding("user-as-role", at(index, 1), text, "write the user first, then the role"))
    elif not _is_role(role):
        found.append(_misnamed(at(index, 1), role, ROLE_PREFIX))
    if member.startswith(ROLE_PREFIX):
        found += [] if _is_role(member) else [_misnamed(at(index, 0), member, ROLE_PREFIX)]
    elif not _is_user(member):
        found.append(_misnamed(at(index, 0), member, USER_PREFIX))
    elif users is not None and practice in users and member.removeprefix(USER_PREFIX) not in users[practice]:
        text = f"user `{member}` is not in the directory of `{practice}`"
        mend = _close(member.removeprefix(USER_PREFIX), users[practice]) or "add the user to the directory"
        found.append(finding("user-unknown", at(index, 0), text, mend))
    return found


def _is_role(name: str) -> bool:
    return name.startswith(ROLE_PREFIX) and _is_bare(name[len(ROLE_PREFIX) :])


def _is_user(name: str) -> bool:
    return name.startswith(USER_PREFIX) and _is_bare(name[len(USER_PREFIX) :])


def _is_bare(name: str) -> bool:
    """Whether this can stand behind a prefix."""
    return name != "" and name[0] != " " and not name.startswith((USER_PREFIX, ROLE_PREFIX))


def _misnamed(at: Position, name: str, prefix: str) -> Finding:
    """What is wrong with the name of a role or user: no prefix, or not a name behind it."""
    bare = name.removeprefix(prefix)
    if bare == name:
        # `Role:`, say; a prefix is of small letters.
        bare = name[len(prefix) :] if name.lower().startswith(prefix) else name
        mend = f"write `{prefix}{bare.strip()}`" if bare.strip() else f"write a name behind `{prefix}`"
        return finding("prefix-missing", at, f"`{name}` without its prefix", mend)
    if not bare:
        return finding("prefix-missing", at, f"`{prefix}` without a name", f"write a name behind `{prefix}`")
    if bare[0] == " ":
        return finding("name-blank", at, f"a blank behind `{prefix}`", f"write `{prefix}{bare.strip()}`")
    return finding("user-as-role", at, f"`{name}`, with two prefixes", "write one prefix, and a name behind it")


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


def by_domain(rows: Iterable[Row]) -> dict[str, Links]:
    """The links of `g2` rows by screen, or of `g` rows by practice."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        pairs[row.fields[2]].append((row.fields[0], row.fields[1]))
    return {domain: Links(links) for domain, links in pairs.items()}


def _close(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else ""
