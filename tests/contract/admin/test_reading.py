from typing import Any

import pytest

from tests.contract.admin.api import RIVERSIDE, V1, Api, problem
from tests.unit.site import LIST, TASK

LISTS = ["users", "roles", "levels", "members"]


def all_parts(api: Api, path: str, limit: int = 3, **query: str) -> list[Any]:
    """A list read to its end, part by part."""
    items, more = [], {"limit": str(limit), **query}
    while True:
        answer = api.get(path, **more)
        assert answer.status_code == 200, answer.text
        assert len(answer.json["items"]) <= limit
        items += answer.json["items"]
        if "next" not in answer.json:
            return items
        more = {"limit": str(limit), **query, "cursor": answer.json["next"]}


def test_one_practice(api: Api) -> None:
    """Its name and how many there are in it, under the newest change that touched it."""
    answer = api.get(RIVERSIDE)
    assert answer.json == {"id": "riverside", "name": "Riverside Family Practice", "users": 10, "roles": 8, "change": 2}
    assert answer.headers["ETag"] == '"2"'


def test_one_user_and_one_role(api: Api) -> None:
    """With names as people type them, and without the prefixes of rows."""
    assert api.get(f"{RIVERSIDE}/user", id="ann").json == {
        "id": "ann",
        "name": "Ann Alder",
        "active": True,
        "roles": ["Front Desk"],
    }
    role = api.get(f"{RIVERSIDE}/role", name="Front Desk").json
    assert role["levels"] == {TASK: "Write", LIST: "Write"}
    assert role["members"] == ["ann", "lou"]


def test_a_level(api: Api) -> None:
    """`Off` where a role holds nothing; a role or a screen that is not there is not found."""
    assert api.get(f"{RIVERSIDE}/level", role="Nurse", screen=LIST).json["level"] == "Read"
    assert api.get(f"{RIVERSIDE}/level", role="Biller", screen=LIST).json["level"] == "Off"
    problem(api.get(f"{RIVERSIDE}/level", role="Nobody", screen=LIST), 404, "not-found")
    problem(api.get(f"{RIVERSIDE}/level", role="Biller", screen="Nothing"), 404, "not-found")


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("limit", [1, 3, 500])
def test_a_list_in_parts_is_the_list(api: Api, what: str, limit: int) -> None:
    """Whatever the size of the parts, nothing is missing and nothing stands twice."""
    assert all_parts(api, f"{RIVERSIDE}/{what}", limit) == api.get(f"{RIVERSIDE}/{what}").json["items"]


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_moved_is_an_error(api: Api, what: str) -> None:
    """Somebody who reads on after a change of the practice is told to begin again; of another practice, reads on."""
    first = api.get(f"{RIVERSIDE}/{what}", limit="1").json
    assert api.write("PUT", f"{V1}/practices/lakeside/user", {"name": "Zoe"}, query={"id": "zoe"}).status_code == 200
    assert api.get(f"{RIVERSIDE}/{what}", limit="1", cursor=first["next"]).status_code == 200
    assert api.write("PUT", f"{RIVERSIDE}/user", {"name": "Zoe"}, query={"id": "zoe"}).status_code == 200
    problem(api.get(f"{RIVERSIDE}/{what}", limit="1", cursor=first["next"]), 410, "list-moved")


def test_practices_in_parts(api: Api) -> None:
    """The list of practices is as strict: one that came meanwhile is not passed over."""
    first = api.get(f"{V1}/practices", limit="1").json
    assert [each["id"] for each in first["items"]] == ["lakeside"]
    new = {"id": "hilltop", "name": "Hilltop", "administrator": "kim"}
    assert api.ask("POST", f"{V1}/practices", new).status_code == 201
    problem(api.get(f"{V1}/practices", limit="1", cursor=first["next"]), 410, "list-moved")
    assert [each["id"] for each in all_parts(api, f"{V1}/practices", 1)] == ["hilltop", "lakeside", "riverside"]


@pytest.mark.parametrize("cursor", ["", "x", "bm9uZQ", "WyJhIiwiMiIsWyJiZW4iXV0", "é", "x" * 5000, "W10="])
def test_a_cursor_that_is_none(api: Api, cursor: str) -> None:
    """A cursor of somebody's own making is refused in the words of the API."""
    answer = api.get(f"{RIVERSIDE}/users", cursor=cursor)
    problem(answer, 400, "cursor-invalid" if cursor else "parameter-invalid")


def test_a_cursor_of_another_list(api: Api) -> None:
    """A cursor is good for its list, its practice and its filters alone."""
    cursor = api.get(f"{RIVERSIDE}/members", limit="1", role="Front Desk").json["next"]
    for path, query in (
        (f"{RIVERSIDE}/members", {}),
        (f"{RIVERSIDE}/members", {"role": "Nurse"}),
        (f"{RIVERSIDE}/users", {}),
        (f"{V1}/practices/lakeside/members", {"role": "Front Desk"}),
    ):
        problem(api.get(path, cursor=cursor, **query), 400, "cursor-invalid")


