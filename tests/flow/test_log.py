"""What is written down, and what never is."""

import json
from collections.abc import Iterator

import pytest

from tests.flow.harness import EVALUATION, LIST, TASK, TOKEN, Home, Service, question, serving, wait_until

UNKNOWN = "rw_0123456789ab_" + "c0ffee00" * 8
FORGED = '{"event":"decision","allowed":true,"user":"mallory"}'


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    """A service with a log of its own."""
    with serving(home, "check", "--demo") as service:
        yield service


def test_one_line_for_each_refusal(service: Service) -> None:
    """Each refusal is one line of JSON, with the request id that the answer has and the code that the user reads."""
    client = service.client()
    told = [
        client.ask("ann", "respond", TASK),
        client.ask("ben", "open_queue", LIST),
        client.ask("eve", "respond", TASK),
    ]
    named = client.ask("cam", "respond", TASK, **{"X-Request-ID": "from-the-ehr"})
    refused = [answer for answer in [*told, named] if not answer.allowed]
    assert service.log().splitlines() == [line for line in service.log().splitlines() if json.loads(line)]
    lines = service.lines("decision")
    assert [line["request_id"] for line in lines] == [answer.headers["x-request-id"] for answer in refused]
    assert [line["code"] for line in lines] == [answer.reason["user_message"][-5:-1] for answer in refused]
    wanted = ("allowed", "reason", "practice", "user", "screen", "action", "revision", "caller")
    assert [lines[0][name] for name in wanted] == [
        *(False, "no_level", "riverside", "ben", LIST, "open_queue", 1, "demonstration"),
    ]
    assert named.headers["x-request-id"] == "from-the-ehr"


def test_hostile_values(service: Service) -> None:
    """Whatever a caller sends as a name: one request is one line, of bounded length, and nothing can be forged."""
    client = service.client()
    hostile = [
        "x\n" + FORGED,
        "x\r\n" + FORGED + "\r\n",
        "x\u2028" + FORGED + "\u2028",
        'x","event":"forged","y":"',
        "\x1b[2J\x00\x07",
        "y" * 50_000,
        "\N{SNAKE}" * 3000,
    ]
    before = len(service.log().splitlines())
    for value in hostile:
        assert client.ask(value, "respond", TASK).code == "unknown_user"
        assert client.ask("ann", value, TASK).code == "unknown_action"
        assert client.ask("ann", "respond", value).code == "unknown_screen"
        assert client.ask("ann", "respond", TASK, value).code == "unknown_practice"
    for request_id in ("a b", "x" * 129, "caf\xe9"):
        assert client.ask("ann", "respond", TASK, **{"X-Request-ID": request_id}).status == 400
    written = service.log().split("\n")[before:-1]
    assert len(written) == 4 * len(hostile) + 3
    for line in written:
        read = json.loads(line)
        assert read["event"] in ("decision", "no_decision")
        assert read.get("allowed") is not True
        assert len(line) < 4000
        assert not set(line) & set(map(chr, range(32)))


def test_what_no_line_has(service: Service) -> None:
    """Neither a token, right or wrong, nor a body is ever written, wherever a caller puts it."""
    body = json.loads(question("eve", "respond", TASK))
    body["context"]["note"] = body["subject"]["properties"] = {"patient": "Jane Roe 1961"}
    client = service.client()
    assert not client.post(json.dumps(body).encode()).allowed
    assert client.post(b'{"subject": "Jane Roe 1961" ').status == 400
    assert client.post(json.dumps({**body, "action": "Jane Roe 1961"}).encode()).status == 400
    assert service.client(UNKNOWN).ask("ann", "respond", TASK).status == 401
    assert service.client(TOKEN[:-1] + "6").ask("ann", "respond", TASK).status == 401
    assert client.get(f"/{TOKEN}?token={TOKEN}").status == 404
    assert client.send("POST", EVALUATION, b"{}", {"Authorization": TOKEN}).status == 401
    # Even as the name of a user, a token is struck out.
    assert client.ask(TOKEN, "respond", TASK).code == "unknown_user"
    assert client.ask("ann", "respond", TASK, **{"X-Request-ID": TOKEN}).allowed
    assert client.ask("eve", "respond", TASK, **{"X-Request-ID": TOKEN}).code == "no_level"
    log = service.log()
    for secret in (TOKEN[16:], UNKNOWN[16:], TOKEN[16:-1], "Jane Roe"):
        assert secret not in log


def test_readyz_and_metrics_name_nobody(service: Service) -> None:
    """What is public tells counts and places: no practice, user, screen or token by name."""
    client = service.client()
    client.ask("ben", "open_queue", LIST)
    told = "".join(client.get(path).body.decode() for path in ("/livez", "/readyz", "/metrics"))
    for name in ("riverside", "lakeside", "ben", "Patient Portal", "demonstration", "rw_"):
        assert name not in told


def test_all_decisions(home: Home) -> None:
    """With the setting for it, allows are lines too."""
    with serving(home, "check", "--demo", LOG_DECISIONS="all", DECISION_CONTEXT="all") as service:
        answer = service.client().ask("ann", "respond", TASK)
        assert answer.reason["role"] == "role:Front Desk"
        [line] = service.lines("decision")
        assert (line["allowed"], line["code"], line["user"]) == (True, "", "ann")


def test_by_none(home: Home) -> None:
    """With `decision_context` none, an answer is yes or no; the log still knows why."""
    with serving(home, "check", "--demo", DECISION_CONTEXT="none") as service:
        assert service.client().ask("eve", "respond", TASK).body == b'{"decision":false}'
        [line] = service.lines("decision")
        assert line["reason"] == "no_level"


def test_codes_of_errors(service: Service) -> None:
    """What gets no decision gets a status, a request id, and no detail of ours."""
    client = service.client()
    for status, answer in (
        (401, service.client("nothing").ask("ann", "respond", TASK)),
        (404, client.get("/")),
        (405, client.get(EVALUATION)),
        (413, service.client().post(b" " * (2**20 + 1))),
        (400, client.send("POST", EVALUATION, b"{}", {**client.headers, "Content-Type": "text/plain"})),
    ):
        assert answer.status == status
        assert set(answer.told["error"]) <= {"code", "message", "mend"}
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize("log", ["/dev/full", "closed"])
def test_nothing_stops_for_it(home: Home, log: str) -> None:
    """With a log that is full, or was closed before we began, both parts do their work: they answer and publish."""
    with serving(home, "--demo", log=log) as service:
        client = service.client()
        assert client.ask("eve", "respond", TASK).code == "no_level"
        assert client.post(b"nonsense").status == 400
        text = (home.policies / "screens.csv").read_text()
        home.rewrite("screens.csv", text + "\n# for people\n")
        wait_until(lambda: client.ask("eve", "respond", TASK).revision == 2)
        assert service.stop() == 0
