import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import pytest

from service import changes, folder
from service.changes import ADMINISTRATOR, Author
from service.errors import BaseMoved, StoreUnavailable, UsageError
from service.policy.bundle import Bundle
from service.store.view import View
from service.values import Change, How, Row
from tests.unit.site import OPERATOR, ROLES, SHIPPED, Site, intact, load, reason, row, some


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The shipped folder."""
    return load(folder.read(SHIPPED))


def found(site: Site, find: Callable[[View], Change]) -> Change:
    """A change as it is worked out now."""
    with site.view() as view:
        return find(view)


def edited(old: str, new: str, path: str = "demo/riverside.csv") -> Bundle:
    """The shipped folder with one file edited."""
    files = folder.read(SHIPPED)
    text = files[path].decode()
    assert old in text
    return load(files | {path: text.replace(old, new).encode()})


def with_practice(name: str) -> Bundle:
    """The shipped folder with one more world."""
    return load(folder.read(SHIPPED) | {f"{name}/rows.csv": f"g, user:zoe, role:R, {name}\n".encode()})


class TestOfFiles:
    def test_nothing_when_all_is_published(self, site: Site, shipped: Bundle) -> None:
        """The published files are no change."""
        change = found(site, lambda view: changes.of_files(view, OPERATOR, shipped))
        assert (change.added, change.removed) == (frozenset(), frozenset())

    def test_the_files_and_their_screens(self, site: Site) -> None:
        """What differs is the file that was edited and the `g2` rows in it; nothing of a practice."""
        grown = edited(
            "g2, view, Read, Task - Orders\n",
            "g2, view, Read, Task - Orders\ng2, view, Write, Task - Orders\n",
            "screens.csv",
        )
        change = found(site, lambda view: changes.of_files(view, OPERATOR, grown))
        digest = sha256(grown.texts["screens.csv"].encode()).hexdigest()
        assert change.added == {row("g2, view, Write, Task - Orders"), Row("file", ("screens.csv", digest))}
        assert [gone.fields[0] for gone in change.removed] == ["screens.csv"]

    def test_a_file_that_is_gone(self, site: Site, shipped: Bundle) -> None:
        """A case file that was removed from the folder is removed from what is published."""
        texts = {path: text for path, text in shipped.texts.items() if path != "cases/audit.yaml"}
        change = found(site, lambda view: changes.of_files(view, OPERATOR, replace(shipped, texts=texts)))
        assert ([gone.fields[0] for gone in change.removed], change.added) == (["cases/audit.yaml"], frozenset())

    def test_on_whose_word(self, site: Site, shipped: Bundle) -> None:
        """A change carries its author, how it came, why, the reference, and the revision that was looked at."""
        author = Author("user:pat", How.FILES, "tidying", "T-7")
        change = found(site, lambda view: changes.of_files(view, author, shipped))
        assert (change.actor, change.how, change.reason, change.reference) == ("user:pat", How.FILES, "tidying", "T-7")
        assert change.base == site.head()


class TestOfWorlds:
    def test_nothing_when_all_is_as_written(self, site: Site, shipped: Bundle) -> None:
        """The demonstration's practices as published are no change."""
        change = found(site, lambda view: changes.of_worlds(view, OPERATOR, shipped))
        assert (change.added, change.removed) == (frozenset(), frozenset())

    def test_what_somebody_did_is_undone(self, site: Site, shipped: Bundle) -> None:
        """Rows that are not in the files go, those that are come back, and the roles in them have rows of their own."""
        before = site.rows("riverside")
        site.publish(
            "user, riverside, zoe, Zoe, active\np, role:New, riverside, Task - Orders, Read\nrole, riverside, role:New",
            "g, user:ben, role:Patient Portal Communications Only, riverside",
        )
        changes.carry_out(site.press, lambda view: changes.of_worlds(view, OPERATOR, shipped))
        assert site.rows("riverside") == before
        assert row("role, riverside, role:Front Desk") in before

    def test_no_other_practice(self, site: Site, shipped: Bundle) -> None:
        """A practice that stands in no world stays as it is."""
        site.publish("practice, hill, Hill\nuser, hill, zoe, Zoe, active")
        change = found(site, lambda view: changes.of_worlds(view, OPERATOR, shipped))
        assert (change.added, change.removed) == (frozenset(), frozenset())

    def test_a_world_without_a_directory(self, site: Site) -> None:
        """Practices and users that stand in rows alone are made with them."""
        done = changes.carry_out(site.press, lambda view: changes.of_worlds(view, OPERATOR, with_practice("hill")))
        assert done is not None
        assert set(done.added) == some(
            "practice, hill, hill\nuser, hill, zoe, zoe, active\nrole, hill, role:R\ng, user:zoe, role:R, hill"
        )


