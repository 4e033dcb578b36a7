import pytest

from service.policy import catalog as catalogs
from service.policy import hints, lint, rows
from service.policy import model as models
from service.policy.lint import Screens
from service.policy.model import Model
from service.policy.rows import RowFile
from service.values import Finding

WIDTHS = {"p": 4, "g": 3, "g2": 3}
CATALOG = """levels: [Read, Update, Write]
closing: "Code {code}"
unavailable: Later.
screens:
  List:
    group: Tasks
    description: The queue
    actions: {open: open the queue}
    security_message: No.
    warn_without: {screen: Item, say: Queue only}
  Item:
    group: Tasks
    description: A message
    actions: {answer: answer it}
    security_message: No.
  Labs:
    group: Tasks
    description: Results
    actions:
      view: see results
      sign: sign results
    security_message: No.
"""
SHARED = """g2, open, Write, List
g2, Write, Read, List
g2, Write, Update, List
g2, answer, Write, Item
g2, Write, Read, Item
g2, view, Read, Labs
g2, sign, Write, Labs
g2, Read, Update, Labs
g2, Update, Write, Labs
"""
MODEL = """[request_definition]
r = user, practice, screen, action
[policy_definition]
p = role, practice, screen, level
[role_definition]
g = _, _, _
g2 = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.screen == p.screen && r.practice == p.practice && g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)
"""


def parsed(text: str, widths: dict[str, int] = WIDTHS) -> RowFile:
    """Rows that can be read."""
    file, found = rows.parse("rows.csv", text, widths)
    assert not found
    return file


def known() -> Screens:
    """The screens above."""
    described, found = catalogs.read("catalog.yaml", CATALOG)
    assert described is not None, found
    return lint.screens(described, parsed(SHARED).rows)


def practice(text: str, users: dict[str, set[str]] | None = None) -> list[tuple[str, int, int]]:
    """Rule, line and column of what is found in the rows of practices."""
    file = parsed(text)
    return said(lint.practice_rows(file.rows, file.position, known(), users))


def shared(text: str) -> list[Finding]:
    """What is found in `screens.csv`."""
    return lint.shared(parsed(text), known().catalog, "catalog.yaml")


def said(found: list[Finding]) -> list[tuple[str, int, int]]:
    """Rule, line and column of each finding; each says what was found and what to do."""
    assert all(problem.found and problem.mend for problem in found)
    return [(problem.rule, problem.position.line, problem.position.column) for problem in found]


# --- rows of practices ---


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        ("p, user:ann, c, Labs, Read", "grant-to-user", 4),
        ("p, Desk, c, Labs, Read", "prefix-missing", 4),
        ("p, Role:Desk, c, Labs, Read", "prefix-missing", 4),
        ("p, role:, c, Labs, Read", "prefix-missing", 4),
        ("p, role: Desk, c, Labs, Read", "name-blank", 4),
        ("p, role:role:Desk, c, Labs, Read", "user-as-role", 4),
        ("p, role:user:ann, c, Labs, Read", "user-as-role", 4),
        ("p, role:Desk, c, labs, Read", "screen-unknown", 18),
        ("p, role:Desk, c, Labs, read", "level-unknown", 24),
        ("p, role:Desk, c, Labs, Off", "level-unknown", 24),
        ("p, role:Desk, c, Item, Update", "level-unknown", 24),
        ("p, role:Desk, c, Labs, view", "level-unknown", 24),
        ("g, ann, role:Desk, c", "prefix-missing", 4),
        ("g, user:, role:Desk, c", "prefix-missing", 4),
        ("g, user: ann, role:Desk, c", "name-blank", 4),
        ("g, user:user:ann, role:Desk, c", "user-as-role", 4),
        ("g, user:role:Desk, role:Desk, c", "user-as-role", 4),
        ("g, role:, role:Desk, c", "prefix-missing", 4),
        ("g, user:ann, Desk, c", "prefix-missing", 14),
        ("g, user:ann, user:ben, c", "user-as-role", 14),
        ("g, role:Desk, user:ben, c", "user-as-role", 15),
        ("g, role:Desk, role:Desk, c", "role-cycle", 1),
    ],
)
def test_a_row_that_nobody_can_have_meant(row: str, rule: str, column: int) -> None:
    """Each mistake in a row is one finding, in the field where it stands."""
    assert practice(f"# first\n{row}\n") == [(rule, 2, column)]


def test_the_prefix_that_is_missing_is_offered() -> None:
    """What to write is the name as it should be, also where only the case of the prefix was wrong."""
    file = parsed("p, Role:Desk, c, Labs, Read\ng, ann, role:Desk, c\n")
    found = lint.practice_rows(file.rows, file.position, known(), None)
    assert [problem.mend for problem in found] == ["write `role:Desk`", "write `user:ann`"]


def test_several_mistakes_in_a_row_are_several_findings() -> None:
    """Role and screen are each named; a level of a screen that is unknown is not guessed at."""
    row = "p, user:ann, c, Nowhere, read\n"
    assert practice(row) == [("grant-to-user", 1, 4), ("screen-unknown", 1, 17)]


def test_who_is_in_the_directory() -> None:
    """A user or practice that the directory lacks is found, a practice once; a user elsewhere is a stranger here."""
    text = (
        "g, user:ann, role:Desk, c\ng, user:ann, role:Desk, d\ng, user:ann, role:Desk, e\np, role:Desk, e, Labs, Read\n"
    )
    assert practice(text, {"c": {"ann"}, "d": {"ben"}}) == [("user-unknown", 2, 4), ("practice-unknown", 3, 25)]


