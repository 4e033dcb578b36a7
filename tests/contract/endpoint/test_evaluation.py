"""The decision endpoint, asked through each door. Requirement numbers (A-n) are those of the AuthZEN summary."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.config import DecisionContext
from service.decide import Answer
from service.live import Live
from service.observe import Recorder
from service.store.counter import Counter
from service.store.sql import Store
from service.web import flask_app
from tests.contract.endpoint.asking import (
    CLOSING,
    EVALUATION,
    LIST,
    ORDERS,
    TASK,
    Asking,
    Opening,
    asking,
    decided,
    question,
    reason,
    refused,
)
from tests.contract.endpoint.demonstration import NOW, Demonstration, publish
from tests.contract.endpoint.doors import Door


@pytest.fixture
def ask(door: Door, demonstration: Demonstration) -> Asking:
    """A client that may ask about every practice."""
    return asking(door, demonstration.token)


@pytest.fixture
def ask_lakeside(door: Door, demonstration: Demonstration) -> Asking:
    """A client that may ask about `lakeside` and nothing else."""
    return asking(door, demonstration.lakeside_token)


class TestDecisions:
    @pytest.mark.parametrize(
        ("user", "action", "screen"),
        [
            ("ann", "open_queue", LIST),
            ("ann", "open_message", TASK),
            ("ann", "respond", TASK),
            ("ben", "open_message", TASK),
            ("ben", "respond", TASK),
            ("dee", "open_queue", LIST),
            ("dee", "respond", TASK),
            ("eve", "open_queue", LIST),
            ("cam", "view", ORDERS),
            ("max", "add", ORDERS),
            ("pat", "add", "Setup - Roles"),
            ("ada", "sign", "Audit - Policy Changes"),
        ],
    )
    def test_allowed(self, ask: Asking, user: str, action: str, screen: str) -> None:
        """Those of the demonstration who may, may; and an allow says nothing more (A-5, A-11)."""
        assert decided(ask(question(user, action, screen))) == {"decision": True}

    @pytest.mark.parametrize(
        ("user", "action", "screen", "practice", "code"),
        [
            ("ben", "open_queue", LIST, "riverside", "no_level"),
            ("eve", "respond", TASK, "riverside", "no_level"),
            ("cam", "add", ORDERS, "riverside", "no_level"),
            ("pat", "open_queue", LIST, "riverside", "no_level"),
            ("ann", "open_queue", LIST, "lakeside", "no_level"),
            ("ben", "respond", TASK, "lakeside", "unknown_user"),
            ("nobody", "respond", TASK, "riverside", "unknown_user"),
            ("Ann", "respond", TASK, "riverside", "unknown_user"),
            ("", "respond", TASK, "riverside", "unknown_user"),
            ("user:ann", "respond", TASK, "riverside", "unknown_user"),
            ("role:Front Desk", "respond", TASK, "riverside", "unknown_user"),
            ("lou", "respond", TASK, "riverside", "inactive_user"),
            ("ann", "respond", "Task - Nothing", "riverside", "unknown_screen"),
            ("ann", "Write", TASK, "riverside", "unknown_action"),
            ("ann", "respond", TASK, "hillside", "unknown_practice"),
            ("ann", "respond", TASK, "template", "unknown_practice"),
            ("ann", "respond", TASK, "", "practice_missing"),
        ],
    )
    def test_refused(self, ask: Asking, user: str, action: str, screen: str, practice: str, code: str) -> None:
        """A refusal is a 200 with `false` and its own reason, never an error (A-11)."""
        told = reason(ask(question(user, action, screen, practice)))
        assert (told["code"], told["screen"], told["retryable"]) == (code, screen, False)
        assert CLOSING in told["user_message"]

    def test_the_security_message(self, ask: Asking) -> None:
        """Limited Access reads what is still open, and whom to ask (A-6)."""
        message = reason(ask(question("ben", "open_queue", LIST)))["user_message"]
        assert message.startswith(
            "You don't have access to the Patient Portal queue. "
            f"You can still open messages forwarded to you in Communication. {CLOSING}"
        )
        assert "forwarded" not in reason(ask(question("cam", "open_queue", LIST)))["user_message"]

    def test_an_unknown_action_says_where_it_is(self, ask: Asking) -> None:
        """An action asked of another screen than its own is refused with the screens that have it."""
        told = reason(ask(question("ann", "open_queue", TASK)))
        assert (told["code"], told["screens"]) == ("unknown_action", [LIST])

    @pytest.mark.parametrize(("entity", "other"), [("subject", "robot"), ("resource", "record")])
    def test_an_id_belongs_to_its_type(self, ask: Asking, entity: str, other: str) -> None:
        """The same id under another type is another entity, and nobody that we know."""
        sent = question()
        sent[entity]["type"] = other
        assert reason(ask(sent))["code"] == "unknown_type"

    @pytest.mark.parametrize("context", [{}, {"practice": 7}, {"practice": None}, {"practice": ["riverside"]}])
    def test_no_practice(self, ask: Asking, context: object) -> None:
        """A request without a practice, or with something else in its place, is refused and not guessed at."""
        assert reason(ask(question() | {"context": context}))["code"] == "practice_missing"

    def test_no_context(self, ask: Asking) -> None:
        """`context` is optional in the standard; without it there is no practice (A-4)."""
        sent = question()
        del sent["context"]
        assert reason(ask(sent))["code"] == "practice_missing"

    def test_asking_again(self, ask: Asking) -> None:
        """The same request gets the same decision."""
        assert {decided(ask())["decision"] for _ in range(5)} == {True}

    def test_what_is_unknown_is_ignored(self, ask: Asking) -> None:
        """Fields that the standard does not have are ignored at every depth (A-15), as are properties and context."""
        sent = question()
        for entity in (sent, sent["subject"], sent["action"], sent["resource"], sent["context"]):
            entity["future"] = {"deep": [1, None, {"deeper": True}]}
        for entity in ("subject", "action", "resource"):
            sent[entity]["properties"] = {"role": "role:Front Desk", "level": "Write"}
        assert decided(ask(sent))["decision"] is True
        sent["subject"]["id"] = "cam"
        assert decided(ask(sent))["decision"] is False

    def test_order_means_nothing(self, ask: Asking) -> None:
        """Members may stand in any order (A-16)."""
        sent = {name: dict(reversed(value.items())) for name, value in reversed(question().items())}
        assert decided(ask(sent))["decision"] is True


class TestMalformed:
    @pytest.mark.parametrize("name", ["subject", "action", "resource"])
    def test_an_entity_is_missing(self, ask: Asking, name: str) -> None:
        """Subject, action and resource must be there (A-14)."""
        sent = question()
        del sent[name]
        assert f"`{name}` is missing" in refused(ask(sent), 400, "bad_request")["message"]

    @pytest.mark.parametrize("path", ["subject.type", "subject.id", "action.name", "resource.type", "resource.id"])
    @pytest.mark.parametrize("value", [None, 123, True, ["a"], {"a": "b"}])
    def test_an_attribute_is_missing_or_no_string(self, ask: Asking, path: str, value: object) -> None:
        """The five attributes must be there and strings (A-4, A-14); the answer names the one that is not."""
        entity, name = path.split(".")
        sent = question()
        sent[entity][name] = value
        assert f"`{path}` must be a string" in refused(ask(sent), 400, "bad_request")["message"]
        del sent[entity][name]
        assert f"`{path}` is missing" in refused(ask(sent), 400, "bad_request")["message"]

    @pytest.mark.parametrize("name", ["subject", "action", "resource", "context"])
    @pytest.mark.parametrize("value", ["alice", 1, [], None])
    def test_an_entity_is_no_object(self, ask: Asking, name: str, value: object) -> None:
        """Entities and the context are objects; a null is no object either (A-4)."""
        error = refused(ask(question() | {name: value}), 400, "bad_request")
        assert f"`{name}` must be an object" in error["message"]

    @pytest.mark.parametrize("name", ["subject", "action", "resource"])
    def test_properties_are_an_object(self, ask: Asking, name: str) -> None:
        """Properties may be left out, and are an object where they are not (A-4)."""
        sent = question()
        sent[name]["properties"] = ["role"]
        assert f"`{name}.properties`" in refused(ask(sent), 400, "bad_request")["message"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" ",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"true",
            b"1",
            b"{} {}",
            b"{}\x00",
            b'{"a":NaN}',
            b'{"a":-Infinity}',
            b'{"a":1e999}',
            b'{"a":' + b"9" * 5000 + b"}",
            b"\xef\xbb\xbf{}",
            b'{"a":"\xff"}',
            b'{"a":"\\ud800"}',
            b'{"a":"\x01"}',
            b'{"\\ud800":1,"\\ud800":2}',
            b"[" * 60_000,
            b'{"a":' * 33 + b"1" + b"}" * 33,
            '{"a":1}'.encode("utf-16"),
        ],
        ids=lambda body: repr(body[:24]),
    )
    def test_no_json_object(self, ask: Asking, body: bytes) -> None:
        """What is not one JSON object, strictly read, is refused (A-13, A-17, A-75)."""
        refused(ask(body), 400, "bad_request")

    @pytest.mark.parametrize("name", [b"practice", b"pr\\u0061ctice"])
    def test_a_name_stands_twice(self, ask: Asking, name: bytes) -> None:
        """Two members with one name, escaped or not, are refused: another reader might take the other (A-17)."""
        body = json.dumps(question()).encode().replace(b'"context": {', b'"context": {"' + name + b'": "lakeside", ')
        assert b"lakeside" in body
        assert "stands twice" in refused(ask(body), 400, "bad_request")["message"]

    @pytest.mark.parametrize("user", ["ann\x00", "ann\r\nX-Evil: 1", "\U0001f600", "\u0430" * 100, "a" * 50_000])
    def test_strange_ids(self, ask: Asking, user: str) -> None:
        """An id may be any text; one that nobody has is an unknown user."""
        assert reason(ask(question(user)))["code"] == "unknown_user"

    def test_escapes_mean_what_they_say(self, ask: Asking) -> None:
        """An id written with escapes is the same id."""
        body = json.dumps(question()).encode().replace(b'"ann"', b'"\\u0061nn"')
        assert decided(ask(body))["decision"] is True


class TestHeaders:
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            'Application/JSON; charset="utf-8"',
        ],
    )
    def test_json(self, ask: Asking, content_type: str) -> None:
        """JSON is accepted, with or without a charset (A-10)."""
        assert decided(ask(Content_Type=content_type))["decision"] is True

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "application/json+x",
            "application/vnd.x+json",
            "application/json, text/plain",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "text/plain; application/json",
        ],
    )
    def test_no_json(self, ask: Asking, content_type: str | None) -> None:
        """Any other content type, and any other charset, is a 400 (A-10)."""
        refused(ask(Content_Type=content_type), 400, "bad_request")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    def test_other_methods(self, door: Door, method: str) -> None:
        """Only POST is answered (A-10)."""
        got = door.ask(method, EVALUATION, {}, b"")
        assert (got.status, got.headers["allow"]) == (405, "POST")

    @pytest.mark.parametrize("path", [EVALUATION + "/", "/", "/access//v1/evaluation", "/access/v1", "/static/x"])
    def test_other_paths(self, door: Door, path: str) -> None:
        """A path is an endpoint to the letter, or it is not found; nothing is redirected."""
        refused(door.ask("POST", path, {}, b"{}"), 404, "not_found")

    @pytest.mark.parametrize("headers", [{}, {"Authorization": None}, {"Content_Type": "text/plain"}])
    def test_every_answer(self, ask: Asking, headers: dict[str, str | None]) -> None:
        """No answer is kept by anybody on the way, taken for something else, or tells which server gave it."""
        got = ask(**headers)
        assert (got.headers["cache-control"], got.headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert "server" not in got.headers

    def test_size(self, open_door: Opening, demonstration: Demonstration) -> None:
        """A body may be as long as the setting says and no longer (A-75)."""
        body, largest = json.dumps(question()).encode(), 65536
        ask = asking(open_door(demonstration.having(max_body=largest)), demonstration.token)
        assert decided(ask(body.ljust(largest)))["decision"] is True
        refused(ask(body.ljust(largest + 1)), 413, "too_large")
        refused(ask(body.ljust(largest * 20)), 413, "too_large")


class TestRequestId:
    @pytest.mark.parametrize("given", ["7", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "!~" * 64])
    def test_echo(self, ask: Asking, given: str) -> None:
        """The id that a caller gives comes back with a decision and with an error (A-20)."""
        assert ask(X_Request_ID=given).headers["x-request-id"] == given
        assert ask(b"{", X_Request_ID=given).headers["x-request-id"] == given
        assert ask(Authorization=None, X_Request_ID=given).headers["x-request-id"] == given

    def test_echo_outside_the_endpoint(self, door: Door) -> None:
        """It also comes back where there is no endpoint, or another method (A-20)."""
        for method, path in (("POST", "/nowhere"), ("GET", EVALUATION), ("GET", "/livez"), ("GET", "/metrics")):
            assert door.ask(method, path, {"X-Request-ID": "abc"}, b"").headers["x-request-id"] == "abc"

    def test_none(self, ask: Asking) -> None:
        """Without one we make one, so that an answer can be found in the log; no two are the same (A-20)."""
        assert len({ask().headers["x-request-id"] for _ in range(5)}) == 5

    @pytest.mark.parametrize("given", ["a" * 129, "a b", "a\tb", "caf\xe9", "\xa0"])
    def test_what_cannot_be_echoed(self, ask: Asking, given: str) -> None:
        """Another id is a 400 without echo: it could forge a header or a line of a log."""
        got = ask(X_Request_ID=given)
        assert "X-Request-ID" in refused(got, 400, "bad_request")["message"]
        assert "x-request-id" not in got.headers


class TestCaller:
    @pytest.mark.parametrize("header", [None, "", "Bearer", "Basic eDp5", "Bearer rw_000000000000_" + "0" * 64])
    def test_unknown(self, ask: Asking, header: str | None) -> None:
        """Without a token of ours nothing is answered: 401, and how to come back (A-71, A-72)."""
        got = ask(Authorization=header)
        refused(got, 401, "unauthenticated")
        assert got.headers["www-authenticate"] == 'Bearer realm="rolewarden"'

    def test_before_all_else(self, ask: Asking) -> None:
        """Who calls is asked before what is asked: a stranger does not learn whether the request was well-formed."""
        refused(ask(b"{", Authorization=None, Content_Type="text/plain"), 401, "unauthenticated")

    def test_own_practice(self, ask_lakeside: Asking) -> None:
        """A token for a practice is answered about it."""
        assert decided(ask_lakeside(question("ann", "view", ORDERS, "lakeside"))) == {"decision": True}

    def test_foreign_and_unknown_read_alike(self, ask_lakeside: Asking) -> None:
        """Outside its practices a caller gets a 403, the same to the byte whether the practice exists (A-19)."""
        answers = [ask_lakeside(question(practice=name)) for name in ("riverside", "hillside", "template")]
        for got in answers:
            refused(got, 403, "forbidden")
        assert len({got.body for got in answers}) == 1

    def test_no_practice_is_no_foreign_practice(self, ask_lakeside: Asking) -> None:
        """Who names no practice is told so, whatever the token."""
        assert reason(ask_lakeside(question(practice="")))["code"] == "practice_missing"


class TestRevision:
    def test_every_decision_says_its_revision(self, ask: Asking) -> None:
        """An answer says by which revision it was given, allow or refusal."""
        assert ask().headers["x-policy-revision"] == "1"
        assert ask(question("nobody")).headers["x-policy-revision"] == "1"

    @pytest.mark.parametrize("seen", ["0", "1", "01"])
    def test_a_revision_that_is_here(self, ask: Asking, seen: str) -> None:
        """Who has seen a revision that we have is answered at once."""
        assert decided(ask(X_Policy_Revision_At_Least=seen)) == {"decision": True}

    def test_a_revision_that_does_not_come(self, ask: Asking) -> None:
        """Who has seen a later one is refused, and told that asking again can help; never answered from before."""
        told = reason(ask(X_Policy_Revision_At_Least="999999999999999"))
        assert (told["code"], told["retryable"]) == ("policy_unavailable", True)
        assert told["user_message"] == "We can't check your access right now. Try again in a minute."

    @pytest.mark.parametrize("seen", ["", "-1", "+1", "1.0", "0x1", " 1 2", "one", "٣", "9" * 16])
    def test_what_is_no_revision(self, ask: Asking, seen: str) -> None:
        """The header holds the digits of a number; anything else is a 400."""
        sent = seen.encode().decode("latin-1")
        refused(ask(X_Policy_Revision_At_Least=sent), 400, "bad_request")


class TestContext:
    @pytest.fixture
    def saying(self, open_door: Opening, demonstration: Demonstration) -> Callable[[DecisionContext], Asking]:
        """A client of a service with another `decision_context`."""
        return lambda said: asking(open_door(demonstration.having(decision_context=said)), demonstration.token)

    def test_none(self, saying: Callable[[DecisionContext], Asking]) -> None:
        """With `none` an answer is yes or no and nothing else (A-5)."""
        ask = saying(DecisionContext.NONE)
        assert ask().body == b'{"decision":true}'
        assert ask(question("cam")).body == b'{"decision":false}'

    def test_all(self, saying: Callable[[DecisionContext], Asking]) -> None:
        """With `all` an allow names the role and the row, as they stand in the policy (A-6)."""
        ask = saying(DecisionContext.ALL)
        assert decided(ask())["context"]["reason"] == {
            "code": "allowed",
            "role": "role:Front Desk",
            "row": "p, role:Front Desk, riverside, Task - Patient Portal, Write",
        }
        assert reason(ask(question("cam")))["code"] == "no_level"

    def test_only_what_is_told_is_worked_out(self, demonstration: Demonstration) -> None:
        """Rows behind a refusal and names like an unknown one cost much and are not told: they are not looked for."""
        answers: list[Answer] = []

        class Kept(Recorder):
            def decided(self, answer: Answer, *others: Any) -> None:
                answers.append(answer)

        settings = demonstration.having(decision_context=DecisionContext.ALL)
        live = Live(Store.open(settings.store_url), Counter.open(settings.counter), max_policy_age=9, keep_practices=9)
        client = flask_app(settings, live, Kept(settings.log_decisions)).test_client()
        for user in ("ann", "cam", "nobody"):
            client.post(EVALUATION, json=question(user), headers={"Authorization": f"Bearer {demonstration.token}"})
        assert [answer.explanation is not None for answer in answers] == [True, False, False]


class TestChanges:
    def test_a_token_is_revoked_at_the_next_request(
        self, open_door: Opening, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """Revoking has returned, so no worker takes the token any more."""
        own = publish(tmp_path_factory.mktemp("revoked"))
        ask = asking(open_door(own.settings), own.token)
        assert all(decided(ask())["decision"] for _ in range(8))
        store = Store.open(own.settings.store_url)
        with Counter.open(own.settings.counter).changing():
            store.revoke_token("ehr", NOW)
        store.close()
        for _ in range(8):
            refused(ask(), 401, "unauthenticated")