def test_filters(api: Api) -> None:
    """Levels by role and screen, members by role and user."""
    assert {each["screen"] for each in api.get(f"{RIVERSIDE}/levels", role="Nurse").json["items"]} == {LIST, TASK}
    assert {each["role"] for each in api.get(f"{RIVERSIDE}/levels", screen="Task - Orders").json["items"]} == {
        "Biller",
        "Clinician",
    }
    assert api.get(f"{RIVERSIDE}/members", user="max").json["items"] == [
        {"role": "Biller", "user": "max"},
        {"role": "Clinician", "user": "max"},
    ]


def test_what_the_caller_has_is_not_sent_again(api: Api) -> None:
    """304 for the change that the caller knows, until there is another."""
    known = api.get(RIVERSIDE).headers["ETag"]
    answer = api.ask("GET", RIVERSIDE, If_None_Match=f'"1", {known}')
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", known)
    assert api.write("PUT", f"{RIVERSIDE}/user", {"name": "Zoe"}, query={"id": "zoe"}).status_code == 200
    assert api.ask("GET", RIVERSIDE, If_None_Match=known).status_code == 200


def test_screens_and_templates(api: Api) -> None:
    """What an EHR's own Setup needs for its lists: screens with the levels that open something, and templates."""
    screens = {screen["name"]: screen for screen in api.get(f"{V1}/screens").json["items"]}
    assert [level["name"] for level in screens[LIST]["levels"]] == ["Read", "Update", "Write"]
    assert screens[LIST]["levels"][0]["actions"] == ["open_queue"]
    names = [template["name"] for template in api.get(f"{V1}/templates").json["items"]]
    assert names == ["Patient Portal Communications Only", "Patient Portal Full Access", "Practice Administrator"]


def test_altered_rows_are_not_passed_off_as_policy(api: Api) -> None:
    """A row that somebody wrote into the database itself makes an error of every reading of its practice."""
    api.site.sql("UPDATE casbin_rule SET v3 = 'Write' WHERE ptype = 'p' AND v0 = 'role:Nurse' AND v1 = 'riverside'")
    for what in ("", "/users", "/roles", "/levels", "/members"):
        problem(api.get(f"{RIVERSIDE}{what}"), 503, "rows-altered")
    assert api.get(f"{V1}/practices/lakeside").status_code == 200


def test_changes_by_filter(api: Api) -> None:
    """Newest first, by person, screen and time, in parts as well."""
    for user in ("cam", "max", "dee"):
        path = f"{RIVERSIDE}/member"
        assert api.write("PUT", path, query={"role": "Front Desk", "user": user}).status_code == 200
    path = f"{RIVERSIDE}/changes"
    assert [each["number"] for each in api.get(path).json["items"]] == [5, 4, 3, 2]
    assert [each["number"] for each in all_parts(api, path, 2)] == [5, 4, 3, 2]
    assert [each["number"] for each in api.get(path, person="max").json["items"]] == [4, 2]
    time = api.get(path).json["items"][1]["time"]
    assert [each["number"] for each in api.get(path, since=time).json["items"]] == [5, 4]
    assert [each["number"] for each in api.get(path, until=time).json["items"]] == [3, 2]
    for since in ("yesterday", "2026-01-01", "2026-01-01T08:00:00"):
        problem(api.get(path, since=since), 400, "parameter-invalid")


def test_one_change(api: Api) -> None:
    """Its rows and its effects; a change that did not touch the practice is not there."""
    done = api.write("PUT", f"{RIVERSIDE}/member", query={"role": "Front Desk", "user": "cam", "reason": "Cover"})
    shown = api.get(f"{RIVERSIDE}/changes/{done.json['change']}").json
    assert shown["rows"] == [{"added": True, "row": "g, user:cam, role:Front Desk, riverside"}]
    assert (shown["actor"], shown["how"], shown["reason"]) == ("token:ehr-0", "api", "Cover")
    assert shown["effects"] == done.json["effects"]
    for number in ("1", "999", "0", "x", "-1"):
        problem(api.get(f"{RIVERSIDE}/changes/{number}"), 404, "not-found")


def test_a_change_of_several_practices_shows_each_its_own(api: Api) -> None:
    """Rows and effects of this practice alone, and no count into which another one went."""
    shown = api.get(f"{RIVERSIDE}/changes/2").json
    assert all("riverside" in row["row"] for row in shown["rows"])
    [listed] = [each for each in api.get(f"{RIVERSIDE}/changes").json["items"] if each["number"] == 2]
    assert not {"rows_added", "rows_removed", "people"} & listed.keys()
