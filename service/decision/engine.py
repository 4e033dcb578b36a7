"""The engine: the policy of practices compiled to an immutable snapshot that answers in constant time.

A `Ruleset` is what the policy files say, a `Division` one practice, a `Snapshot` both under one revision. In a
division each role that holds anything is one bit; a user is the bits of the roles they reach, and each (screen,
action) the bits of the roles that it is granted to: one `&` decides. `service.decision.scan` defines what is
computed here.

INVARIANT: no answer changes after it was built, so that a request may read it without a lock. What a ruleset adds
later is a memory of what rows expand to, which comes out the same whoever works it out first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import product
from operator import itemgetter
from typing import Any

from service.policy.joint import Joint, Tie
from service.policy.model import Effect, Model
from service.policy.roles import Links
from service.values import USER_PREFIX, Decision, Explanation, Reason, Request, Row

_NO_LINKS = Links(())
_WITH_DOMAIN = 3
"""Fields of a role definition that has a domain."""

Key = Hashable
"""What a row grants, without who: for the shipped model `(screen, action)`."""


class Ruleset:
    """What the policy files say: the model, the rows that all practices share, and what may be asked.

    `vocabulary` maps each screen to its actions. `kinds`: what AuthZEN calls the type of a user and of a screen.
    """

    __slots__ = (
        "_columns",
        "_expanded",
        "_forbids",
        "_links",
        "_shared",
        "divided",
        "joint",
        "key",
        "kinds",
        "model",
        "questions",
        "vocabulary",
    )

    def __init__(
        self,
        model: Model,
        shared: Iterable[Row],
        vocabulary: Mapping[str, frozenset[str]],
        kinds: tuple[str, str] = ("user", "screen"),
    ) -> None:
        joint = _joint(model)
        self.joint = joint
        self.kinds = kinds
        self.model = model
        self.vocabulary = vocabulary
        self._forbids = model.effect is Effect.ALLOW_AND_DENY
        self.divided = joint.divided | {"p"}
        self.key: Callable[[Request], Key] = _getter([tie.request for tie in joint.keys])
        self.questions = _questions(model, vocabulary, self.key)
        self._links = _linked(shared, model)
        columns = [tie.policy for tie in joint.keys]
        columns += [tie.domain for tie in joint.keys if tie.domain is not None and tie.domain not in columns]
        self._columns = _getter(columns)
        self._expanded: dict[Key, tuple[Key, ...]] = {}
        self._shared = not any(tie.role in joint.divided for tie in joint.keys)

    def effect(self, row: Row) -> str:
        """What a `p` row says: `allow`, `deny` where that counts, or nothing (""). Nothing else is ever guessed."""
        column = self.model.effect_column
        said = "allow" if column is None else row.fields[column]
        return said if said == "allow" or (said == "deny" and self._forbids) else ""

    def keys(self, row: Row, links: Mapping[tuple[str, str], Links]) -> tuple[Key, ...]:
        """Every key that a `p` row matches, given the links of its division."""
        if not self._shared:
            return self._expand(row, {**self._links, **links})
        known = self._columns(row.fields)
        keys = self._expanded.get(known)
        if keys is None:
            keys = self._expanded[known] = self._expand(row, self._links)
        return keys

    def _expand(self, row: Row, links: Mapping[tuple[str, str], Links]) -> tuple[Key, ...]:
        ties = self.joint.keys
        choices = [_reaching(row, tie.policy, tie.role, tie.domain, links) for tie in ties]
        keys = (values[0] if len(ties) == 1 else values for values in product(*choices))
        return tuple(key for key in keys if key in self.questions)

    def compile(self, rows: Iterable[Row]) -> Division:
        """Compile the rows of one practice."""
        return Division(self, tuple(rows))


class Division:
    """One practice, compiled. `held` has every known and active user; `granted` and `denied` what roles hold."""

    __slots__ = ("denied", "granted", "held", "inactive", "links", "roles", "rows", "ruleset")

    def __init__(self, ruleset: Ruleset, rows: tuple[Row, ...]) -> None:
        subject = ruleset.joint.subject
        self.ruleset = ruleset
        self.rows = rows
        self.links = _linked(rows, ruleset.model)
        self.roles: dict[str, int] = {}
        self.granted: dict[Key, int] = {}
        self.denied: dict[Key, int] = {}
        tables = {"allow": self.granted, "deny": self.denied}
        for row in rows:
            table = tables.get(ruleset.effect(row)) if row.kind == "p" else None
            if table is None:
                continue
            bit = self.roles.setdefault(row.fields[subject.policy], 1 << len(self.roles))
            for key in ruleset.keys(row, self.links):
                table[key] = table.get(key, 0) | bit
        self.held, self.inactive = self._people()

    def rows_matching(self, key: Key) -> dict[str, set[Row]]:
        """The rows that match a key, whoever asks, by their effect. Takes time in the number of rows."""
        found: dict[str, set[Row]] = {"allow": set(), "deny": set()}
        for row in self.rows:
            effect = self.ruleset.effect(row) if row.kind == "p" else ""
            if effect and key in self.ruleset.keys(row, self.links):
                found[effect].add(row)
        return found

    def reached(self, name: str) -> frozenset[str]:
        """Every role that a user or role reaches in this division, itself included."""
        return self.subjects().above(name)

    def subjects(self) -> Links:
        """The links from users to roles."""
        subject = self.ruleset.joint.subject
        found = [links for (role, _), links in self.links.items() if role == subject.role]
        return found[0] if found else _NO_LINKS

    def _people(self) -> tuple[dict[str, int], frozenset[str]]:
        """The bits of each active user, and who is inactive."""
        links, bits = self.subjects(), self.roles
        active, inactive = {}, set()
        for row in self.rows:
            if row.kind == "user":
                name = USER_PREFIX + row.fields[1]
                if row.fields[3] == "active":
                    active[name] = _bits(links, bits, name)
                else:
                    inactive.add(name)
        return active, frozenset(inactive)


class Snapshot:
    """Everything that is answered from, under one revision: the ruleset and the divisions that are loaded."""

    __slots__ = ("_allowed", "_division", "_key", "_refused", "_subject", "divisions", "revision", "ruleset")

    def __init__(self, ruleset: Ruleset, divisions: Mapping[str, Division], revision: int = 0) -> None:
        self.ruleset = ruleset
        self.divisions = divisions
        self.revision = revision
        self._division = _divides(ruleset.joint).request
        self._subject = ruleset.joint.subject.request
        self._key = ruleset.key
        self._allowed = Decision(Reason.ALLOWED, revision)
        self._refused: dict[Reason, Decision] = {
            reason: Decision(reason, revision) for reason in Reason if reason is not Reason.ALLOWED
        }

    def decide(self, request: tuple[Any, ...]) -> Decision:
        """The decision for one request, in the order of the model's request definition. Never raises, never guesses."""
        division = self.divisions.get(request[self._division])
        if division is not None:
            held = division.held.get(request[self._subject])
            if held is not None:
                key = self._key(request)
                if held & division.granted.get(key, 0):
                    if not division.denied or not held & division.denied.get(key, 0):
                        return self._allowed
                    return self._refused[Reason.NO_LEVEL]
        return self._refused[self._why_not(division, request)]

    def _why_not(self, division: Division | None, request: Request) -> Reason:
        if division is None:
            return Reason.UNKNOWN_PRACTICE
        vocabulary = self.ruleset.vocabulary
        user, _, screen, action = request
        if user not in division.held:
            return Reason.INACTIVE_USER if user in division.inactive else Reason.UNKNOWN_USER
        if screen not in vocabulary:
            return Reason.UNKNOWN_SCREEN
        return Reason.NO_LEVEL if action in vocabulary[screen] else Reason.UNKNOWN_ACTION

    def subjects(self, practice: str, kind: str) -> tuple[str, ...] | None:
        """The ids of the active users of a practice, where users are the `kind` that is asked for.

        Like the two below: nothing for a kind or a practice that there is not, and None where the policy does not
        say who there is, so that a search would be incomplete.
        """
        division = self.divisions.get(practice)
        if division is None or kind != self.ruleset.kinds[0]:
            return ()
        return tuple([name.removeprefix(USER_PREFIX) for name in division.held])

    def resources(self, practice: str, kind: str) -> tuple[str, ...] | None:
        """The screens."""
        vocabulary = self.ruleset.vocabulary
        return tuple(vocabulary) if practice in self.divisions and kind == self.ruleset.kinds[1] else ()

    def actions(self, practice: str, kind: str, resource: str) -> tuple[str, ...] | None:
        """The actions of one screen; `kind` is that of the resource."""
        known = self.resources(practice, kind) or ()
        return tuple(sorted(self.ruleset.vocabulary[resource])) if resource in known else ()

    def explain(self, request: tuple[Any, ...]) -> Explanation:
        """The same decision, with what stands behind it. Takes time in the size of the practice."""
        decision = self.decide(request)
        division = self.divisions.get(request[self._division])
        if division is None or decision.reason not in (Reason.ALLOWED, Reason.NO_LEVEL):
            return Explanation(decision)
        user, subject = request[self._subject], self.ruleset.joint.subject.policy
        reached = division.reached(user)
        by_effect = division.rows_matching(self._key(request))
        matching = {
            effect: {row for row in rows if row.fields[subject] in reached} for effect, rows in by_effect.items()
        }
        rows = matching["deny"] or matching["allow"]
        roles = {row.fields[subject] for row in by_effect["allow"]}
        refused = {row.fields[subject] for row in by_effect["deny"]}
        would = () if matching["deny"] else (role for role in roles if not division.reached(role) & refused)
        return Explanation(
            decision,
            rows=tuple(sorted(rows)),
            links=_path(division, user, {row.fields[subject] for row in rows}),
            would_allow=tuple(sorted(would)),
        )