def test_chains_of_roles() -> None:
    """Nine links from a user hold, ten do not; the same links in two practices are two short chains."""
    links = [f"g, role:{n}, role:{n + 1}, c\n" for n in range(9)]
    assert practice("g, user:ann, role:0, c\n" + "".join(links[:8])) == []
    assert practice("".join(links)) == [("role-depth", 1, 1)]
    assert practice("".join(links[:5]) + "".join(link.replace(", c", ", d") for link in links[5:])) == []


# --- screens ---


def test_screens_that_hold() -> None:
    """Rows and catalog that agree give nothing, and each level its actions."""
    assert shared(SHARED) == []
    assert known().levels["Item"] == {"Read", "Write"}
    assert known().granted["Labs", "Update"] == {"view"}
    assert (known().acts_as("List", "Read"), known().acts_as("Labs", "Read"), known().acts_as("Labs", "Write")) == (
        "Write",
        "Update",
        None,
    )


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        ("g2, fly, Write, Labs", "action-unknown", 5),
        ("g2, view, Admin, Labs", "level-unknown", 11),
        ("g2, view, read, Labs", "level-unknown", 11),
        ("g2, view, Read, Lab", "catalog-missing", 17),
        ("g2, Write, Read, Labs", "role-cycle", 0),
        ("g2, Write, Write, Labs", "role-cycle", 1),
        ("p, role:Desk, c, Labs, Read", "row-home", 1),
        ("g, user:ann, role:Desk, c", "row-home", 1),
    ],
)
def test_a_shared_row_that_does_not_hold(row: str, rule: str, column: int) -> None:
    """Each mistake in `screens.csv` is one finding where it stands; a circle stands at one of its rows."""
    [(found, line, where)] = said(shared(SHARED + row + "\n"))
    assert found == rule
    assert (line, where) == (10, column) or (rule == "role-cycle" and column == 0)


def test_a_screen_without_rows_and_an_action_without_level() -> None:
    """Both are placed in the catalog, the action at its own line."""
    bare = "".join(line for line in SHARED.splitlines(keepends=True) if "List" not in line)
    assert said(shared(bare)) == [("catalog-orphan", 5, 3)]
    assert said(shared(SHARED.replace("g2, sign, Write, Labs\n", ""))) == [("action-ungranted", 21, 7)]


def test_a_screen_that_is_nowhere_described_breaks_nothing_else() -> None:
    """Rows on a screen without catalog entry are not blamed again, and looking at them goes well."""
    described = known().catalog
    strange = lint.screens(described, parsed(SHARED + "g2, view, Read, Attic\n").rows)
    file = parsed("p, role:Desk, c, Attic, Read\ng, user:ann, role:Desk, c\n")
    assert lint.practice_rows(file.rows, file.position, strange, None) == []
    assert hints.look(file.rows, file.position, strange, live=True) == []


# --- effects, duplicates, model ---


@pytest.mark.parametrize("word", ["Deny", "ALLOW", "no"])
def test_effects_are_spelt_exactly(word: str) -> None:
    """Only `allow` and `deny` are effects; other rows than `p` have none."""
    file = parsed(f"p, a, deny\np, a, {word}\np, a, allow\ng, a, b, c\n", {"p": 2, "g": 3})
    assert said(lint.effects(file, 1)) == [("effect-spelling", 2, 7)]
    assert lint.effects(file, None) == []


def test_rows_that_deny_are_heard() -> None:
    """Where rows say `allow` or `deny`, the effect is the one that hears both."""
    text = MODEL.replace("screen, level\n", "screen, level, eft\n")
    both = text.replace("(p.eft == allow))", "(p.eft == allow)) && !some(where (p.eft == deny))")
    told = [[str(each.position) for each in lint.model("model.conf", read)] for read in map(model_of, (text, both))]
    assert told == [["model.conf:9:5"], []]


def model_of(text: str) -> Model:
    """A model that can be read."""
    model, found = models.parse("model.conf", text)
    assert model is not None, found
    return model


def test_the_same_row_twice() -> None:
    """A row that stands again is found there, however it is written, with the place of the first."""
    file = parsed('g, user:ann, role:Desk, c\n  g,user:ann,"role:Desk",c\n')
    other = parsed("g, user:ann, role:Desk, c\n")
    [found, again] = lint.duplicates([file, other])
    assert said([found, again]) == [("row-duplicate", 2, 3), ("row-duplicate", 1, 1)]
    assert found.found.endswith("stands already at rows.csv:1:1")


@pytest.mark.parametrize(
    ("line", "instead", "place"),
    [
        ("user, practice, screen, action", "user, screen, practice, action", "model.conf:2:5"),
        ("role, practice, screen, level", "role, practice, screen, level, eft", "model.conf:9:5"),
        ("(p.eft == allow))", "(p.eft == allow)) && !some(where (p.eft == deny))", None),
        ("role, practice, screen, level", "role, practice, screen, level, note", "model.conf:4:5"),
        ("role, practice, screen, level", "practice, role, screen, level", "model.conf:4:5"),
        (" && g2(r.action, p.level, r.screen)", "", "model.conf:11:5"),
        ("r.practice == p.practice", "p.practice == r.practice", None),
        ("g(r.user, p.role, r.practice)", "g(r.user, p.role, r.screen)", "model.conf:11:5"),
    ],
)
def test_the_model_speaks_of_what_we_speak_of(line: str, instead: str, place: str | None) -> None:
    """Other fields, or a matcher that leaves one out, are refused where they stand; what means the same is not."""
    model, found = models.parse("model.conf", MODEL.replace(line, instead))
    assert model is not None, found
    found = lint.model("model.conf", model)
    assert [(problem.rule, str(problem.position)) for problem in found] == (
        [("model-vocabulary", place)] if place else []
    )
