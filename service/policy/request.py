"""How the fields of an AuthZEN request become the model's request (`r`): `request.yaml`.

The request side is typed: a subject of type `user` becomes `user:<id>`, so that neither the name of a role nor that
of a level can be asked for as if it were a user or an action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.policy.plain import Malformed, Node, parse
from service.values import USER_PREFIX, Finding, Question, Reason, Request

Part = Literal["subject", "resource", "action"]
"""What a search looks for."""

_ENTITIES = {"subject.id": "type of the subject", "resource.id": "type of the resource"}


_Taking = Callable[[Question], object]
"""Takes the value of a field out of a question, whatever it is."""

_SOURCES: dict[str, _Taking] = {
    "subject.id": lambda question: question.subject_id,
    "resource.id": lambda question: question.resource_id,
    "action.name": lambda question: question.action,
}


def _taking(source: str) -> _Taking:
    name = source.removeprefix("context.")
    return _SOURCES.get(source) or (lambda question: question.context.get(name))


@dataclass(frozen=True, slots=True)
class Field:
    """Where one field of the model's request comes from: `source` is a path such as `subject.id`."""

    name: str
    source: str
    type: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class RequestMap:
    """The fields in the model's order, and the types that subject and resource must have."""

    fields: tuple[Field, ...]
    subject_type: str
    resource_type: str
    _steps: tuple[tuple[_Taking, str, Reason], ...] = field(init=False, repr=False, compare=False)
    _practice: _Taking = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what is done for every question."""
        steps = [
            (_taking(each.source), each.prefix, _MISSING.get(each.name, Reason.UNKNOWN_TYPE)) for each in self.fields
        ]
        [practice] = [_taking(each.source) for each in self.fields if each.name == "practice"]
        object.__setattr__(self, "_steps", tuple(steps))
        object.__setattr__(self, "_practice", practice)

    def read(self, question: Question) -> Request | Reason:
        """The model's request, or the reason for which there is none (a refusal like any other)."""
        if question.subject_type != self.subject_type or question.resource_type != self.resource_type:
            return Reason.UNKNOWN_TYPE
        values = []
        for take, prefix, missing in self._steps:
            value = take(question)
            if not isinstance(value, str) or not value:
                return missing
            values.append(prefix + value)
        return tuple(values)

    def filled(self, question: Question, part: Part) -> Question:
        """The question with some name in its gap, so that it can be read like any other."""
        return _NAMED[part][1](question)

    def each(self, question: Question, part: Part, names: Iterable[str]) -> list[tuple[str, Request]] | Reason:
        """The request for each of these names in place of the subject's or resource's id, or of the action's name.

        A search asks the engine each of them. As `read`, it gives a reason where there is no request.
        """
        source, _ = _NAMED[part]
        request = self.read(self.filled(question, part))
        if isinstance(request, Reason):
            return request
        column = next((at for at, field in enumerate(self.fields) if field.source == source), None)
        if column is None:  # the policy does not look at it
            return [(name, request) for name in names]
        before, prefix, after = request[:column], self.fields[column].prefix, request[column + 1 :]
        return [(name, (*before, prefix + name, *after)) for name in names]

    def practice(self, question: Question) -> str:
        """The practice that is asked about; empty where the request names none."""
        value = self._practice(question)
        return value if isinstance(value, str) else ""

    def asking(self, **asked: str) -> Question:
        """What an EHR would have to send to ask this: a value for each field of the model's request, by name."""
        sent = {field.source: asked[field.name] for field in self.fields}
        context = {name.removeprefix("context."): value for name, value in sent.items() if name.startswith("context.")}
        return Question(
            subject_type=self.subject_type,
            subject_id=sent["subject.id"],
            action=sent.get("action.name", ""),
            resource_type=self.resource_type,
            resource_id=sent["resource.id"],
            context=context,
        )


_ANY = "any"
"""Stands where a search puts one name after the other."""

_NAMED: dict[Part, tuple[str, Callable[[Question], Question]]] = {
    "subject": ("subject.id", lambda question: question._replace(subject_id=_ANY)),
    "resource": ("resource.id", lambda question: question._replace(resource_id=_ANY)),
    "action": ("action.name", lambda question: question._replace(action=_ANY)),
}


# An empty name is a name that nobody has.
_MISSING = {
    "user": Reason.UNKNOWN_USER,
    "practice": Reason.PRACTICE_MISSING,
    "screen": Reason.UNKNOWN_SCREEN,
    "action": Reason.UNKNOWN_ACTION,
}


def read(file: str, text: str, request: tuple[str, ...]) -> tuple[RequestMap | None, list[Finding]]:
    """Read `request.yaml` for a model with these request fields; None with a finding where it does not hold."""
    node, found = parse(file, text)
    if node is None:
        return None, found
    try:
        entries = node.fields(*request)
        fields = tuple(_field(name, entries[name]) for name in request)
        for field in fields:
            if [other.source for other in fields].count(field.source) > 1:
                mend = "each field is read from a place of its own"
                raise Malformed(entries[field.name].named, f"`{field.source}` is read twice", mend)
        types = {field.source: field.type for field in fields if field.type}
        for source, what in _ENTITIES.items():
            if source not in types:
                at = next((entries[each.name].named for each in fields if each.source == source), node.named)
                raise Malformed(at, f"no {what}", f"write `{{from: {source}, type: ...}}`")
        return RequestMap(fields, types["subject.id"], types["resource.id"]), found
    except Malformed as malformed:
        return None, [malformed.finding]


def _field(name: str, node: Node) -> Field:
    entry = node.fields("from", optional=("type", "prefix"))
    source = entry["from"].text()
    if source not in _SOURCES and not (source.startswith("context.") and source.count(".") == 1 and source[8:]):
        known = ", ".join(f"`{known}`" for known in (*_SOURCES, "context.<name>"))
        raise Malformed(entry["from"].position, f"source `{source}`", f"write one of {known}")
    texts: Mapping[str, str] = {key: value.text() for key, value in entry.items()}
    if "type" in entry and source not in _ENTITIES:
        raise Malformed(entry["type"].named, f"a type beside `{source}`, which has none", "take it out")
    # INVARIANT: a user is asked about as `user:<id>`, so that nobody can ask in the name of a role.
    prefix = USER_PREFIX if name == "user" else ""
    if texts.get("prefix", "") != prefix:
        at = entry["prefix"].named if "prefix" in entry else node.named
        mend = f'write `prefix: "{prefix}"`' if prefix else "take it out"
        raise Malformed(at, f"`{name}` with prefix `{texts.get('prefix', '')}`", mend)
    return Field(name, source, texts.get("type", ""), texts.get("prefix", ""))
