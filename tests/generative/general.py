"""Generated worlds of models without practices: every kind of term, effect and combination that the matcher admits.

As in `worlds`, everything is drawn as text and read by the product's own parser. Each column has one alphabet, so that
names, paths and addresses meet what fits them about as often as not; and attributes may be missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from service.decision import scan
from service.decision.oracle import Oracle
from service.decision.rulebook import Rulebook
from service.policy import model as models_of_text
from service.policy.expression import Fitting, Linked, Listed, Value, Written
from service.policy.model import Effect, Model
from service.values import Row
from tests.generative.worlds import links

NAMES = ("a", "b", "c", "d")
PATHS = ("/a", "/a/b", "/a/c", "/b/c/d", "/a/b?x=1", "/a.b", "/a/.b", "/", "a")
ADDRESSES = ("10.0.0.1", "10.0.0.200", "10.1.0.1", "192.168.2.7", "::1", "2001:db8::7")
PATTERNS = {
    "keyMatch": ("/a", "/a/*", "/b*", "*"),
    "keyMatch2": ("/a/:x", "/a/*", "/:x/c/:y", "/a.b", "*"),
    "keyMatch3": ("/a/{x}", "/a/*", "/{x}/c/{y}", "/a.b"),
    "keyMatch4": ("/a/{x}", "/{x}/{x}", "/{x}/c/{y}", "/{x}/{y}/*"),
    "keyMatch5": ("/a/b", "/a/{x}", "/a/*", "/{x}/c/{y}"),
    "globMatch": ("/a", "/a/*", "/a/?", "/*/c/[!a]", "/*.b"),
    "regexMatch": ("^/a$", "^/a/[bc]$", ".*", "^(/a|/b)/[a-z]/?.*$", "^/.{1,2}$"),
    "ipMatch": ("10.0.0.0/24", "10.0.0.1", "10.0.0.0/8", "2001:db8::/32"),
}
PRIORITIES = ("1", "2", "10", "03")
TEXTS, NUMBERS, TRUTHS = (None, "a", "b", ""), (None, 3, 5, 5.5), (None, True, False)


@dataclass(frozen=True)
class World:
    """A model, its rows in their order, and questions about them."""

    model: Model
    rows: tuple[Row, ...]
    requests: tuple[tuple[Value, ...], ...] = ()

    def rulebook(self) -> Rulebook:
        """These rows compiled."""
        return Rulebook(self.model, self.rows)

    def oracle(self) -> Oracle:
        """Stock Casbin over the same rows."""
        return Oracle(self.model, self.rows)

    def defined(self, request: tuple[Value, ...]) -> tuple[bool, tuple[Row, ...]]:
        """What the definition answers."""
        allowed, deciding = scan.decide(self.model, list(dict.fromkeys(self.rows)), request)
        return allowed, tuple(sorted(deciding))

    def of(self, rows: Iterable[Row]) -> "World":
        """The same model and questions over other rows."""
        return replace(self, rows=tuple(rows))


def answers(world: World) -> list[tuple[bool, tuple[Row, ...]]]:
    """What the rulebook says to each request, with the rows that decided."""
    book = world.rulebook()
    explained = [book.explain(request) for request in world.requests]
    return [(said.decision.allowed, said.rows) for said in explained]


# `r.x` and `p.x` hold names, `path` paths and patterns, `ip` addresses and networks; `role` and `owner` are texts.
TERMS = (
    "r.x == p.x",
    "p.y == r.y",
    "r.x == p.y",
    "r.x != p.x",
    "r.y == r.x",
    'r.x == "a"',
    'r.y != "b"',
    'r.x in ("a", "b")',
    'p.x in ["c", "d"]',
    'p.y == "a"',
    "g(r.x, p.x)",
    "g(r.x, p.x)",
    "g(r.y, 'd')",
    "g(p.x, p.y)",
    "g(r.x, r.y.owner)",
    "g2(r.y, p.y, r.x)",
    "g2(r.y, p.y, p.x)",
    "g2(r.x, p.x, 'a')",
    "g2(r.x, r.y, p.y)",
    "r.x.role == 'a'",
    "r.x.role != 'a'",
    "r.x.role != r.y.role",
    "r.x == r.y.owner",
    "r.y.owner == p.y",
    "r.x.age >= 5",
    "r.x.age < r.y.age",
    "4 < r.y.age",
    "r.x.ok == true",
    "r.x.ok != true",
    "r.x.role in ('a', 'c')",
)
FUNCTIONS = tuple(f"{name}(r.path, p.path)" for name in PATTERNS if name != "ipMatch")
EFFECTS = tuple(effect for effect in Effect if effect is not Effect.SUBJECT_PRIORITY)


@st.composite
def matchers(draw: DrawFn) -> str:
    """One to five terms, joined, in brackets here and there; at most one function, whose patterns the rows hold."""
    terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=4))
    function = draw(st.sampled_from((*FUNCTIONS, "ipMatch(r.ip, p.ip)", "", "")))
    terms = draw(st.permutations([*terms, *([function] if function else [])]))
    text = terms[0]
    for term in terms[1:]:
        sign = draw(st.sampled_from((" && ", " && ", " || ")))
        text = draw(st.sampled_from((f"{text}{sign}{term}", f"({text}){sign}{term}", f"{term}{sign}({text})")))
    return text


@st.composite
def models(draw: DrawFn) -> Model:
    """A model with any matcher and effect; rows may say `allow` or `deny`, and how early they come."""
    effect = draw(st.sampled_from(EFFECTS))
    policy = ["x", "y", "path", "ip"]
    if effect is Effect.PRIORITY and draw(st.booleans()):
        policy.insert(draw(st.integers(0, len(policy))), "priority")
    if draw(st.integers(0, 3)):
        policy.append("eft")
    return read(("x", "y", "path", "ip"), policy, effect, draw(matchers()))


def read(request: Iterable[str], policy: Iterable[str], effect: str, matcher: str) -> Model:
    """A model with two role definitions, the second with a domain."""
    lines = ["[request_definition]", f"r = {', '.join(request)}", "[policy_definition]", f"p = {', '.join(policy)}"]
    lines += ["[role_definition]", "g = _, _", "g2 = _, _, _"]
    lines += ["[policy_effect]", f"e = {effect}", "[matchers]", f"m = {matcher}", ""]
    model, found = models_of_text.parse("model.conf", "\n".join(lines))
    assert model is not None, found
    return model


def columns(model: Model) -> dict[str, SearchStrategy[str]]:
    """What each field of a row may hold."""
    functions = [term.function for term in model.matcher.terms if isinstance(term, Fitting)]
    paths = [pattern for name in functions if name != "ipMatch" for pattern in PATTERNS[name]]
    return {
        "x": st.sampled_from(NAMES),
        "y": st.sampled_from(NAMES),
        "path": st.sampled_from(paths or PATHS),
        "ip": st.sampled_from(PATTERNS["ipMatch"]),
        "priority": st.sampled_from(PRIORITIES),
        "eft": st.sampled_from(("allow", "allow", "deny")),
    }


@st.composite
def rows(draw: DrawFn, model: Model) -> list[Row]:
    """Rows of all kinds, in any order, some of them twice."""
    known = columns(model)
    policy = st.tuples(*(known[name] for name in model.policy)).map(lambda fields: Row("p", fields))
    found = draw(st.lists(policy, max_size=8))
    for kind, width in model.roles.items():
        found += [Row(kind, row.fields) for row in draw(links(kind, width)) if set(row.fields) <= set(NAMES)]
    if found:
        found += draw(st.lists(st.sampled_from(found), max_size=2))
    return list(draw(st.permutations(found)))


@st.composite
def requests(draw: DrawFn, world: World) -> tuple[Value, ...]:
    """A request, most of whose names stand in some row."""
    own = {
        "x": st.sampled_from((*NAMES, "z")),
        "y": st.sampled_from((*NAMES, "")),
        "path": st.sampled_from(PATHS),
        "ip": st.sampled_from(ADDRESSES),
    }
    asked: list[Value] = [draw(own[name]) for name in world.model.request]
    policy = [row for row in world.rows if row.kind == "p"]
    if policy and draw(st.integers(0, 2)):
        fields = dict(zip(world.model.policy, draw(st.sampled_from(policy)).fields, strict=True))
        asked[0], asked[1] = fields["x"], fields["y"]
    kinds = {"role": TEXTS, "owner": (None, *NAMES), "age": NUMBERS, "ok": TRUTHS}
    return (*asked, *(draw(st.sampled_from(kinds[name])) for _, name in world.model.matcher.attributes))


@st.composite
def worlds(draw: DrawFn) -> World:
    """A model with rows, and four to eight requests."""
    model = draw(models())
    world = World(model, tuple(draw(rows(model))))
    return replace(world, requests=tuple(draw(st.lists(requests(world), min_size=4, max_size=8))))


@st.composite
def nearest_worlds(draw: DrawFn) -> World:
    """A model under which the row nearest to the subject decides, over a forest of subjects."""
    domain = draw(st.booleans())
    policy = ("sub", "dom", "act", "eft") if domain else ("sub", "act", "eft")
    link = "g(r.sub, p.sub, r.dom)" if domain else "g(r.sub, p.sub)"
    lines = ["[request_definition]", "r = sub, dom, act", "[policy_definition]", f"p = {', '.join(policy)}"]
    lines += ["[role_definition]", f"g = {'_, _, _' if domain else '_, _'}"]
    tied = " && r.dom == p.dom" if domain else ""
    lines += ["[policy_effect]", f"e = {Effect.SUBJECT_PRIORITY}"]
    lines += ["[matchers]", f"m = {link}{tied} && r.act == p.act", ""]
    model, found = models_of_text.parse("model.conf", "\n".join(lines))
    assert model is not None, found
    upper = {name: draw(st.sampled_from((*NAMES[at + 1 :], ""))) for at, name in enumerate(NAMES)}
    domains = [("a",), ("b",)] if domain else [()]
    linked = [Row("g", (name, above, *place)) for name, above in upper.items() if above for place in domains]
    known = {"sub": NAMES, "dom": ("a", "b"), "act": ("a", "b"), "eft": ("allow", "deny")}
    row = st.tuples(*(st.sampled_from(known[name]) for name in policy)).map(lambda fields: Row("p", fields))
    asked = st.tuples(st.sampled_from((*NAMES, "z")), st.sampled_from(("a", "b")), st.sampled_from(("a", "b")))
    every = draw(st.permutations([*draw(st.lists(row, max_size=8)), *linked]))
    return World(model, tuple(every), tuple(draw(st.lists(asked, min_size=4, max_size=8))))


def shapes(world: World) -> set[str]:
    """The names of the shapes that this world has."""
    model = world.model
    found = {f"effect: {model.effect.name}", f"rows: {world.rulebook().how}"}
    found.add("alternatives: " + ("several" if len(model.matcher.alternatives) > 1 else "one"))
    for term in model.matcher.terms:
        found.add(f"term: {term.function if isinstance(term, Fitting) else type(term).__name__}")
        if isinstance(term, Linked) and isinstance(term.domain, Written):
            found.add("link: in a domain of the row")
        if isinstance(term, Listed) and isinstance(term.value, Written):
            found.add("list: of a field of the row")
    found |= {f"attribute: {name}" for _, name in model.matcher.attributes}
    if model.priority_column is not None:
        found.add("priority: in rows")
    return found


ALL_SHAPES = {
    *(f"effect: {effect.name}" for effect in EFFECTS),
    *(f"term: {name}" for name in (*PATTERNS, "Compared", "Linked", "Listed")),
    *(f"attribute: {name}" for name in ("role", "owner", "age", "ok")),
    "rows: indexed",
    "rows: scanned",
    "alternatives: one",
    "alternatives: several",
    "link: in a domain of the row",
    "list: of a field of the row",
    "priority: in rows",
}
