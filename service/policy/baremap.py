"""How an AuthZEN request becomes the request of a model without practices: `request.yaml` of such a folder.

    sub: {from: subject.id, type: user}
    obj: {from: resource.id, type: record}
    act: {from: action.name}

Behind the fields come the attributes that the matcher reads. One that was sent wins, whatever it is; else the one
that is stored. What is missing is missing: no comparison holds for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from service.policy.entities import Attributes, Entities
from service.policy.expression import Value
from service.policy.matcher import Attribute
from service.policy.plain import Malformed, Node, parse
from service.policy.request import Field, Part
from service.values import NOTHING, Finding, Question, Reason

LONGEST_VALUE = 1024
"""Characters of a value that a policy is asked about: time to match a pattern grows with them."""

ANY_TYPE = "any"
"""What is asked with where the policy does not look at the type."""

ANY_NAME = "any"
"""What stands in the gap of a search where the policy does not say which names there are."""

Asking = tuple[Value, ...]

_PARTS: Mapping[str, Part] = {"subject.id": "subject", "resource.id": "resource", "action.name": "action"}
_SOURCE = re.compile(
    r"subject\.(id|type)|resource\.(id|type)|action\.name|(subject|resource|action)\.properties\.[^.]+|context\.[^.]+"
)
_UNKNOWN = {
    "subject": Reason.UNKNOWN_SUBJECT,
    "resource": Reason.UNKNOWN_RESOURCE,
    "action": Reason.UNKNOWN_ACTION,
}


class _TooLong(Exception):
    """A value is longer than a policy may be asked about."""


@dataclass(frozen=True, slots=True)
class BareMap:
    """The fields in the model's order, the attributes behind them, and what is known of whom.

    A type that is empty is any.
    """

    fields: tuple[Field, ...]
    attributes: tuple[Attribute, ...]
    entities: Entities
    subject_type: str
    resource_type: str

    def read(self, question: Question) -> Asking | Reason:
        """The model's request, or the reason for which there is none (a refusal like any other)."""
        if self.subject_type not in ("", question.subject_type) or self.resource_type not in (
            "",
            question.resource_type,
        ):
            return Reason.UNKNOWN_TYPE
        for field in self.fields:
            part = _PARTS.get(field.source)
            if part is not None and not self._known(part, question):
                return _UNKNOWN[part]
        try:
            named = [_prefixed(field, _scalar(_value(field.source, question))) for field in self.fields]
            return (*named, *(_scalar(self._attribute(each, question)) for each in self.attributes))
        except _TooLong:
            return Reason.VALUE_TOO_LONG

    def _known(self, part: Part, question: Question) -> bool:
        """Whether somebody of that name exists. Nobody has an empty name."""
        name, known = _name(part, question), self.listed(part)
        return name != "" and (known is None or name in known)

    def listed(self, part: Part) -> Mapping[str, Attributes] | None:
        """All that may be named there, with what is stored; None where the policy does not say."""
        if part == "action":
            return self.entities.actions
        kind = self.subject_type if part == "subject" else self.resource_type
        return self.entities.ids(kind) if kind else None

    def _attribute(self, attribute: Attribute, question: Question) -> object:
        column, name = attribute
        part = _PARTS[self.fields[column].source]
        sent = _properties(part, question)
        return sent[name] if name in sent else self._stored(part, question).get(name)

    def _stored(self, part: Part, question: Question) -> Attributes:
        if part == "action":
            return (self.entities.actions or {}).get(question.action, {})
        kind = question.subject_type if part == "subject" else question.resource_type
        return self.entities.attributes(kind, _name(part, question))

    def filled(self, question: Question, part: Part) -> Question:
        """The question with some name in its gap: one that is known, as far as the policy says who is."""
        known = self.listed(part)
        return _renamed(part, question, ANY_NAME if known is None else next(iter(known), ""))

    def each(self, question: Question, part: Part, names: Iterable[str]) -> list[tuple[str, Asking]] | Reason:
        """The request for each of these known names in place of the subject's or resource's id, or the action's name.

        A search asks the rulebook each of them. As `read`, it gives a reason where there is no request.
        """
        known, every = self.listed(part), list(names)
        if not every:
            return []
        base = self.read(_renamed(part, question, every[0]))
        if isinstance(base, Reason):
            return base
        sent, width = _properties(part, question), len(self.fields)
        columns = [(at, field.prefix) for at, field in enumerate(self.fields) if _PARTS.get(field.source) == part]
        owned = {column for column, _ in columns}
        stored = [(width + at, name) for at, (column, name) in enumerate(self.attributes) if column in owned]
        stored = [(at, name) for at, name in stored if name not in sent]
        found = []
        for name in every:
            if known is not None and name in known:
                values = list(base)
                for at, prefix in columns:
                    values[at] = prefix + name
                for at, attribute in stored:
                    values[at] = known[name].get(attribute)
                found.append((name, tuple(values)))
        return found

    def asking(self, *, user: str, practice: str, screen: str, action: str) -> Question:  # noqa: ARG002
        """What a caller would have to send to ask this; as `RequestMap.asking`, of a subject and a resource."""
        return Question(
            subject_type=self.subject_type or ANY_TYPE,
            subject_id=user,
            action=action,
            resource_type=self.resource_type or ANY_TYPE,
            resource_id=screen,
            context=NOTHING,
        )

    def practice(self, question: Question) -> str:  # noqa: ARG002 - as `RequestMap.practice`
        """None: there are no practices."""
        return ""


