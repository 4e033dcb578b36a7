"""Plain YAML: mappings, lists and text, with the place of each; nothing else of YAML.

Every scalar is text (so `no` is not a boolean), no name stands twice, and there are no anchors, aliases or tags: what
a reviewer sees in the file is what is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from service.policy.findings import finding
from service.policy.rows import name_problem
from service.values import Finding, Position

_DEEPEST = 12


class Malformed(Exception):
    """A YAML entry is not what it should be; carries the finding. Caught where a file is read, never further."""

    def __init__(self, position: Position, found: str, mend: str = "", rule: str = "yaml-shape") -> None:
        super().__init__(found)
        self.finding = finding(rule, position, found, mend)


@dataclass(frozen=True, slots=True)
class Node:
    """One entry: text, a list of entries, or a mapping from text to entries. `literal`: written as a `|` block."""

    position: Position
    value: str | list[Node] | dict[str, Node]
    literal: bool = False

    def text(self) -> str:
        """The text of a scalar that is not empty."""
        if isinstance(self.value, str) and self.value.strip():
            return self.value
        raise Malformed(self.position, "no text where text belongs", "write it behind the colon")

    def name(self) -> str:
        """The text of a scalar that can serve as a name."""
        text = self.text()
        if problem := name_problem(text):
            raise Malformed(self.position, problem[1], rule=problem[0])
        return text

    def items(self) -> list[Node]:
        """The entries of a list."""
        if isinstance(self.value, list):
            return self.value
        raise Malformed(self.position, "no list where a list belongs", "begin each entry with `- `")

    def fields(self, *required: str, optional: tuple[str, ...] = ()) -> dict[str, Node]:
        """The entries of a mapping whose names are known beforehand."""
        found = self.mapping()
        for name, node in found.items():
            if name not in required and name not in optional:
                known = ", ".join(f"`{known}`" for known in (*required, *optional))
                raise Malformed(node.position, f"entry `{name}`", f"the entries here are {known}")
        for name in required:
            if name not in found:
                raise Malformed(self.position, f"no entry `{name}`", f"add `{name}: ...`")
        return found

    def mapping(self) -> dict[str, Node]:
        """The entries of a mapping whose names are free."""
        if isinstance(self.value, dict):
            return self.value
        raise Malformed(self.position, "no mapping where a mapping belongs", "write `name: value` lines")

    def choice(self, *words: str) -> str:
        """One of these words."""
        text = self.text()
        if text not in words:
            raise Malformed(self.position, f"`{text}`", "write " + " or ".join(f"`{word}`" for word in words))
        return text


def parse(file: str, text: str) -> tuple[Node | None, list[Finding]]:
    """Read one file; None with a finding where it is not plain YAML."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise Malformed(Position(file, 1, 1), "an empty file", "write its entries, or delete it", "yaml-syntax")
        return _convert(file, node, 0), []
    except Malformed as malformed:
        return None, [malformed.finding]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, [finding("yaml-syntax", at, str(problem), "quote the text, or put the indentation right")]
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Composes nodes and refuses what makes a file say more than a reviewer sees."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor or getattr(event, "tag", None):
            what = "an anchor, alias or tag"
            raise yaml.composer.ComposerError(None, None, f"{what} is not read here", event.start_mark)
        return super().compose_node(parent, index)


def _convert(file: str, node: yaml.Node, depth: int) -> Node:
    at = Position(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if depth > _DEEPEST:
        raise Malformed(at, "entries nested too deeply", rule="yaml-syntax")
    if isinstance(node, yaml.ScalarNode):
        return Node(at, node.value, node.style == "|")
    if isinstance(node, yaml.SequenceNode):
        return Node(at, [_convert(file, item, depth + 1) for item in node.value])
    assert isinstance(node, yaml.MappingNode)  # noqa: S101  the third and last kind of node
    return Node(at, dict(_entries(file, node, depth)))


def _entries(file: str, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key, value in node.value:
        at = Position(file, key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode) or name_problem(key.value):
            raise Malformed(at, "an entry whose name is no plain text", rule="yaml-syntax")
        if key.value in seen:
            raise Malformed(at, f"`{key.value}` stands twice", "take one of the two out", "yaml-syntax")
        seen.add(key.value)
        yield key.value, _convert(file, value, depth + 1)