def divide(model: Model, rows: Iterable[Row]) -> tuple[list[Row], dict[str, list[Row]]]:
    """Split rows into those that all practices share and those of each practice."""
    shared: list[Row] = []
    divisions: dict[str, list[Row]] = defaultdict(list)
    joint = _joint(model)
    where = {"p": _divides(joint).policy, **dict.fromkeys(joint.divided, 2), "user": 0, "role": 0, "practice": 0}
    for row in rows:
        column = where.get(row.kind)
        if column is not None:
            divisions[row.fields[column]].append(row)
        else:
            shared.append(row)
    return shared, divisions


def _linked(rows: Iterable[Row], model: Model) -> dict[tuple[str, str], Links]:
    """The links of each role definition and domain that stand in the rows; the domain is "" where there is none."""
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    roles = model.roles
    for row in rows:
        if row.kind in roles:
            fields = row.fields
            pairs[row.kind, fields[2] if roles[row.kind] == _WITH_DOMAIN else ""].append((fields[0], fields[1]))
    return {place: Links(links) for place, links in pairs.items()}


def _reaching(
    row: Row, column: int, role: str, domain: int | None, links: Mapping[tuple[str, str], Links]
) -> Iterable[str]:
    """Every request value for which one term holds against a row."""
    written = row.fields[column]
    if not role:
        return (written,)
    place = (role, "" if domain is None else row.fields[domain])
    return links.get(place, _NO_LINKS).below(written)


