from dataclasses import replace

from service import folder
from service.decision.opinion import Difference, Practice, practices, second_opinion
from service.policy.bundle import Bundle
from service.values import Row
from tests.unit.site import LIST, SHIPPED, TASK, load, row, some

BUNDLE = load(folder.read(SHIPPED))
HILL = Practice(
    "w",
    "hill",
    tuple(
        sorted(
            some(
                f"""user, hill, ann, Ann, active
                user, hill, lou, Lou, inactive
                g, user:ann, role:R, hill
                g, user:lou, role:R, hill
                p, role:R, hill, {LIST}, Read"""
            )
        )
    ),
)
QUESTIONS = sum(len(actions) for actions in BUNDLE.catalog.vocabulary.values())


def without(bundle: Bundle, gone: Row) -> Bundle:
    """The same bundle with a row less in what both are given."""
    return replace(bundle, shared=bundle.shared.only(lambda row: row != gone))


class TestPractices:
    def test_those_of_cases_and_of_worlds(self) -> None:
        """Every practice of every case, then those of the worlds, each with its own rows alone."""
        found = list(practices(BUNDLE))
        assert {(one.world, one.name) for one in found[-2:]} == {("demo", "riverside"), ("demo", "lakeside")}
        assert {one.world for one in found} == {*(case.name for case in BUNDLE.cases), "demo"}
        assert all(row.practice == one.name for one in found for row in one.rows)

    def test_users_by_state(self) -> None:
        """Who is active and who is not."""
        assert (HILL.users("active"), HILL.users("inactive")) == (["ann"], ["lou"])


class TestSecondOpinion:
    def test_of_the_shipped_policy(self) -> None:
        """Stock Casbin agrees on the demonstration, and was asked of every active user every action of every screen."""
        for one in list(practices(BUNDLE))[-2:]:
            opinion = second_opinion(BUNDLE, one)
            assert opinion.differ == ()
            assert opinion.asked == len(one.users("active")) * QUESTIONS > 0

    def test_inactive_users_are_left_out(self) -> None:
        """Casbin knows no directory, so it is not asked about those whom ours refuses."""
        opinion = second_opinion(BUNDLE, HILL)
        assert (opinion.asked, opinion.differ) == (QUESTIONS, ())

    def test_a_practice_without_users(self) -> None:
        """Nobody there means that nothing is asked."""
        assert second_opinion(BUNDLE, Practice("w", "hill", ())).asked == 0

    def test_a_difference(self) -> None:
        """A question that the two answer otherwise is told, with both answers.

        Such rows are never published: Casbin does not follow a chain of so many roles, which lint refuses.
        """
        chain = "\n".join(f"g, role:R{n}, role:R{n + 1}, hill" for n in range(12))
        rows = f"user, hill, ann, Ann, active\ng, user:ann, role:R0, hill\n{chain}\np, role:R12, hill, {TASK}, Write"
        opinion = second_opinion(BUNDLE, Practice("w", "hill", tuple(some(rows))))
        assert opinion.asked == QUESTIONS
        assert set(opinion.differ) == {
            Difference("w", ("user:ann", "hill", TASK, action), ours=True, casbins=False)
            for action in ("open_message", "respond")
        }

    def test_both_read_the_same_screens(self) -> None:
        """A row less in the files is a row less for both."""
        fewer = without(BUNDLE, row(f"g2, Write, Read, {LIST}"))
        assert second_opinion(fewer, HILL).differ == ()
