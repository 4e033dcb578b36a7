"""The OpenAPI 3.1 document of the admin API, made from the table of operations, so that it says what the code does.

Schemas come from the types of `admin_values`, the kinds of problem from `problem.KINDS`. Nothing in it depends on a
practice or a setting, so that whoever may not sign in may read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import msgspec

from service.access.permissions import Scope
from service.access.person import Visit
from service.api import problem
from service.api.admin import OPERATIONS
from service.api.admin_request import MOST_BYTES, Operation, Parameter
from service.api.admin_values import schemas
from service.api.problem import KINDS, Problem
from service.api.wire import JSON
from service.exchange import Reply

_ALWAYS = ("parameter-invalid", "unauthenticated", "forbidden", "not-acceptable", "internal", "store-unavailable")
_WITH_BODY = ("body-unreadable", "body-invalid", "too-large", "media-type")
_WITH_PRACTICE = ("not-found", "rows-altered")
_CONDITIONAL = ("if-match-missing", "practice-moved")
_CHANGING = ("not-found", "change-refused", "policy-invalid", "key-busy", "key-reused")

_INTRODUCTION = """\
Practices, users, roles, levels and members, for programs that write policy, such as the Setup of an EHR. Every change
goes the way of the pages: the same guard rails, the same record, and all of it or nothing.

Names that people chose stand in the query, because they may hold any character. A token sees the practices that it was
made for; any other is not found, whether it exists or not.
"""


def answer(_: Visit) -> Reply:
    """The document."""
    return Reply(200, {"Content-Type": JSON}, _encoded())


@lru_cache(maxsize=1)
def _encoded() -> bytes:
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The document as a value."""
    operations = tuple(OPERATIONS.values())
    types = _types(operations)
    told, components = schemas([*types, Problem])
    by_type = dict(zip([*types, Problem], told, strict=True))
    components["Problem"] |= {"description": problem_description()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Rolewarden admin API", "version": version("rolewarden"), "description": _INTRODUCTION},
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "paths": _paths(operations, by_type),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by `rolewarden token create --scope SCOPE`. Scopes: "
                    + ", ".join(f"`{scope.value}`" for scope in Scope if scope is not Scope.CHECK),
                }
            },
        },
        "security": [{"token": []}],
    }


def problem_description() -> str:
    """What a problem is, for the page."""
    return f"Problem details (RFC 9457). `type` links to what its `code` means; a body has up to {MOST_BYTES:,} bytes."


def _types(operations: Iterable[Operation]) -> list[Any]:
    """Every type that a body has, each once."""
    found: list[Any] = []
    for operation in operations:
        for each in (operation.body, *operation.answers.values()):
            if each is not None and each not in found:
                found.append(each)
    return found


def _paths(operations: Iterable[Operation], by_type: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = re.sub("<(\\w+)>", r"{\1}", operation.endpoint.path)
        paths.setdefault(path, {})[operation.endpoint.method.lower()] = _operation(operation, path, by_type)
    return paths


def _operation(operation: Operation, path: str, by_type: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.endpoint.meaning,
        "description": f"Needs a {operation.endpoint.needed}.",
        "parameters": [*_in_path(path), *map(_in_query, operation.query), *_in_headers(operation)],
        "responses": {
            **{str(status): _good(operation, status, by_type) for status in operation.answers},
            **_problems(refusals(operation)),
        },
    }
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": by_type[operation.body]}}}
    if operation.fresh:
        told["responses"]["304"] = {"description": "Nothing was changed since."}
    return told


def refusals(operation: Operation) -> list[str]:
    """Every kind of problem that an operation can answer with, in the order of the table."""
    found = {*_ALWAYS, *operation.refusals}
    if operation.body is not None:
        found |= set(_WITH_BODY)
    if "<" in operation.endpoint.path:
        found |= set(_WITH_PRACTICE)
    if operation.conditional:
        found |= set(_CONDITIONAL)
    if operation.once:
        found |= set(_CHANGING)
    return [kind for kind in KINDS if kind in found]


def _name(operation: Operation) -> str:
    """`getPracticeUsers`: the method and the path, one of many where the path names it."""
    path = re.sub("s/<\\w+>", "", operation.endpoint.path.partition("/v1/")[2])
    return operation.endpoint.method.lower() + "".join(word.title() for word in path.split("/"))


def _good(operation: Operation, status: int, by_type: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _GOOD[status],
        "content": {JSON: {"schema": by_type[operation.answers[status]]}},
        "headers": {"X-Request-ID": _header("The id of the request, as it stands in the log.")},
    }
    if operation.fresh or operation.once:
        told["headers"]["ETag"] = _header('The newest change of the practice, such as `"41"`: for `If-Match`.')
    if status == _CREATED:
        told["headers"]["Location"] = _header("Where the change can be read.")
    return told


_CREATED = 201
_GOOD = {200: "As asked.", _CREATED: "A change was made."}


def _problems(kinds: Iterable[str]) -> dict[str, Any]:
    """One response for each status, naming the kinds of problem that it stands for."""
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(KINDS[kind].status, []).append(kind)
    content = {problem.MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": "; ".join(f"`{kind}`: {KINDS[kind].title}" for kind in some), "content": content}
        for status, some in sorted(by_status.items())
    }


def _in_path(path: str) -> list[dict[str, Any]]:
    meanings = {"practice": "The id of the practice.", "number": "The number of the change."}
    shapes: dict[str, dict[str, Any]] = {
        "practice": {"type": "string", "minLength": 1},
        "number": {"type": "integer", "minimum": 1},
    }
    return [
        {"name": name, "in": "path", "required": True, "description": meanings[name], "schema": shapes[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(parameter: Parameter) -> dict[str, Any]:
    told = {"name": parameter.name, "in": "query", "description": parameter.meaning, "schema": dict(parameter.schema)}
    return {**told, "required": True} if parameter.required else told


def _in_headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.conditional:
        meaning = "The `ETag` of what the change was made from."
        found.append(
            {**_parameter("If-Match", meaning, {"type": "string", "pattern": '^"[0-9]{1,15}"$'}), "required": True}
        )
    if operation.once:
        meaning = "Makes the request safe to send again: the first answer is kept for 24 hours and replayed."
        found.append(_parameter("Idempotency-Key", meaning, {"type": "string", "pattern": "^[!-~]{1,128}$"}))
    if operation.fresh:
        found.append(_parameter("If-None-Match", "An `ETag` that the caller has.", {"type": "string"}))
    return found


def _parameter(name: str, meaning: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": meaning, "schema": schema}


def _header(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": "string"}}