def _bits(links: Links, bits: Mapping[str, int], name: str) -> int:
    held = 0
    for role in links.above(name):
        held |= bits.get(role, 0)
    return held


def _path(division: Division, user: str, roles: set[str]) -> tuple[Row, ...]:
    """The rows by which a user reaches these roles."""
    subject = division.ruleset.joint.subject
    reached = division.reached(user)
    links = division.subjects()
    leads = {name for role in roles for name in links.below(role)}
    return tuple(
        sorted(
            row
            for row in division.rows
            if row.kind == subject.role and row.fields[0] in reached and row.fields[1] in leads
        )
    )


def _joint(model: Model) -> Joint:
    """What the matcher comes to. ValueError for a model that cannot be one of practices."""
    if model.joint is None or model.effect not in (Effect.ALLOW_OVERRIDE, Effect.ALLOW_AND_DENY):
        raise ValueError("the matcher of a model of practices only joins, and no row comes before another")
    return model.joint


def _divides(joint: Joint) -> Tie:
    """The tie that divides practices from each other."""
    if joint.division is None:
        raise ValueError("the matcher of a model of practices compares the practice")
    return joint.division


def _questions(model: Model, vocabulary: Mapping[str, frozenset[str]], key: Callable[[Request], Key]) -> frozenset[Key]:
    """The key of everything that may be asked. ValueError for a model that does not look at screen and action.

    INVARIANT: what is not asked about is not granted: a matcher without the action would allow any.
    """
    if {model.request[tie.request] for tie in _joint(model).keys} != {"screen", "action"}:
        raise ValueError("the matcher of a model of practices compares screen and action")
    names = [{"screen": screen, "action": action} for screen in vocabulary for action in vocabulary[screen]]
    return frozenset(key(tuple(named.get(name, "") for name in model.request)) for named in names)


def _getter(columns: list[int]) -> Callable[[Any], Any]:
    """The values at these columns: a tuple, or the value itself where there is one column."""
    return itemgetter(*columns)
