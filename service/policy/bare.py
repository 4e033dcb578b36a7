"""A policy folder without practices: a Casbin model of any shape that is compiled, and its rows, which are its own.

    model.conf  request.yaml  policy.csv  entities.yaml (optional)  cases/*.yaml

There is no catalog, no directory and nothing in the store but the files themselves. Whatever is wrong is a finding
with its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.policy import barecases, baremap, entities, lint, model, patterns, rows
from service.policy.barecases import BareCase
from service.policy.baremap import BareMap
from service.policy.catalog import Catalog
from service.policy.entities import Entities
from service.policy.expression import Fitting, Written
from service.policy.findings import finding
from service.policy.model import Effect, Model
from service.policy.regex import Unsupported
from service.policy.roles import Links
from service.policy.rows import RowFile
from service.values import Finding

MODEL, REQUEST, POLICY, ENTITIES = "model.conf", "request.yaml", "policy.csv", "entities.yaml"
REQUIRED = (MODEL, REQUEST, POLICY)
OPTIONAL = (ENTITIES,)

CATALOG = Catalog(
    levels=(),
    closing="Code {code}.",
    unavailable="We can't check your access right now. Try again in a minute.",
    screens={},
    unknown="You don't have access to this.",
)
"""What people read where a folder says nothing about it."""

_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class Bare:
    """A folder without practices that could be read as a whole."""

    model: Model
    request_map: BareMap
    rows: RowFile
    entities: Entities
    cases: tuple[BareCase, ...]

    @property
    def reads(self) -> list[str]:
        """The attributes that the policy reads, each as `subject.role`."""
        fields = self.request_map.fields
        return [f"{fields[at].source.partition('.')[0]}.{name}" for at, name in self.model.matcher.attributes]


def read(texts: Mapping[str, str], cases: Iterable[str], found: list[Finding]) -> Bare | None:
    """Read a folder whose required files are there; `cases` are the paths of its cases."""
    policy, problems = model.parse(MODEL, texts[MODEL])
    found += problems
    known, problems = entities.read(ENTITIES, texts[ENTITIES]) if ENTITIES in texts else (Entities(), [])
    found += problems
    if policy is None or problems:
        return None
    asked, problems = baremap.read(REQUEST, texts[REQUEST], policy.request, policy.matcher.attributes, known)
    found += problems
    file, problems = rows.parse(POLICY, texts[POLICY], policy.widths)
    found += problems + lint.effects(file, policy.effect_column) + lint.duplicates([file])
    found += _links(file, policy) + _priorities(file, policy) + _patterns(file, policy) + _by_default(policy)
    if asked is None:
        return None
    read_cases: list[BareCase] = []
    for path in cases:
        some, problems = barecases.read(path, texts[path], asked)
        found += problems
        read_cases += some
    return Bare(policy, asked, file, known, tuple(read_cases))


def _links(file: RowFile, policy: Model) -> list[Finding]:
    """Circles and chains that are too long; under subjectPriority, whoever is in two roles."""
    pairs: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(dict)
    for index, row in enumerate(file.rows):
        if row.kind in policy.roles:
            lower, upper, *within = row.fields
            pairs[row.kind, "".join(within)].setdefault((lower, upper), index)
    found = []
    for (role, domain), links in pairs.items():
        fault = Links(links).fault()
        if fault:
            rule = "role-cycle" if len(set(fault)) < len(fault) else "role-depth"
            told = f"in `{domain or role}`: " + " in ".join(f"`{name}`" for name in fault)
            found.append(finding(rule, file.position(links[fault[0], fault[1]]), told, "take one of the links out"))
        if role == "g" and policy.effect is Effect.SUBJECT_PRIORITY:
            found += _two_roles(file, links)
    return found


def _two_roles(file: RowFile, links: Mapping[tuple[str, str], int]) -> list[Finding]:
    found, first = [], dict[str, str]()
    for (lower, upper), index in links.items():
        if first.setdefault(lower, upper) != upper:
            text = f"`{lower}` is in `{first[lower]}` and in `{upper}`, so that neither is nearer"
            found.append(finding("subject-twice", file.position(index, 0), text, "take one of the links out"))
    return found


def _priorities(file: RowFile, policy: Model) -> list[Finding]:
    column = policy.priority_column
    if column is None:
        return []
    mend = "write a whole number, such as 10"
    return [
        finding("priority-number", file.position(index, column), f"priority `{row.fields[column]}`", mend)
        for index, row in enumerate(file.rows)
        if row.kind == "p" and not _is_number(row.fields[column])
    ]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _patterns(file: RowFile, policy: Model) -> list[Finding]:
    """Patterns in rows that are refused."""
    used = {
        (term.function, term.pattern.at)
        for term in policy.matcher.terms
        if isinstance(term, Fitting) and isinstance(term.pattern, Written)
    }
    found = []
    for index, row in enumerate(file.rows):
        for function, column in sorted(used) if row.kind == "p" else ():
            try:
                patterns.compiled(function, row.fields[column])
            except Unsupported as unsupported:
                at = file.position(index, column)
                found.append(finding("pattern-unsupported", at, unsupported.found, unsupported.mend))
    return found


def _by_default(policy: Model) -> list[Finding]:
    """Under deny-override, what no row denies is allowed to everybody."""
    if policy.effect is not Effect.DENY_OVERRIDE:
        return []
    text = f"`e = {policy.effect}` allows everybody whatever no row denies"
    mend = f"write `e = {Effect.ALLOW_AND_DENY}`, unless that is meant"
    return [finding("allowed-by-default", policy.places["e"], text, mend)]
