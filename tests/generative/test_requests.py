"""A storm of broken requests over both doors: no error of ours, no hang, and no allow but those of the definition.

2,000 requests by default, 100,000 with LONG_TESTS=1, or STORM_COUNT=n; STORM_SEED=n makes other ones. What a request
asks is read here anew, by some lines that share nothing with the product, and put to `service.decision.scan`.
"""

import io
import json
import os
import time
from collections import Counter as Tally
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from werkzeug.test import Client

from service import folder
from service.access.permissions import EVALUATIONS, SEARCH_ACTION, SEARCH_RESOURCE, SEARCH_SUBJECT
from service.decision import scan
from service.live import Live
from service.log import configure_log
from service.observe import Recorder
from service.policy import bundle
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Reason
from service.web import doors, flask_app
from tests.contract.endpoint.demonstration import POLICIES, Demonstration, publish
from tests.generative.requests import Mutations, Sent

COUNT = int(os.environ.get("STORM_COUNT", "0")) or (100_000 if os.environ.get("LONG_TESTS") else 2_000)
SEED = int(os.environ.get("STORM_SEED", "1"))
LONGEST = 5.0
"""Seconds that a request may take, on a machine that is busy with other work."""

Question = tuple[str, str, str, str]
SEARCHES = {SEARCH_SUBJECT: "subject", SEARCH_RESOURCE: "resource", SEARCH_ACTION: "action"}
POLICY, _ = bundle.load(folder.read(POLICIES))
assert POLICY is not None
ROWS = frozenset([*POLICY.shared.rows, *(row for world in POLICY.worlds for row in world.rows())])
VOCABULARY = POLICY.catalog.vocabulary
NAMES = {
    "subject": sorted({row.fields[1] for row in ROWS if row.kind == "user"}),
    "resource": sorted(VOCABULARY),
    "action": sorted({action for actions in VOCABULARY.values() for action in actions}),
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """A published demonstration."""
    configure_log(io.BytesIO())
    return publish(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=[flask_app, doors])
def client(own: Demonstration, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of Flask alone, and one of what stands before it."""
    settings = own.settings
    store = Store.open(settings.store_url)
    live = Live(store, Counter.open(settings.counter), max_policy_age=10**6, keep_practices=10**6)
    yield Client(request.param(settings, live, Recorder(settings.log_decisions)))
    store.close()


# --- what a request asks, read anew -------------------------------------------------------------------------


@cache
def allowed(question: Question) -> bool:
    """Whether the definition allows it."""
    assert POLICY is not None
    user, practice, screen, action = question
    return scan.answer(POLICY.model, ROWS, VOCABULARY, (f"user:{user}", practice, screen, action))[0] is Reason.ALLOWED


def asked(value: Any) -> Question | None:
    """The question in an object; None where there is none that could be allowed."""
    try:
        if (value["subject"]["type"], value["resource"]["type"]) != ("user", "screen"):
            return None
        found = (value["subject"]["id"], value["context"]["practice"], value["resource"]["id"], value["action"]["name"])
    except (TypeError, KeyError, IndexError):
        return None
    return found if all(isinstance(name, str) for name in found) else None


def may(value: Any, practices: frozenset[str] | None) -> bool:
    """Whether an allow of this question to a caller of these practices is right."""
    question = asked(value)
    return question is not None and (practices is None or question[1] in practices) and allowed(question)


def check_items(value: Any, told: Any, practices: frozenset[str] | None) -> int:
    """Every allow in the answer to a batch is right, and so is the number of answers. How many there are."""
    items, found = value["evaluations"], told["evaluations"]
    semantic = value.get("options", {}).get("evaluations_semantic", "execute_all")
    shared = {name: each for name, each in value.items() if name != "evaluations"}
    for item, each in zip(items, found, strict=False):
        assert each["decision"] in (may({**shared, **item} if isinstance(item, dict) else None, practices), False)
    decisions = [each["decision"] for each in found]
    stop = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}[semantic]
    assert stop not in decisions[:-1]
    assert len(found) == len(items) or decisions[-1] is stop
    return decisions.count(True)


def check_found(part: str, value: Any, told: Any, practices: frozenset[str] | None) -> int:
    """What a search finds is all that may be found, or a page of it. How much that is."""
    key = "name" if part == "action" else "id"
    right = []
    for name in NAMES[part]:
        gap = {"name": name} if part == "action" else {**value[part], "id": name}
        if may({**value, part: gap}, practices):
            right.append(name)
    found = [each[key] for each in told["results"]]
    assert told["page"]["total"] == len(right)
    assert found == [name for name in right if name in found]
    if "page" not in value:
        assert found == right
    return len(found)


def check(sent: Sent, told: Any, practices: frozenset[str] | None) -> int:
    """Every allow in an answer is right. How many there are."""
    value = json.loads(sent.body)
    if sent.path in SEARCHES:
        return check_found(SEARCHES[sent.path], value, told, practices)
    if sent.path == EVALUATIONS and value.get("evaluations"):
        return check_items(value, told, practices)
    assert told["decision"] in (may(value, practices), False)
    return int(told["decision"])


# --- the storm ----------------------------------------------------------------------------------------------


def test_no_request_does_harm(client: Client, own: Demonstration) -> None:
    """Whatever is sent is answered in time, by a decision of the definition or by an error of the sender's."""
    reach = {own.token: None, own.lakeside_token: frozenset({"lakeside"})}
    mutations = Mutations(SEED, (own.token, own.token, own.lakeside_token))
    statuses: Tally[int] = Tally()
    allows = 0
    for number in range(COUNT):
        sent = mutations.next()
        began = time.perf_counter()
        got = client.post(sent.path, data=sent.body, headers=sent.headers)
        took = time.perf_counter() - began
        which = f"request {number} of seed {SEED}: {sent}"
        assert took < LONGEST, which
        assert got.status_code in (200, 400, 401, 403, 413) or _is_ahead(sent, got.status_code), which
        statuses[got.status_code] += 1
        told = got.json
        assert isinstance(told, dict), which
        if got.status_code == 200:
            try:
                allows += check(sent, told, reach[sent.headers["Authorization"].removeprefix("Bearer ")])
            except Exception as error:
                raise AssertionError(f"{which}: {told}") from error
            if told.get("page", {}).get("next_token"):
                mutations.pages = [*mutations.pages[-20:], told["page"]["next_token"]]
    # The storm blows where it should: many requests get far, and many do not.
    assert statuses[200] > COUNT / 5
    assert statuses[400] > COUNT / 8
    assert statuses[403] > COUNT / 50
    assert allows > COUNT / 10


def _is_ahead(sent: Sent, status: int) -> bool:
    """Who has seen a revision that does not come can be refused, but cannot be told what a search finds."""
    return status == 503 and sent.path in SEARCHES and sent.headers.get("X-Policy-Revision-At-Least") == "99"


def test_the_same_seed_makes_the_same_requests() -> None:
    """A failure names a seed and a number, and they are enough to see it again."""
    one, other = Mutations(7, ("t",)), Mutations(7, ("t",))
    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]