def _name(part: Part, question: Question) -> str:
    return {"subject": question.subject_id, "resource": question.resource_id, "action": question.action}[part]


def _properties(part: Part, question: Question) -> Mapping[str, object]:
    if part == "subject":
        return question.subject_properties
    return question.resource_properties if part == "resource" else question.action_properties


def _renamed(part: Part, question: Question, name: str) -> Question:
    if part == "subject":
        return question._replace(subject_id=name)
    return question._replace(resource_id=name) if part == "resource" else question._replace(action=name)


def _value(source: str, question: Question) -> object:
    """What stands at a source such as `subject.id`, `resource.properties.level` or `context.ip`."""
    if source in _PLAIN:
        return _PLAIN[source](question)
    owner, _, name = source.partition(".")
    if owner == "context":
        return question.context.get(name)
    name = name.removeprefix("properties.")
    return {
        "subject": question.subject_properties,
        "resource": question.resource_properties,
        "action": question.action_properties,
    }[owner].get(name)


_PLAIN: Mapping[str, Callable[[Question], str]] = {
    "subject.id": lambda question: question.subject_id,
    "subject.type": lambda question: question.subject_type,
    "resource.id": lambda question: question.resource_id,
    "resource.type": lambda question: question.resource_type,
    "action.name": lambda question: question.action,
}


def _scalar(value: object) -> Value:
    """Text, a number or a truth value; anything else is missing."""
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise _TooLong
        return value
    return value if isinstance(value, bool | int | float) else None


def _prefixed(field: Field, value: Value) -> Value:
    return field.prefix + value if field.prefix and isinstance(value, str) else value


# --- reading it ---


def read(
    file: str, text: str, request: tuple[str, ...], attributes: tuple[Attribute, ...], entities: Entities
) -> tuple[BareMap | None, list[Finding]]:
    """Read `request.yaml` for a model with these request fields; None with a finding where it does not hold."""
    node, found = parse(file, text)
    if node is None:
        return None, found
    try:
        entries = node.fields(*request)
        fields = tuple(_field(name, entries[name]) for name in request)
        for column, attribute in attributes:
            if fields[column].source not in _PARTS:
                known = ", ".join(f"`{source}`" for source in _PARTS)
                what = f"`r.{request[column]}.{attribute}`, an attribute of what is read from `{fields[column].source}`"
                raise Malformed(entries[request[column]].named, what, f"read it from one of {known}")
        kinds = {field.source: field.type for field in fields if field.type}
        return BareMap(fields, attributes, entities, kinds.get("subject.id", ""), kinds.get("resource.id", "")), []
    except Malformed as malformed:
        return None, [malformed.finding]


def _field(name: str, node: Node) -> Field:
    entry = node.fields("from", optional=("type", "prefix"))
    source = entry["from"].text()
    if not _SOURCE.fullmatch(source):
        known = "`subject.id`, `resource.id`, `action.name`, `subject.properties.<name>` or `context.<name>`"
        raise Malformed(entry["from"].position, f"source `{source}`", f"write {known}")
    if "type" in entry and source not in ("subject.id", "resource.id"):
        raise Malformed(entry["type"].named, f"a type beside `{source}`, which has none", "take it out")
    texts = {key: value.text() for key, value in entry.items()}
    return Field(name, source, texts.get("type", ""), texts.get("prefix", ""))
