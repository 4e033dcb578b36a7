import threading
from typing import Any

import pytest

from tests.contract.admin.api import RIVERSIDE, V1, Api, problem
from tests.unit.site import LIST, ORDERS, TASK, reason

FRONT, LIMITED = "Front Desk", "Patient Portal Communications Only"


def role(api: Api, name: str) -> dict[str, Any]:
    """A role as it is now."""
    shown: dict[str, Any] = api.get(f"{RIVERSIDE}/role", name=name).json
    return shown


def test_a_member_in_and_out(api: Api) -> None:
    """Each is one change; doing it twice is doing it once; and the very next check is answered from it."""
    path, query = f"{RIVERSIDE}/member", {"role": LIMITED, "user": "cam"}
    done = api.write("PUT", path, query=query)
    assert (done.status_code, done.json["saved"], done.headers["ETag"]) == (200, True, '"3"')
    assert reason(api.office.live, "cam", "respond", TASK) == "allowed"
    again = api.write("PUT", path, query=query)
    assert (again.json["saved"], again.json["change"]) == (False, 3)
    assert api.write("DELETE", path, query=query).json["saved"]
    assert reason(api.office.live, "cam", "respond", TASK) == "no_level"
    assert not api.write("DELETE", path, query=query).json["saved"]


def test_a_level(api: Api) -> None:
    """Set, and taken away by `Off`."""
    path, query = f"{RIVERSIDE}/level", {"role": LIMITED, "screen": LIST}
    assert api.write("PUT", path, {"level": "Read"}, query=query).json["saved"]
    assert role(api, LIMITED)["levels"] == {TASK: "Write", LIST: "Read"}
    assert api.write("PUT", path, {"level": "Off"}, query=query).json["saved"]
    assert role(api, LIMITED)["levels"] == {TASK: "Write"}


def test_a_role_as_a_whole(api: Api) -> None:
    """A new role with levels and members is one change; what is left out later stays as it is."""
    path, query = f"{RIVERSIDE}/role", {"name": "Cover"}
    wanted = {"levels": {ORDERS: "Read", TASK: "Write"}, "members": ["cam", "zoe"]}
    problem(api.write("PUT", path, wanted, query=query), 409, "change-refused")
    assert api.change() == 2
    assert api.write("PUT", path, {**wanted, "members": ["cam"]}, query=query).json["change"] == 3
    assert api.write("PUT", path, {"levels": {ORDERS: "Write"}}, query=query).json["change"] == 4
    assert role(api, "Cover") == {"name": "Cover", "levels": {ORDERS: "Write"}, "members": ["cam"], "within": []}
    assert api.write("PUT", path, {"members": []}, query=query).json["change"] == 5
    assert not api.write("PUT", path, {}, query=query).json["saved"]
    assert api.write("DELETE", path, query=query).json["change"] == 6
    assert not api.write("DELETE", path, query=query).json["saved"]


def test_a_user(api: Api) -> None:
    """New, with another name, inactive and active again."""
    path, query = f"{RIVERSIDE}/user", {"id": "zoe"}
    assert api.write("PUT", path, {"name": "Zoe"}, query=query).json["saved"]
    assert api.get(path, **query).json == {"id": "zoe", "name": "Zoe", "active": True, "roles": []}
    assert api.write("PUT", path, {"name": "Zoe Z", "active": False}, query=query).json["saved"]
    assert api.get(path, **query).json["active"] is False
    assert not api.write("PUT", path, {"name": "Zoe Z", "active": False}, query=query).json["saved"]
    new = {"name": "Yan", "active": False}
    assert api.write("PUT", path, new, query={"id": "yan"}).json["change"] == 5


def test_several_edits_are_one_change(api: Api) -> None:
    """All of them or none: 201 with where the change can be read, or a refusal and nothing."""
    good = [
        {"edit": "add_role", "role": "Cover", "like": FRONT},
        {"edit": "add_member", "role": "Cover", "user": "cam"},
    ]
    bad = [*good, {"edit": "add_member", "role": "Nobody", "user": "cam"}]
    problem(api.write("POST", f"{RIVERSIDE}/changes", {"edits": bad}), 409, "change-refused")
    assert api.change() == 2
    done = api.write("POST", f"{RIVERSIDE}/changes", {"edits": good, "reason": "Cover", "reference": "HR-7"})
    assert (done.status_code, done.headers["Location"]) == (201, f"{RIVERSIDE}/changes/3")
    shown = api.get(done.headers["Location"]).json
    assert (shown["actor"], shown["reason"], shown["reference"]) == ("token:ehr-0", "Cover", "HR-7")
    assert api.write("POST", f"{RIVERSIDE}/changes", {"edits": []}).status_code == 200


