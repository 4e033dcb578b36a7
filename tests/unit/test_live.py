import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from service import live as module
from service.access import tokens
from service.errors import StoreUnavailable
from service.live import Live, steady_clock
from service.loaded import AT_ONCE
from service.store.base import FolderStatus
from tests.unit.site import LIST, ORDERS, TASK, Clock, Site, ask, reason, transactions

TIME = "2024-05-06T07:08:09.000010+00:00"


def until(true: Callable[[], object]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def loaded(live: Live) -> set[str]:
    """The practices that are loaded."""
    return set(live.state().loaded.snapshot.divisions)


def practices(site: Site, count: int) -> list[str]:
    """So many practices, each with a user `zoe` who may view orders."""
    names = [f"p{number}" for number in range(count)]
    rows = """practice, {0}, {0}
    user, {0}, zoe, Zoe, active
    p, role:R, {0}, Task - Orders, Read
    g, user:zoe, role:R, {0}
    """
    site.publish("".join(rows.format(name) for name in names))
    return names


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that does not let a test wait."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


class TestCatchingUp:
    def test_nothing_is_read_twice(self, site: Site) -> None:
        """While nothing changes, neither a state nor a loaded practice touches the store."""
        live = site.live()
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        with transactions() as begun:
            assert reason(live, "ann", "open_queue", LIST) == "allowed"
            assert live.state().loaded is live.state().loaded
        assert begun == []

    def test_by_the_counter(self, site: Site) -> None:
        """The state after a change has it, in every process: each sees the counter for itself."""
        first, second = site.live(), site.live()
        for live in (first, second):
            assert reason(live, "ben", "respond", TASK) == "allowed"
        revision = site.set_active("ben", False)
        for live in (first, second):
            assert reason(live, "ben", "respond", TASK) == "inactive_user"
            assert live.state().loaded.revision == revision.number

    def test_a_state_that_was_taken_stays(self, site: Site) -> None:
        """A request answers from the state that it took, whatever is published meanwhile."""
        live = site.live()
        reason(live, "ben", "respond", TASK)
        before = live.state()
        site.set_active("ben", False)
        assert reason(live, "ben", "respond", TASK) == "inactive_user"
        assert reason(before, "ben", "respond", TASK) == "allowed"

    @pytest.mark.usefixtures("quick")
    def test_by_the_poll_alone(self, site: Site) -> None:
        """The change of somebody who was killed before the counter was raised is found by the poll."""
        live = site.live()
        live.start()
        assert reason(live, "ben", "respond", TASK) == "allowed"
        site.commit_unannounced("user, riverside, ben, Ben Birch, inactive", "user, riverside, ben, Ben Birch, active")
        until(lambda: reason(live, "ben", "respond", TASK) == "inactive_user")

    @pytest.mark.usefixtures("quick")
    def test_a_counter_that_was_made_anew(self, site: Site) -> None:
        """When the counter's file was removed and made again, the poll finds the new one and listens to it."""
        live = site.live()
        live.start()
        assert reason(live, "ben", "respond", TASK) == "allowed"
        (site.root / "counter").unlink()
        other = Site(site.root)
        other.set_active("ben", False)
        until(lambda: reason(live, "ben", "respond", TASK) == "inactive_user")
        until(lambda: site.counter.value() == other.counter.value())
        other.set_active("ben", True)
        assert reason(live, "ben", "respond", TASK) == "allowed"
        other.close()

    def test_only_the_practice_that_changed_is_read(self, site: Site) -> None:
        """A change to one practice leaves the others as they were built."""
        live = site.live()
        for practice in ("riverside", "lakeside"):
            reason(live, "ann", "view", ORDERS, practice)
        before = live.state().loaded.snapshot.divisions
        site.set_active("ben", False)
        after = live.state().loaded.snapshot.divisions
        assert after["lakeside"] is before["lakeside"]
        assert after["riverside"] is not before["riverside"]

    def test_files_that_changed_build_everything_anew(self, site: Site) -> None:
        """When the files change, no practice is answered from what was compiled with the old ones."""
        live = site.live()
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        site.publish_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
        assert loaded(live) == set()
        assert live.state().loaded.catalog.unavailable.endswith("soon.")
        assert reason(live, "ann", "open_queue", LIST) == "allowed"

    @pytest.mark.parametrize(("count", "again"), [(AT_ONCE, True), (AT_ONCE + 1, False)])
    def test_many_practices_changed_at_once(self, site: Site, count: int, again: bool) -> None:
        """A few practices are read again with the change that touched them; of many, each when it is asked about."""
        names, live = practices(site, count), site.live()
        for name in names:
            assert reason(live, "zoe", "view", ORDERS, name) == "allowed"
        site.publish(
            "".join(f"user, {name}, zoe, Zoe, inactive\n" for name in names),
            "".join(f"user, {name}, zoe, Zoe, active\n" for name in names),
        )
        assert loaded(live) == (set(names) if again else set())
        assert {reason(live, "zoe", "view", ORDERS, name) for name in names} == {"inactive_user"}

    def test_practices_that_nobody_asked_about(self, site: Site) -> None:
        """A change does not load a practice that was not loaded."""
        live = site.live()
        assert loaded(live) == set()
        site.set_active("ben", False)
        assert loaded(live) == set()

    def test_a_practice_added_and_removed(self, site: Site) -> None:
        """A practice is known with the next state after it was created, and unknown after it was taken out."""
        live = site.live()
        assert reason(live, "zoe", "view", ORDERS, "p0") == "unknown_practice"
        practices(site, 1)
        assert reason(live, "zoe", "view", ORDERS, "p0") == "allowed"
        site.publish(remove="\n".join(", ".join((row.kind, *row.fields)) for row in site.rows("p0")))
        assert reason(live, "zoe", "view", ORDERS, "p0") == "unknown_practice"
        assert "p0" not in live.state().loaded.practices
        practices(site, 1)
        assert reason(live, "zoe", "view", ORDERS, "p0") == "allowed"

    def test_tokens(self, site: Site) -> None:
        """A token is known with the next state after it was made, and not after it was revoked."""
        live = site.live()
        token, _ = tokens.mint("ehr", frozenset({"riverside"}), TIME)
        assert token.id not in live.state().loaded.tokens
        with site.counter.changing():
            site.store.add_token(token)
        assert live.state().loaded.tokens[token.id] == token
        with site.counter.changing():
            site.store.revoke_token("ehr", TIME)
        assert live.state().loaded.tokens == {}

    def test_what_became_of_the_folder(self, site: Site) -> None:
        """What was noted of the folder is told from the next state on."""
        live, status = site.live(), FolderStatus(TIME, "d" * 64, holds=False)
        live.state()
        assert live.health().folder_status is None
        with site.counter.changing():
            site.store.note_folder(status)
        live.state()
        assert live.health().folder_status == status


class TestAnotherHistory:
    def restore(self, site: Site, live: Live, copy: bytes) -> None:
        """Put an older copy of the database in the place of the one that is answered from."""
        site.database.write_bytes(copy)
        with site.counter.changing():
            pass
        live.state()

    def test_an_older_copy(self, site: Site) -> None:
        """When an older copy of the database takes its place, everything is read anew and answered from it."""
        live, copy = site.live(), site.database.read_bytes()
        site.set_active("ben", False)
        assert reason(live, "ben", "respond", TASK) == "inactive_user"
        self.restore(site, live, copy)
        assert loaded(live) == set()
        assert live.state().loaded.revision == site.head()
        assert reason(live, "ben", "respond", TASK) == "allowed"

    @pytest.mark.parametrize("later", [1, 2])
    def test_a_copy_that_went_on_otherwise(self, site: Site, later: int) -> None:
        """A history that is as long as ours or longer, and another one, is not taken for the continuation of ours."""
        live, copy = site.live(), site.database.read_bytes()
        site.set_active("ben", False)
        assert reason(live, "ben", "respond", TASK) == "inactive_user"
        site.database.write_bytes(copy)
        for number in range(later):
            site.publish(f"user, lakeside, new{number}, New, active")
        assert reason(live, "ben", "respond", TASK) == "allowed"
        assert reason(live, "new0", "view", ORDERS, "lakeside") == "no_level"


class TestAway:
    def test_before_anything_was_read(self, site: Site) -> None:
        """Without ever having read a policy there is no state, and the health says why."""
        live = site.live()
        with site.away(), pytest.raises(StoreUnavailable, match="no policy could be read"):
            live.state()
        health = live.health()
        assert (health.revision, health.practices, health.age, health.too_old) == (None, 0, None, False)
        assert "the store did not answer" in health.problem
        assert live.state().loaded.revision == site.head()
        assert live.health().problem == ""

    def test_nothing_is_published_yet(self, unpublished: Site) -> None:
        """An empty store gives no state: there is no policy that answers by default."""
        with pytest.raises(StoreUnavailable, match="nothing is published yet"):
            unpublished.live().state()

    def test_loaded_practices_are_answered(self, site: Site) -> None:
        """Without the store, what is loaded is answered, yes and no; what is not is refused for now."""
        live = site.live()
        reason(live, "ann", "open_queue", LIST)
        with site.away():
            assert reason(live, "ann", "open_queue", LIST) == "allowed"
            assert reason(live, "ben", "open_queue", LIST) == "no_level"
            assert reason(live, "ann", "view", ORDERS, "lakeside") == "policy_unavailable"
            assert reason(live, "ann", "view", ORDERS, "nowhere") == "unknown_practice"
        assert reason(live, "ann", "view", ORDERS, "lakeside") == "allowed"

    def test_a_change_that_is_known_of(self, site: Site) -> None:
        """A change that cannot be read makes refusals of every practice, never answers from before it."""
        live = site.live()
        reason(live, "ann", "open_queue", LIST)
        site.set_active("ann", False)
        with site.away():
            assert reason(live, "ann", "open_queue", LIST) == "policy_unavailable"
            assert reason(live, "ben", "respond", TASK) == "policy_unavailable"
        assert reason(live, "ann", "open_queue", LIST) == "inactive_user"
        assert reason(live, "ben", "respond", TASK) == "allowed"

    @pytest.mark.parametrize(
        "alteration",
        [
            "DELETE FROM casbin_rule WHERE ptype = 'g2' AND v0 = 'add' AND v2 = 'Task - Orders'",
            "DELETE FROM policy_file WHERE path = 'cases/portal.yaml'",
            "UPDATE file_text SET text = text || '#' WHERE text LIKE '%request_definition%'",
        ],
    )
    def test_shared_rows_altered(self, site: Site, alteration: str) -> None:
        """Screens and files that are not those of their revisions are never begun with; good ones are kept."""
        before = site.live()
        reason(before, "ann", "open_queue", LIST)
        site.sql(alteration)
        with pytest.raises(StoreUnavailable, match="no policy could be read"):
            site.live().state()
        assert reason(before, "ann", "open_queue", LIST) == "allowed"

    def test_several_practices_are_read_at_once(self, site: Site) -> None:
        """Whoever needs several practices gets them from one reading, so that all are of one revision."""
        state = site.live().state()
        with transactions() as begun:
            both = state.having("riverside", "nowhere", "lakeside")
            assert both.having("lakeside", "riverside") is both
        assert len(begun) == 1
        assert set(both.loaded.snapshot.divisions) == {"riverside", "lakeside"}
        assert state.having("nowhere") is state

    @pytest.mark.usefixtures("quick")
    def test_the_poll_finds_the_store_again(self, site: Site) -> None:
        """While the store is away nobody waits for it but the poll, which notices when it is back."""
        live = site.live()
        live.start()
        reason(live, "ann", "open_queue", LIST)
        with site.away():
            until(lambda: live.health().problem)
            with transactions() as begun:
                states = [live.state(), live.load("lakeside")]
            assert states[0].refusal is None
            assert states[1].refusal == "policy_unavailable"
            assert len(begun) <= 3  # the poll's own
        until(lambda: not live.health().problem)
        assert reason(live, "ann", "view", ORDERS, "lakeside") == "allowed"

    @pytest.mark.usefixtures("quick")
    def test_started_before_its_store(self, site: Site) -> None:
        """Who is started without a store answers as soon as it is there."""
        live = site.live()
        with site.away():
            live.start()
            with pytest.raises(StoreUnavailable):
                live.state()
        until(lambda: live.health().revision)
        assert reason(live, "ann", "open_queue", LIST) == "allowed"

    @pytest.mark.usefixtures("quick")
    def test_nothing_in_the_store_ends_the_poll(self, site: Site) -> None:
        """Values that nobody of ours wrote make the reading fail, and the poll goes on."""
        live = site.live()
        live.start()
        reason(live, "ann", "open_queue", LIST)
        site.sql("INSERT INTO token (id, name, secret_hash, practices, created) VALUES ('t', 't', 't', '{', '')")
        until(lambda: "cannot be read" in live.health().problem)
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        site.sql("DELETE FROM token WHERE id = 't'")
        until(lambda: not live.health().problem)


class TestAge:
    def test_too_old(self, site: Site) -> None:
        """A policy that was not confirmed for longer than it may be refuses, and answers again once it was."""
        clock = Clock()
        live = site.live(clock, max_age=60)
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        clock.now += 60
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        assert not live.health().too_old
        clock.now += 0.1
        assert reason(live, "ann", "open_queue", LIST) == "policy_too_old"
        assert live.health().too_old
        with site.counter.changing():
            pass
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        assert live.health().age == 0

    def test_a_failed_reading_confirms_nothing(self, site: Site) -> None:
        """The age goes on while the store is away."""
        clock = Clock()
        live = site.live(clock, max_age=60)
        reason(live, "ann", "open_queue", LIST)
        clock.now += 50
        with site.away():
            reason(live, "ann", "view", ORDERS, "lakeside")
            assert live.health().age == 50
            clock.now += 11
            assert reason(live, "ann", "open_queue", LIST) == "policy_too_old"

    def test_an_unchanged_store_confirms_as_well(self, site: Site) -> None:
        """Loading a practice confirms the rest: the store was there and has nothing newer."""
        clock = Clock()
        live = site.live(clock, max_age=60)
        reason(live, "ann", "open_queue", LIST)
        clock.now += 50
        reason(live, "ann", "view", ORDERS, "lakeside")
        clock.now += 50
        assert reason(live, "ann", "open_queue", LIST) == "allowed"

    def test_the_clock(self) -> None:
        """The clock goes forward."""
        assert steady_clock() <= steady_clock()


class TestAtLeast:
    def test_what_is_there_already(self, site: Site) -> None:
        """Who asks for a revision that was read does not wait."""
        live = site.live()
        head = live.state().loaded.revision
        with transactions() as begun:
            assert live.state(at_least=head).refusal is None
        assert begun == []

    def test_it_is_read_without_the_counter(self, site: Site) -> None:
        """A caller who has seen a revision gets it although this process was not told."""
        live = site.live()
        reason(live, "ben", "respond", TASK)
        done = site.commit_unannounced(
            "user, riverside, ben, Ben Birch, inactive", "user, riverside, ben, Ben Birch, active"
        )
        assert reason(live.state(done.number), "ben", "respond", TASK) == "inactive_user"

    def test_nobody_has_it(self, site: Site) -> None:
        """A revision that the store has not is refused after one reading; others are answered all the same."""
        live, head = site.live(), site.head()
        reason(live, "ann", "open_queue", LIST)
        with transactions() as begun:
            state = live.state(head + 1)
        assert (len(begun), state.refusal) == (1, "policy_unavailable")
        assert reason(state, "ann", "open_queue", LIST) == "policy_unavailable"
        assert reason(live, "ann", "open_queue", LIST) == "allowed"


class TestSweeping:
    def test_what_was_used_stays(self, site: Site) -> None:
        """A practice that was asked about since the last sweep stays; one that was not leaves until it is."""
        live = site.live()
        for practice in ("riverside", "lakeside"):
            reason(live, "ann", "view", ORDERS, practice)
        live.sweep()
        assert loaded(live) == {"riverside", "lakeside"}
        reason(live, "ann", "view", ORDERS, "lakeside")
        live.sweep()
        assert loaded(live) == {"lakeside"}
        live.sweep()
        assert loaded(live) == set()
        assert reason(live, "ann", "open_queue", LIST) == "allowed"

    @pytest.mark.usefixtures("quick")
    def test_the_poll_sweeps(self, site: Site) -> None:
        """What nobody asks about leaves after the time that was set."""
        clock = Clock()
        live = site.live(clock, max_age=10_000, keep=60)
        live.start()
        reason(live, "ann", "open_queue", LIST)

        def gone_a_minute_later() -> bool:
            clock.now += 61
            return live.health().loaded == 0

        until(gone_a_minute_later)

    def test_names_that_nobody_has_are_not_kept(self, site: Site) -> None:
        """Asking about any number of practices that do not exist leaves nothing behind."""
        live = site.live()
        for number in range(50):
            reason(live, "ann", "view", ORDERS, f"none{number}")
        assert loaded(live) == set()
        assert live.health().loaded == 0


class TestAltered:
    ALTERATION = "UPDATE directory_user SET state = 'active' WHERE id = 'lou'"
    MENDED = "UPDATE directory_user SET state = 'inactive' WHERE id = 'lou'"

    def test_are_refused_and_served_again(self, site: Site) -> None:
        """A practice whose rows are not those of its revisions is refused until they were put right."""
        live = site.live()
        site.sql(self.ALTERATION)
        assert reason(live, "lou", "respond", TASK) == "rows_altered"
        assert reason(live, "ann", "open_queue", LIST) == "rows_altered"
        assert reason(live, "ann", "view", ORDERS, "lakeside") == "allowed"
        assert live.health().altered == ("riverside",)
        site.sql(self.MENDED)
        assert reason(live, "ann", "open_queue", LIST) == "rows_altered"
        live.sweep()
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        assert reason(live, "lou", "respond", TASK) == "inactive_user"
        assert live.health().altered == ()

    @pytest.mark.usefixtures("quick")
    def test_the_poll_looks_again(self, site: Site) -> None:
        """Rows that were put right are served again without anybody's help."""
        live = site.live()
        live.start()
        site.sql(self.ALTERATION)
        assert reason(live, "ann", "open_queue", LIST) == "rows_altered"
        site.sql(self.MENDED)
        until(lambda: reason(live, "ann", "open_queue", LIST) == "allowed")

    def test_a_practice_that_no_revision_made(self, site: Site) -> None:
        """A practice that was put into the database by hand is not served."""
        site.sql("INSERT INTO practice (id, name) VALUES ('wild', 'Wild')")
        assert reason(site.live(), "ann", "view", ORDERS, "wild") == "rows_altered"

    def test_rows_that_cannot_even_be_read(self, site: Site) -> None:
        """Rows of no known shape refuse their practice and no other."""
        site.sql("INSERT INTO casbin_rule (ptype, v0, v1, v2, v3) VALUES ('p', x'ff', 'riverside', x'00', 'Read')")
        live = site.live()
        assert reason(live, "ann", "open_queue", LIST) == "rows_altered"
        assert reason(live, "ann", "view", ORDERS, "lakeside") == "allowed"


class TestThreads:
    def test_one_reading_for_a_change(self, site: Site) -> None:
        """However many wait for a change, it is read once."""
        live = site.live()
        reason(live, "ben", "respond", TASK)
        revision, start = site.set_active("ben", False), threading.Barrier(16)

        def wait() -> tuple[str, int]:
            start.wait()
            answer = ask(live, "ben", "respond", TASK)
            return answer.decision.reason.value, answer.decision.revision

        with transactions(lambda: time.sleep(0.1)) as begun, ThreadPoolExecutor(16) as pool:
            told = list(pool.map(lambda _: wait(), range(16)))
        assert set(told) == {("inactive_user", revision.number)}
        assert len(begun) == 1

    def test_one_reading_for_a_practice(self, site: Site) -> None:
        """However many ask for a practice that is not loaded, it is loaded once."""
        live, start = site.live(), threading.Barrier(16)
        live.state()

        def wait() -> str:
            start.wait()
            return reason(live, "ann", "open_queue", LIST)

        with transactions(lambda: time.sleep(0.1)) as begun, ThreadPoolExecutor(16) as pool:
            assert set(pool.map(lambda _: wait(), range(16))) == {"allowed"}
        assert len(begun) == 1

    @pytest.mark.usefixtures("quick")
    def test_every_answer_is_right_for_the_revision_it_names(self, site: Site) -> None:
        """While changes are published, swept and polled, each answer is that of its revision, and none is from before
        a change that had returned."""
        live = site.live(keep=0)
        live.start()
        right = {site.head(): "allowed"}
        newest = [site.head()]
        done = threading.Event()

        def work(seed: int) -> list[tuple[int, int, str]]:
            chance, told = random.Random(seed), []  # noqa: S311 - the same at each run
            while not done.is_set():
                asked_at = newest[0]
                at_least = asked_at if chance.random() < 0.3 else 0
                answer = ask(live.state(at_least), "ben", "respond", TASK)
                told.append((asked_at, answer.decision.revision, answer.decision.reason.value))
                if chance.random() < 0.05:
                    live.sweep()
            return told

        with ThreadPoolExecutor(8) as pool:
            working = [pool.submit(work, seed) for seed in range(8)]
            for number in range(30):
                if number % 10 == 9:
                    words = ("in a minute", "soon") if number == 9 else ("soon", "very soon")
                    words = words if number < 29 else ("very soon", "in an hour")
                    revision = site.publish_files({"catalog.yaml": (f"Try again {words[0]}", f"Try again {words[1]}")})
                    right[revision.number] = right[revision.number - 1]
                else:
                    active = right[newest[0]] != "allowed"
                    right[newest[0] + 1] = "allowed" if active else "inactive_user"
                    revision = site.set_active("ben", active)
                newest[0] = revision.number
            done.set()
            told = [one for each in working for one in each.result(timeout=30)]
        assert {(revision, said) for _, revision, said in told} <= set(right.items())
        assert all(revision >= asked_at for asked_at, revision, _ in told)
        assert len({revision for _, revision, _ in told}) > 5
        assert live.health().problem == ""


class TestHealth:
    def test_of_what_is_answered_from(self, site: Site) -> None:
        """It says the revision, how many practices there are and how many are loaded, and the digest of the files."""
        live = site.live()
        reason(live, "ann", "open_queue", LIST)
        health = live.health()
        assert (health.revision, health.practices, health.loaded, health.altered) == (site.head(), 2, 1, ())
        assert (health.problem, health.age) == ("", 0)
        assert health.folder_digest == live.state().loaded.folder_digest

    def test_stopping_what_was_never_started(self, site: Site) -> None:
        """What never polled can be stopped, and twice."""
        live = site.live()
        live.stop()
        live.stop()
