"""The table of endpoints, against the routes that there are."""

import re
from collections.abc import Callable

import pytest

from service.access.permissions import ENDPOINTS, Endpoint, Needs
from service.config import Settings
from service.errors import Unauthenticated
from service.exchange import Reply
from service.live import Live
from service.observe import Recorder
from service.setting import ForwardHeaders
from service.store.counter import Counter
from service.store.sql import Store
from service.web import flask_app, guarded
from tests.contract.endpoint.demonstration import Demonstration
from tests.contract.endpoint.doors import Door


@pytest.fixture(scope="module")
def whole(demonstration: Demonstration) -> Settings:
    """Settings by which every endpoint is there: an identifier for the metadata, headers for the proxy."""
    believed = ForwardHeaders(method="x-method", uri="x-uri", user="x-user", practice="x-practice")
    return demonstration.having(pdp_id="https://access.example.org", forward_auth=believed)


@pytest.fixture(scope="module")
def named(open_door: Callable[[Settings], Door], whole: Settings) -> Door:
    """A door with every endpoint."""
    return open_door(whole)


def test_the_table_has_every_route(demonstration: Demonstration, whole: Settings) -> None:
    """Nothing can be reached that does not stand in the table, by no other method, and nothing in it is missing."""
    routes = flask_app(whole, live_of(demonstration), Recorder(whole.log_decisions)).url_map.iter_rules()
    found = {(rule.rule, method) for rule in routes for method in rule.methods or () if method != "HEAD"}
    assert found == {(endpoint.path, endpoint.method) for endpoint in ENDPOINTS}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_without_a_token(named: Door, endpoint: Endpoint) -> None:
    """What is public answers anybody; everything else answers nobody without a token (A-71)."""
    status = named.ask(endpoint.method, endpoint.path, {"Content-Type": "application/json"}, b"{}").status
    assert status == (200 if endpoint.needs is Needs.PUBLIC else 401)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_public_answers_name_nobody(named: Door, demonstration: Demonstration, endpoint: Endpoint) -> None:
    """What anybody may read has no name of a practice, user or screen in it, also after somebody was refused."""
    if endpoint.needs is not Needs.PUBLIC:
        return
    told = named.ask(endpoint.method, endpoint.path, {}, b"").body.decode()
    for name in ("riverside", "lakeside", "ann", "Task - ", "role:", demonstration.token[:15]):
        assert not re.search(rf"\b{name}", told)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_row_is_not_open(demonstration: Demonstration, method: str) -> None:
    """A handler behind a new row that needs a token is not reached without one, though it looks for none itself."""
    live = live_of(demonstration)
    row = Endpoint("/new", method, Needs.BEARER, "Answers whoever comes.")
    answer = guarded(row, lambda *_: Reply(200, {}, b"reached"), live, 1024)
    read: list[int] = []

    def body(most: int) -> bytes:
        read.append(most)
        return b""

    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": f"Bearer rw_{'0' * 12}_{'0' * 64}"}):
        with pytest.raises(Unauthenticated):
            answer(headers, body)
    assert not read, "who may not come in is not listened to"
    assert answer({"authorization": f"Bearer {demonstration.token}"}, body).body == b"reached"
    assert len(read) == (method == "POST")


def live_of(demonstration: Demonstration) -> Live:
    """A live policy of this process."""
    settings = demonstration.settings
    return Live(Store.open(settings.store_url), Counter.open(settings.counter), max_policy_age=1, keep_practices=1)
