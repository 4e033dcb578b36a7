"""Paths: which of them are asked about, and that none slips through in another spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policy import paths
from service.policy.paths import Paths, normal
from service.policy.separation import Duty
from tests.unit.decision.test_effect import DEMO
from tests.unit.site import LIST, TASK

QUEUE, MESSAGE, RESPOND = Duty(LIST, "open_queue"), Duty(TASK, "open_message"), Duty(TASK, "respond")
TEXT = f"""
- {{path: /, public: signing in}}
- {{path: /static/**, public: style}}
- {{path: /tasks/portal, ask: [{{screen: {LIST}, action: open_queue}}]}}
- path: /tasks/portal/*
  methods: [GET, HEAD]
  ask: [{{screen: {LIST}, action: open_queue}}, {{screen: {TASK}, action: open_message}}]
- {{path: /tasks/portal/*, methods: [POST], ask: [{{screen: {TASK}, action: respond}}]}}
- {{path: /message/**, ask: [{{screen: {TASK}, action: open_message}}]}}
"""


def read(text: str) -> Paths:
    """A file that holds."""
    found, problems = paths.read("paths.yaml", text, DEMO.catalog)
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("method", "uri", "asked"),
    [
        ("GET", "/", ()),
        ("GET", "/static/a/b.css?v=1", ()),
        ("GET", "/static", ()),
        ("GET", "/tasks/portal", (QUEUE,)),
        ("POST", "/tasks/portal?x=/static/", (QUEUE,)),
        ("GET", "/tasks/portal/1041", (QUEUE, MESSAGE)),
        ("POST", "/tasks/portal/1041", (RESPOND,)),
        ("DELETE", "/tasks/portal/1041", None),
        ("GET", "/tasks/portal/1041/more", None),
        ("GET", "/message/7/8/9", (MESSAGE,)),
        ("GET", "/elsewhere", None),
        ("BREW", "/", None),
        ("get", "/tasks/portal", None),
    ],
)
def test_what_is_asked(method: str, uri: str, asked: tuple[Duty, ...] | None) -> None:
    """The first entry that fits says what is asked; what fits none is refused, and so is a method nobody knows."""
    assert read(TEXT).asked(method, uri) == asked


@pytest.mark.parametrize(
    "uri",
    [
        "/tasks//portal",
        "//tasks/portal",
        "/tasks/portal/",
        "/tasks/./portal",
        "/static/../tasks/portal",
        "/static/%2e%2e/tasks/portal",
        "/t%61sks/portal",
        "/tasks/portal#/static/x",
        "/tasks/portal?/static/x",
    ],
)
def test_another_spelling_of_the_same(uri: str) -> None:
    """A path is asked about as what it comes to, however it is written."""
    assert read(TEXT).asked("GET", uri) == (QUEUE,)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "tasks/portal",
        "http://elsewhere/static/x",
        "/static%2f..%2ftasks/portal",
        "/static/%2E%2E%5ctasks",
        "/static/..\\tasks\\portal",
        "/static/%252e%252e/tasks",
        "/..",
        "/static/../../etc",
        "/tasks/portal;x=/static",
        "/static/%00",
        "/static/\n",
        "/static/%0a",
        "/static/a b",
        "/static/%",
        "/static/%zz",
        "/static/%ff",
        "/static/\ud800",
        "/static/" + "a" * 3000,
    ],
    ids=lambda uri: repr(uri)[:40],
)
def test_what_must_not_go_through(uri: str) -> None:
    """What two programs could read differently is refused, also below a path that anybody may open."""
    assert normal(uri) is None
    assert read(TEXT).asked("GET", uri) is None


@pytest.mark.parametrize("uri", ["/Tasks/Portal", "/TASKS/PORTAL", "/STATIC/x"])
def test_capitals_count(uri: str) -> None:
    """A path in other capitals fits no entry, and is refused."""
    assert read(TEXT).asked("GET", uri) is None


@given(st.text())
def test_normal_is_normal(uri: str) -> None:
    """What a path comes to comes to itself, and leads nowhere else."""
    parts = normal(uri)
    if parts is not None:
        assert all(part not in ("", ".", "..") and "/" not in part for part in parts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", "no list"),
        ("- {path: /a}", "`ask` or `public`"),
        (f"- {{path: /a, public: x, ask: [{{screen: {TASK}, action: respond}}]}}", "`ask` or `public`"),
        ("- {path: /a, ask: []}", "nothing to ask"),
        ("- {path: a, public: x}", "no request comes to"),
        ("- {path: /a/, public: x}", "no request comes to"),
        ("- {path: /a/../b, public: x}", "no request comes to"),
        ("- {path: /a%20b, public: x}", "no request comes to"),
        ("- {path: /a*, public: x}", "in a path"),
        ("- {path: /**/a, public: x}", "in a path"),
        ("- {path: /a, methods: [get], public: x}", "`get`"),
        (f"- {{path: /a, ask: [{{screen: {TASK}, action: open_queue}}]}}", "not declared"),
        ("- {path: /a, ask: [{screen: Nothing, action: view}]}", "not declared"),
        ("- {path: /a/**, public: x}\n- {path: /a/b, public: x}", "leaves nothing to"),
        ("- {path: /*, public: x}\n- {path: /a, methods: [GET], public: x}", "leaves nothing to"),
        ("- {path: /a, methods: [GET, POST], public: x}\n- {path: /a, methods: [GET], public: x}", "leaves nothing to"),
    ],
)
def test_what_does_not_hold(text: str, found: str) -> None:
    """An entry that does not say plainly what it is about is found where it stands."""
    _, [problem] = paths.read("paths.yaml", text, DEMO.catalog)
    assert found in problem.found
    assert problem.position.line >= 1


def test_entries_that_leave_something() -> None:
    """An entry below a narrower one, or of other methods, holds."""
    text = "- {path: /a/b, public: x}\n- {path: /a/*, methods: [GET], public: x}\n- {path: /a/*, public: x}\n"
    assert len(read(text + "- {path: /a/**, public: x}\n- {path: /**, public: x}").entries) == 5
