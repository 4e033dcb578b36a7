import re

import pytest

from service.decide import CODE_SIGNS, Answer, decide, similar_names
from service.errors import Forbidden
from service.live import State
from service.values import Caller, Question, Reason
from tests.unit.site import ANYWHERE, LIST, ORDERS, ROLES, TASK, Clock, Site, ask, question, reason, row, transactions

UNAVAILABLE = "We can't check your access right now. Try again in a minute."
CLOSING = "Questions? Ask your practice administrator. Code {}."
QUEUE = "You don't have access to the Patient Portal queue."
FORWARDED = "You can still open messages forwarded to you in Communication."


@pytest.fixture
def state(site: Site) -> State:
    """What the demonstration is answered from."""
    return site.live().state()


def explained(state: State, asked: Question, caller: Caller = ANYWHERE) -> Answer:
    """The answer with what stands behind it."""
    return decide(asked, caller, state, explain=True)


class TestReasons:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (question("ann", "open_queue", LIST), Reason.ALLOWED),
            (question("dee", "respond", TASK), Reason.ALLOWED),
            (question("ben", "open_queue", LIST), Reason.NO_LEVEL),
            (question("ann", "open_queue", LIST, "lakeside"), Reason.NO_LEVEL),
            (question("ann", "open_queue", LIST, "nowhere"), Reason.UNKNOWN_PRACTICE),
            (question("ann", "open_queue", LIST, "Riverside"), Reason.UNKNOWN_PRACTICE),
            (question("ann", "open_queue", LIST, "template"), Reason.UNKNOWN_PRACTICE),
            (question("nobody", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("Ann", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("ann ", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("user:ann", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("role:Front Desk", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("", "open_queue", LIST), Reason.UNKNOWN_USER),
            (question("lou", "open_queue", LIST), Reason.INACTIVE_USER),
            (question("lou", "open_queue", "Task - Nowhere"), Reason.INACTIVE_USER),
            (question("ann", "open_queue", "Task - Nowhere"), Reason.UNKNOWN_SCREEN),
            (question("ann", "open_queue", ""), Reason.UNKNOWN_SCREEN),
            (question("ann", "open_queue", TASK), Reason.UNKNOWN_ACTION),
            (question("ann", "Write", LIST), Reason.UNKNOWN_ACTION),
            (question("ann", "", LIST), Reason.UNKNOWN_ACTION),
            (question("ann", "open_queue", LIST, subject_type="role"), Reason.UNKNOWN_TYPE),
            (question("ann", "open_queue", LIST, resource_type="queue"), Reason.UNKNOWN_TYPE),
            (question("ann", "open_queue", LIST, subject_type="User"), Reason.UNKNOWN_TYPE),
            (question("ann", "open_queue", LIST, None), Reason.PRACTICE_MISSING),
            (question("ann", "open_queue", LIST, ""), Reason.PRACTICE_MISSING),
            (question("ann", "open_queue", LIST, ["riverside"]), Reason.PRACTICE_MISSING),
            (question("ann", "open_queue", LIST, 7), Reason.PRACTICE_MISSING),
        ],
    )
    def test_of_a_question(self, state: State, asked: Question, expected: Reason) -> None:
        """Each question has one reason, an allow is one of them, and a refusal is a value."""
        answer = decide(asked, ANYWHERE, state)
        assert answer.decision.reason is expected
        assert answer.decision.allowed is (expected is Reason.ALLOWED)
        assert (answer.question, answer.decision.revision) == (asked, state.loaded.revision)

    def test_of_a_store(self, site: Site) -> None:
        """The reasons that lie in the store: it is away, it is too old, its rows were altered."""
        clock = Clock()
        live = site.live(clock, max_age=60)
        live.state()
        with site.away():
            assert reason(live, "ann", "open_queue", LIST) == "policy_unavailable"
        site.sql("UPDATE directory_user SET state = 'active' WHERE id = 'lou'")
        assert reason(live, "ann", "open_queue", LIST) == "rows_altered"
        clock.now += 61
        assert reason(live, "ann", "open_queue", LIST) == "policy_too_old"

    def test_every_reason_is_reached_here(self) -> None:
        """The two tests above know every reason that there is."""
        (cases,) = (mark.args[1] for mark in TestReasons.test_of_a_question.pytestmark)  # type: ignore[attr-defined]
        of_a_store = {Reason.POLICY_UNAVAILABLE, Reason.POLICY_TOO_OLD, Reason.ROWS_ALTERED}
        # See test_bare.py.
        of_a_folder = {Reason.NO_RULE, Reason.UNKNOWN_SUBJECT, Reason.UNKNOWN_RESOURCE, Reason.VALUE_TOO_LONG}
        assert {expected for _, expected in cases} | of_a_store | of_a_folder == set(Reason)

    def test_of_a_policy_that_cannot_answer_comes_first(self, site: Site) -> None:
        """While nothing may be answered, even a question that makes no sense is told to come again."""
        live = site.live()
        live.state()
        site.set_active("ann", False)
        with site.away():
            state = live.state()
            assert (
                decide(question("ann", "x", "y", subject_type="z"), ANYWHERE, state).decision.reason
                is Reason.POLICY_UNAVAILABLE
            )


class TestCallers:
    LIMITED = Caller("lakeside only", frozenset({"lakeside"}))

    @pytest.mark.parametrize("practice", ["riverside", "nowhere", "template", "Lakeside", "lakeside "])
    def test_outside_their_practices(self, site: Site, practice: str) -> None:
        """A caller learns nothing of another practice: that it exists neither by the answer nor by a reading of it."""
        live = site.live()
        state = live.state()
        refusals = set()
        for asked in (question("ann", "open_queue", LIST, practice), question("", "", "", practice, subject_type="?")):
            with transactions() as begun, pytest.raises(Forbidden) as refused:
                decide(asked, self.LIMITED, state, explain=True)
            refusals.add((refused.value.message, refused.value.mend))
            assert begun == []
        assert len(refusals) == 1
        assert practice not in "".join(refusals.pop())
        assert live.health().loaded == 0

    def test_outside_their_practices_without_a_store(self, site: Site) -> None:
        """Nor does a caller learn that way whether the policy can be read."""
        live = site.live()
        live.state()
        site.set_active("ann", False)
        with site.away(), pytest.raises(Forbidden):
            decide(question("ann", "open_queue", LIST), self.LIMITED, live.state())

    def test_within_their_practices(self, state: State) -> None:
        """Within its practices a caller is answered, and without one it is told that it is missing."""
        assert decide(question("ann", "view", ORDERS, "lakeside"), self.LIMITED, state).decision.allowed
        missing = decide(question("ann", "view", ORDERS, None), self.LIMITED, state)
        assert missing.decision.reason is Reason.PRACTICE_MISSING

    def test_of_no_practice(self, state: State) -> None:
        """A token without any practice asks about none."""
        with pytest.raises(Forbidden):
            decide(question("ann", "view", ORDERS, "lakeside"), Caller("none", frozenset()), state)

    def test_close_names_of_other_practices(self, state: State) -> None:
        """A caller whose practice is misspelt is not told the names of practices that it may not ask about."""
        misspelt = Caller("misspelt", frozenset({"riversid"}))
        asked = question("ann", "view", ORDERS, "riversid")
        assert explained(state, asked, misspelt).explanation.similar == ()  # type: ignore[union-attr]
        assert explained(state, asked).explanation.similar == ("riverside",)  # type: ignore[union-attr]


class TestMessages:
    @pytest.mark.parametrize(
        ("user", "action", "screen", "practice", "said"),
        [
            ("ben", "open_queue", LIST, "riverside", f"{QUEUE} {FORWARDED} {CLOSING}"),
            ("cam", "open_queue", LIST, "riverside", f"{QUEUE} {CLOSING}"),
            ("lou", "open_queue", LIST, "riverside", f"{QUEUE} {CLOSING}"),
            ("nobody", "open_queue", LIST, "riverside", f"{QUEUE} {CLOSING}"),
            ("ben", "open_queue", LIST, "lakeside", f"{QUEUE} {CLOSING}"),
            ("ben", "open_queue", LIST, "nowhere", f"{QUEUE} {CLOSING}"),
            ("ben", "view", LIST, "riverside", f"{QUEUE} {FORWARDED} {CLOSING}"),
            ("eve", "respond", TASK, "riverside", f"You don't have access to Patient Portal messages. {CLOSING}"),
            ("ann", "view", "Task - Nowhere", "riverside", f"You don't have access to this screen. {CLOSING}"),
        ],
    )
    def test_of_a_refusal(self, state: State, user: str, action: str, screen: str, practice: str, said: str) -> None:
        """A refused user reads the sentence of the screen, what is still open if anything is, and whom to ask."""
        answer = ask(state, user, action, screen, practice)
        assert answer.user_message == said.format(answer.code)

    def test_without_a_practice(self, state: State) -> None:
        """Who cannot be looked up is not told that something is still open."""
        for asked in (
            question("ben", "open_queue", LIST, None),
            question("ben", "open_queue", LIST, subject_type="role"),
        ):
            answer = decide(asked, ANYWHERE, state)
            assert answer.user_message == f"{QUEUE} {CLOSING}".format(answer.code)

    def test_when_we_cannot_answer(self, site: Site) -> None:
        """A user who could not be checked reads that, and nothing about access; the refusal has its code."""
        live = site.live()
        live.state()
        with site.away():
            answer = ask(live, "ben", "open_queue", LIST)
        assert answer.user_message == UNAVAILABLE
        assert re.fullmatch(f"[{CODE_SIGNS}]{{4}}", answer.code)

    def test_of_an_allow(self, state: State) -> None:
        """Who is allowed reads nothing and needs no code."""
        answer = ask(state, "ann", "open_queue", LIST)
        assert (answer.user_message, answer.code, answer.screens, answer.explanation) == ("", "", (), None)

    def test_codes(self, state: State) -> None:
        """A code is four signs that cannot be taken for one another, and each refusal has another one."""
        codes = [ask(state, "ben", "open_queue", LIST).code for _ in range(400)]
        assert all(re.fullmatch(f"[{CODE_SIGNS}]{{4}}", code) for code in codes)
        assert set("".join(codes)) == set(CODE_SIGNS)
        assert len(set(codes)) > 390
        assert len(CODE_SIGNS) == 32
        assert not set(CODE_SIGNS) & set("01IO")


class TestScreens:
    def test_of_an_unknown_action(self, state: State) -> None:
        """Who asks for an action of another screen is told which screens have it, explained or not."""
        answer = ask(state, "ann", "open_queue", TASK)
        assert answer.screens == (LIST,)
        assert explained(state, question("ann", "open_queue", TASK)).explanation.screens_with_action == (LIST,)  # type: ignore[union-attr]

    def test_of_an_action_of_many(self, state: State) -> None:
        """An action of many screens names them all, in the order of the catalog."""
        catalog = state.loaded.catalog
        answer = ask(state, "ann", "view", LIST)
        assert answer.screens == tuple(name for name, screen in catalog.screens.items() if "view" in screen.actions)
        assert len(answer.screens) > 5

    def test_of_any_other_refusal(self, state: State) -> None:
        """An action that nobody has, and any other refusal, names none."""
        assert ask(state, "ann", "fly", LIST).screens == ()
        assert ask(state, "ben", "open_queue", LIST).screens == ()


class TestExplanations:
    def test_of_an_allow(self, state: State) -> None:
        """An allow names its row and the membership that leads there."""
        said = explained(state, question("ann", "open_queue", LIST)).explanation
        assert said is not None
        assert said.rows == (row(f"p, role:Front Desk, riverside, {LIST}, Write"),)
        assert said.links == (row("g, user:ann, role:Front Desk, riverside"),)

    def test_of_a_refusal(self, state: State) -> None:
        """A refusal names the roles that would allow it, of this practice alone."""
        answer = explained(state, question("ben", "open_queue", LIST))
        assert answer.explanation is not None
        assert answer.explanation.would_allow == ("role:Front Desk", "role:Nurse", "role:Scheduler")
        assert answer.explanation.decision == answer.decision
        assert answer.user_message

    @pytest.mark.parametrize(
        ("asked", "similar"),
        [
            (question("ann", "open_queue", LIST, "riversid"), ("riverside",)),
            (question("ann", "open_queue", LIST, "RIVERSIDE"), ("riverside",)),
            (question("Ann", "open_queue", LIST), ("ann",)),
            (question("ANN", "open_queue", LIST), ("ann",)),
            (question("xyzzy", "open_queue", LIST), ()),
            (question("ann", "open_queue", "task - patient portal"), (TASK,)),
            (question("ann", "respnd", TASK), ("respond",)),
            (question("ann", "open_queue", LIST), ()),
            (question("ben", "open_queue", LIST), ()),
        ],
    )
    def test_names_that_somebody_may_have_meant(self, state: State, asked: Question, similar: tuple[str, ...]) -> None:
        """A name that nobody has is answered as unknown, and the known name close to it is told, never taken for it."""
        answer = explained(state, asked)
        assert answer.explanation is not None
        assert answer.explanation.similar == similar

    def test_of_users_of_another_practice(self, state: State) -> None:
        """Users of another practice are no close names."""
        said = explained(state, question("pat", "view", ORDERS, "lakeside")).explanation
        assert said is not None
        assert said.similar == ()

    def test_at_most_three(self) -> None:
        """More than three close names help nobody; one that differs in case alone is the one."""
        assert len(similar_names("ann", ["ann1", "ann2", "ann3", "ann4"])) == 3
        assert similar_names("ANN", ["ann1", "Ann", "ann2"]) == ("Ann",)

    def test_of_what_was_never_looked_up(self, state: State) -> None:
        """Where the question cannot be put to the policy, there is nothing to explain."""
        assert explained(state, question("ann", "open_queue", LIST, None)).explanation is None


class TestWork:
    def test_a_loaded_practice_never_touches_the_store(self, site: Site) -> None:
        """Answers on a loaded practice, of every kind and explained, are given with the store away and nothing read."""
        live = site.live()
        reason(live, "ann", "open_queue", LIST)
        asked = [
            question("ann", "open_queue", LIST),
            question("ben", "open_queue", LIST),
            question("nobody", "open_queue", LIST),
            question("lou", "open_queue", LIST),
            question("ann", "fly", LIST),
            question("pat", "edit", ROLES),
            question("ann", "open_queue", LIST, "nowhere"),
        ]
        with site.away(), transactions() as begun:
            reasons = [decide(one, ANYWHERE, live.state(), explain=True).decision.reason.value for one in asked]
        assert begun == []
        assert reasons == [
            "allowed", "no_level", "unknown_user", "inactive_user", "unknown_action", "allowed", "unknown_practice",
        ]  # fmt: skip

    def test_a_practice_is_read_when_first_asked_about(self, site: Site) -> None:
        """The first question about a practice reads it, and no other."""
        live = site.live()
        live.state()
        with transactions() as begun:
            reason(live, "ann", "view", ORDERS, "lakeside")
            reason(live, "ann", "view", ORDERS, "lakeside")
        assert len(begun) == 1
        assert set(live.state().loaded.snapshot.divisions) == {"lakeside"}

    def test_one_state_is_enough(self, site: Site) -> None:
        """A state that was taken before a practice was loaded answers about it all the same."""
        state = site.live().state()
        assert reason(state, "ann", "open_queue", LIST) == "allowed"
        assert reason(state, "ann", "view", ORDERS, "lakeside") == "allowed"
