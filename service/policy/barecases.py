"""Cases of a folder without practices: who may do what to what by the folder's own rows.

- case: An archived record is changed by administrators alone
  why: What is archived is evidence
  may:
    - {ask: "bob, write, record-2", subject: {role: admin}, resource: {status: archived}}
  may_not:
    - alice, write, record-2
    - unknown_subject: zed, read, record-1
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.policy.baremap import ANY_TYPE, BareMap
from service.policy.entities import scalar
from service.policy.findings import finding
from service.policy.plain import Malformed, Node, parse
from service.values import NOTHING, Finding, Position, Question, Reason

JUDGED = (
    Reason.NO_RULE,
    Reason.UNKNOWN_SUBJECT,
    Reason.UNKNOWN_RESOURCE,
    Reason.UNKNOWN_ACTION,
    Reason.UNKNOWN_TYPE,
)
"""The reasons that may stand under `may_not`; a bare line there means the first."""

_DETAILS = ("subject", "action", "resource", "context", "types")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line under `may` or `may_not`: what is asked, and the reason that its decision must have."""

    question: Question
    reason: Reason
    position: Position


@dataclass(frozen=True, slots=True)
class BareCase:
    """One case."""

    name: str
    why: str
    expected: tuple[Expectation, ...]
    position: Position


def judge(case: BareCase, ask: Callable[[Question], Reason]) -> list[Finding]:
    """Every expectation of the case that does not hold."""
    found = []
    for expected in case.expected:
        reason, question = ask(expected.question), expected.question
        if reason is not expected.reason:
            asked = f"{question.subject_id}, {question.action}, {question.resource_id}"
            said, wanted = ("allowed" if r is Reason.ALLOWED else f"refused ({r})" for r in (reason, expected.reason))
            text = f"`{case.name}`: `{asked}` is {said}, not {wanted}"
            found.append(finding("case-failed", expected.position, text, case.why))
    return found


def read(file: str, text: str, request_map: BareMap) -> tuple[list[BareCase], list[Finding]]:
    """Read one file of cases. A case that cannot be read is a finding."""
    node, found = parse(file, text)
    cases: list[BareCase] = []
    try:
        entries = node.items() if node is not None else []
    except Malformed as malformed:
        return cases, [malformed.finding]
    for entry in entries:
        try:
            cases.append(_case(entry, request_map))
        except Malformed as malformed:
            found.append(malformed.finding)
    return cases, found


def _case(node: Node, request_map: BareMap) -> BareCase:
    entry = node.fields("case", "why", optional=("may", "may_not"))
    expected = [_expect(line, Reason.ALLOWED, request_map) for line in _lines(entry, "may")]
    for line in _lines(entry, "may_not"):
        known = {reason.value: reason for reason in JUDGED}
        if isinstance(line.value, dict) and "ask" not in line.value:
            for name, asked in line.value.items():
                if name not in known:
                    mend = "write one of " + ", ".join(f"`{reason}`" for reason in known)
                    raise Malformed(asked.named, f"reason `{name}`", mend)
                expected.append(_expect(asked, known[name], request_map))
        else:
            expected.append(_expect(line, Reason.NO_RULE, request_map))
    if not expected:
        raise Malformed(node.position, "a case that asks nothing", "add `may` or `may_not`")
    return BareCase(entry["case"].text(), entry["why"].text(), tuple(expected), node.position)


def _lines(entry: Mapping[str, Node], name: str) -> list[Node]:
    return entry[name].items() if name in entry else []


def _expect(node: Node, reason: Reason, request_map: BareMap) -> Expectation:
    """A line `subject, action, resource`, or the same under `ask` with what is sent beside it."""
    asked, sent = node, dict[str, Node]()
    if isinstance(node.value, dict):
        sent = node.fields("ask", optional=_DETAILS)
        asked = sent.pop("ask")
    subject, action, resource = _names(asked)
    kinds = sent.pop("types").fields(optional=("subject", "resource")) if "types" in sent else {}
    values = {part: {name: scalar(each) for name, each in given.mapping().items()} for part, given in sent.items()}
    question = Question(
        subject_type=kinds["subject"].name() if "subject" in kinds else request_map.subject_type or ANY_TYPE,
        subject_id=subject,
        action=action,
        resource_type=kinds["resource"].name() if "resource" in kinds else request_map.resource_type or ANY_TYPE,
        resource_id=resource,
        context=values.get("context", NOTHING),
        subject_properties=values.get("subject", NOTHING),
        resource_properties=values.get("resource", NOTHING),
        action_properties=values.get("action", NOTHING),
    )
    return Expectation(question, reason, asked.position)


def _names(node: Node) -> tuple[str, str, str]:
    """The three names, in one line or as a list; a list may hold names with commas."""
    if isinstance(node.value, list):
        parts = [each.text() for each in node.value]
    else:
        parts = [part.strip() for part in node.text().split(",")]
    match parts:
        case [subject, action, resource] if all(parts):
            return subject, action, resource
    raise Malformed(node.position, "names that are not three", "write `subject, action, resource`")
