from typing import Any

import pytest
from werkzeug.test import TestResponse

from service import drafts
from service.changes import Author
from service.errors import StoreUnavailable
from service.policy.edits import AddMember
from service.store.base import RequestKey
from service.values import How
from tests.contract.admin.api import RIVERSIDE, V1, Api, problem

WANTED = {"edits": [{"edit": "add_member", "role": "Front Desk", "user": "cam"}]}


def send(api: Api, key: str = "key-1", body: object = WANTED, match: int = 2, **more: Any) -> TestResponse:
    """The change, as a client sends it again and again."""
    return api.ask("POST", f"{RIVERSIDE}/changes", body, match=match, Idempotency_Key=key, **more)


def token_id(api: Api) -> str:
    """The id of the token that asks."""
    return api.everything.split("_")[1]


def test_the_first_answer_comes_again(api: Api) -> None:
    """The same bytes and headers, one change, and a word that it is not new."""
    first, second = send(api), send(api)
    assert (first.status_code, second.status_code, first.data == second.data) == (201, 201, True)
    assert [second.headers[name] for name in ("ETag", "Location")] == ['"3"', f"{RIVERSIDE}/changes/3"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert api.change() == 3


def test_a_refusal_comes_again(api: Api) -> None:
    """Also when it would be granted by now."""
    body = {"edits": [{"edit": "add_member", "role": "Cover", "user": "cam"}]}
    first = send(api, body=body)
    problem(first, 409, "change-refused")
    assert send(api, body=body).data == first.data
    assert send(api, key="key-2", body={"edits": [{"edit": "add_role", "role": "Cover"}]}).status_code == 201
    assert send(api, body=body).data == first.data


@pytest.mark.parametrize(
    "other",
    [
        {"body": {"edits": []}},
        {"body": {**WANTED, "reason": "Cover"}},
        {"match": 1},
    ],
)
def test_a_key_belongs_to_one_request(api: Api, other: dict[str, Any]) -> None:
    """Another body or another state to start from is another request, and is not carried out."""
    assert send(api).status_code == 201
    problem(send(api, **other), 422, "key-reused")
    path = f"{RIVERSIDE}/member"
    answer = api.ask("PUT", path, query={"role": "Nurse", "user": "cam"}, match=3, Idempotency_Key="key-1")
    problem(answer, 422, "key-reused")
    assert api.change() == 3


def test_a_key_belongs_to_a_token(api: Api) -> None:
    """Two programs may use the same key; neither sees the answer of the other."""
    assert send(api).status_code == 201
    answer = send(api, token=api.token())
    problem(answer, 412, "practice-moved")


def test_a_key_is_kept_for_a_day(api: Api) -> None:
    """After that it means nothing, and the request is a new one."""
    assert send(api).status_code == 201
    api.time.pass_by(hours=23, minutes=59)
    assert send(api).headers["Idempotency-Replayed"] == "true"
    api.time.pass_by(minutes=2)
    problem(send(api), 412, "practice-moved")


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 129])
def test_what_is_no_key(api: Api, key: str) -> None:
    """A key that cannot be kept is refused before anything is done."""
    problem(send(api, key=key), 400, "parameter-invalid")
    assert api.change() == 2


def test_a_request_that_is_being_carried_out(api: Api) -> None:
    """Whoever is too quick waits; whoever ended without a trace is not waited for for ever."""
    send(api, key="other", body={"edits": []})
    with api.site.view() as view:
        digest = view.answered(RequestKey(token_id(api), "other")).request  # type: ignore[union-attr] # it is there
    api.site.store.reserve(RequestKey(token_id(api), "key-1"), digest, api.office.now())
    busy = send(api, body={"edits": []})
    problem(busy, 409, "key-busy")
    assert busy.headers["Retry-After"] == "1"
    api.time.pass_by(seconds=61)
    assert send(api, body={"edits": []}).status_code == 200


def test_killed_after_the_change(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends between its change and its answer: the repeated request is told of the change."""

    def end(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(type(api.site.store), "answer", end)
        with pytest.raises(KeyboardInterrupt):
            send(api)
    assert api.change() == 3
    again = send(api)
    assert (again.status_code, again.json["change"], again.headers["Location"]) == (201, 3, f"{RIVERSIDE}/changes/3")
    assert send(api).data == again.data
    assert api.change() == 3


def test_killed_after_a_practice_was_made(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a practice, which its path does not name."""

    def end(*_: object) -> bool:
        raise KeyboardInterrupt

    def make() -> TestResponse:
        new = {"id": "hilltop", "name": "Hilltop", "administrator": "kim"}
        return api.ask("POST", f"{V1}/practices", new, Idempotency_Key="new")

    with monkeypatch.context() as killed:
        killed.setattr(type(api.site.store), "answer", end)
        with pytest.raises(KeyboardInterrupt):
            make()
    again = make()
    assert (again.status_code, again.headers["Location"]) == (201, f"{V1}/practices/hilltop/changes/3")


def test_the_store_was_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours or of the store frees the key: the same request is carried out when it comes again."""

    def away(*_: object) -> None:
        raise StoreUnavailable("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(drafts, "save", away)
        answer = send(api)
        told = problem(answer, 503, "store-unavailable")
        assert "disk" not in answer.text
        assert answer.headers["Retry-After"] == "1"
        assert "detail" not in told
    with monkeypatch.context() as broken:
        broken.setattr(drafts, "save", lambda *_: 1 / 0)
        problem(send(api), 500, "internal")
    assert send(api).status_code == 201


def test_who_waited_too_long_finds_what_became_of_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that hold the same key, because one was taken for dead: one change, and both are told of it."""
    save = drafts.save

    def overtaken(press: Any, author: Author, draft: Any) -> Any:
        monkeypatch.setattr(drafts, "save", save)
        edits = (AddMember("Front Desk", "cam"),)
        other = drafts.Draft("riverside", draft.base, edits)
        assert save(press, Author("token:ehr-0", How.API), other) is not None
        return save(press, author, drafts.Draft("riverside", 3, (AddMember("Front Desk", "max"),)))

    monkeypatch.setattr(drafts, "save", overtaken)
    answer = send(api)
    assert (answer.status_code, answer.json["change"]) == (201, 3)
    assert api.change() == 3
