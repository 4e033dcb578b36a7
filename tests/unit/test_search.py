from collections.abc import Callable

import pytest

from service.decide import decide
from service.errors import Forbidden, SearchUnavailable
from service.live import State
from service.policy.request import Part
from service.search import Found, search
from service.values import Caller, Question, Reason
from tests.unit.site import ANYWHERE, LIST, ORDERS, TASK, Clock, Site, question, transactions

LIMITED = Caller("lakeside only", frozenset({"lakeside"}))
CHANGES: dict[Part, Callable[[Question, str], Question]] = {
    "subject": lambda asked, name: asked._replace(subject_id=name),
    "resource": lambda asked, name: asked._replace(resource_id=name),
    "action": lambda asked, name: asked._replace(action=name),
}


@pytest.fixture
def state(site: Site) -> State:
    """What is answered from."""
    return site.live().state()


def found(part: Part, asked: Question, state: State) -> Found:
    """What a caller who may search everything finds."""
    return search(part, asked, ANYWHERE, state)


def names(state: State, part: Part, practice: str) -> list[str]:
    """Every name that the policy or a caller might come up with for the gap."""
    state = state.having(practice)
    catalog, division = state.loaded.catalog, state.loaded.snapshot.divisions[practice]
    known = {
        "subject": [*division.held, *division.inactive, *(row.fields[0] for row in division.rows if row.kind == "p")],
        "resource": list(catalog.screens),
        "action": sorted({action for screen in catalog.screens.values() for action in screen.actions}),
    }[part]
    return [name.removeprefix("user:") for name in known] + ["nobody", "", "Write", "?", "any"]


@pytest.mark.parametrize("part", CHANGES)
def test_a_search_finds_what_single_questions_allow(state: State, part: Part) -> None:
    """Each name that is found is allowed when asked about alone, each that is not is refused, for every question."""
    several = 0
    for practice in ("riverside", "lakeside"):
        candidates = names(state, part, practice)
        for user in ("ann", "ben", "max", "pat", "lou", "nobody"):
            for screen, action in ((LIST, "open_queue"), (TASK, "respond"), (ORDERS, "edit"), (ORDERS, "fly")):
                asked = question(user, action, screen, practice)
                allowed = [
                    name for name in candidates if decide(CHANGES[part](asked, name), ANYWHERE, state).decision.allowed
                ]
                assert list(found(part, asked, state).names) == sorted(allowed)
                several += len(allowed) > 1
    assert several


@pytest.mark.parametrize("part", CHANGES)
def test_what_stands_in_the_gap_is_not_read(state: State, part: Part) -> None:
    """A name on the searched side changes nothing, whatever it is."""
    asked = question("max", "view", ORDERS)
    whole = found(part, asked, state)
    assert whole.names
    for name in ("", "ann", "nobody", "role:Biller"):
        assert found(part, CHANGES[part](asked, name), state) == whole


def test_nobody_is_found_by_the_name_of_a_role(state: State) -> None:
    """Roles hold levels and are no users: a search finds people alone."""
    assert found("subject", question("", "open_queue", LIST), state).names == ("ann", "dee", "eve")


@pytest.mark.parametrize(
    ("part", "asked", "reason"),
    [
        ("subject", question("", "fly", LIST), Reason.UNKNOWN_ACTION),
        ("subject", question("", "view", "nothing"), Reason.UNKNOWN_SCREEN),
        ("subject", question("", "view", ORDERS, "nowhere"), Reason.UNKNOWN_PRACTICE),
        ("subject", question("", "view", ORDERS, None), Reason.PRACTICE_MISSING),
        ("subject", question("", "view", ORDERS, subject_type="role"), Reason.UNKNOWN_TYPE),
        ("resource", question("nobody", "view", ""), Reason.UNKNOWN_USER),
        ("resource", question("lou", "view", ""), Reason.INACTIVE_USER),
        ("resource", question("ann", "fly", ""), Reason.UNKNOWN_ACTION),
        ("action", question("nobody", "", ORDERS), Reason.UNKNOWN_USER),
        ("action", question("ann", "", "nothing"), Reason.UNKNOWN_SCREEN),
        ("action", question("eve", "", TASK), Reason.NO_LEVEL),
    ],
)
def test_nothing_is_found_for_a_reason(state: State, part: Part, asked: Question, reason: Reason) -> None:
    """What is unknown or not allowed finds nothing, and the reason is that of a single question."""
    assert found(part, asked, state) == Found((), reason, found(part, asked, state).practice, 2)


