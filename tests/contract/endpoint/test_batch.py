"""Many questions in one request, asked through each door (AuthZEN s.7)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.api import batch as batch_module
from service.config import DecisionContext, LogDecisions
from service.live import Live
from service.observe import Recorder
from service.store.counter import Counter
from service.store.sql import Store
from service.web import flask_app
from tests.contract.endpoint.asking import (
    CLOSING,
    EVALUATIONS,
    LIST,
    ORDERS,
    TASK,
    Asking,
    Opening,
    answered,
    asking,
    decided,
    question,
    refused,
)
from tests.contract.endpoint.demonstration import Demonstration
from tests.contract.endpoint.doors import Door


@pytest.fixture
def ask(door: Door, demonstration: Demonstration) -> Asking:
    """A client that may ask about every practice."""
    return asking(door, demonstration.token, EVALUATIONS)


@pytest.fixture
def ask_lakeside(door: Door, demonstration: Demonstration) -> Asking:
    """A client that may ask about `lakeside` and nothing else."""
    return asking(door, demonstration.lakeside_token, EVALUATIONS)


def batch(*items: object, semantic: str | None = None, **defaults: object) -> Any:
    """A batch of these items."""
    options = {"options": {"evaluations_semantic": semantic}} if semantic else {}
    return {**defaults, "evaluations": list(items), **options}


def decisions(ask: Asking, *items: object, semantic: str | None = None, **defaults: object) -> list[bool]:
    """What is decided about each item."""
    told = answered(ask(batch(*items, semantic=semantic, **defaults)))
    assert set(told) == {"evaluations"}
    assert all(type(each["decision"]) is bool for each in told["evaluations"])
    return [each["decision"] for each in told["evaluations"]]


def errors(ask: Asking, *items: object, **defaults: object) -> list[Any]:
    """The error of each item, None where it has none; an item with an error is refused."""
    found = []
    for each in answered(ask(batch(*items, **defaults)))["evaluations"]:
        error = each.get("context", {}).get("error")
        assert error is None or each["decision"] is False
        found.append(error)
    return found


YES, NO = question("ann"), question("eve")
ANN = {"subject": {"type": "user", "id": "ann"}}
RESPOND = {"action": {"name": "respond"}}
ON_TASK = {"resource": {"type": "screen", "id": TASK}}
RIVERSIDE = {"context": {"practice": "riverside"}}


class TestSingle:
    @pytest.mark.parametrize("items", [{}, {"evaluations": []}, {"evaluations": [], "options": 7}])
    def test_without_items(self, ask: Asking, items: Any) -> None:
        """Without items it is a single question, and answered as one: a bare decision (A-30)."""
        assert decided(ask(YES | items)) == {"decision": True}
        assert decided(ask(NO | items))["context"]["reason"]["code"] == "no_level"

    @pytest.mark.parametrize("items", [{}, {"evaluations": []}])
    @pytest.mark.parametrize("name", ["subject", "action", "resource"])
    def test_without_items_all_must_be_there(self, ask: Asking, items: Any, name: str) -> None:
        """As in a single question, what is missing is a 400 (A-30)."""
        sent = {key: value for key, value in YES.items() if key != name} | items
        assert f"`{name}` is missing" in refused(ask(sent), 400, "bad_request")["message"]


class TestItems:
    def test_order(self, ask: Asking) -> None:
        """There is one answer for each item, in their order (A-31)."""
        assert decisions(ask, YES, NO, NO, YES, YES) == [True, False, False, True, True]
        assert decisions(ask, NO, *[YES] * 40, NO) == [False, *[True] * 40, False]

    def test_a_page_of_my_tasks(self, ask: Asking) -> None:
        """One page asks one question for each queue, of one user in one practice."""
        queues = ("Communication", "Orders", "Results", "Superbill", "SOAP Notes", "eDocuments", "Prescription")
        queues += ("Reminder", "Fax", "Fax Updocx", "Case Mgmt.", "NYSED")
        items: list[Any] = [{"resource": {"type": "screen", "id": f"Task - {name}"}} for name in queues]
        items.append({"resource": {"type": "screen", "id": LIST}, "action": {"name": "open_queue"}})
        shared = {"subject": {"type": "user", "id": "max"}, "action": {"name": "view"}, **RIVERSIDE}
        single = [decided(ask(shared | item))["decision"] for item in items]
        assert decisions(ask, *items, **shared) == single
        assert len(single) == 13
        assert True in single

    def test_each_is_explained_like_a_single_one(self, ask: Asking) -> None:
        """A refused item carries its reason and message, and one that is allowed nothing more (A-36)."""
        allowed, other = answered(ask(batch(YES, question("ben", "open_queue", LIST))))["evaluations"]
        assert allowed == {"decision": True}
        assert other["context"]["reason"]["code"] == "no_level"
        assert other["context"]["reason"]["user_message"].startswith(
            "You don't have access to the Patient Portal queue"
        )
        assert CLOSING in other["context"]["reason"]["user_message"]

    def test_several_practices(self, ask: Asking) -> None:
        """Items may be about different practices, known or not."""
        lakeside = question("ann", "view", ORDERS, "lakeside")
        assert decisions(ask, YES, lakeside, question(practice="nowhere"), YES | {"context": {}}) == [
            True, True, False, False,
        ]  # fmt: skip


class TestDefaults:
    @pytest.mark.parametrize("name", ["subject", "action", "resource", "context"])
    def test_what_an_item_lacks(self, ask: Asking, name: str) -> None:
        """A member that an item does not have is the one of the top level (A-32)."""
        item = {key: value for key, value in YES.items() if key != name}
        assert decisions(ask, item, **{name: YES[name]}) == [True]
        assert decisions(ask, {}, **YES) == [True]

    def test_the_item_comes_first(self, ask: Asking) -> None:
        """What an item has replaces the default (A-32)."""
        assert decisions(ask, {}, {"subject": NO["subject"]}, {}, **YES) == [True, False, True]
        assert decisions(ask, ANN, **NO) == [True]

    def test_nothing_is_merged(self, ask: Asking) -> None:
        """A member is replaced whole: an id alone does not take its type from the top level (A-32)."""
        for name, half in (("subject", {"id": "ann"}), ("resource", {"id": TASK}), ("action", {"properties": {}})):
            [error] = errors(ask, {name: half}, **YES)
            assert error["status"] == 400
            assert f"`{name}." in error["message"]

    def test_a_context_is_replaced_whole(self, ask: Asking) -> None:
        """An item with a context of its own takes no practice from the default (A-32)."""
        told = answered(ask(batch({"context": {"time": "now"}}, **YES)))["evaluations"]
        assert told[0]["context"]["reason"]["code"] == "practice_missing"

    def test_all_items_have_their_own(self, ask: Asking) -> None:
        """Where each item is complete, the top level may be empty (A-33)."""
        assert decisions(ask, YES, NO) == [True, False]

    def test_a_null_is_no_default(self, ask: Asking) -> None:
        """A null does not ask for the default: it is something else than an object (A-17, A-32)."""
        [error] = errors(ask, {"subject": None}, **YES)
        assert error["message"] == "`subject` must be an object"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"subject": "ann"},
            {"subject": {"type": "user"}},
            {"action": {"name": 7}},
            {"resource": None},
            {"resource": {"id": TASK}},
            {"context": []},
            {"action": {"name": "respond", "properties": []}},
        ],
    )
    def test_half_a_default(self, ask: Asking, wrong: Any) -> None:
        """What stands at the top level must be whole although no item uses it: somebody counts on merging (A-14)."""
        refused(ask(batch(YES, **wrong)), 400, "bad_request")


class TestErrors:
    @pytest.mark.parametrize(
        "item",
        [{}, None, 7, "x", [], True, {"resource": {"type": "screen"}}, {"resource": 1}, {"context": None}],
        ids=json.dumps,
    )
    def test_of_an_item(self, ask: Asking, item: object) -> None:
        """What one item gets wrong refuses that item and says why; the others are answered (A-36)."""
        before, error, after = errors(ask, YES, item, YES, **ANN, **RESPOND, **RIVERSIDE)
        assert (before, after) == (None, None)
        assert (error["status"], error["code"]) == (400, "bad_request")
        assert decisions(ask, YES, item, YES, **ANN, **RESPOND, **RIVERSIDE) == [True, False, True]

    def test_of_a_practice_that_is_not_the_callers(self, ask_lakeside: Asking) -> None:
        """An item outside the practices of the token is refused as 403 would, and the others are answered (A-19)."""
        own = question("ann", "view", ORDERS, "lakeside")
        sent = [own, question(), question(practice="hillside"), own]
        assert decisions(ask_lakeside, *sent) == [True, False, False, True]
        _, riverside, hillside, _ = errors(ask_lakeside, *sent)
        assert riverside == hillside == {
            "status": 403,
            "code": "forbidden",
            "message": "this token may not ask about this practice",
        }  # fmt: skip

    @pytest.mark.parametrize("items", [None, {}, "x", 1, True])
    def test_no_array(self, ask: Asking, items: object) -> None:
        """Items that are no array are a 400 for the whole (A-36)."""
        refused(ask(YES | {"evaluations": items}), 400, "bad_request")

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"evaluations":[', b'{"evaluations":[],"evaluations":[]}'])
    def test_no_object(self, ask: Asking, body: bytes) -> None:
        """What is not one JSON object, strictly read, is a 400 for the whole (A-13, A-17)."""
        refused(ask(body), 400, "bad_request")

    def test_of_headers(self, ask: Asking) -> None:
        """Content type, token and request id are asked for as of a single question (A-10, A-20, A-72)."""
        refused(ask(batch(YES), Content_Type="text/plain"), 400, "bad_request")
        refused(ask(batch(YES), Authorization=None), 401, "unauthenticated")
        assert ask(batch(YES), X_Request_ID="r-1").headers["x-request-id"] == "r-1"
        assert ask(batch(YES)).headers["x-policy-revision"] == "1"

    def test_a_revision_that_does_not_come(self, ask: Asking) -> None:
        """Who has seen a later revision is refused in each item, and told that asking again can help."""
        told = answered(ask(batch(YES, YES), X_Policy_Revision_At_Least="99"))["evaluations"]
        assert [each["context"]["reason"]["code"] for each in told] == ["policy_unavailable"] * 2


class TestSize:
    def test_the_most(self, ask: Asking, demonstration: Demonstration) -> None:
        """As many items as the setting says are answered, whole ones too; one more is a 413 that says so (A-75)."""
        most = demonstration.settings.max_evaluations
        assert most == 1000
        assert decisions(ask, *[YES, NO] * (most // 2)) == [True, False] * (most // 2)
        error = refused(ask(batch(*[{}] * (most + 1), **YES)), 413, "too_large")
        assert error["message"] == "1001 evaluations, and at most 1000 are answered at once"

    def test_another_most(self, open_door: Opening, demonstration: Demonstration) -> None:
        """The bound is a setting."""
        ask = asking(open_door(demonstration.having(max_evaluations=2)), demonstration.token, EVALUATIONS)
        assert decisions(ask, YES, NO) == [True, False]
        refused(ask(batch(YES, NO, YES)), 413, "too_large")

    def test_length(self, open_door: Opening, demonstration: Demonstration) -> None:
        """The body is bounded as that of a single question (A-75)."""
        ask = asking(open_door(demonstration.having(max_evaluations=2)), demonstration.token, EVALUATIONS)
        largest = demonstration.settings.max_body
        refused(ask(json.dumps(batch(YES)).encode().ljust(largest + 1)), 413, "too_large")


class TestSemantics:
    @pytest.mark.parametrize(
        ("semantic", "items", "expected"),
        [
            ("execute_all", [NO, YES, NO], [False, True, False]),
            ("deny_on_first_deny", [YES, NO, YES], [True, False]),
            ("deny_on_first_deny", [YES, {}, YES], [True, False]),
            ("deny_on_first_deny", [YES, YES], [True, True]),
            ("deny_on_first_deny", [NO, YES], [False]),
            ("permit_on_first_permit", [NO, YES, NO], [False, True]),
            ("permit_on_first_permit", [{}, 7, YES, NO], [False, False, True]),
            ("permit_on_first_permit", [NO, NO], [False, False]),
            ("permit_on_first_permit", [YES, NO], [True]),
        ],
    )
    def test_each(self, ask: Asking, semantic: str, items: list[object], expected: list[bool]) -> None:
        """All are answered, or those up to the first refusal or error, or those up to the first allow (A-35)."""
        assert decisions(ask, *items, semantic=semantic) == expected

    @pytest.mark.parametrize("options", [{}, {"other": 1}, {"evaluations_semantic": "execute_all", "x": {"y": None}}])
    def test_other_options(self, ask: Asking, options: object) -> None:
        """Options that we do not know are ignored, and without a semantic all items are answered (A-15, A-34)."""
        told = answered(ask(batch(NO, YES) | {"options": options}))
        assert [each["decision"] for each in told["evaluations"]] == [False, True]

    @pytest.mark.parametrize("semantic", ["", "Execute_All", "deny_on_first_permit", 7, None, [], {}])
    def test_unknown(self, ask: Asking, semantic: object) -> None:
        """A semantic that is none is a 400: a guess could answer less than was counted on (A-35)."""
        sent = batch(YES) | {"options": {"evaluations_semantic": semantic}}
        assert "`deny_on_first_deny`" in refused(ask(sent), 400, "bad_request")["message"]

    @pytest.mark.parametrize("options", [None, [], "execute_all"])
    def test_no_options(self, ask: Asking, options: object) -> None:
        """Options that are no object are a 400 (A-34)."""
        refused(ask(batch(YES) | {"options": options}), 400, "bad_request")


class TestContext:
    def test_none(self, open_door: Opening, demonstration: Demonstration) -> None:
        """With `none` each answer is yes or no and nothing else, that of an error too (A-5)."""
        door = open_door(demonstration.having(decision_context=DecisionContext.NONE))
        got = asking(door, demonstration.token, EVALUATIONS)(batch(YES, NO, {}))
        assert got.body == b'{"evaluations":[{"decision":true},{"decision":false},{"decision":false}]}'

    def test_all(self, open_door: Opening, demonstration: Demonstration) -> None:
        """With `all` an allow names its role and row (A-6)."""
        door = open_door(demonstration.having(decision_context=DecisionContext.ALL))
        [told] = answered(asking(door, demonstration.token, EVALUATIONS)(batch(YES)))["evaluations"]
        assert told["context"]["reason"]["role"] == "role:Front Desk"


class TestInside:
    """What can be seen only with the parts in hand."""

    @pytest.fixture
    def opened(self, demonstration: Demonstration) -> Callable[[], tuple[Any, Live, Recorder]]:
        """A client of Flask's door with its policy and its recorder."""

        def opening() -> tuple[Any, Live, Recorder]:
            settings = demonstration.settings
            live = Live(
                Store.open(settings.store_url), Counter.open(settings.counter), max_policy_age=9, keep_practices=9
            )
            recorder = Recorder(LogDecisions.ALL)
            return flask_app(settings, live, recorder).test_client(), live, recorder

        return opening

    def sent(self, demonstration: Demonstration, *items: object) -> Any:
        """What a client sends."""
        return {"json": batch(*items), "headers": {"Authorization": f"Bearer {demonstration.token}"}}

    def test_one_reading_for_all(self, opened: Any, demonstration: Demonstration, monkeypatch: Any) -> None:
        """Practices that are not loaded yet are read at once, before the first item: one state answers all."""
        client, live, _ = opened()
        read: list[tuple[str, ...]] = []
        load = live.load
        monkeypatch.setattr(live, "load", lambda *names: (read.append(names), load(*names))[1])
        items = [YES, question("ann", "view", ORDERS, "lakeside"), question(practice="nowhere")]
        told = client.post(EVALUATIONS, **self.sent(demonstration, *items)).json["evaluations"]
        assert [each["decision"] for each in told] == [True, True, False]
        assert read == [("lakeside", "nowhere", "riverside")]

    def test_each_is_counted(self, opened: Any, demonstration: Demonstration) -> None:
        """Every item counts as a decision, or as a request that got none."""
        client, _, recorder = opened()
        client.post(EVALUATIONS, **self.sent(demonstration, YES, YES, NO, {}))
        told = recorder.exposition().decode()
        assert 'rolewarden_decisions_total{reason="allowed"} 2.0\n' in told
        assert 'rolewarden_decisions_total{reason="no_level"} 1.0\n' in told
        assert 'rolewarden_errors_total{status="400"} 1.0\n' in told
        assert "rolewarden_batch_seconds_count 1.0\n" in told
        assert "rolewarden_check_seconds_count 0.0\n" in told

    def test_an_error_of_ours(self, opened: Any, demonstration: Demonstration, monkeypatch: Any) -> None:
        """An error of ours refuses the item that it struck, without detail, and is told in the log alone (A-36)."""
        client, _, recorder = opened()
        decide = batch_module.decided

        def failing(question: Any, *others: Any) -> Any:
            if question.subject_id == "eve":
                raise ZeroDivisionError("hush")
            return decide(question, *others)

        monkeypatch.setattr(batch_module, "decided", failing)
        told = client.post(EVALUATIONS, **self.sent(demonstration, YES, NO, YES)).json["evaluations"]
        assert [each["decision"] for each in told] == [True, False, True]
        assert told[1]["context"] == {"error": {"status": 500, "code": "internal", "message": "an error of ours"}}
        assert 'rolewarden_errors_total{status="500"} 1.0\n' in recorder.exposition().decode()
