"""Wording: phrases that can be read aloud."""

from service.policy.moves import moves
from service.policy.wording import Part, count, headline, lines, name, phrase, plain, series
from tests.unit.site import ORDERS, TASK, some

NAMES = {"cam": "Cam Cole", "ann": "Ann Alder"}
ROLE = "Patient Portal Communications Only"


def told(added: str = "", removed: str = "") -> list[str]:
    """The phrases of a change."""
    return [plain(each) for each in lines(moves(some(added), some(removed), "riverside"), NAMES)]


def test_what_pat_does_on_a_monday() -> None:
    """A level, a member: one phrase each, in the words of the page that she used."""
    assert told(f"p, role:{ROLE}, riverside, {TASK}, Write\ng, user:cam, role:{ROLE}, riverside") == [
        f"{ROLE}: {TASK} Off → Write",
        f"Cam Cole added to {ROLE}",
    ]


def test_every_kind_of_move() -> None:
    """Practice, roles, people, files, rules, and what is not known."""
    assert told(
        f"""practice, riverside, Riverside
        role, riverside, role:Reception
        p, role:Reception, riverside, {TASK}, Write
        g, user:eve, role:Reception, riverside
        g, role:Reception, role:Nurse, riverside
        user, riverside, zoe, Zoe Zander, active
        user, riverside, lou, Lou Lark, inactive
        file, screens.csv, 2
        g2, view, Read, {ORDERS}
        p, user:ann, riverside, {ORDERS}, Read""",
        f"""practice, riverside, River
        role, riverside, role:Desk
        p, role:Desk, riverside, {TASK}, Write
        g, user:ann, role:Nurse, riverside
        g, user:cam, role:Nurse, riverside
        g, user:zoe, role:Desk, riverside
        g, role:Desk, role:Nurse, riverside
        user, riverside, lou, Lou Lark, active
        file, screens.csv, 1
        role, riverside, role:Porter
        p, role:Porter, riverside, {ORDERS}, Write""",
    ) == [
        "Practice River renamed to Riverside",
        "Ann Alder and Cam Cole removed from Nurse",
        "Role Porter removed",
        "Role Desk renamed to Reception",
        "eve added to Reception",
        "zoe removed from Reception",
        "Lou Lark made inactive",
        "Zoe Zander added",
        "Policy file screens.csv changed",
        "1 rule of screens changed",
        "1 other row changed",
    ]


def test_a_role_within_another() -> None:
    """Said by what it gives."""
    assert told("g, role:Lead, role:Nurse, riverside") == ["Lead has what Nurse has"]
    assert told("", "g, role:Lead, role:Nurse, riverside") == ["Lead no longer has what Nurse has"]


def test_who_is_called_what() -> None:
    """Names stand apart from the words around them; whoever has none goes by the id."""
    (shown,) = lines(moves(some("g, user:zoe, role:Nurse, riverside"), (), "riverside"), {})
    assert shown == (Part("zoe", True), Part(" added to "), Part("Nurse", True))


def test_a_headline_says_how_much_more_there_is() -> None:
    """After the first phrases."""
    found = moves(some("\n".join(f"user, riverside, u{n}, User {n}, active" for n in range(9))), (), "riverside")
    first = headline(found, {})
    assert [plain(each) for each in first.phrases] == ["User 0 added", "User 1 added"]
    assert first.more == 7


def test_many_names() -> None:
    """Three and how many others; never one other, which is no shorter than its name."""
    names = ["Ann", "Ben", "Cam", "Dee", "Eve"]
    assert [plain(series(names[:n])) for n in range(1, 6)] == [
        "Ann",
        "Ann and Ben",
        "Ann, Ben and Cam",
        "Ann, Ben, Cam and Dee",
        "Ann, Ben, Cam and 2 others",
    ]


def test_a_phrase_of_phrases() -> None:
    """Comes out flat."""
    assert phrase("a ", name("b"), phrase(" c")) == (Part("a "), Part("b", True), Part(" c"))


def test_counts() -> None:
    """As they are said."""
    assert [count(n, "person") for n in (0, 1, 1200)] == ["no people", "1 person", "1,200 people"]
    assert count(2, "row") == "2 rows"
