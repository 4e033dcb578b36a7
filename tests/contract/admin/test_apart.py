"""Nothing of one practice by a token of another: every operation is walked, with foreign names where one can stand."""

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from service.api import admin_values as values
from service.api.admin import OPERATIONS
from service.api.admin_request import Operation
from tests.contract.admin.api import V1, Api, problem

SCOPES = ("setup:read", "setup:write", "setup:practices")
BODIES: dict[object, dict[str, Any]] = {
    values.NewPractice: {"id": "riverside", "name": "Mine", "administrator": "pat"},
    values.PracticeName: {"name": "Mine"},
    values.UserState: {"name": "Mine"},
    values.RoleState: {"members": ["pat"]},
    values.LevelState: {"level": "Write"},
    values.Why: {},
    values.EditList: {"edits": [{"edit": "add_member", "role": "Practice Administrator", "user": "pat"}]},
    values.Trial: {"user": "pat", "screen": "Setup - Roles", "action": "view"},
}
"""A body for each kind, about somebody of Riverside."""
QUERY = {"role": "Practice Administrator", "user": "pat", "screen": "Setup - Roles", "id": "pat", "name": "Nurse"}


def send(api: Api, operation: Operation, practice: str, token: str, **more: str) -> TestResponse:
    """One operation about a practice, complete in every way."""
    path = operation.endpoint.path.replace("<practice>", practice).replace("<number>", "2")
    query = {each.name: QUERY[each.name] for each in operation.query if each.required}
    match = api.change(practice) if operation.conditional else None
    return api.ask(
        operation.endpoint.method, path, BODIES.get(operation.body), token=token, match=match, query={**query, **more}
    )


def bare(answer: TestResponse) -> tuple[int, str]:
    """What tells one answer from another: all of it but the id of the request."""
    return answer.status_code, re.sub(r'"request_id":"[0-9a-f]+"', "", answer.text)


def test_a_foreign_practice_looks_like_none(api: Api) -> None:
    """Whatever is asked, a practice of others gets the answer of one that does not exist, and stays as it is."""
    token = api.token(*SCOPES, practices=frozenset({"lakeside"}))
    before = api.site.dump()
    for operation in OPERATIONS.values():
        if "<practice>" in operation.endpoint.path:
            foreign = send(api, operation, "riverside", token)
            problem(foreign, 404, "not-found")
            assert bare(foreign) == bare(send(api, operation, "hilltop", token))
            assert send(api, operation, "lakeside", token).status_code != 403
    assert riverside_of(api.site.dump()) == riverside_of(before)


def riverside_of(dump: str) -> list[str]:
    """The lines of a dump that are about Riverside, but for revisions."""
    tables = ("practice", "directory_user", "role", "casbin_rule")
    lines = (line for line in dump.splitlines() if line.startswith(tuple(f'INSERT INTO "{name}"' for name in tables)))
    return sorted(line for line in lines if "riverside" in line)


def test_operations_of_all_practices(api: Api) -> None:
    """A token for some practices sees those in the list, and no changes of all; it creates none."""
    token = api.token(*SCOPES, practices=frozenset({"lakeside", "hilltop"}))
    assert [each["id"] for each in api.ask("GET", f"{V1}/practices", token=token).json["items"]] == ["lakeside"]
    problem(api.ask("GET", f"{V1}/changes", token=token), 403, "forbidden")
    problem(api.ask("GET", f"{V1}/changes", token=token, query={"practice": "lakeside"}), 403, "forbidden")
    new = {"id": "hilltop", "name": "Hilltop", "administrator": "kim"}
    problem(api.ask("POST", f"{V1}/practices", new, token=token), 403, "forbidden")


def test_a_shared_change_tells_nothing_of_others(api: Api) -> None:
    """Of a change that touched both practices, a token of one is told nothing of the other by any answer."""
    token = api.token("setup:read", practices=frozenset({"lakeside"}))
    for path in ("/changes", "/changes/2", "/users", "/roles", "/members", "/levels", ""):
        text = api.ask("GET", f"{V1}/practices/lakeside{path}", token=token).text
        assert "riverside" not in text.lower()
        assert "Pat" not in text


@pytest.mark.parametrize("scopes", [("check",), ("setup:read",), ("setup:write",), ("setup:practices",)])
def test_every_operation_asks_for_its_scope(api: Api, scopes: tuple[str, ...]) -> None:
    """Without it the answer is 403, whatever the path names, and nothing is changed."""
    token = api.token(*scopes)
    head = api.site.head()
    for operation in OPERATIONS.values():
        if operation.endpoint.needs not in scopes:
            for practice in ("riverside", "hilltop"):
                problem(send(api, operation, practice, token), 403, "forbidden")
    assert api.site.head() == head


def test_without_a_token(api: Api) -> None:
    """No token, another's or a revoked one: 401 for every operation, with how to ask."""
    revoked = api.token(name="gone")
    with api.site.counter.changing():
        api.site.store.revoke_token("gone", api.office.now())
    for operation in OPERATIONS.values():
        for token in (revoked, "rw_0123456789ab_" + "0" * 64):
            answer = send(api, operation, "riverside", token)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_people_of_others_are_nobody_here(api: Api) -> None:
    """A user of another practice cannot be put into a role, and nothing can be done on their behalf."""
    lakeside = f"{V1}/practices/lakeside"
    token = api.token(*SCOPES, practices=frozenset({"lakeside"}))
    member = {"role": "Biller", "user": "pat"}
    problem(api.write("PUT", f"{lakeside}/member", query=member, token=token), 409, "change-refused")
    for name in ("user:pat", "role:Nurse", "pat, role:Nurse, riverside", "pat\nriverside", "Biller, riverside", "*"):
        for query in ({**member, "user": name}, {**member, "role": name}):
            answer = api.write("PUT", f"{lakeside}/member", query=query, token=token)
            expected = (400,) if "\n" in name else (409, 422)
            assert answer.status_code in expected, (name, answer.text)
    new = {"name": "Zoe"}
    answer = api.write("PUT", f"{lakeside}/user", new, query={"id": "zoe", "on_behalf_of": "pat"}, token=token)
    problem(answer, 409, "change-refused")
    assert api.site.head() == 2
