"""The admin API as a page to read: the OpenAPI document in words, with every kind of problem under its own anchor.

Made from the document that programs get, so that people read the same. It needs no script and nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.access.person import Visit
from service.exchange import Reply
from service.ui import render


class Member(NamedTuple):
    """A member of a body, or a parameter: its kind in words, and whether it must be there."""

    name: str
    kind: str
    needed: bool
    meaning: str = ""
    place: str = ""


class Call(NamedTuple):
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    needs: str
    parameters: tuple[Member, ...]
    body: str
    answers: tuple[tuple[str, str, str], ...]


class Shape(NamedTuple):
    """One type of body."""

    name: str
    meaning: str
    members: tuple[Member, ...]


def page(document: Mapping[str, Any], kinds: Mapping[str, Any], visit: Visit) -> Reply:
    """The page. `kinds`: the kinds of problem by code, each with `status`, `title` and `meaning`."""
    calls = [
        _call(path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()
    ]
    shapes = [_shape(name, told) for name, told in sorted(document["components"]["schemas"].items())]
    about = document["info"]
    return render.page(visit, "docs_api.html", about=about, calls=calls, shapes=shapes, kinds=kinds)


def _call(path: str, method: str, told: Mapping[str, Any]) -> Call:
    parameters = tuple(
        Member(
            each["name"], _kind(each["schema"]), each.get("required", False), each.get("description", ""), each["in"]
        )
        for each in told["parameters"]
    )
    answers = tuple(
        (status, each["description"], _of_content(each.get("content", {})))
        for status, each in told["responses"].items()
    )
    body = _of_content(told.get("requestBody", {}).get("content", {}))
    needs = told["description"].removeprefix("Needs a ").rstrip(".")
    return Call(told["operationId"], method.upper(), path, told["summary"], needs, parameters, body, answers)


def _of_content(content: Mapping[str, Any]) -> str:
    """The name of the type in a body; empty where there is none."""
    return next((_kind(each["schema"]) for each in content.values()), "")


def _shape(name: str, told: Mapping[str, Any]) -> Shape:
    needed = set(told.get("required", ()))
    members = tuple(
        Member(member, _kind(each), member in needed, each.get("description", ""))
        for member, each in told.get("properties", {}).items()
    )
    return Shape(name, told.get("description", ""), members)


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in words: `string`, `list of Edit`, `one of ...`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if schema.get("items") else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"{_kind(schema['additionalProperties'])} by name"
    return str(schema.get("format") or schema.get("type") or "anything")
