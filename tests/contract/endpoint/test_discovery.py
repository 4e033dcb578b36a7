"""What the service says about itself: the metadata of the standard, and the description for tools."""

import json
from typing import Any

import pytest

from service.access.permissions import EVALUATION, EVALUATIONS, METADATA
from tests.contract.endpoint.asking import Opening, answered, asking, question, refused
from tests.contract.endpoint.demonstration import Demonstration
from tests.contract.endpoint.doors import Door

ROOT, TENANT = "https://access.example.org", "https://access.example.org:8443/t1/eu-west"


@pytest.fixture
def named(open_door: Opening, demonstration: Demonstration) -> Door:
    """A door to a service with an identifier that has no path."""
    return open_door(demonstration.having(pdp_id=ROOT))


@pytest.fixture
def tenant(open_door: Opening, demonstration: Demonstration) -> Door:
    """A door to one whose identifier has a path."""
    return open_door(demonstration.having(pdp_id=TENANT))


def told(door: Door, path: str = METADATA, **headers: str) -> Any:
    """The metadata."""
    return answered(door.ask("GET", path, headers, b""))


def test_metadata(named: Door) -> None:
    """The document names the decision point as it is set, and where each API is; nothing is empty (A-61, A-62)."""
    assert told(named) == {
        "policy_decision_point": ROOT,
        "access_evaluation_endpoint": f"{ROOT}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{ROOT}/access/v1/evaluations",
        "search_subject_endpoint": f"{ROOT}/access/v1/search/subject",
        "search_resource_endpoint": f"{ROOT}/access/v1/search/resource",
        "search_action_endpoint": f"{ROOT}/access/v1/search/action",
    }


def test_each_api_is_where_it_is_said_to_be(named: Door, demonstration: Demonstration) -> None:
    """Every address leads to an endpoint, at the default path of the standard (A-12)."""
    for name, address in told(named).items():
        if name.endswith("_endpoint"):
            refused(named.ask("POST", address.removeprefix(ROOT), {}, b""), 401, "unauthenticated")
    assert asking(named, demonstration.token, EVALUATION)(question()).status == 200


def test_of_a_tenant(tenant: Door) -> None:
    """The path of an identifier comes behind the well-known one, and it is published nowhere else (A-60)."""
    found = told(tenant, f"{METADATA}/t1/eu-west")
    assert found["policy_decision_point"] == TENANT
    assert found["access_evaluations_endpoint"] == TENANT + EVALUATIONS
    for path in (METADATA, f"{METADATA}/", f"{METADATA}/t1", f"{METADATA}/t1/eu-west/", f"/t1/eu-west{METADATA}"):
        refused(tenant.ask("GET", path, {}, b""), 404, "not_found")


def test_of_no_tenant(named: Door) -> None:
    """An identifier without a path is published for itself alone (A-63)."""
    for path in (f"{METADATA}/", f"{METADATA}/t1"):
        refused(named.ask("GET", path, {}, b""), 404, "not_found")


def test_unless_set(door: Door) -> None:
    """Without the setting there is no metadata; the default paths answer all the same (A-12, A-60)."""
    refused(door.ask("GET", METADATA, {}, b""), 404, "not_found")


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"])
def test_never_from_a_request(named: Door, name: str) -> None:
    """Nothing that a request says about where it was sent changes a letter of it (A-63)."""
    assert told(named, **{name: "evil.example"}) == told(named)


def test_public_and_kept(named: Door) -> None:
    """Anybody may read it, and keep it for an hour (A-65)."""
    got = named.ask("GET", METADATA, {"X-Request-ID": "m-1"}, b"")
    assert got.headers["cache-control"] == "public, max-age=3600"
    assert got.headers["x-request-id"] == "m-1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get(named: Door, method: str) -> None:
    """It can be read, and nothing else (A-61)."""
    assert named.ask(method, METADATA, {}, b"").status == 405


def test_description(door: Door) -> None:
    """The description for tools can be read by anybody, and is an OpenAPI 3.1 document."""
    found = answered(door.ask("GET", "/openapi.json", {}, b""))
    assert found["openapi"].startswith("3.1.")
    assert EVALUATIONS in found["paths"]
    assert found["servers"] == [{"url": "/"}]
    assert "null" not in json.dumps(found)
