"""What people read: sentences about a change, about what did not come true, and about what somebody may do."""

from __future__ import annotations

import pytest

from service import folder
from service.decision import trial
from service.decision.effect import Opened, effect
from service.decision.meant import defeating, shortfalls
from service.decision.words import State, explained, told
from service.policy.edits import AddMember, DeleteRole, Edit, RemoveMember, SetActive, SetLevel, carried_out
from service.policy.practice import Practice
from service.values import Row
from tests.unit.site import LIST, ORDERS, SHIPPED, TASK, load

BUNDLE = load(folder.read(SHIPPED))
ROWS = frozenset(row for world in BUNDLE.worlds for row in world.rows() if row.practice == "riverside")
COMMS = "Patient Portal Communications Only"


def state(rows: frozenset[Row], mark: str = "") -> State:
    """Riverside with these rows."""
    snapshot = trial.snapshot(trial.ruleset(BUNDLE), rows)
    marked = (lambda name: f"{mark}{name}{mark}") if mark else str
    return State(Practice.of("riverside", rows), Opened(snapshot.divisions["riverside"]), BUNDLE.screens, marked)


def changed(*edits: Edit, rows: frozenset[Row] = ROWS, mark: str = "") -> tuple[State, State]:
    """Riverside before and after these edits."""
    after = carried_out(Practice.of("riverside", rows), edits, BUNDLE.templates.rows)
    return state(rows, mark), state(after.rows, mark)


def said(*edits: Edit, rows: frozenset[Row] = ROWS, mark: str = "") -> tuple[str, str]:
    """The counts of a change, and its sentences."""
    before, after = changed(*edits, rows=rows, mark=mark)
    ruleset = trial.ruleset(BUNDLE)
    sides = [trial.snapshot(ruleset, each.practice.rows) for each in (before, after)]
    found = told(effect(sides[0], sides[1], ["riverside"]), before, after)
    return found.counts, found.text


def user(id: str, name: str) -> Row:  # noqa: A002
    """Somebody of the directory."""
    return Row("user", ("riverside", id, name, "active"))


class TestAChange:
    @pytest.mark.parametrize(
        ("edits", "counts", "text"),
        [
            (
                [AddMember(COMMS, "cam")],
                "1 person gains, nobody loses anything",
                "Cam will be able to open and answer messages forwarded to Cam. Nobody loses anything.",
            ),
            (
                [RemoveMember("Front Desk", "ann")],
                "nobody gains, 1 person loses",
                "Ann will no longer be able to open the Patient Portal queue, and open and answer its messages.",
            ),
            (
                [RemoveMember("Front Desk", "ann"), AddMember(COMMS, "ann")],
                "nobody gains, 1 person loses",
                (
                    "Ann will no longer be able to open the Patient Portal queue. "
                    "Ann can still open and answer messages forwarded to Ann."
                ),
            ),
            (
                [AddMember("Front Desk", "ben")],
                "1 person gains, nobody loses anything",
                "Ben will be able to open the Patient Portal queue. Nobody loses anything.",
            ),
            (
                [SetLevel("Biller", ORDERS, "Update")],
                "1 person gains, nobody loses anything",
                "Cam will be able to change what is in the Orders queue. Nobody loses anything.",
            ),
            (
                [AddMember(COMMS, "cam"), AddMember(COMMS, "max")],
                "2 people gain, nobody loses anything",
                "Cam and Max will be able to open and answer messages forwarded to them. Nobody loses anything.",
            ),
            (
                [AddMember(COMMS, who) for who in ("cam", "max", "ada", "pat", "sam")],
                "5 people gain, nobody loses anything",
                (
                    "Ada, Cam and 3 more will be able to open and answer messages forwarded to them. "
                    "Nobody loses anything."
                ),
            ),
            ([AddMember(COMMS, "ann")], "nobody gains or loses anything", "Nobody gains or loses anything."),
            (
                [SetActive("ben", False), AddMember("Scheduler", "cam")],
                "1 person gains, 1 person loses",
                (
                    "Ben will no longer be able to open and answer messages forwarded to Ben. "
                    "Cam will be able to open the Patient Portal queue, and none of its messages."
                ),
            ),
        ],
    )
    def test_is_told(self, edits: list[Edit], counts: str, text: str) -> None:
        """Counts first; who loses before who gains; the combination by what it lets somebody do."""
        assert said(*edits) == (counts, text)

    def test_several_things_at_once(self) -> None:
        """What somebody gains is one sentence."""
        assert said(AddMember("Biller", "ben"), AddMember("Scheduler", "ben"))[1] == (
            "Ben will be able to open the Patient Portal queue and see the Orders queue. Nobody loses anything."
        )

    def test_names(self) -> None:
        """Somebody is called by their first name where nobody else could be meant, and else in full."""
        rows = ROWS | {user("c2", "Cam Carter"), user("dr", "Dr. Hall"), user("o", "O'Hara Ann Marie")}
        for who, name in (("cam", "Cam Cole"), ("dr", "Dr. Hall"), ("o", "O'Hara Ann Marie"), ("max", "Max")):
            assert said(AddMember(COMMS, who), rows=rows)[1].startswith(f"{name} will be able to")

    def test_marked_names(self) -> None:
        """Every name is marked, wherever it stands, so that a page can set it apart."""
        text = said(AddMember(COMMS, "cam"), mark="*")[1]
        assert text == "*Cam* will be able to open and answer messages forwarded to *Cam*. Nobody loses anything."

    def test_why(self) -> None:
        """The levels responsible go along, as they are chosen."""
        before, after = changed(AddMember("Nurse", "cam"))
        sides = [trial.snapshot(trial.ruleset(BUNDLE), each.practice.rows) for each in (before, after)]
        [only] = told(effect(sides[0], sides[1], ["riverside"]), before, after).gained
        assert only.users == ("cam",)
        assert sorted(only.why) == [
            f"Nurse has Read (same as Write on this screen) on {LIST}",
            f"Nurse has Update (same as Write on this screen) on {TASK}",
        ]


