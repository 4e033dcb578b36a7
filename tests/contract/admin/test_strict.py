"""What is malformed is refused in the words of the API, and nothing is changed by it."""

from typing import Any

import pytest

from tests.contract.admin.api import RIVERSIDE, V1, Api, problem

CHANGES = f"{RIVERSIDE}/changes"
HOSTILE = [
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE practice;--",
    "../../etc/passwd",
    "a/b?c#d%2F",
    "الاستقبال",
    "ن" * 120,
    "Fax / Updocx",
    "*",
    "Task - Orders",
    "Practice Administrator\u0301",
]
BROKEN = ["", " x", "x ", "x\n", "x\u202ey", "x\u200b", "\x00", "x" * 256, "role:x", "user:x"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "body-unreadable"),
        (b"{", 400, "body-unreadable"),
        (b"\xff", 400, "body-unreadable"),
        (b'{"edits": [], "edits": []}', 400, "body-unreadable"),
        (b'{"edits": NaN}', 400, "body-unreadable"),
        (b'{"edits": []} x', 400, "body-unreadable"),
        (b"[" * 40 + b"]" * 40, 400, "body-unreadable"),
        (b"null", 422, "body-invalid"),
        (b"[]", 422, "body-invalid"),
        (b'{"edits": {}}', 422, "body-invalid"),
        (b'{"edits": [], "more": 1}', 422, "body-invalid"),
        (b'{"edits": [{"edit": "set_level"}]}', 422, "body-invalid"),
        (b'{"edits": [{"edit": "drop_table"}]}', 422, "body-invalid"),
        (b'{"edits": [{"edit": "add_user", "user": "x", "name": "X", "practice": "lakeside"}]}', 422, "body-invalid"),
        (b'{"edits": [{"edit": "add_user", "user": 7, "name": "X"}]}', 422, "body-invalid"),
        (b'{"edits": [], "reason": "two\\nlines"}', 422, "body-invalid"),
        (
            b'{"edits": [' + b'{"edit":"delete_role","role":"x"},' * 1000 + b'{"edit":"delete_role","role":"x"}]}',
            422,
            "body-invalid",
        ),
        (b'{"edits": ["' + b"x" * (1 << 20) + b'"]}', 413, "too-large"),
    ],
)
def test_a_body_that_does_not_hold(api: Api, body: bytes, status: int, code: str) -> None:
    """Its kind says what is wrong with it."""
    problem(api.ask("POST", CHANGES, body, match=2), status, code)
    assert api.site.head() == 2


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_type_of_body(api: Api, media: str) -> None:
    """Only JSON is read."""
    problem(api.ask("POST", CHANGES, b"{}", match=2, Content_Type=media), 415, "media-type")


def test_paths_and_methods(api: Api) -> None:
    """Another path is not found, and another method is told which there are."""
    for path in ("/admin/", "/admin/v2/practices", f"{V1}/", f"{RIVERSIDE}/", f"{RIVERSIDE}//users"):
        problem(api.ask("GET", path), 404, "not-found")
    answer = api.ask("PATCH", f"{RIVERSIDE}/role")
    problem(answer, 405, "method-unknown")
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/xml, text/*"])
def test_another_type_of_answer(api: Api, accept: str) -> None:
    """Whoever takes no JSON gets none, and the problem says so."""
    problem(api.ask("GET", RIVERSIDE, Accept=accept), 406, "not-acceptable")
    assert api.ask("GET", RIVERSIDE, Accept="text/html, */*;q=0.1").status_code == 200


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"limit": "-1"}, {"limt": "1"}, {"cursor": ""}]
)
def test_a_parameter_that_does_not_hold(api: Api, query: dict[str, str]) -> None:
    """Unknown, out of bounds, or empty: refused by name."""
    told = problem(api.get(f"{RIVERSIDE}/users", **query), 400, "parameter-invalid")
    assert next(iter(query)) in told["detail"]


@pytest.mark.parametrize("text", ["an\0n", "ann\n", "\u202eann", " ann", "\x85ann"])
@pytest.mark.parametrize(("path", "name"), [(f"{V1}/changes", "practice"), (f"{RIVERSIDE}/user", "id")])
def test_a_name_that_nothing_can_have(api: Api, path: str, name: str, text: str) -> None:
    """Characters that no name may hold are refused by name, before the store is asked."""
    told = problem(api.get(path, **{name: text}), 400, "parameter-invalid")
    assert f"`{name}`" in told["detail"]


def test_a_parameter_that_stands_there_twice(api: Api) -> None:
    """Which of the two is meant is not guessed."""
    problem(api.ask("GET", f"{RIVERSIDE}/user?id=ann&id=ben"), 400, "parameter-invalid")


def test_hostile_names(api: Api) -> None:
    """Names that would be something else elsewhere are names here: kept, read back and deleted as they are."""
    edits: list[dict[str, Any]] = []
    for at, name in enumerate(HOSTILE):
        edits += [{"edit": "add_role", "role": name}, {"edit": "add_user", "user": f"{name[:100]}{at}", "name": name}]
        edits += [{"edit": "add_member", "role": name, "user": f"{name[:100]}{at}"}]
    assert api.write("POST", CHANGES, {"edits": edits}).status_code == 201
    for at, name in enumerate(HOSTILE):
        assert api.get(f"{RIVERSIDE}/role", name=name).json["members"] == [f"{name[:100]}{at}"]
    assert api.write("DELETE", f"{RIVERSIDE}/role", query={"name": HOSTILE[3]}).json["saved"]
    assert HOSTILE[3] not in [role["name"] for role in api.get(f"{RIVERSIDE}/roles").json["items"]]


def test_names_that_cannot_be(api: Api) -> None:
    """A name that would hide something or pass for another is refused, wherever it stands."""
    for name in BROKEN:
        for edit in (
            {"edit": "add_role", "role": name},
            {"edit": "add_user", "user": name, "name": "X"},
            {"edit": "rename_role", "role": "Nurse", "to": name},
        ):
            answer = api.write("POST", CHANGES, {"edits": [edit]})
            assert answer.status_code in (409, 422), (name, edit, answer.text)
    for name in ("", "x\n", "x" * 256, "\u202e"):
        edit = {"edit": "add_user", "user": "zoe", "name": name}
        assert api.write("POST", CHANGES, {"edits": [edit]}).status_code == 422
    assert api.site.head() == 2


def test_the_id_of_a_request_comes_back(api: Api) -> None:
    """As it was sent, in the answer and in the problem; what could forge a header does not."""
    answer = api.ask("GET", f"{V1}/practices/hilltop", X_Request_ID="abc-1")
    assert (answer.headers["X-Request-ID"], answer.json["request_id"]) == ("abc-1", "abc-1")
    assert api.ask("GET", RIVERSIDE, X_Request_ID="a b").headers["X-Request-ID"] != "a b"


def test_an_error_of_ours_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 without a word of what it was."""
    monkeypatch.setattr("service.store.view.View.practice_names", lambda *_: 1 / 0)
    answer = api.get(f"{V1}/practices")
    assert "division" not in answer.text
    assert set(problem(answer, 500, "internal")) == {"type", "title", "status", "code", "request_id"}
