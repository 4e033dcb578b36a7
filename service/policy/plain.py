"""Plain YAML: mappings, lists and text, with the place of each; nothing else of YAML.

Every scalar is text (so `no` is not a boolean), no name stands twice, and there are no anchors, aliases or tags: what
a reviewer sees in the file is what is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from service.policy.findings import finding
from service.policy.rows import NAME_MENDS, hidden, name_problem
from service.values import Finding, Position

_DEEPEST = 12


class Malformed(Exception):
    """A YAML entry is not what it should be; carries the finding. Caught where a file is read, never further."""

    def __init__(self, position: Position, found: str, mend: str, rule: str = "yaml-shape") -> None:
        super().__init__(found)
        self.finding = finding(rule, position, found, mend)


@dataclass(frozen=True, slots=True)
class Node:
    """One entry: text, a list of entries, or a mapping from text to entries.

    `named` is the place of its name, where it has one, and otherwise its own. `literal`: written as a `|` block;
    `quoted`: written in quotes or as a block.
    """

    position: Position
    named: Position
    value: str | list[Node] | dict[str, Node]
    literal: bool = False
    quoted: bool = False

    def text(self) -> str:
        """The text of a scalar that is not empty: one line, in which every character can be seen."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise Malformed(self.position, "no text where text belongs", "write it behind the colon")
        if "\n" in self.value:
            mend = "write it on one line, or begin it with `>-`"
            raise Malformed(self.position, "a line break in a text", mend, "hidden-character")
        if (problem := name_problem(self.value)) and problem[0] == "hidden-character":
            raise Malformed(self.position, problem[1], NAME_MENDS[problem[0]], problem[0])
        return self.value

    def name(self) -> str:
        """The text of a scalar that can serve as a name."""
        text = self.text()
        if problem := name_problem(text):
            raise Malformed(self.position, problem[1], NAME_MENDS[problem[0]], problem[0])
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
                raise Malformed(node.named, f"entry `{name}`", f"the entries here are {known}")
        for name in required:
            if name not in found:
                raise Malformed(self.named, f"no entry `{name}`", f"add `{name}: ...`")
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
    if found := hidden(file, text):
        return None, found
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise Malformed(Position(file, 1, 1), "an empty file", "write its entries, or delete it", "yaml-syntax")
        return _convert(file, node), []
    except Malformed as malformed:
        return None, [malformed.finding]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax(file, error)]
    except (ValueError, OverflowError):
        # PyYAML lets these through for an escape or a version number that is out of range.
        mark = loader.get_mark()
        text = "a character or number out of range"
        return None, [finding("yaml-syntax", Position(file, mark.line + 1, mark.column + 1), text, "write it out")]
    finally:
        loader.dispose()


class _Refused(yaml.MarkedYAMLError):
    """Something of YAML that is not read here; `note` says what to do instead."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses what makes a file say more than a reviewer sees."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor or getattr(event, "tag", None):
            text = "an anchor, alias or tag, which are not read here"
            raise _Refused(None, None, text, event.start_mark, "write the value itself")
        if self._depth > _DEEPEST:
            raise _Refused(None, None, "entries nested too deeply", event.start_mark, "use fewer levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Finding:
    """What the YAML reader stumbled over; for a quote that nobody closed, where it was opened."""
    opened = error.problem == "found unexpected end of stream"
    mark = error.context_mark if opened and error.context_mark else error.problem_mark
    at = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
    problem = "a quote is left open" if opened else error.problem or "no YAML"
    if problem.startswith("but ") and error.context:
        problem = f"{error.context}, {problem}"
    mend = error.note or ("close it" if opened else "quote the text, or put the indentation right")
    return finding("yaml-syntax", at, problem, mend)


def _convert(file: str, node: yaml.Node) -> Node:
    at = Position(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.ScalarNode):
        return Node(at, at, node.value, node.style == "|", node.style is not None)
    if isinstance(node, yaml.SequenceNode):
        return Node(at, at, [_convert(file, item) for item in node.value])
    assert isinstance(node, yaml.MappingNode)  # noqa: S101  the third and last kind of node
    return Node(at, at, dict(_entries(file, node)))


def _entries(file: str, node: yaml.MappingNode) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key, value in node.value:
        at = Position(file, key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise Malformed(at, "an entry whose name is no text", "write `name: value`", "yaml-syntax")
        if problem := name_problem(key.value):
            raise Malformed(at, problem[1], NAME_MENDS[problem[0]], problem[0])
        if key.value in seen:
            raise Malformed(at, f"`{key.value}` stands twice", "take one of the two out", "yaml-syntax")
        seen.add(key.value)
        yield key.value, replace(_convert(file, value), named=at)
