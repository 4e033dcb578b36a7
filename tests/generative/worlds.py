"""Generated worlds: models of every shape that only joins, rows that collide, and requests that hit.

Everything is drawn as text or rows and read by the product's own parser, so a shape that the parser stops accepting
shows at once. Names come from one small alphabet whatever the column: users, roles, domains and levels share it, so
that anything which mixes columns up is noticed. `test_generator.py` proves that the shapes named in `shapes` occur.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise, product

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from service.decision import engine, scan
from service.decision.engine import Snapshot
from service.decision.oracle import Oracle
from service.decision.rulebook import Answering, Rulebook
from service.policy import model as models_of_text
from service.policy.joint import Joint, Tie
from service.policy.model import Effect, Model
from service.values import Reason, Request, Row

Vocabulary = Mapping[str, frozenset[str]]

NAMES = ("a", "b", "c", "d", "e")
STRANGERS = ("", "z", "A", " a", "a\n")
"""Names that stand in no row, some of which a careless comparison would take for one that does."""

EFFECTS = (Effect.ALLOW_OVERRIDE, Effect.ALLOW_AND_DENY)
"""Those of practices; `general` has the others."""

RISING = [Row("", pair) for pair in combinations(NAMES, 2)]
"""Links from an earlier name to a later one only, so that no circle can arise."""
LADDER = [Row("", pair) for pair in pairwise(("a", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "e"))]
"""The longest chain that is accepted: nine links."""
DIAMOND = [Row("", pair) for pair in (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))]


@dataclass(frozen=True)
class World:
    """A model, its rows in the order in which they were written, and questions about them.

    `vocabulary` is None for a bare Casbin model; with one, the rows hold a directory of practices and users too.
    """

    model: Model
    rows: tuple[Row, ...]
    requests: tuple[Request, ...] = ()
    vocabulary: Vocabulary | None = field(default=None)

    def of(self, rows: Iterable[Row]) -> "World":
        """The same model and questions over other rows."""
        return replace(self, rows=tuple(rows))

    @property
    def joint(self) -> Joint:
        """What the matcher comes to."""
        assert self.model.joint is not None
        return self.model.joint

    def snapshot(self, only: str | None = None) -> Answering:
        """These rows compiled; with `only`, nothing but that practice is loaded."""
        if self.vocabulary is None:
            return Rulebook(self.model, self.rows)
        shared, divisions = engine.divide(self.model, self.rows)
        ruleset = engine.Ruleset(self.model, shared, self.vocabulary)
        known = {row.practice for row in self.rows if row.kind == "practice"}
        loaded = [name for name in known if only is None or name == only]
        return Snapshot(ruleset, {name: ruleset.compile(divisions[name]) for name in loaded})

    def oracle(self) -> Oracle:
        """Stock Casbin over the same rows."""
        return Oracle(self.model, self.rows)

    def defined(self, request: Request) -> tuple[Reason, tuple[Row, ...]]:
        """What the definition answers; a bare model knows only two reasons."""
        rows = list(dict.fromkeys(self.rows))
        if self.vocabulary is not None:
            reason, deciding = scan.answer(self.model, rows, self.vocabulary, request)
        else:
            allowed, deciding = scan.decide(self.model, rows, request)
            reason = Reason.ALLOWED if allowed else Reason.NO_RULE
        return reason, tuple(sorted(deciding))

    def division(self, request: Request) -> str:
        """The division that a request falls into."""
        division = self.joint.division
        return "" if division is None else request[division.request]


def answers(snapshot: Answering, requests: Iterable[Request]) -> list[tuple[Reason, tuple[Row, ...]]]:
    """What the engine says to each request, with the rows that decided."""
    explained = [snapshot.explain(request) for request in requests]
    return [(said.decision.reason, said.rows) for said in explained]


# --- bare Casbin models ----------------------------------------------------------------------------------------------


@st.composite
def models(draw: DrawFn, forbidding: bool | None = None) -> Model:
    """A model of one to four terms; `forbidding` asks for one whose rows can forbid, or for one whose rows cannot."""
    kinds = draw(st.lists(st.sampled_from(("equal", "linked", "domain", "equal", "domain")), min_size=1, max_size=4))
    equal = [i for i, kind in enumerate(kinds) if kind == "equal"]
    linked = len(kinds) - len(equal) + draw(st.booleans())  # one definition more than is used, at times
    names = list(draw(st.permutations(("g", "g2", "g3", "g4", "g5")[:linked])))
    roles = dict.fromkeys(names, draw(st.sampled_from(("_, _", "_, _, _"))))
    terms = []
    for i, kind in enumerate(kinds):
        if kind == "equal":
            terms.append(draw(st.sampled_from((f"r.x{i} == p.y{i}", f"p.y{i}==r.x{i}"))))
            continue
        role, domain, roles_fields = names.pop(), "", "_, _"
        if kind == "domain" and equal:
            tied = draw(st.sampled_from(equal))
            domain, roles_fields = draw(st.sampled_from((f", r.x{tied}", f", p.y{tied}"))), "_, _, _"
        roles[role] = roles_fields
        terms.append(f"{role}(r.x{i}, p.y{i}{domain})")
    effects = draw(st.booleans()) if forbidding is None else forbidding
    effect = Effect.ALLOW_AND_DENY if forbidding else draw(st.sampled_from(EFFECTS))
    request = draw(st.permutations([f"x{i}" for i in range(len(kinds))] + ["other"] * draw(st.booleans())))
    policy = draw(st.permutations([f"y{i}" for i in range(len(kinds))] + ["note"] * draw(st.booleans())))
    joint = draw(st.sampled_from((" && ", "  &&\t", " && \\\n    ")))
    return _read(request, [*policy, *["eft"] * effects], roles, effect, joint.join(draw(st.permutations(terms))))


def _read(
    request: Iterable[str], policy: Iterable[str], roles: Mapping[str, str], effect: Effect, matcher: str
) -> Model:
    lines = ["[request_definition]", f"r = {', '.join(request)}", "[policy_definition]", f"p = {', '.join(policy)}"]
    if roles:
        lines += ["[role_definition]", *(f"{name} = {roles[name]}" for name in sorted(roles))]
    lines += ["[policy_effect]", f"e = {effect}", "[matchers]", f"m = {matcher}", ""]
    model, found = models_of_text.parse("model.conf", "\n".join(lines))
    assert model is not None, found
    return model


def policy_rows(model: Model, effect: str = "") -> SearchStrategy[Row]:
    """One `p` row of a model, with any effect or with this one."""
    columns = [st.sampled_from(NAMES)] * len(model.policy)
    if model.effect_column is not None:
        columns[model.effect_column] = st.just(effect) if effect else st.sampled_from(("allow", "allow", "deny"))
    return st.tuples(*columns).map(lambda fields: Row("p", fields))


@st.composite
def links(draw: DrawFn, kind: str, width: int) -> list[Row]:
    """The rows of one role definition: chains, diamonds, the same link in two domains; never a circle."""
    pairs = draw(st.one_of(st.lists(st.sampled_from(RISING), max_size=6), st.sampled_from((DIAMOND, LADDER))))
    if width == 2:
        return [Row(kind, pair.fields) for pair in pairs]
    domains = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    return [Row(kind, (*pair.fields, domain)) for pair in pairs for domain in domains]


@st.composite
def worlds(draw: DrawFn, forbidding: bool | None = None) -> World:
    """A bare Casbin model with rows, some of them twice, and four to eight requests."""
    model = draw(models(forbidding))
    rows = draw(st.lists(policy_rows(model), max_size=8))
    for kind, width in model.roles.items():
        rows += draw(links(kind, width))
    if rows:
        rows += draw(st.lists(st.sampled_from(rows), max_size=2))
    world = World(model, tuple(draw(st.permutations(rows))))
    return replace(world, requests=tuple(draw(st.lists(requests(world), min_size=4, max_size=8))))


@st.composite
def requests(draw: DrawFn, world: World) -> Request:
    """A request: one that some row matches, such a one with a field changed, or any."""
    rows = [row for row in world.rows if row.kind == "p"]
    anything = st.sampled_from(NAMES + STRANGERS)
    asked = [draw(anything) for _ in world.model.request]
    if rows and draw(st.integers(0, 4)) < 4:
        row = draw(st.sampled_from(rows))
        for tie in world.joint.ties:
            asked[tie.request] = draw(st.sampled_from(below(world, tie, row, (*NAMES, "k4"))))
        if draw(st.integers(0, 3)) == 3:
            asked[draw(st.integers(0, len(asked) - 1))] = draw(anything)
    return tuple(asked)


def below(world: World, tie: Tie, row: Row, names: Iterable[str]) -> list[str]:
    """Those of these names that satisfy one tie against a row, and the name written there."""
    written = row.fields[tie.policy]
    domain = "" if tie.domain is None else row.fields[tie.domain]
    rows = world.rows if tie.role else ()
    return [written, *(name for name in names if scan.distance(rows, tie.role, name, written, domain) is not None)]


# --- practices: a directory, a vocabulary, typed names ---------------------------------------------------------------

PRACTICES = ("riverside", "lakeside")
USERS = ("ann", "ben", "lou")
ROLES = ("role:Desk", "role:Nurse", "role:Office")
SCREENS = ("List", "Task", "Setup")
ACTIONS = ("look", "change", "add")
LEVELS = ("Read", "Update", "Write")
PEOPLE = tuple(f"user:{user}" for user in USERS)
ODD = (
    ("user:zed", "ann", "user:", "role:Desk", ""),
    ("lakeside", "template", "nowhere", "Riverside", ""),
    (*SCREENS, "Attic", "Write", ""),
    (*ACTIONS, "fly", "Write", "Read", ""),
)
"""What a question may say instead, by column: unknown names, roles and levels, and names of another column."""


@st.composite
def practice_models(draw: DrawFn, forbidding: bool | None = None) -> Model:
    """A model of users, practices, screens and actions; levels by link, in the screen or everywhere, or by name."""
    by_screen, everywhere = ("g2(r.action, p.level, r.screen)", "_, _, _"), ("g2(r.action, p.level)", "_, _")
    level, width = draw(st.sampled_from((by_screen, by_screen, everywhere, ("r.action == p.level", ""))))
    plain = ["r.screen == p.screen", "r.practice == p.practice"]
    user = draw(st.sampled_from(("g(r.user, p.role, r.practice)", "g(r.user, p.role, p.practice)")))
    effects = draw(st.booleans()) if forbidding is None else forbidding
    effect = Effect.ALLOW_AND_DENY if forbidding else draw(st.sampled_from(EFFECTS))
    roles = {"g": "_, _, _"} | ({"g2": width} if width else {})
    policy = ["role", "practice", "screen", "level", *["eft"] * effects]
    order = draw(st.permutations([*plain, user, level]))
    linked = iter((user, level))  # the first linked term is the subject
    terms = [term if term in plain else next(linked) for term in order]
    return _read(("user", "practice", "screen", "action"), policy, roles, effect, " && ".join(terms))


@st.composite
def practice_rows(draw: DrawFn, model: Model, practice: str) -> list[Row]:
    """The rows of one practice: its directory, with users active, inactive or missing; memberships; grants."""
    rows = [Row("practice", (practice, practice.title()))] if practice in PRACTICES else []
    for user in USERS:
        state = draw(st.sampled_from((*["active"] * 6, "inactive", "")))
        if state and rows:
            rows.append(Row("user", (practice, user, user.title(), state)))
    members = list(product(PEOPLE, ROLES))
    linked = draw(st.lists(st.sampled_from([*members, *combinations(ROLES, 2)]), min_size=2, max_size=6))
    rows += [Row("g", (lower, upper, practice)) for lower, upper in linked]
    # Without links between levels, an action is granted by its own name.
    names = LEVELS if "g2" in model.roles else ACTIONS
    columns = [st.sampled_from(ROLES), st.just(practice), st.sampled_from(SCREENS), st.sampled_from(names)]
    if model.effect_column is not None:
        columns.append(st.sampled_from(("allow", "allow", "allow", "deny")))
    grants = st.tuples(*columns).map(lambda fields: Row("p", fields))
    return rows + draw(st.lists(grants, min_size=2, max_size=10))


@st.composite
def level_rows(draw: DrawFn, model: Model) -> list[Row]:
    """Which level an action needs, and which level contains which, on each screen."""
    if "g2" not in model.roles:
        return []
    needs = [(action, level) for action in ACTIONS for level in LEVELS]
    pairs = st.lists(st.sampled_from([*needs, *combinations(LEVELS, 2)]), min_size=2, max_size=6)
    if model.roles["g2"] == 2:
        return [Row("g2", pair) for pair in draw(pairs)]
    return [Row("g2", (*pair, screen)) for screen in SCREENS for pair in draw(pairs)]


@st.composite
def practice_worlds(draw: DrawFn, forbidding: bool | None = None) -> World:
    """Two practices with a directory each, templates, a vocabulary, and four to eight requests."""
    model = draw(practice_models(forbidding))
    rows = draw(level_rows(model))
    for practice in (*PRACTICES, "template"):
        rows += draw(practice_rows(model, practice))
    vocabulary = {}
    for screen in SCREENS[: draw(st.sampled_from((3, 3, 2)))]:
        vocabulary[screen] = draw(st.frozensets(st.sampled_from(ACTIONS), min_size=2))
    world = World(model, tuple(draw(st.permutations(rows))), (), vocabulary)
    questions = st.lists(practice_requests(world), min_size=4, max_size=8)
    return replace(world, requests=tuple(draw(questions)))


@st.composite
def practice_requests(draw: DrawFn, world: World) -> Request:
    """A question that some grant answers, such a one with another field, or one with a name that is none."""
    grant = draw(st.sampled_from([row for row in world.rows if row.kind == "p" and row.practice in PRACTICES]))
    _, practice, screen, *_ = grant.fields
    request = [draw(st.sampled_from(PEOPLE)), practice, screen, draw(st.sampled_from(ACTIONS))]
    for tie in world.joint.ties:
        column, names = tie.request, {0: PEOPLE, 3: ACTIONS}.get(tie.request)
        if names and draw(st.integers(0, 4)) < 4:
            fitting = [name for name in below(world, tie, grant, names) if name in names]
            request[column] = draw(st.sampled_from(fitting or names))
    if draw(st.integers(0, 4)) == 4:
        column = draw(st.integers(0, 3))
        request[column] = draw(st.sampled_from(ODD[column]))
    return tuple(request)


# --- which shapes a world has ----------------------------------------------------------------------------------------


def shapes(world: World) -> set[str]:
    """The names of every shape that this world has; `ALL_SHAPES` lists those that exist."""
    model, joint = world.model, world.joint
    found = {f"subject: {_how(joint.subject)}", f"keys: {min(len(joint.keys), 2)}"}
    found |= {f"key: {_how(tie)}" for tie in joint.keys}
    found |= {"key: linked within the division" for tie in joint.keys if tie.role in joint.divided}
    found |= {f"domain: of the {side}" for side in re.findall(r"g\d?\([^,)]*,[^,)]*, ([rp])\.\w+\)", model.text)}
    found.add("division: yes" if joint.division else "division: no")
    found.add(f"effect: {model.effect.name}, {'said by rows' if model.effect_column is not None else 'none in rows'}")
    used = {tie.request for tie in joint.ties}, {tie.policy for tie in joint.ties}
    found |= {"unused: request field"} if len(used[0]) < len(model.request) else set()
    found |= {"unused: row field"} if model.policy[-1:] != ("eft",) and len(used[1]) < len(model.policy) else set()
    found |= {"unused: role definition"} if model.roles.keys() - {tie.role for tie in joint.ties} else set()
    found |= {"term first: subject" if joint.ties[0] == joint.subject else "term first: another"}
    return found | _row_shapes(world)


def _how(tie: Tie) -> str:
    if not tie.role:
        return "equal"
    return "linked" if tie.domain is None else "linked in a domain"


def _row_shapes(world: World) -> set[str]:
    found = {"rows: none of p"} if not any(row.kind == "p" for row in world.rows) else set()
    if len(set(world.rows)) < len(world.rows):
        found.add("rows: twice")
    linked = [row for row in world.rows if row.kind in world.model.roles]
    ups: dict[tuple[str, ...], set[str]] = {}
    for row in linked:
        ups.setdefault((row.kind, *row.fields[2:], row.fields[0]), set()).add(row.fields[1])
    for (*place, _), uppers in ups.items():
        above = [ups.get((*place, upper), set()) for upper in uppers]
        found |= {"rows: chain"} if any(above) else set()
        found |= {"rows: diamond"} if any(one & two for one, two in combinations(above, 2)) else set()
        found |= {"rows: chain of nine"} if "k8" in uppers else set()
    places = {(row.kind, row.fields[:2]) for row in linked if len(row.fields) == 3}
    if len(places) < len({row for row in linked if len(row.fields) == 3}):
        found.add("rows: one link in two domains")
    return found


ALL_SHAPES = {
    "subject: equal",
    "subject: linked",
    "subject: linked in a domain",
    "keys: 0",
    "keys: 1",
    "keys: 2",
    "key: equal",
    "key: linked",
    "key: linked in a domain",
    "key: linked within the division",
    "domain: of the r",
    "domain: of the p",
    "division: yes",
    "division: no",
    "effect: ALLOW_OVERRIDE, said by rows",
    "effect: ALLOW_OVERRIDE, none in rows",
    "effect: ALLOW_AND_DENY, said by rows",
    "effect: ALLOW_AND_DENY, none in rows",
    "unused: request field",
    "unused: row field",
    "unused: role definition",
    "term first: subject",
    "term first: another",
    "rows: none of p",
    "rows: twice",
    "rows: chain",
    "rows: diamond",
    "rows: chain of nine",
    "rows: one link in two domains",
}
