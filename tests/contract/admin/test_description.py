import json
import re

import msgspec
import pytest
from openapi_spec_validator import validate

from service.access.permissions import ADMIN, ADMIN_ENDPOINTS
from service.api.admin import OPERATIONS
from service.api.openapi import document, refusals
from service.api.problem import KINDS, PAGE
from tests.contract.admin.api import Api

PATHS = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}


def test_every_endpoint_has_its_operation() -> None:
    """What stands in the table of endpoints below `/admin/v1` is described, and nothing else is."""
    assert set(OPERATIONS) == {(row.method, row.path) for row in ADMIN_ENDPOINTS if row.path.startswith(ADMIN)}
    assert {(method, re.sub(r"<(\w+)>", r"{\1}", path)) for method, path in OPERATIONS} == PATHS


def test_the_document_holds(api: Api) -> None:
    """It is an OpenAPI 3.1 document, that anybody may read, and the one that the code makes."""
    answer = api.ask("GET", "/openapi.json", token=None)
    assert answer.status_code == 200
    validate(answer.json)
    assert answer.json == json.loads(msgspec.json.encode(document()))
    assert answer.json["openapi"].startswith("3.1")


def test_every_kind_of_problem_is_used() -> None:
    """A kind that no operation can answer with has no place in the table."""
    used = {kind for operation in OPERATIONS.values() for kind in refusals(operation)}
    assert used | {"method-unknown"} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_of_a_problem_leads_somewhere(api: Api, kind: str) -> None:
    """The page has an anchor for each kind, for everybody, without a script and without anything from elsewhere."""
    page = api.ask("GET", PAGE, token=None)
    assert page.status_code == 200
    assert f'<tr id="{kind}">' in page.text
    assert "<script" not in page.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)


def test_every_link_of_the_page_leads_somewhere(api: Api) -> None:
    """Each `#` of the page has its anchor, and no anchor stands there twice."""
    text = api.ask("GET", PAGE, token=None).text
    anchors = re.findall(r' id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(anchors)


def test_every_operation_is_on_the_page(api: Api) -> None:
    """With its method, its path and what it does."""
    text = api.ask("GET", PAGE, token=None).text
    for operation in OPERATIONS.values():
        assert operation.endpoint.meaning in text.replace("&#39;", "'")
    assert all(path in text for _, path in PATHS)
