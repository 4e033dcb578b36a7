"""Hints: rows that hold and are worth a look, since what they say is rarely what somebody wants.

Warnings and notices only: nothing here keeps a policy from being published. Takes rows that `lint` has accepted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from service.policy.catalog import Catalog
from service.policy.findings import finding
from service.policy.lint import At, Screens, by_domain
from service.policy.roles import Links
from service.values import ROLE_PREFIX, USER_PREFIX, Finding, Row

Held = Mapping[tuple[str, str], Mapping[str, int]]
"""(practice, role) -> screen -> the number of the first row by which the role holds a level there."""


def look(rows: Sequence[Row], at: At, known: Screens, *, live: bool) -> list[Finding]:
    """Warnings and notices on rows that hold; `live` rows are those of a practice, whose roles should have members."""
    found: list[Finding] = []
    held: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for index, row in enumerate(rows):
        if row.kind == "p" and not row.denies:
            role, practice, screen, level = row.fields[:4]
            held[practice, role].setdefault(screen, index)
            if other := known.acts_as(screen, level):
                text = f"{level} (same as {other} on `{screen}`)"
                mend = f"nothing, if that is meant; `{other}` says it more plainly"
                found.append(finding("level-acts-as", at(index, 3), text, mend))
    links = by_domain(row for row in rows if row.kind == "g")
    found += _queues_only(held, links, at, known.catalog)
    if live:
        found += _empty_roles(held, links, at)
    return found


def _queues_only(held: Held, links: Mapping[str, Links], at: At, catalog: Catalog) -> list[Finding]:
    """Roles that have a level on a screen, and neither of themselves nor by another role one on the screen it needs."""
    found = []
    for (practice, role), places in held.items():
        for screen, index in places.items():
            without = catalog.screens[screen].warn_without if screen in catalog.screens else None
            if without is None or without.screen in places:
                continue
            above = links[practice].above(role) if practice in links else ()
            if not any(without.screen in held.get((practice, other), ()) for other in above):
                text = f"`{role.removeprefix(ROLE_PREFIX)}` has no level on `{without.screen}`. {without.say}"
                mend = f"add `p, {role}, {practice}, {without.screen}, <level>`, if that is meant"
                found.append(finding("queue-only", at(index, 0), text, mend))
    return found


def _empty_roles(held: Held, links: Mapping[str, Links], at: At) -> list[Finding]:
    """Roles that hold a level and that no user reaches."""
    reached = {
        practice: {role for name in linked.names if name.startswith(USER_PREFIX) for role in linked.direct(name)}
        for practice, linked in links.items()
    }
    found = []
    for (practice, role), places in held.items():
        below = links[practice].below(role) if practice in links else frozenset()
        if not below & reached.get(practice, set()):
            mend = f"add `g, user:..., {role}, {practice}`"
            text = f"nobody is in `{role.removeprefix(ROLE_PREFIX)}` of `{practice}`"
            found.append(finding("role-empty", at(min(places.values()), 0), text, mend))
    return found