class TestOfNewPractice:
    def test_an_administrator(self, site: Site, shipped: Bundle) -> None:
        """A new practice has one user, who may change roles there and nowhere else."""
        done = changes.carry_out(
            site.press,
            lambda view: changes.of_new_practice(view, OPERATOR, "hill", "Hill", "pat", shipped.templates.rows),
        )
        assert done is not None
        assert row("practice, hill, Hill") in done.added
        assert row(f"g, user:pat, {ADMINISTRATOR}, hill") in done.added
        assert row(f"role, hill, {ADMINISTRATOR}") in done.added
        live = site.live()
        assert reason(live, "pat", "edit", ROLES, "hill") == "allowed"
        assert reason(live, "sam", "edit", ROLES, "hill") == "unknown_user"
        assert intact(site, "hill")

    def test_twice(self, site: Site, shipped: Bundle) -> None:
        """A practice that exists is not made again."""
        with pytest.raises(UsageError, match="already a practice `riverside`"):
            found(
                site,
                lambda view: changes.of_new_practice(view, OPERATOR, "riverside", "R", "pat", shipped.templates.rows),
            )

    def test_without_its_template(self, site: Site, shipped: Bundle) -> None:
        """Without the template nobody could administer the practice, so it is not made."""
        rows = [one for one in shipped.templates.rows if one.fields[0] != ADMINISTRATOR]
        with pytest.raises(UsageError, match="no template"):
            found(site, lambda view: changes.of_new_practice(view, OPERATOR, "hill", "Hill", "pat", rows))


class TestOfUser:
    @pytest.mark.parametrize(("user", "active"), [("ann", True), ("lou", False)])
    def test_nothing_when_all_is_as_wanted(self, site: Site, user: str, active: bool) -> None:
        """Enabling who is active, or disabling who is not, is no change, and applying it gives no revision."""

        def find(view: View) -> Change:
            return changes.of_user(view, OPERATOR, "riverside", user, name=None, active=active)

        assert changes.carry_out(site.press, find) is None
        change = found(site, find)
        assert (change.added, change.removed) == (frozenset(), frozenset())

    def test_disabled_and_enabled(self, site: Site) -> None:
        """The name stays, and so do the roles; the second time nothing is left to do."""
        for active, state in ((False, "inactive"), (True, "active")):

            def find(view: View, active: bool = active) -> Change:
                return changes.of_user(view, OPERATOR, "riverside", "ann", name=None, active=active)

            done = changes.carry_out(site.press, find)
            assert done is not None
            assert done.added == (row(f"user, riverside, ann, Ann Alder, {state}"),)
            assert len(done.removed) == 1
            assert changes.carry_out(site.press, find) is None
        assert row("g, user:ann, role:Front Desk, riverside") in site.rows("riverside")

    def test_added(self, site: Site) -> None:
        """A new user has no role."""
        change = found(
            site, lambda view: changes.of_user(view, OPERATOR, "riverside", "zoe", name="Zoe Z", active=True)
        )
        assert (change.added, change.removed) == (some("user, riverside, zoe, Zoe Z, active"), frozenset())

    @pytest.mark.parametrize(
        ("practice", "user", "name", "problem"),
        [
            ("nowhere", "ann", None, "no practice `nowhere`"),
            ("Riverside", "ann", None, "no practice `Riverside`"),
            ("riverside", "zoe", None, "no user `zoe`"),
            ("riverside", "Ann", None, "no user `Ann`"),
            ("riverside", "ann", "Ann", "already has a user `ann`"),
            ("lakeside", "ben", None, "no user `ben`"),
        ],
    )
    def test_names_that_are_not_there(
        self, site: Site, practice: str, user: str, name: str | None, problem: str
    ) -> None:
        """A name is found as it is typed or not at all, and nobody is added over somebody else."""
        with pytest.raises(UsageError, match=problem):
            found(site, lambda view: changes.of_user(view, OPERATOR, practice, user, name=name, active=True))


