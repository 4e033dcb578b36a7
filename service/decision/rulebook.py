"""The rulebook: a policy without practices, compiled. One immutable value that answers for a whole folder.

Each alternative of the matcher becomes a branch: what it asks of the request alone, an index by all that it ties to a
row by equality or by links, and for each row what is left to test, such as a pattern. Rows of other keys are never
looked at. `service.decision.scan` defines what is computed here.

INVARIANT: nothing here changes or grows after it was built, whatever is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

from service.decision.engine import Division, Snapshot
from service.decision.terms import Asking, Reached, Test, as_key, as_test, tied
from service.policy.expression import Asked, Compared, Conjunction, Term, Value, Written, operands
from service.policy.model import Effect, Model
from service.policy.roles import Links
from service.values import Decision, Explanation, Reason, Row


class How(StrEnum):
    """How rows are found: by index alone, or by a scan of those that the index leaves."""

    INDEXED = "indexed"
    SCANNED = "scanned"


class Known(NamedTuple):
    """Who and what there is, for searches; None where the policy does not say. `kinds`: of subjects and of resources.

    An empty kind is any.
    """

    subjects: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    kinds: tuple[str, str] = ("", "")


_UNKNOWN = Known()


class Entry(NamedTuple):
    """A row of one branch: where it comes among all rows, what it says, and what is left to test."""

    place: tuple[int, int]
    denies: bool
    row: Row
    tests: tuple[Test, ...]


class Rulebook:
    """Everything that is answered from, under one revision. It has no practices (`divisions` is empty)."""

    __slots__ = ("_allowed", "_branches", "_effect", "_known", "_refused", "_rows", "how", "revision")

    divisions: Mapping[str, Division] = MappingProxyType({})

    def __init__(self, model: Model, rows: Iterable[Row], known: Known = _UNKNOWN, revision: int = 0) -> None:
        ordered = list(dict.fromkeys(rows))
        reached = _reached(model, ordered)
        entries = _placed(model, ordered)
        self._effect = model.effect
        self._rows = len(entries)
        self._known = known
        self._branches = [_Branch(model, terms, entries, reached) for terms in model.matcher.alternatives]
        scanned = any(branch.scans for branch in self._branches)
        self.how = How.SCANNED if scanned else How.INDEXED
        self._stamp(revision)

    def _stamp(self, revision: int) -> None:
        self.revision = revision
        self._allowed = Decision(Reason.ALLOWED, revision)
        self._refused = Decision(Reason.NO_RULE, revision)

    def at(self, revision: int) -> Rulebook:
        """The same under another revision."""
        other = object.__new__(Rulebook)
        for name in ("_branches", "_effect", "_known", "_rows", "how"):
            setattr(other, name, getattr(self, name))
        other._stamp(revision)
        return other

    def decide(self, request: Asking) -> Decision:
        """The decision for one request: the fields of `r`, then the attributes that are read. Never raises."""
        return self._allowed if self._allows(request) else self._refused

    def _allows(self, request: Asking) -> bool:
        if self._effect is Effect.ALLOW_OVERRIDE:
            return any(branch.allows(request) for branch in self._branches)
        if self._effect.ordered:
            first = min(self._firsts(request), default=None, key=_by_place)
            return first is not None and not first.denies
        allowed = False
        for entry in self._matching(request):
            if entry.denies:
                return False
            allowed = True
        return allowed if self._effect is Effect.ALLOW_AND_DENY else self._rows > 0

    def _matching(self, request: Asking) -> Iterator[Entry]:
        for branch in self._branches:
            yield from branch.matching(request)

    def _firsts(self, request: Asking) -> Iterator[Entry]:
        for branch in self._branches:
            yield from branch.firsts(request)

    def explain(self, request: Asking) -> Explanation:
        """The same decision, with the rows that made it."""
        if self._effect.ordered:
            first = min(self._firsts(request), default=None, key=_by_place)
            return Explanation(self.decide(request), rows=() if first is None else (first.row,))
        matching = list(self._matching(request))
        denying = {entry.row for entry in matching if entry.denies}
        return Explanation(self.decide(request), rows=tuple(sorted(denying or {entry.row for entry in matching})))

    # -- what a search can find --

    def subjects(self, _practice: str, kind: str) -> tuple[str, ...] | None:
        """The subjects of a kind. None where the policy does not say who there is; nothing for another kind."""
        return () if self._known.kinds[0] not in ("", kind) else self._known.subjects

    def resources(self, _practice: str, kind: str) -> tuple[str, ...] | None:
        """The resources of a kind, likewise."""
        return () if self._known.kinds[1] not in ("", kind) else self._known.resources

    def actions(self, _practice: str, kind: str, resource: str) -> tuple[str, ...] | None:
        """The actions that may be asked about a resource of a kind, likewise."""
        known = self.resources("", kind)
        return () if known is not None and resource not in known else self._known.actions


Answering = Snapshot | Rulebook
"""What a request is answered from: practices, or a folder without any."""


class _Branch:
    """One alternative of the matcher."""

    def __init__(self, model: Model, terms: Conjunction, entries: list[Entry], reached: Reached) -> None:
        alone = [term for term in terms if not _reads(term, Written)]
        ties, left = tied([term for term in terms if _reads(term, Written)])
        fixed = [term for term in left if not _reads(term, Asked)]
        tested = [term for term in left if _reads(term, Asked)]
        self.scans = bool(tested)
        self._asks = tuple(as_test(term, (), reached) for term in alone)
        self._keys = [as_key(term, reached) for term, _ in ties]
        equal = [term.left.at for term, _ in ties if isinstance(term, Compared) and isinstance(term.left, Asked)]
        self._equal = equal if len(equal) == len(ties) else None
        columns = [column for _, column in ties]
        forbids = model.effect is not Effect.ALLOW_OVERRIDE
        table: dict[tuple[Value, ...], list[Entry]] = defaultdict(list)
        for entry in entries:
            fields = entry.row.fields
            if (entry.denies and not forbids) or not all(as_test(term, fields, reached)(()) for term in fixed):
                continue
            tests = tuple(as_test(term, fields, reached) for term in tested)
            table[tuple(fields[column] for column in columns)].append(entry._replace(tests=tests))
        for bucket in table.values():
            bucket.sort(key=_by_place if model.effect.ordered else _by_effect)
        self._table = dict(table)

    def allows(self, request: Asking) -> bool:
        """Whether any row matches, where none denies. What `matching` finds, without finding it."""
        for ask in self._asks:
            if not ask(request):
                return False
        if self.scans:
            return next(self.matching(request), None) is not None
        if self._equal is not None:
            return tuple([request[at] for at in self._equal]) in self._table
        return any(map(self._table.__contains__, product(*[key(request) for key in self._keys])))

    def matching(self, request: Asking) -> Iterator[Entry]:
        """Every row that matches; of one key, those that deny first."""
        for bucket in self._buckets(request):
            for entry in bucket:
                for test in entry.tests:
                    if not test(request):
                        break
                else:
                    yield entry

    def firsts(self, request: Asking) -> Iterator[Entry]:
        """The first row of each key that matches."""
        for bucket in self._buckets(request):
            for entry in bucket:
                if all(test(request) for test in entry.tests):
                    yield entry
                    break

    def _buckets(self, request: Asking) -> Iterator[list[Entry]]:
        for ask in self._asks:
            if not ask(request):
                return
        if self._equal is not None:
            # What is no text is the key of no row.
            yield self._table.get(tuple([request[at] for at in self._equal]), [])
            return
        for key in product(*(key(request) for key in self._keys)):
            yield self._table.get(key, [])


def _by_place(entry: Entry) -> tuple[int, int]:
    return entry.place


def _by_effect(entry: Entry) -> bool:
    return not entry.denies


def _reads(term: Term, kind: type) -> bool:
    return any(isinstance(operand, kind) for operand in operands(term))


def _placed(model: Model, rows: list[Row]) -> list[Entry]:
    """The `p` rows that say something, each at its place."""
    effect, priority = model.effect_column, model.priority_column
    heights = _heights(model, rows) if model.effect is Effect.SUBJECT_PRIORITY else {}
    found = []
    for number, row in enumerate(row for row in rows if row.kind == "p"):
        first = 0 if priority is None else int(row.fields[priority])
        if heights:
            domain = row.fields[model.policy.index("dom")] if "dom" in model.policy else ""
            first = heights.get((row.fields[0], domain), 0)
        said = "allow" if effect is None else row.fields[effect]
        if said in ("allow", "deny"):
            found.append(Entry((first, number), said == "deny", row, ()))
    return found


def _heights(model: Model, rows: list[Row]) -> dict[tuple[str, str], int]:
    """How many links lead up from each subject, the fewest last: of one chain, who is nearer comes first."""
    links = _links(model, rows)
    return {
        (name, domain): -len(chain.above(name))
        for (role, domain), chain in links.items()
        if role == "g"
        for name in chain.names
    }


def _links(model: Model, rows: Iterable[Row]) -> dict[tuple[str, str], Links]:
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        if row.kind in model.roles:
            lower, upper, *domain = row.fields
            pairs[row.kind, "".join(domain)].append((lower, upper))
    return {place: Links(found) for place, found in pairs.items()}


def _reached(model: Model, rows: Iterable[Row]) -> Reached:
    return {place: {name: links.above(name) for name in links.names} for place, links in _links(model, rows).items()}