def test_who_may_not_search_a_practice(state: State) -> None:
    """A caller searches its own practices and learns nothing of others, not even by a reading of them."""
    asked = question("", "view", ORDERS, "lakeside")
    assert search("subject", asked, LIMITED, state).names == ("ann",)
    for practice in ("riverside", "nowhere"):
        with transactions() as begun, pytest.raises(Forbidden):
            search("subject", question("", "view", ORDERS, practice), LIMITED, state)
        assert begun == []


class TestIncomplete:
    def test_the_store_is_away(self, site: Site) -> None:
        """While a change is known of and cannot be read, a search is an error, and no shorter list."""
        live = site.live()
        found("subject", question("", "open_queue", LIST), live.state())
        site.set_active("ann", False)
        with site.away(), pytest.raises(SearchUnavailable, match="policy_unavailable"):
            found("subject", question("", "open_queue", LIST), live.state())
        assert found("subject", question("", "open_queue", LIST), live.state()).names == ("dee", "eve")

    def test_a_practice_that_is_not_loaded(self, site: Site) -> None:
        """Nor is a practice searched that cannot be read now; one in memory is."""
        live = site.live()
        found("subject", question("", "open_queue", LIST), live.state())
        with site.away():
            assert found("subject", question("", "open_queue", LIST), live.state()).names
            with pytest.raises(SearchUnavailable, match="policy_unavailable"):
                found("subject", question("", "view", ORDERS, "lakeside"), live.state())

    def test_too_old(self, site: Site) -> None:
        """A policy that is too old is not searched."""
        clock = Clock()
        live = site.live(clock, max_age=60)
        live.state()
        clock.now += 61
        with pytest.raises(SearchUnavailable, match="policy_too_old"):
            found("subject", question("", "open_queue", LIST), live.state())

    def test_altered_rows(self, site: Site) -> None:
        """A practice whose rows were altered is not searched: what stands there was never published."""
        site.sql("UPDATE directory_user SET state = 'active' WHERE id = 'lou'")
        with pytest.raises(SearchUnavailable, match="rows_altered"):
            found("subject", question("", "open_queue", LIST), site.live().state())

    @pytest.mark.parametrize("part", ["subject", "resource", "action"])
    def test_a_policy_that_does_not_say_who_there_is(self, state: State, part: Part, monkeypatch) -> None:
        """Where names are not listed, any might be allowed: a search is an error rather than a guess."""
        monkeypatch.setattr(type(state.loaded.snapshot), f"{part}s", lambda *_: None)
        with pytest.raises(SearchUnavailable, match=f"which {part}s there are"):
            found(part, question("ann", "view", ORDERS), state)


def test_several_are_found_in_order(site: Site) -> None:
    """Names are sorted, whatever the order of rows."""
    users = [f"user, riverside, {name}, New Person, active" for name in ("zoe", "abe", "Zed", "éva")]
    links = [f"g, user:{name}, role:Front Desk, riverside" for name in ("zoe", "abe", "Zed", "éva")]
    site.publish("\n".join(users + links))
    listed = found("subject", question("", "open_queue", LIST), site.live().state()).names
    assert list(listed) == sorted(["ann", "dee", "eve", "zoe", "abe", "Zed", "éva"])
