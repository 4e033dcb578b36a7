"""Entities: who and what a policy folder without practices knows, from `entities.yaml`.

    types:
      user:
        bob: {role: admin}
      record:
        record-1: {status: active}
    actions:
      read: {}

What a type declares is all that there is of it: others are refused before any row is read, and a search is complete.
A type that stands in none is not limited, and cannot be searched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.policy.expression import Value
from service.policy.plain import Malformed, Node, parse
from service.values import Finding

Attributes = Mapping[str, Value]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_NONE: Attributes = {}


@dataclass(frozen=True, slots=True)
class Entities:
    """Each type with its ids and their attributes, and the actions; None: the policy does not say which there are."""

    types: Mapping[str, Mapping[str, Attributes]] = field(default_factory=dict)
    actions: Mapping[str, Attributes] | None = None

    def ids(self, kind: str) -> Mapping[str, Attributes] | None:
        """The ids of a type."""
        return self.types.get(kind)

    def attributes(self, kind: str, name: str) -> Attributes:
        """What is stored about one entity."""
        return self.types.get(kind, {}).get(name, _NONE)


def read(file: str, text: str) -> tuple[Entities, list[Finding]]:
    """Read `entities.yaml`; empty, with a finding, where it does not hold."""
    node, found = parse(file, text)
    if node is None:
        return Entities(), found
    try:
        entries = node.fields(optional=("types", "actions"))
        types = entries["types"].mapping() if "types" in entries else {}
        actions = _group(entries["actions"]) if "actions" in entries else None
        return Entities({name: _group(each) for name, each in types.items()}, actions), []
    except Malformed as malformed:
        return Entities(), [malformed.finding]


def _group(node: Node) -> dict[str, Attributes]:
    return {name: _attributes(each) for name, each in node.mapping().items()}


def _attributes(node: Node) -> Attributes:
    found: dict[str, Value] = {}
    for name, each in node.mapping().items():
        if not _NAME.fullmatch(name):
            mend = "use letters, digits and `_`, a letter first"
            raise Malformed(each.named, f"attribute `{name}`, which no matcher can read", mend)
        found[name] = scalar(each)
    return found


def scalar(node: Node) -> Value:
    """The value of an attribute: `true` and `false`, a number, or text. What stands in quotes is text."""
    text = node.name()
    if node.quoted:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
