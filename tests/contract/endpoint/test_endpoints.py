"""The table of endpoints, against the routes that there are."""

import pytest

from service.access.permissions import ENDPOINTS, Endpoint, Needs
from service.live import Live
from service.observe import Recorder
from service.store.counter import Counter
from service.store.sql import Store
from service.web import flask_app
from tests.contract.endpoint.demonstration import Demonstration
from tests.contract.endpoint.doors import Door


def test_the_table_has_every_route(demonstration: Demonstration) -> None:
    """Nothing can be reached that does not stand in the table, by no other method, and nothing in it is missing."""
    settings = demonstration.settings
    live = Live(Store.open(settings.store_url), Counter.open(settings.counter), max_policy_age=1, keep_practices=1)
    routes = flask_app(settings, live, Recorder(settings.log_decisions)).url_map.iter_rules()
    found = {(rule.rule, method) for rule in routes for method in rule.methods or () if method != "HEAD"}
    assert found == {(endpoint.path, endpoint.method) for endpoint in ENDPOINTS}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_without_a_token(door: Door, endpoint: Endpoint) -> None:
    """What is public answers anybody; everything else answers nobody without a token (A-71)."""
    status = door.ask(endpoint.method, endpoint.path, {"Content-Type": "application/json"}, b"{}").status
    assert status == (200 if endpoint.needs is Needs.PUBLIC else 401)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_public_answers_name_nobody(door: Door, demonstration: Demonstration, endpoint: Endpoint) -> None:
    """What anybody may read has no name of a practice, user or screen in it, also after somebody was refused."""
    if endpoint.needs is not Needs.PUBLIC:
        return
    told = door.ask(endpoint.method, endpoint.path, {}, b"").body.decode()
    for name in ("riverside", "lakeside", "ann", "Task - ", "role:", demonstration.token[:15]):
        assert name not in told
