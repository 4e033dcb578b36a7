from collections.abc import Iterable

from service import folder
from service.decision import trial
from service.decision.engine import Snapshot
from service.decision.guards import administering, administrators, last_administrator, practices_apart
from service.policy import lint
from service.values import Row
from tests.unit.site import ROLES, SHIPPED, load, some

BUNDLE = load(folder.read(SHIPPED))
PEOPLE = "user, hill, ann, Ann, active\nuser, hill, ben, Ben, active\nuser, hill, lou, Lou, inactive\n"
ADMIN = f"p, role:Admin, hill, {ROLES}, Write\n"
ANN, BEN, LOU = (f"g, user:{name}, role:Admin, hill\n" for name in ("ann", "ben", "lou"))


def compiled(rows: str) -> Snapshot:
    """Practices with these rows under the shipped policy."""
    return trial.snapshot(trial.ruleset(BUNDLE), some(rows))


def refused(before: str, after: str) -> list[str]:
    """The guard rails between two states of the practice `hill`, with their messages."""
    return [guard.message for guard in last_administrator("hill", compiled(before), compiled(after))]


class TestAdministrators:
    def test_are_who_may_edit_roles(self) -> None:
        """Whoever reaches Update or Write on Setup - Roles and is active, sorted by id."""
        assert administrators(compiled(PEOPLE + ADMIN + BEN + ANN + LOU), "hill") == ("ann", "ben")
        assert administrators(compiled(PEOPLE + ADMIN.replace("Write", "Update") + BEN), "hill") == ("ben",)
        assert administrators(compiled(PEOPLE + ADMIN.replace("Write", "Read") + BEN), "hill") == ()

    def test_by_a_chain_of_roles(self) -> None:
        """A role that is in the role counts."""
        rows = PEOPLE + ADMIN + "g, role:Lead, role:Admin, hill\ng, user:ann, role:Lead, hill\n"
        assert administrators(compiled(rows), "hill") == ("ann",)

    def test_of_another_practice_do_not_count(self) -> None:
        """Administering one practice says nothing of another, and one that does not exist has none."""
        rows = PEOPLE + ADMIN + ANN + "user, dale, ann, Ann, active\n"
        assert administrators(compiled(rows), "dale") == ()
        assert administrators(compiled(rows), "nowhere") == ()

    def test_levels_that_administer(self) -> None:
        """The files say which levels those are."""
        assert administering(BUNDLE.screens) == {"Update", "Write"}
        without = [row for row in BUNDLE.shared.rows if row.fields != ("edit", "Update", ROLES)]
        assert administering(lint.screens(BUNDLE.catalog, without)) == frozenset()


class TestTheLastAdministrator:
    def test_the_only_one(self) -> None:
        """The refusal names the only person who can change roles."""
        assert refused(PEOPLE + ADMIN + ANN, PEOPLE + ADMIN) == [
            "`ann` is the only person who can change roles in `hill`"
        ]

    def test_all_of_several(self) -> None:
        """When all go at once, nobody is named."""
        assert refused(PEOPLE + ADMIN + ANN + BEN, PEOPLE) == ["nobody could change roles in `hill` any more"]

    def test_one_of_several(self) -> None:
        """While somebody is left, the others may go."""
        assert refused(PEOPLE + ADMIN + ANN + BEN, PEOPLE + ADMIN + BEN) == []

    def test_an_inactive_one_is_none(self) -> None:
        """Somebody who is inactive does not count as left."""
        assert refused(PEOPLE + ADMIN + ANN + LOU, PEOPLE + ADMIN + LOU)

    def test_exchanged(self) -> None:
        """Another one in their place is as good."""
        assert refused(PEOPLE + ADMIN + ANN, PEOPLE + ADMIN + BEN) == []

    def test_where_there_was_none(self) -> None:
        """A practice that never had one can stay so, and can get one."""
        assert refused(PEOPLE, PEOPLE + ADMIN) == []
        assert refused("", PEOPLE + ADMIN + ANN) == []

    def test_a_practice_that_goes(self) -> None:
        """A practice with an administrator cannot go: they would lose it unsaid."""
        assert refused(PEOPLE + ADMIN + ANN, "")


class TestPracticesApart:
    def rules(self, rows: str, practices: Iterable[str]) -> list[tuple[str, str]]:
        """The guard rails by id, with the practice that each names."""
        hit = practices_apart(some(rows), frozenset(practices))
        return [(guard.rule, guard.message.split("`")[1]) for guard in hit]

    def test_every_row_has_its_practice(self) -> None:
        """Rows of practices that exist, and shared ones, are as they should be."""
        assert self.rules(PEOPLE + ADMIN + ANN + "g2, view, Read, Task - Orders\n", {"hill"}) == []

    def test_a_practice_that_is_not_there(self) -> None:
        """Each practice that is missing is named once, sorted."""
        rows = PEOPLE + "user, dale, ann, Ann, active\n" + ANN.replace("hill", "Hill")
        assert self.rules(rows, {"dale"}) == [("practice-missing", "Hill"), ("practice-missing", "hill")]

    def test_the_templates(self) -> None:
        """`template` is no practice, even if somebody says that it exists."""
        for practices in ({"template"}, set[str]()):
            assert self.rules("p, role:R, template, Task - Orders, Read", practices) == [
                ("practice-reserved", "template")
            ]
        assert practices_apart([Row("practice", ("template", "T"))], frozenset({"template"}))
