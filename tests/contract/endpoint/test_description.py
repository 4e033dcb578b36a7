"""The service over the wire against its own OpenAPI description: answers are as described, whatever tools send."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from service.api import description as described
from service.api.intake import AT_LEAST
from tests.contract.endpoint.demonstration import Demonstration, publish
from tests.contract.endpoint.doors import ServerDoor, server_door

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
description = schemathesis.openapi.from_dict(json.loads(described.description().body))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """A published demonstration with an identifier, so that every endpoint is there."""
    believed = "user=X-Auth-User practice=X-Auth-Practice method=X-Original-Method uri=X-Original-URI"
    set_up = {"ROLEWARDEN_PDP_ID": "https://access.example.org", "ROLEWARDEN_FORWARD_AUTH": believed}
    return publish(tmp_path_factory.mktemp("home"), set_up)


@pytest.fixture(scope="module")
def server(own: Demonstration) -> Iterator[ServerDoor]:
    """The demonstration behind a real server."""
    with server_door(own.settings) as door:
        yield door


@description.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: schemathesis.Case, server: ServerDoor, own: Demonstration) -> None:
    """Requests made from the description, right ones and wrong ones, get answers that it has, and no 5xx."""
    answer = case.call(base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {own.token}"})
    case.validate_response(answer, checks=CHECKS)
    # Who has seen a revision that does not come can be refused, but cannot be told what a search finds.
    ahead = AT_LEAST in {name.lower() for name in case.headers or {}} and b"search_unavailable" in answer.content
    assert answer.status_code < 500 or ahead