def test_what_is_previewed_is_what_is_saved(api: Api) -> None:
    """A preview writes nothing, names everybody for whom something is different, and needs no `If-Match`."""
    wanted = {"edits": [{"edit": "add_member", "role": FRONT, "user": "cam"}]}
    seen = api.ask("POST", f"{RIVERSIDE}/preview", wanted).json
    assert {(flip["user"], flip["screen"], flip["gained"]) for flip in seen["flips"]} == {
        ("cam", LIST, True),
        ("cam", TASK, True),
    }
    text = "Cam will be able to open the Patient Portal queue, and open and answer its messages."
    assert seen["sentences"] == [{"text": text, "users": ["cam"], "gained": True}]
    assert (seen["change"], seen["nothing"], seen["refused"]) == (2, False, None)
    assert api.change() == 2
    tried = {"user": "cam", "screen": TASK, "action": "respond", **wanted}
    assert api.ask("POST", f"{RIVERSIDE}/try", tried).json == {"decision": True, "reason": "allowed"}
    assert api.ask("POST", f"{RIVERSIDE}/try", {**tried, "edits": []}).json["reason"] == "no_level"
    assert api.ask("POST", f"{RIVERSIDE}/try", {**tried, "user": "nobody"}).json["reason"] == "unknown_user"


def test_a_preview_of_what_does_not_come_true(api: Api) -> None:
    """A role for forwarded messages limits nobody who has the queue by another role: said, with that role."""
    wanted = {"edits": [{"edit": "add_member", "role": "Patient Portal Communications Only", "user": "ann"}]}
    seen = api.ask("POST", f"{RIVERSIDE}/preview", wanted).json
    text = "Ann still has Full Access through Front Desk: to limit Ann, take Ann out of Front Desk."
    assert seen["shortfalls"] == [{"text": text, "user": "ann", "roles": [FRONT]}]
    assert seen["sentences"] == []


def test_a_preview_of_what_would_be_refused(api: Api) -> None:
    """It says why, under the rule."""
    wanted = {"edits": [{"edit": "delete_role", "role": "Practice Administrator"}]}
    refused = api.ask("POST", f"{RIVERSIDE}/preview", wanted).json["refused"]
    assert refused["rule"] == "last-administrator"
    wanted = {"edits": [{"edit": "set_level", "role": FRONT, "screen": ORDERS, "level": "Admin"}]}
    assert api.ask("POST", f"{RIVERSIDE}/preview", wanted).json["refused"]["rule"] == "level-unknown"


def test_undo(api: Api) -> None:
    """A new change that takes back what an earlier one did, made from the newest one."""
    done = api.write("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": "cam"}).json["change"]
    undone = api.write("POST", f"{RIVERSIDE}/changes/{done}/undo", {"reason": "Wrong person"})
    assert (undone.status_code, undone.json["change"]) == (201, done + 1)
    assert "cam" not in role(api, FRONT)["members"]
    problem(api.write("POST", f"{RIVERSIDE}/changes/999/undo", {}), 404, "not-found")
    problem(api.ask("POST", f"{RIVERSIDE}/changes/{done}/undo", {}, match=done), 412, "practice-moved")


def test_a_new_practice(api: Api) -> None:
    """With its administrator, by a token for all practices; there cannot be two of one id."""
    new = {"id": "hilltop", "name": "Hilltop Clinic", "administrator": "kim"}
    made = api.ask("POST", f"{V1}/practices", new)
    assert (made.status_code, made.headers["Location"]) == (201, f"{V1}/practices/hilltop/changes/3")
    assert api.get(f"{V1}/practices/hilltop").json["name"] == "Hilltop Clinic"
    assert api.get(f"{V1}/practices/hilltop/user", id="kim").json["roles"] == ["Practice Administrator"]
    problem(api.ask("POST", f"{V1}/practices", new), 409, "change-refused")
    for id_ in ("a/b", "..", "template", "user:x", " x", "x\u200b", ""):
        answer = api.ask("POST", f"{V1}/practices", {**new, "id": id_})
        assert answer.status_code in (409, 422), (id_, answer.text)


def test_another_name_for_a_practice(api: Api) -> None:
    """It takes its own scope, by every way that leads there."""
    writer = api.token("setup:read", "setup:write")
    problem(api.write("PUT", RIVERSIDE, {"name": "River"}, token=writer), 403, "forbidden")
    edit = {"edits": [{"edit": "rename_practice", "name": "River"}]}
    problem(api.write("POST", f"{RIVERSIDE}/changes", edit, token=writer), 403, "forbidden")
    assert api.write("PUT", RIVERSIDE, {"name": "River"}).json["saved"]
    assert api.get(RIVERSIDE).json["name"] == "River"


