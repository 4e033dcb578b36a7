"""The model: Casbin's `model.conf`, read strictly into a value that can be compiled exactly.

A model that is accepted here can be evaluated for every request without an exception; whatever cannot be compiled is
refused by name, with what is supported. The meaning of a `Model` is given by `service.decision.scan`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.policy import matcher
from service.policy.expression import Asked, Compared, Linked, Written
from service.policy.findings import finding
from service.policy.joint import Joint, arrange
from service.policy.matcher import Matcher
from service.policy.rows import hidden
from service.values import Finding, Position

SECTIONS = {
    "request_definition": "r",
    "policy_definition": "p",
    "role_definition": "g",
    "policy_effect": "e",
    "matchers": "m",
}
_KEY = {"r": "r", "p": "p", "g": r"g([2-9]|[1-9]\d)?", "e": "e", "m": "m"}
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Effect(StrEnum):
    """How matching rows combine, spelt as Casbin spells it. A policy without any `p` row refuses under each."""

    ALLOW_OVERRIDE = "some(where (p.eft == allow))"
    ALLOW_AND_DENY = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
    DENY_OVERRIDE = "!some(where (p.eft == deny))"
    PRIORITY = "priority(p.eft) || deny"
    SUBJECT_PRIORITY = "subjectPriority(p.eft) || deny"

    @property
    def ordered(self) -> bool:
        """Whether the first of the rows that match decides alone."""
        return self in (Effect.PRIORITY, Effect.SUBJECT_PRIORITY)


@dataclass(frozen=True, slots=True)
class Model:
    """A Casbin model. `roles` maps each role definition (`g`, `g2`) to its number of fields, 2 or 3.

    `joint` is what the matcher comes to where it only joins; `places` says where the text of each definition (`r`,
    `m`, `g2`) begins.
    """

    request: tuple[str, ...]
    policy: tuple[str, ...]
    roles: Mapping[str, int]
    effect: Effect
    matcher: Matcher
    joint: Joint | None
    text: str
    places: Mapping[str, Position] = field(compare=False)

    @property
    def widths(self) -> dict[str, int]:
        """The row types of this model with the number of fields of each."""
        return {"p": len(self.policy), **self.roles}

    @property
    def effect_column(self) -> int | None:
        """Where a `p` row says `allow` or `deny`; None: every row allows."""
        return self.policy.index("eft") if "eft" in self.policy else None

    @property
    def priority_column(self) -> int | None:
        """Where a `p` row says how early it comes; None: rows come in the order in which they are written."""
        return self.policy.index("priority") if "priority" in self.policy else None


class Definition:
    """The text to the right of `=`, which may run over several lines, and where each part of it stands."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self._parts: list[tuple[int, int, int]] = []

    def extend(self, text: str, line: int, column: int) -> None:
        """Add the part of the text that stands at this line and column."""
        self._parts.append((len(self.text), line, column))
        self.text += text

    def at(self, offset: int) -> Position:
        """The place in the file of the character at this offset of the text."""
        start, line, column = next(part for part in reversed(self._parts) if part[0] <= offset)
        return Position(self.file, line, column + offset - start)


def parse(file: str, text: str) -> tuple[Model | None, list[Finding]]:
    """Read a model; None with at least one error where it does not hold."""
    found = hidden(file, text)
    if found:
        return None, found
    definitions = _definitions(file, text, found)
    if not found:
        found += [
            finding("model-incomplete", Position(file), f"no `{key} = ...`", f"define it under [{section}]")
            for section, key in SECTIONS.items()
            if key not in definitions and key != "g"
        ]
    if found:
        return None, found
    request, policy = (_fields(definitions[key], found) for key in "rp")
    roles = {key: _arity(value, found) for key, value in definitions.items() if key[0] == "g"}
    found += _gaps(definitions)
    effect = _effect(definitions["e"], found)
    if "eft" in policy and policy.index("eft") != len(policy) - 1:
        at = definitions["p"].at(0)
        found.append(finding("model-syntax", at, "`eft` is not the last field of `p`", "move it to the end"))
    if found or effect is None:
        return None, found
    matched = matcher.parse(definitions["m"].text, definitions["m"].at, request, policy, roles, found)
    if matched is None:
        return None, found
    places = {key: definition.at(0) for key, definition in definitions.items()}
    model = Model(request, policy, roles, effect, matched, arrange(matched), text, places)
    if effect is Effect.SUBJECT_PRIORITY and not _by_subject(model):
        found.append(finding("effect-unsupported", places["e"], f"effect `{effect}` with this matcher", _BY_SUBJECT))
    return (None if found else model), found


_BY_SUBJECT = "begin `p` with `sub`, match it by `g(r.sub, p.sub)` and nothing else, with a domain by `p.dom`"


