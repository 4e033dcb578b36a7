import pytest

from service.policy import catalog as catalogs
from service.policy.catalog import Catalog

TEXT = """levels: [Read, Write]
closing: "Ask your practice administrator. Code {code}."
unavailable: Try again in a minute.
screens:
  List:
    group: Tasks
    description: The queue
    actions: {open: open the queue}
    security_message: No queue for you.
    still_may: {action: answer, screen: Item, say: You can still answer.}
    warn_without: {screen: Item, say: Queue only}
  Item:
    group: Tasks
    description: A message
    actions:
      answer: answer it
    security_message: No messages for you.
"""


PROFILES = """profiles:
  Tasks:
    Everything:
      may: {List: [open], Item: [answer]}
      phrase: open the queue and answer in it
    Answers only:
      may: {Item: [answer]}
      phrase: answer what was given to {user}
    Sees the queue:
      may: {List: [open]}
      phrase: open the queue
"""
OPEN, ANSWER = ("List", "open"), ("Item", "answer")


def catalog(text: str = TEXT) -> Catalog:
    """The catalog above."""
    read, found = catalogs.read("catalog.yaml", text)
    assert read is not None, found
    return read


def test_a_catalog_is_read() -> None:
    """Levels in their order, screens with their actions, and where each of them stands."""
    read = catalog()
    assert read.levels == ("Read", "Write")
    assert read.vocabulary == {"List": frozenset({"open"}), "Item": frozenset({"answer"})}
    assert str(read.screens["Item"].position) == "catalog.yaml:12:3"
    assert str(read.screens["Item"].places["answer"]) == "catalog.yaml:16:7"


@pytest.mark.parametrize(
    ("screen", "may", "said"),
    [
        ("List", True, "No queue for you. You can still answer."),
        ("List", False, "No queue for you."),
        ("Item", True, "No messages for you."),
        ("Nowhere", True, "You don't have access to this screen."),
    ],
)
def test_what_a_refused_user_reads(screen: str, may: bool, said: str) -> None:
    """The screen's message, what is still open where that is true, whom to ask, and the code once."""
    text = catalog().security_message(
        screen, lambda action, other: may and (action, other) == ("answer", "Item"), "7F3K"
    )
    assert text == f"{said} Ask your practice administrator. Code 7F3K."


@pytest.mark.parametrize(
    ("line", "instead", "place", "found"),
    [
        ("[Read, Write]", "[Read, Read]", "1:16", "level `Read` stands twice"),
        ("[Read, Write]", "[Off, Write]", "1:10", "level `Off`"),
        ("[Read, Write]", "[]", "1:9", "no levels"),
        ("[Read, Write]", "Read", "1:9", "no list where a list belongs"),
        (" Code {code}.", "", "2:10", "`{code}` stands 0 times"),
        (" Code {code}.", " {code} {code}", "2:10", "`{code}` stands 2 times"),
        ("unavailable:", "unavailible:", "3:1", "entry `unavailible`"),
        ("    group: Tasks\n    description: A", "    description: A", "12:3", "no entry `group`"),
        ("      answer: answer it", "      Write: answer it", "16:7", "action `Write`, which is a level"),
        ("action: answer", "action: reply", "10:40", "`reply` on `Item`, which is not declared"),
        ("{screen: Item, say: Queue", "{screen: Itme, say: Queue", "11:28", "`Itme`, which is not declared"),
        ("  Item:", '  "Item ":', "12:3", "`Item ` begins or ends with a blank"),
    ],
)
def test_what_does_not_hold_is_placed(line: str, instead: str, place: str, found: str) -> None:
    """Each mistake is one finding where it stands, with what to do."""
    assert TEXT.count(line) == 1
    read, [problem] = catalogs.read("catalog.yaml", TEXT.replace(line, instead))
    assert read is None
    assert (str(problem.position), problem.found) == (f"catalog.yaml:{place}", found)
    assert problem.mend


def test_each_screen_is_read_for_itself() -> None:
    """Mistakes in two screens are two findings."""
    read, found = catalogs.read("catalog.yaml", TEXT.replace("description", "discription"))
    assert read is None
    assert [problem.position.line for problem in found] == [7, 14]


@pytest.mark.parametrize(
    ("may", "name"),
    [
        ({OPEN, ANSWER}, "Everything"),
        ({ANSWER}, "Answers only"),
        ({OPEN}, "Sees the queue"),
        ({("Elsewhere", "open")}, "No access"),
        (set(), "No access"),
    ],
)
def test_a_profile_is_what_somebody_may_do_of_its_topic(may: set[tuple[str, str]], name: str) -> None:
    """Exactly that, whatever they may do besides; who may do nothing of it has that in a name, too."""
    read = catalog(TEXT + PROFILES)
    assert {topic: profile.name for topic, profile in read.having(frozenset(may)).items()} == {"Tasks": name}


def test_a_combination_without_a_name() -> None:
    """Is not taken for another one, and stands in no list."""
    read = catalog(TEXT + PROFILES[: PROFILES.index("    Sees")])
    assert read.profile("Tasks", frozenset({OPEN})) is None
    assert read.having(frozenset({OPEN})) == {}


def test_a_profile_that_is_warned_about() -> None:
    """The one that has a screen, and nothing of the other that it should not be without."""
    warned = {profile.name: profile.warning for profile in catalog(TEXT + PROFILES).profiles}
    assert warned == {"Everything": "", "Answers only": "", "Sees the queue": "Queue only"}


def test_the_phrase_is_about_somebody() -> None:
    """Whoever it is said of stands in it."""
    profile = catalog(TEXT + PROFILES).profiles[1]
    assert profile.phrase_for("Ann") == "answer what was given to Ann"


@pytest.mark.parametrize(
    ("line", "instead", "place", "found"),
    [
        ("{List: [open]}", "{}", "26:5", "profile `Sees the queue`, which says nothing"),
        ("{List: [open]}", "{List: []}", "26:5", "profile `Sees the queue`, which says nothing"),
        ("{List: [open]}", "{Item: [answer]}", "26:5", "profile `Sees the queue`, which says what another one says"),
        ("{List: [open]}", "{List: [answer]}", "27:20", "`answer` on `List`, which is not declared"),
        ("{List: [open]}", "{Lists: [open]}", "27:21", "`open` on `Lists`, which is not declared"),
    ],
)
def test_a_profile_that_does_not_hold(line: str, instead: str, place: str, found: str) -> None:
    """It says something, that nobody says besides, of what can be asked."""
    read, [problem] = catalogs.read("catalog.yaml", TEXT + PROFILES.replace(line, instead))
    assert read is None
    assert (str(problem.position), problem.found) == (f"catalog.yaml:{place}", found)