# --- conditions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("match", ["", "*", " * "])
def test_a_change_says_what_it_started_from(api: Api, match: str) -> None:
    """Without a change to start from, or with any, it is refused."""
    answer = api.ask("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": "cam"}, If_Match=match)
    problem(answer, 428, "if-match-missing")


@pytest.mark.parametrize("match", ["2", 'W/"2"', '"2", "3"', '"x"', '"-1"', '"²"', '"' + "9" * 16 + '"'])
def test_what_is_no_etag_of_ours(api: Api, match: str) -> None:
    """Other tags are refused as such, and never taken for the change that they look like."""
    answer = api.ask("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": "cam"}, If_Match=match)
    problem(answer, 400, "parameter-invalid")


@pytest.mark.parametrize("base", [0, 1, 3, 10**14])
def test_somebody_else_came_first(api: Api, base: int) -> None:
    """Another change than the newest one is refused with theirs, whether it is older or never was."""
    theirs = api.write("PUT", f"{RIVERSIDE}/user", {"name": "Zoe"}, query={"id": "zoe", "reason": "Cover"}).json[
        "change"
    ]
    assert theirs == 3
    base = 4 if base == theirs else base
    told = problem(
        api.ask("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": "cam"}, match=base), 412, "practice-moved"
    )
    assert told["change"] == 3
    expected = [3, 2] if base < 2 else []
    assert [change["number"] for change in told.get("theirs", [])] == expected


def test_a_change_of_another_practice_does_not_disturb(api: Api) -> None:
    """What was made from Riverside's newest change is saved, whatever happened in Lakeside."""
    base = api.change()
    assert api.write("PUT", f"{V1}/practices/lakeside/user", {"name": "Zoe"}, query={"id": "zoe"}).json["saved"]
    done = api.ask("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": "cam"}, match=base)
    assert done.json["change"] == 4


def test_of_two_writers_one_wins(api: Api) -> None:
    """Two changes from the same state, at the same time: one is saved, and the other is told of it."""
    base, answers = api.change(), []
    gate = threading.Barrier(2)

    def write(user: str) -> None:
        gate.wait()
        answers.append(api.ask("PUT", f"{RIVERSIDE}/member", query={"role": FRONT, "user": user}, match=base))

    for _ in range(5):
        base, answers[:] = api.change(), []
        users = ("cam", "max") if "cam" not in role(api, FRONT)["members"] else ("dee", "eve")
        threads = [threading.Thread(target=write, args=(user,)) for user in users]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        assert api.change() == base + 1
        for user in users:
            api.write("DELETE", f"{RIVERSIDE}/member", query={"role": FRONT, "user": user})


# --- for whom -----------------------------------------------------------------------------------------------


def test_on_behalf_of_somebody(api: Api) -> None:
    """The change is theirs in the record, and what they may not do is refused as if they did it themselves."""
    path, query = f"{RIVERSIDE}/member", {"role": FRONT, "user": "cam"}
    refused = problem(api.write("PUT", path, query={**query, "on_behalf_of": "ann"}), 409, "change-refused")
    assert refused["rule"] == "author-rights"
    refused = problem(
        api.write("PUT", path, query={**query, "user": "pat", "on_behalf_of": "pat"}), 409, "change-refused"
    )
    assert refused["rule"] == "own-access"
    problem(api.write("PUT", path, query={**query, "on_behalf_of": "nobody"}), 409, "change-refused")
    problem(api.write("PUT", path, query={**query, "on_behalf_of": "lou"}), 409, "change-refused")
    done = api.write("PUT", path, query={**query, "on_behalf_of": "pat"})
    assert api.get(f"{RIVERSIDE}/changes/{done.json['change']}").json["actor"] == "user:pat"
    edits = {"edits": [{"edit": "remove_member", "role": FRONT, "user": "cam"}], "on_behalf_of": "sam"}
    done = api.write("POST", f"{RIVERSIDE}/changes", edits)
    assert api.get(done.headers["Location"]).json["actor"] == "user:sam"


def test_a_refusal_is_kept_in_the_record(api: Api) -> None:
    """What a guard rail stopped, with the token that asked and the rule."""
    api.write("DELETE", f"{RIVERSIDE}/role", query={"name": "Practice Administrator"}, Idempotency_Key="k")
    with api.site.view() as view:
        [event] = [event for event in view.events() if event.name == "admin:change:refuse"]
    assert (event.actor, event.practice, event.details["rule"]) == ("token:ehr-0", "riverside", "last-administrator")
