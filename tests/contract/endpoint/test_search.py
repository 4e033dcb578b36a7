"""The three searches, asked through each door (AuthZEN s.8)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from service.audit.chain import rows_digest
from service.config import DecisionContext
from service.store.base import Draft
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Change, How, Row
from tests.contract.endpoint.asking import (
    LIST,
    ORDERS,
    SEARCH,
    TASK,
    Opening,
    answered,
    asking,
    decided,
    question,
    refused,
)
from tests.contract.endpoint.demonstration import NOW, Demonstration, publish
from tests.contract.endpoint.doors import Door

PEOPLE = ("ada", "ann", "ben", "cam", "dee", "eve", "lou", "max", "pat", "sam")
PARTS = ("subject", "resource", "action")


def sought(part: str, user: str = "ann", action: str = "respond", screen: str = TASK, **others: Any) -> Any:
    """A question whose `part` is looked for, as a caller sends it."""
    sent = question(user, action, screen) | others
    if part == "action":
        del sent["action"]
    else:
        del sent[part]["id"]
    return sent


class Searcher:
    """A client that searches, through one door."""

    def __init__(self, door: Door, token: str) -> None:
        self.door, self.token = door, token

    def ask(self, part: str, sent: object, **headers: str | None) -> Any:
        """The whole answer to a search, which must be one."""
        told = answered(asking(self.door, self.token, SEARCH + part)(sent, **headers))
        assert next(iter(told)) == "page"
        assert set(told) <= {"page", "context", "results"}
        page = told["page"]
        assert (page["count"], page["total"] >= page["count"]) == (len(told["results"]), True)
        return told

    def find(self, part: str, sent: object) -> list[str]:
        """The names of all that is found."""
        told = self.ask(part, sent)
        assert told["page"] == {"next_token": "", "count": len(told["results"]), "total": len(told["results"])}
        return [each["name" if part == "action" else "id"] for each in told["results"]]

    def error(self, part: str, sent: object, status: int = 400, code: str = "bad_request", **headers: Any) -> Any:
        """The error that a search gets, which must be this one."""
        return refused(asking(self.door, self.token, SEARCH + part)(sent, **headers), status, code)

    def decides(self, *asked: str) -> bool:
        """What a single question gets."""
        return bool(decided(asking(self.door, self.token)(question(*asked)))["decision"])


@pytest.fixture
def search(door: Door, demonstration: Demonstration) -> Searcher:
    """One who may search every practice."""
    return Searcher(door, demonstration.token)


@pytest.fixture
def search_lakeside(door: Door, demonstration: Demonstration) -> Searcher:
    """One who may search `lakeside` and nothing else."""
    return Searcher(door, demonstration.lakeside_token)


class TestFound:
    def test_subjects(self, search: Searcher) -> None:
        """Everyone who may, directly or through whatever roles, and nobody else (A-40, A-41)."""
        told = search.ask("subject", sought("subject", action="open_queue", screen=LIST))
        assert told["results"] == [{"type": "user", "id": name} for name in ("ann", "dee", "eve")]
        assert search.find("subject", sought("subject")) == ["ann", "ben", "dee"]

    def test_resources(self, search: Searcher) -> None:
        """Every screen on which a user may do something (A-40, A-43)."""
        told = search.ask("resource", sought("resource", action="respond"))
        assert told["results"] == [{"type": "screen", "id": TASK}]
        assert search.find("resource", sought("resource", user="cam", action="view")) == [ORDERS]

    def test_actions(self, search: Searcher) -> None:
        """Every action that a user may take on a screen, as names (A-40, A-43)."""
        told = search.ask("action", sought("action"))
        assert told["results"] == [{"name": "open_message"}, {"name": "respond"}]
        assert search.find("action", sought("action", user="max", screen=ORDERS)) == ["add", "edit", "view"]

    @pytest.mark.parametrize(("action", "screen"), [("respond", TASK), ("open_queue", LIST), ("view", ORDERS)])
    def test_a_search_is_what_single_questions_allow(self, search: Searcher, action: str, screen: str) -> None:
        """Who is found is allowed when asked about alone, and who is allowed is found (A-40)."""
        allowed = [name for name in PEOPLE if search.decides(name, action, screen)]
        assert search.find("subject", sought("subject", action=action, screen=screen)) == allowed

    def test_who_has_left(self, search: Searcher) -> None:
        """An inactive user is not found, whatever roles are left to them."""
        assert "lou" not in search.find("subject", sought("subject"))
        assert search.find("resource", sought("resource", user="lou")) == []

    def test_another_practice(self, search: Searcher, search_lakeside: Searcher) -> None:
        """A search is about the practice of its context, as a question is."""
        for one in (search, search_lakeside):
            sent = sought("subject", action="view", screen=ORDERS, context={"practice": "lakeside"})
            assert one.find("subject", sent) == ["ann"]

    def test_another_practice_than_the_callers(self, search_lakeside: Searcher) -> None:
        """Outside its practices a caller finds nothing out: 403, the same whether the practice exists (A-19)."""
        errors = [
            search_lakeside.error(part, sought(part, context={"practice": name}), 403, "forbidden")
            for part in PARTS
            for name in ("riverside", "nowhere")
        ]
        assert all(error == errors[0] for error in errors)

    def test_again(self, search: Searcher) -> None:
        """The same search finds the same, in the same order."""
        assert len({tuple(search.find("subject", sought("subject"))) for _ in range(4)}) == 1


class TestIgnored:
    @pytest.mark.parametrize("part", ["subject", "resource"])
    @pytest.mark.parametrize("given", ["ann", "", "nobody", 7, None, {}])
    def test_the_id_that_is_looked_for(self, search: Searcher, part: str, given: object) -> None:
        """An id on the searched side changes nothing, whatever it is (A-42)."""
        sent = sought(part)
        expected = search.find(part, sent)
        sent[part]["id"] = given
        assert search.find(part, sent) == expected

    @pytest.mark.parametrize("action", [{"name": "open_message"}, {"name": 7}, {}, None, "respond"])
    def test_the_action_that_is_looked_for(self, search: Searcher, action: object) -> None:
        """An action in a search for actions is a field that is not known, and ignored (A-44)."""
        assert search.find("action", sought("action") | {"action": action}) == ["open_message", "respond"]

    @pytest.mark.parametrize("part", PARTS)
    def test_what_is_not_known(self, search: Searcher, part: str) -> None:
        """Fields that the standard does not have are ignored at every depth (A-15, A-55)."""
        sent = sought(part, page={"offset": 3, "size": 1, "properties": {"sort": "down"}})
        expected = search.find(part, sought(part))
        for owner in (sent, sent["subject"], sent["resource"], sent["context"]):
            owner["future"] = {"deep": [1, None]}
        sent["subject"]["properties"] = {"role": "role:Front Desk"}
        assert search.find(part, sent) == expected


class TestUnknown:
    @pytest.mark.parametrize(
        ("part", "changed", "code"),
        [
            ("subject", {"resource": {"type": "screen", "id": "nothing"}}, "unknown_screen"),
            ("subject", {"action": {"name": "fly"}}, "unknown_action"),
            ("subject", {"subject": {"type": "spaceship"}}, "unknown_type"),
            ("subject", {"resource": {"type": "record", "id": TASK}}, "unknown_type"),
            ("subject", {"context": {"practice": "nowhere"}}, "unknown_practice"),
            ("subject", {"context": {}}, "practice_missing"),
            ("subject", {"action": {"name": "sign"}}, "unknown_action"),
            ("resource", {"subject": {"type": "user", "id": "nobody"}}, "unknown_user"),
            ("resource", {"subject": {"type": "user", "id": "lou"}}, "inactive_user"),
            ("resource", {"subject": {"type": "user", "id": "role:Front Desk"}}, "unknown_user"),
            ("resource", {"action": {"name": "fly"}}, "unknown_action"),
            ("resource", {"resource": {"type": "spaceship"}}, "unknown_type"),
            ("action", {"subject": {"type": "user", "id": "nobody"}}, "unknown_user"),
            ("action", {"resource": {"type": "screen", "id": "nothing"}}, "unknown_screen"),
            ("action", {"subject": {"type": "role", "id": "role:Front Desk"}}, "unknown_type"),
            ("action", {"context": {"practice": "template"}}, "unknown_practice"),
        ],
    )
    def test_finds_nothing(self, search: Searcher, part: str, changed: Any, code: str) -> None:
        """What is unknown finds nothing, with the reason that a question would have; it is no error (A-40)."""
        told = search.ask(part, sought(part) | changed)
        assert told["results"] == []
        assert told["page"] == {"next_token": "", "count": 0, "total": 0}
        assert told["context"] == {"reason": {"code": code}}

    def test_a_reason_is_told_where_the_setting_lets_it(self, open_door: Opening, demonstration: Demonstration) -> None:
        """With `none` a search that finds nothing says no more than that; one that finds something never does."""
        door = open_door(demonstration.having(decision_context=DecisionContext.NONE))
        searcher = Searcher(door, demonstration.token)
        assert "context" not in searcher.ask("action", sought("action", user="nobody"))
        assert "context" not in searcher.ask("action", sought("action"))


class TestMalformed:
    @pytest.mark.parametrize(
        ("part", "missing"),
        [
            ("subject", "subject"),
            ("subject", "action"),
            ("subject", "resource"),
            ("resource", "subject"),
            ("resource", "action"),
            ("resource", "resource"),
            ("action", "subject"),
            ("action", "resource"),
        ],
    )
    def test_an_entity_is_missing(self, search: Searcher, part: str, missing: str) -> None:
        """What is not looked for must be there; of what is, the type (A-14, A-42)."""
        sent = sought(part)
        del sent[missing]
        assert f"`{missing}` is missing" in search.error(part, sent)["message"]

    @pytest.mark.parametrize(
        ("part", "path"),
        [
            ("subject", "subject.type"),
            ("subject", "resource.id"),
            ("subject", "resource.type"),
            ("subject", "action.name"),
            ("resource", "resource.type"),
            ("resource", "subject.id"),
            ("resource", "subject.type"),
            ("resource", "action.name"),
            ("action", "subject.id"),
            ("action", "subject.type"),
            ("action", "resource.id"),
            ("action", "resource.type"),
        ],
    )
    def test_an_attribute_is_missing(self, search: Searcher, part: str, path: str) -> None:
        """The attributes of what is not looked for must be there, and be strings (A-4, A-14)."""
        sent, (entity, name) = sought(part), path.split(".")
        sent[entity][name] = 7
        assert f"`{path}` must be a string" in search.error(part, sent)["message"]
        del sent[entity][name]
        assert f"`{path}` is missing" in search.error(part, sent)["message"]

    def test_two_gaps(self, search: Searcher) -> None:
        """A request that leaves both ids open is none of either search (A-14)."""
        sent = sought("subject")
        del sent["resource"]["id"]
        assert "`resource.id` is missing" in search.error("subject", sent)["message"]
        assert "`subject.id` is missing" in search.error("resource", sent)["message"]

    @pytest.mark.parametrize("part", PARTS)
    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"context": []}, "`context` must be an object"),
            ({"page": 1}, "`page` must be an object"),
            ({"page": None}, "`page` must be an object"),
            ({"page": {"token": 1}}, "`page.token` must be a string"),
            ({"page": {"token": None}}, "`page.token` must be a string"),
            ({"page": {"limit": -1}}, "`page.limit` must be a whole number, 0 or more"),
            ({"page": {"limit": 1.5}}, "`page.limit` must be a whole number, 0 or more"),
            ({"page": {"limit": "1"}}, "`page.limit` must be a whole number, 0 or more"),
            ({"page": {"limit": True}}, "`page.limit` must be a whole number, 0 or more"),
            ({"page": {"limit": None}}, "`page.limit` must be a whole number, 0 or more"),
            ({"page": {"properties": []}}, "`properties` must be an object"),
        ],
    )
    def test_a_member_is_of_the_wrong_kind(self, search: Searcher, part: str, changed: Any, said: str) -> None:
        """Context and page are objects, and what is in them is of the right kind (A-4, A-54)."""
        assert said in search.error(part, sought(part) | changed)["message"]

    @pytest.mark.parametrize("part", PARTS)
    def test_headers_and_bodies(self, search: Searcher, part: str) -> None:
        """All else is asked for as of a single question (A-10, A-13, A-17, A-20, A-72)."""
        search.error(part, b"{")
        search.error(part, b"[]")
        search.error(part, b'{"page":{},"page":{}}')
        search.error(part, sought(part), Content_Type="text/plain")
        search.error(part, sought(part), 401, "unauthenticated", Authorization=None)
        got = search.door.ask("GET", SEARCH + part, {}, b"")
        assert (got.status, got.headers["allow"]) == (405, "POST")
        ask = asking(search.door, search.token, SEARCH + part)
        assert ask(sought(part), X_Request_ID="s-1").headers["x-request-id"] == "s-1"
        assert ask(sought(part)).headers["x-policy-revision"] == "1"


class TestPages:
    def pages(self, search: Searcher, part: str, sent: Any, limit: int, *, repeat: bool = False) -> list[list[Any]]:
        """All pages of a search; with `repeat`, the limit is sent again with each token."""
        told = search.ask(part, sent | {"page": {"limit": limit}})
        found = [told["results"]]
        while token := told["page"]["next_token"]:
            page = {"token": token, "limit": limit} if repeat else {"token": token}
            told = search.ask(part, sent | {"page": page})
            found.append(told["results"])
        return found

    @pytest.mark.parametrize("repeat", [True, False])
    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 100, 2**70])
    def test_pages_make_the_whole(self, search: Searcher, limit: int, repeat: bool) -> None:
        """The pages of a search make all that it finds, each once, with the limit sent again or not (A-51 to A-53)."""
        sent = sought("subject")
        whole = search.ask("subject", sent)["results"]
        pages = self.pages(search, "subject", sent, limit, repeat=repeat)
        assert [each for page in pages for each in page] == whole
        assert all(len(page) == limit for page in pages[:-1])

    @pytest.mark.parametrize("part", PARTS)
    def test_of_each_search(self, search: Searcher, part: str) -> None:
        """Every search has pages."""
        sent = sought(part, user="max", action="view", screen=ORDERS)
        found = [each for page in self.pages(search, part, sent, 1) for each in page]
        assert found == search.ask(part, sent)["results"]

    def test_numbers(self, search: Searcher) -> None:
        """A page says how many it has and how many there are in all (A-54)."""
        page = search.ask("subject", sought("subject", page={"limit": 2}))["page"]
        assert (page["count"], page["total"]) == (2, 3)
        last = search.ask("subject", sought("subject", page={"token": page["next_token"]}))["page"]
        assert last == {"next_token": "", "count": 1, "total": 3}

    def test_a_limit_of_nothing(self, search: Searcher) -> None:
        """A limit of 0 finds out how many there are; there is more, so there is a token (A-51, A-54)."""
        told = search.ask("subject", sought("subject", page={"limit": 0}))
        assert (told["results"], told["page"]["count"], told["page"]["total"]) == ([], 0, 3)
        assert told["page"]["next_token"]
        assert search.ask("subject", sought("subject", user="x", action="fly", page={"limit": 0}))["page"] == {
            "next_token": "", "count": 0, "total": 0,
        }  # fmt: skip

    def test_the_same_page_again(self, search: Searcher) -> None:
        """A token may be used again: there is no state that it would use up (A-56)."""
        token = search.ask("subject", sought("subject", page={"limit": 1}))["page"]["next_token"]
        again = [search.ask("subject", sought("subject", page={"token": token})) for _ in range(6)]
        assert all(told == again[0] for told in again)

    def token(self, search: Searcher) -> str:
        """The token of a first page."""
        token = search.ask("subject", sought("subject", page={"limit": 1}))["page"]["next_token"]
        assert isinstance(token, str)
        return token

    @pytest.mark.parametrize(
        "changed",
        [
            {"action": {"name": "open_message"}},
            {"action": {"name": "respond", "properties": {"soft": True}}},
            {"resource": {"type": "screen", "id": LIST}},
            {"subject": {"type": "user", "properties": {"role": "x"}}},
            {"context": {"practice": "lakeside"}},
            {"context": {"practice": "riverside", "time": 1}},
        ],
        ids=json.dumps,
    )
    def test_another_query(self, search: Searcher, changed: Any) -> None:
        """A token is good for the search that it was made for, and for no other (A-53)."""
        sent = sought("subject") | changed | {"page": {"token": self.token(search)}}
        search.error("subject", sent, 400, "page_invalid")

    @pytest.mark.parametrize("page", [{"limit": 2}, {"limit": 0}, {"properties": {"x": 1}}], ids=json.dumps)
    def test_another_page_size(self, search: Searcher, page: Any) -> None:
        """A limit other than that of the first page is an error, and so are other properties (A-53)."""
        sent = sought("subject", page={"token": self.token(search), **page})
        search.error("subject", sent, 400, "page_invalid")

    def test_another_search(self, search: Searcher) -> None:
        """A token of one search opens no page of another (A-56)."""
        body = question() | {"page": {"token": self.token(search)}}
        assert search.ask("subject", body)["page"]["total"] == 3  # the id is ignored
        for part in ("resource", "action"):
            search.error(part, body, 400, "page_invalid")

    def test_another_caller(self, search: Searcher, search_lakeside: Searcher) -> None:
        """A token of one caller opens nothing for another, who might search the same (A-56)."""
        sent = sought("resource", action="view", context={"practice": "lakeside"}, page={"limit": 0})
        token = search.ask("resource", sent)["page"]["next_token"]
        sent["page"] = {"token": token}
        assert search.ask("resource", sent)["page"]["total"] == 1
        search_lakeside.error("resource", sent, 400, "page_invalid")

    def test_no_token_of_ours(self, search: Searcher) -> None:
        """A token that was cut, lengthened or changed in any sign is refused, and so is anything else (A-56)."""
        token = self.token(search)
        held = bytearray(urlsafe_b64decode(token))
        forged = []
        for at in range(len(held)):
            changed = held.copy()
            changed[at] ^= 1
            forged.append(urlsafe_b64encode(changed).decode())
        for other in (
            *forged[::5],
            "",
            "1",
            token[:-1],
            token + "A",
            token + "=",
            token.lower(),
            " " + token,
            "é" * 56,
        ):
            search.error("subject", sought("subject", page={"token": other}), 400, "page_invalid")

    def test_order_means_nothing(self, search: Searcher) -> None:
        """The same query with its members in another order is the same query (A-16)."""
        sent = sought("subject", context={"practice": "riverside", "x": {"a": 1, "b": 2}}, page={"limit": 1})
        token = search.ask("subject", sent)["page"]["next_token"]
        turned = sought("subject", context={"x": {"b": 2, "a": 1}, "practice": "riverside"}, page={"token": token})
        assert search.ask("subject", dict(reversed(turned.items())))["page"]["total"] == 3


class TestChanges:
    def test_the_policy_moves_on(self, open_door: Opening, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Pages from before a change and after it would not fit together: the caller is told to begin again (A-54)."""
        own = publish(tmp_path_factory.mktemp("moved"))
        search = Searcher(open_door(own.settings), own.token)
        token = search.ask("subject", sought("subject", page={"limit": 1}))["page"]["next_token"]
        store = Store.open(own.settings.store_url)
        with Counter.open(own.settings.counter).changing():
            row = Row("user", ("lakeside", "new", "Somebody New", "active"))
            with store.reading() as view:
                digest = rows_digest([*view.rows(row.practice), row])
            change = Change(frozenset({row}), frozenset(), actor="operator:test", how=How.COMMAND, base=1)
            store.commit(Draft(change, NOW, ((row.practice, digest),)), {})
        store.close()
        error = search.error("subject", sought("subject", page={"token": token}), 400, "page_expired")
        assert "begin again" in error["mend"]
        told = search.ask("subject", sought("subject", page={"limit": 1}))
        assert search.ask("subject", sought("subject", page={"token": told["page"]["next_token"]}))["results"]

    def test_a_revision_that_does_not_come(self, search: Searcher) -> None:
        """Where nothing may be answered, a search is an error: an answer that may lack somebody looks whole."""
        for part in PARTS:
            error = search.error(part, sought(part), 503, "search_unavailable", X_Policy_Revision_At_Least="99")
            assert "policy_unavailable" in error["message"]