def _by_subject(model: Model) -> bool:
    """Whether the rows that match one request are of one chain of subjects, so that the nearest comes first.

    Casbin finds the subject in the first field of a row and the domain in `dom`; a matcher under which a row of
    another chain could match would leave open which comes first.
    """
    if model.policy[0] != "sub" or model.priority_column is not None or len(model.matcher.alternatives) != 1:
        return False
    [terms] = model.matcher.alternatives
    linked = [term for term in terms if isinstance(term, Linked) and term.role == "g"]
    if len(linked) != 1 or linked[0].upper != Written(0) or not isinstance(linked[0].lower, Asked):
        return False
    domain = linked[0].domain
    if domain is None:
        return True
    written = Written(model.policy.index("dom")) if "dom" in model.policy else None
    return written is not None and (domain == written or Compared(domain, "==", written) in terms)


def _definitions(file: str, text: str, found: list[Finding]) -> dict[str, Definition]:
    """Every `key = value` of the file, by key."""
    definitions: dict[str, Definition] = {}
    letter = ""
    unfinished: Definition | None = None
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        at = Position(file, number, len(line) - len(line.lstrip()) + 1)
        if not bare or bare[0] in "#;":
            unfinished = None
        elif "#" in bare:
            at = Position(file, number, line.index("#") + 1)
            found.append(
                finding("inline-comment", at, "`#` behind a definition", "put the comment on a line of its own")
            )
        elif unfinished is not None:
            unfinished = _extend(unfinished, bare, number, at.column)
        elif bare[0] == "[" or bare in SECTIONS:
            name = bare.strip("[] \t")
            letter = SECTIONS.get(name, "?")
            if letter == "?" or bare != f"[{name}]":
                known = ", ".join(f"[{section}]" for section in SECTIONS)
                found.append(finding("section-unknown", at, f"section `{bare}`", f"write one of {known}"))
        else:
            unfinished = _define(line, number, at, letter, definitions, found)
    return definitions


def _define(
    line: str,
    number: int,
    at: Position,
    letter: str,
    definitions: dict[str, Definition],
    found: list[Finding],
) -> Definition | None:
    """Take up one `key = value`; returns the definition when its text goes on in the next line."""
    key, equals, value = line.partition("=")
    key = key.strip()
    if letter == "?":
        return None
    if not equals or not value.strip() or not letter:
        mend = "write `name = value` below a section" if letter else "begin with [request_definition]"
        found.append(finding("model-syntax", at, f"`{line.strip()}`", mend))
        return None
    if not re.fullmatch(_KEY[letter], key):
        home = [section for section in SECTIONS if re.fullmatch(_KEY[SECTIONS[section]], key)]
        mend = f"write `{letter} = ...`; further definitions are supported for roles only (`g2`)"
        mend = f"write it under [{home[0]}]" if home else mend
        found.append(finding("model-syntax", at, f"definition `{key}`", mend))
        return None
    if key in definitions:
        found.append(finding("model-syntax", at, f"`{key}` is defined twice", "take one of the two out"))
        return None
    definitions[key] = Definition(at.file)
    column = len(line) - len(value.lstrip()) + 1
    return _extend(definitions[key], value.strip(), number, column)


def _extend(definition: Definition, part: str, line: int, column: int) -> Definition | None:
    goes_on = part.endswith("\\")
    definition.extend(part[:-1].rstrip() + " " if goes_on else part, line, column)
    return definition if goes_on else None


def _fields(definition: Definition, found: list[Finding]) -> tuple[str, ...]:
    """The names of `r = a, b` or `p = a, b`."""
    names: list[str] = []
    offset = 0
    for part in definition.text.split(","):
        name = part.strip()
        at = definition.at(offset + len(part) - len(part.lstrip()))
        if not _FIELD.match(name) or name in names:
            mend = "use each name once, of letters, digits and `_`"
            found.append(finding("model-syntax", at, f"field `{name}`" if name else "an empty field", mend))
        names.append(name)
        offset += len(part) + 1
    return tuple(names)


def _arity(definition: Definition, found: list[Finding]) -> int:
    """The number of fields of `g = _, _` or `g = _, _, _`."""
    places = [place.strip() for place in definition.text.split(",")]
    if places not in (["_"] * 2, ["_"] * 3):
        mend = "write `_, _` or, with a domain, `_, _, _`"
        found.append(finding("model-syntax", definition.at(0), f"role definition `{definition.text}`", mend))
    return len(places)


def _gaps(definitions: Mapping[str, Definition]) -> list[Finding]:
    """`g`, `g2`, `g3` ... without one left out: Casbin reads no further than the first that is missing."""
    keys = sorted((key for key in definitions if key[0] == "g"), key=lambda key: int(key[1:] or 1))
    for number, key in enumerate(keys, 1):
        expected = "g" if number == 1 else f"g{number}"
        if key != expected:
            text = f"role definition `{key}` without `{expected}`"
            return [finding("model-syntax", definitions[key].at(0), text, f"call it `{expected}`")]
    return []


def _effect(definition: Definition, found: list[Finding]) -> Effect | None:
    try:
        return Effect(re.sub(r"\bp_eft\b", "p.eft", definition.text))  # either spelling is Casbin's
    except ValueError:
        known = " or ".join(f"`{effect}`" for effect in Effect)
        found.append(
            finding("effect-unsupported", definition.at(0), f"effect `{definition.text}`", f"supported: {known}")
        )
        return None