class TestTogether:
    def test_two_as_one(self, site: Site) -> None:
        """Both changes are in it, with the author and the base of the first."""
        one = site.change("user, riverside, zoe, Zoe, active", "g, user:ann, role:Front Desk, riverside")
        other = replace(site.change("user, lakeside, zoe, Zoe, active"), actor="user:other")
        both = changes.together(one, other)
        assert both == replace(one, added=one.added | other.added)


class TestCarryOut:
    def add(self, name: str) -> Callable[[View], Change]:
        """What adds a user."""
        return lambda view: changes.of_user(view, OPERATOR, "riverside", name, name=name, active=True)

    def test_twice(self, site: Site, shipped: Bundle) -> None:
        """What was carried out is nothing to do the second time: files, worlds and all."""

        def find(view: View) -> Change:
            files = changes.of_files(view, OPERATOR, shipped)
            return changes.together(files, changes.of_worlds(view, OPERATOR, with_practice("hill")))

        assert changes.carry_out(site.press, find, shipped.texts) is not None
        before = site.dump()
        assert changes.carry_out(site.press, find, shipped.texts) is None
        assert site.dump() == before

    def test_overtaken_and_made_again(self, site: Site) -> None:
        """A change that another one overtakes is worked out again from there."""
        overtaking = ["kim", "kit"]

        def now() -> str:
            if overtaking:
                site.publish(f"user, riverside, {overtaking.pop()}, K, active")
            return "2024-05-06T07:08:09.000010+00:00"

        head = site.head()
        done = changes.carry_out(replace(site.press, now=now), self.add("zoe"))
        assert done is not None
        assert done.number == head + 3
        assert {"kim", "kit", "zoe"} <= {one.fields[1] for one in site.rows("riverside") if one.kind == "user"}

    def test_overtaken_by_the_same_change(self, site: Site) -> None:
        """When somebody else has done the same meanwhile, nothing is left to do."""
        told = []

        def find(view: View) -> Change:
            return changes.of_user(view, OPERATOR, "riverside", "ann", name=None, active=False)

        def now() -> str:
            if not told:
                told.append(site.set_active("ann", False))
            return "2024-05-06T07:08:09.000010+00:00"

        assert changes.carry_out(replace(site.press, now=now), find) is None
        assert site.head() == told[0].number

    def test_overtaken_for_ever(self, site: Site) -> None:
        """A change that is overtaken again and again is given up, and is not half done."""
        tries = []

        def now() -> str:
            tries.append(site.publish(f"user, riverside, k{len(tries)}, K, active"))
            return "2024-05-06T07:08:09.000010+00:00"

        with pytest.raises(BaseMoved):
            changes.carry_out(replace(site.press, now=now), self.add("zoe"))
        assert 1 < len(tries) < 10
        assert "zoe" not in {one.fields[1] for one in site.rows("riverside") if one.kind == "user"}

    def test_many_at_once(self, site: Site) -> None:
        """Changes of several threads all come to be, one after the other."""
        start = threading.Barrier(3)

        def work(name: str) -> None:
            start.wait()
            for number in range(4):
                while True:
                    try:
                        assert changes.carry_out(site.press, self.add(f"{name}{number}"))
                        break
                    except BaseMoved:
                        continue

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, "xyz"))
        names = {one.fields[1] for one in site.rows("riverside") if one.kind == "user"}
        assert {f"{name}{number}" for name in "xyz" for number in range(4)} <= names
        assert intact(site, "riverside")

    def test_only_the_texts_that_changed(self, site: Site) -> None:
        """The texts of a whole folder may be given; those that are published already are left aside."""
        grown = edited("Try again in a minute", "Try again soon", "catalog.yaml")
        done = changes.carry_out(site.press, lambda view: changes.of_files(view, OPERATOR, grown), grown.texts)
        assert done is not None
        assert [one.fields[0] for one in done.added] == ["catalog.yaml"]

    def test_without_a_store(self, site: Site) -> None:
        """A store that is away is no moved base: it is told at once."""
        press = site.press
        with site.away(), pytest.raises(StoreUnavailable):
            changes.carry_out(press, self.add("zoe"))
