"""Separation of duties: pairs of things that no one person may do both of, declared in `separation.yaml`.

    - apart:
        - {screen: Setup - Roles, action: edit}
        - {screen: Audit - Policy Changes, action: sign}
      why: Whoever gives out access does not sign off on it

The file may be missing. A change that newly gives somebody both is refused (`service.decision.guards`); who had both
before the pair was declared is warned about, so that a pair can be declared before it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.policy.catalog import Catalog
from service.policy.findings import finding, listed
from service.policy.lint import Screens, by_domain
from service.policy.plain import Malformed, Node, parse
from service.values import USER_PREFIX, Finding, Position, Row

_TWO = 2


class Duty(NamedTuple):
    """Something that can be done on a screen."""

    screen: str
    action: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two duties that no one person may have together, and why."""

    apart: tuple[Duty, Duty]
    why: str


def read(file: str, text: str, catalog: Catalog) -> tuple[tuple[Pair, ...], list[Finding]]:
    """Read the pairs of a file. One that does not hold is a finding, and is not among them."""
    node, found = parse(file, text)
    pairs: list[Pair] = []
    try:
        entries = node.items() if node else []
    except Malformed as malformed:
        return (), [malformed.finding]
    for entry in entries:
        try:
            pair = _pair(entry, catalog)
            if any(set(pair.apart) == set(known.apart) for known in pairs):
                raise Malformed(entry.position, "a pair that stands twice", "take one of the two out")
            pairs.append(pair)
        except Malformed as malformed:
            found.append(malformed.finding)
    return tuple(pairs), found


def _pair(node: Node, catalog: Catalog) -> Pair:
    entry = node.fields("apart", "why")
    duties = entry["apart"].items()
    if len(duties) != _TWO:
        raise Malformed(entry["apart"].position, f"{len(duties)} entries", "write the two that are kept apart")
    one, other = (duty(each, catalog) for each in duties)
    if one == other:
        raise Malformed(duties[1].position, "the same twice", "name what it is kept apart from")
    return Pair((one, other), entry["why"].text().rstrip("."))


def duty(node: Node, catalog: Catalog) -> Duty:
    """Read a screen and one of its actions. Malformed where there is no such thing."""
    entry = node.fields("screen", "action")
    screen, action = entry["screen"].name(), entry["action"].name()
    if screen not in catalog.screens:
        mend = "name a screen of the catalog"
        raise Malformed(entry["screen"].position, f"screen `{screen}`, which is not declared", mend)
    if action not in (actions := catalog.screens[screen].actions):
        text = f"`{action}` on `{screen}`, which is not declared"
        raise Malformed(entry["action"].position, text, f"use {listed(actions)}")
    return Duty(screen, action)


def having_both(rows: Iterable[Row], pairs: Iterable[Pair], known: Screens) -> Iterator[tuple[str, str, Pair]]:
    """Every (practice, user) whose roles give both of a pair, as rows say; whether they are active is not asked."""
    rows = tuple(rows)
    members = by_domain(row for row in rows if row.kind == "g")
    for pair in pairs:
        one, other = (_holders(rows, duty, known) for duty in pair.apart)
        barred = [_holders(rows, duty, known, denied=True) for duty in pair.apart]
        for practice in sorted(one.keys() & other.keys() & members.keys()):
            links = members[practice]
            both = [{name for role in held[practice] for name in links.below(role)} for held in (one, other)]
            refused = {name for held in barred for role in held.get(practice, ()) for name in links.below(role)}
            for name in sorted(both[0] & both[1] - refused):
                if name.startswith(USER_PREFIX):
                    yield practice, name.removeprefix(USER_PREFIX), pair


def _holders(rows: Iterable[Row], duty: Duty, known: Screens, *, denied: bool = False) -> dict[str, set[str]]:
    """The roles of each practice that hold a level by which the duty can be done, or are `denied` one."""
    found: dict[str, set[str]] = {}
    for row in rows:
        grants = row.kind == "p" and row.fields[2] == duty.screen and row.denies is denied
        if grants and duty.action in known.granted.get((duty.screen, row.fields[3]), ()):
            found.setdefault(row.practice, set()).add(row.fields[0])
    return found


def warnings(
    rows: Iterable[Row], pairs: Iterable[Pair], known: Screens, place: Callable[[str], Position]
) -> list[Finding]:
    """A warning for everybody who has both of a pair; `place` says where a practice stands."""
    return [
        finding(
            "separation",
            place(practice),
            f"`{user}` of `{practice}` may {phrase(pair, known.catalog)}",
            f"take one of the two away: {pair.why}",
        )
        for practice, user, pair in having_both(rows, pairs, known)
    ]


def phrase(pair: Pair, catalog: Catalog) -> str:
    """The two duties in the words that complete "Ann may ..."."""
    return " and ".join(catalog.screens[duty.screen].actions[duty.action] for duty in pair.apart)