def short(*edits: Edit, rows: frozenset[Row] = ROWS) -> list[tuple[str, list[tuple[str, str]]]]:
    """What does not come true, with the edits by which it would."""
    found = shortfalls(edits, *changed(*edits, rows=rows))
    return [(each.text, [(edit.role, edit.user) for edit in each.remedy]) for each in found]


class TestWhatDoesNotComeTrue:
    def test_a_role_that_limits_nothing(self) -> None:
        """Who has more by another role is not limited, and the other role is named, with the way out of it."""
        assert short(AddMember(COMMS, "ann")) == [
            (
                "Ann still has Full Access through Front Desk: to limit Ann, take Ann out of Front Desk.",
                [("Front Desk", "ann")],
            )
        ]
        assert short(AddMember(COMMS, "eve")) == [
            (
                "Eve still has Full Access through Scheduler: to limit Eve, take Eve out of Scheduler.",
                [("Scheduler", "eve")],
            )
        ]

    def test_the_remedy_mends_it(self) -> None:
        """With the edits of the remedy nothing is short any more, and the access is what was meant."""
        edits: list[Edit] = [AddMember(COMMS, "ann")]
        [only] = shortfalls(edits, *changed(*edits))
        assert short(*edits, *only.remedy) == []
        _, after = changed(*edits, *only.remedy)
        assert after.may("ann") == after.gives(COMMS)

    @pytest.mark.parametrize(
        "edits",
        [
            [AddMember(COMMS, "cam")],
            [AddMember("Front Desk", "dee")],
            [AddMember("Biller", "ann")],
            [RemoveMember("Front Desk", "ann")],
            [RemoveMember("Front Desk", "ann"), AddMember("Front Desk", "ann")],
            [SetLevel("Biller", ORDERS, "Write")],
            [DeleteRole("Nurse")],
        ],
        ids=["nothing else", "the same", "another topic", "taken out", "taken out and in", "raised", "deleted"],
    )
    def test_what_comes_true(self, edits: list[Edit]) -> None:
        """Nothing is said where all is as meant."""
        assert short(*edits) == []

    def test_a_removal_that_changes_nothing(self) -> None:
        """Who is taken out of one role and has the same by another one keeps it."""
        _, twice = changed(AddMember("Nurse", "ann"))
        assert short(RemoveMember("Front Desk", "ann"), rows=twice.practice.rows) == [
            ("Ann still has Full Access through Nurse: to take it away, take Ann out of Nurse.", [("Nurse", "ann")])
        ]

    def test_a_level_lowered_in_vain(self) -> None:
        """A member who has the level by another role keeps what it opens; the others are not named."""
        text = "Max still can see the Orders queue through Clinician: to take it away, take Max out of Clinician."
        assert short(SetLevel("Biller", ORDERS, "Off")) == [(text, [("Clinician", "max")])]

    def test_a_level_that_is_the_same(self) -> None:
        """On the portal screens Read in the place of Write takes nothing away."""
        assert short(SetLevel("Front Desk", TASK, "Read")) == [
            (f"On {TASK}, Read is the same as Write: nobody in Front Desk gains or loses by it.", [])
        ]


class TestWhatSomebodyMayDo:
    @pytest.mark.parametrize(
        ("who", "sentences"),
        [
            ("ann", ["Ann has Full Access: Ann can open the Patient Portal queue, and open and answer its messages."]),
            ("ben", ["Ben has Limited Access (response only): Ben can open and answer messages forwarded to Ben."]),
            ("eve", ["Eve has Queue only: Eve can open the Patient Portal queue, and none of its messages."]),
            ("cam", ["Cam can see the Orders queue."]),
            ("lou", ["Lou is inactive, and is refused everything."]),
        ],
    )
    def test_is_explained(self, who: str, sentences: list[str]) -> None:
        """A sentence for each topic and each screen, with the levels responsible."""
        assert [each.text for each in explained(who, state(ROWS))] == sentences

    def test_by_which_levels(self) -> None:
        """Every level that gives it is named."""
        [only] = explained("max", state(ROWS))
        assert only.why == (f"Biller has Read on {ORDERS}", f"Clinician has Write on {ORDERS}")

    def test_nothing(self) -> None:
        """Who has no role, and who has one that gives nothing, can do nothing."""
        rows = ROWS | {user("zoe", "Zoe Zander"), Row("role", ("riverside", "role:New"))}
        assert explained("zoe", state(rows))[0].text == "Zoe has no role, and can do nothing."
        rows |= {Row("g", ("user:zoe", "role:New", "riverside"))}
        assert explained("zoe", state(rows))[0].text == "Zoe can do nothing: no role of Zoe gives anything."

    def test_limiting(self) -> None:
        """The roles that defeat a limit to forwarded messages, and what else would be lost; without them it holds."""
        _, busy = changed(SetLevel("Front Desk", ORDERS, "Read"))
        kept, about = busy.gives(COMMS), busy.catalog.topics["Patient Portal"]
        [front] = defeating("ann", kept, about, busy)
        assert front == ("Front Desk", ("see the Orders queue",))
        assert defeating("cam", kept, about, busy) == ()
        edits = AddMember(COMMS, "ann"), RemoveMember(front.role, "ann"), AddMember(COMMS, "cam")
        _, after = changed(*edits, rows=busy.practice.rows)
        for who in ("ann", "cam"):
            assert after.may(who) & about == kept
