"""Cases: little worlds of rows, and who may do what in them. The users' own tests of a policy, read from YAML.

A case carries all rows that it needs and never looks at a real practice, so that it says the same today and next year.
What a case means is here; asking the engine is left to whoever runs it (`ask`), so that this module stays a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from service.policy import rows as policy_rows
from service.policy.findings import finding
from service.policy.plain import Malformed, Node, parse
from service.policy.rows import RowFile
from service.values import ROLE_PREFIX, TEMPLATE_PRACTICE, USER_PREFIX, Finding, Position, Reason, Request, Row


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line under `may` or `may_not`: the request and the reason that its decision must have."""

    request: Request
    reason: Reason
    position: Position


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `rows` are the policy rows as written, `people` its practices and users, `templates` the roles made
    from templates as (practice, role)."""

    name: str
    why: str
    rows: RowFile
    people: tuple[Row, ...]
    templates: tuple[tuple[str, str], ...]
    expected: tuple[Expectation, ...]
    position: Position

    def world(self, templates: Iterable[Row]) -> tuple[Row, ...]:
        """All rows of the case's world, those of its templates included."""
        wanted = set(self.templates)
        made = tuple(instance(row, practice) for row in templates for practice, role in wanted if row.fields[0] == role)
        return (*self.people, *self.rows.rows, *made)


def instance(template: Row, practice: str) -> Row:
    """A template's row as it stands in a practice that uses the template."""
    role, _, *rest = template.fields
    return Row(template.kind, (role, practice, *rest))


def judge(case: Case, ask: Callable[[Request], Reason]) -> list[Finding]:
    """Every expectation of the case that does not hold."""
    found = []
    for expected in case.expected:
        reason = ask(expected.request)
        if reason is not expected.reason:
            user, practice, screen, action = expected.request
            asked = f"{practice}, {user.removeprefix(USER_PREFIX)}, {action}, {screen}"
            text = f"`{case.name}`: `{asked}` is {_said(reason)}, not {_said(expected.reason)}"
            found.append(finding("case-failed", expected.position, text, case.why))
    return found


def read(
    file: str, text: str, widths: Mapping[str, int], roles: frozenset[str] | None
) -> tuple[list[Case], list[Finding]]:
    """Read one file of cases; `roles` are the roles that templates define, None where those could not be read.

    A case that cannot be read is a finding.
    """
    node, found = parse(file, text)
    cases: list[Case] = []
    if node is None:
        return cases, found
    try:
        entries = node.items()
    except Malformed as malformed:
        return cases, [malformed.finding]
    for entry in entries:
        try:
            cases.append(_case(file, text, entry, widths, roles, found))
        except Malformed as malformed:
            found.append(malformed.finding)
    return cases, found


def _case(
    file: str, text: str, node: Node, widths: Mapping[str, int], roles: frozenset[str] | None, found: list[Finding]
) -> Case:
    entry = node.fields("case", "why", optional=("rows", "users", "templates", "may", "may_not"))
    rows, problems = _rows(file, text, entry["rows"], widths) if "rows" in entry else (RowFile(file, ""), [])
    found.extend(problems)
    templates = _templates(entry.get("templates"), roles)
    expected = [_expect(line, Reason.ALLOWED) for line in _lines(entry, "may")]
    for line in _lines(entry, "may_not"):
        if isinstance(line.value, dict):
            expected += [_expect(asked, _reason(name, asked)) for name, asked in line.value.items()]
        else:
            expected.append(_expect(line, Reason.NO_LEVEL))
    if not expected:
        raise Malformed(node.position, "a case that asks nothing", "add `may` or `may_not`")
    people = _people(entry.get("users"), rows.rows, templates)
    return Case(entry["case"].text(), entry["why"].text(), rows, people, templates, tuple(expected), node.position)


def _rows(file: str, text: str, node: Node, widths: Mapping[str, int]) -> tuple[RowFile, list[Finding]]:
    """The rows of a `|` block, each at its place in the file that the block stands in."""
    if not node.literal or not isinstance(node.value, str):
        raise Malformed(node.position, "rows that are no `|` block", "write `rows: |` and a row on each line below")
    first = node.position.line
    # A block written `|-` lacks the line break behind its last line, not the line.
    length = node.value.count("\n") + (not node.value.endswith("\n"))
    lines = text.split("\n")[first : first + length]
    return policy_rows.parse(file, "\n" * first + "\n".join(lines), widths)


def _templates(node: Node | None, roles: frozenset[str] | None) -> tuple[tuple[str, str], ...]:
    made = []
    for practice, names in node.mapping().items() if node else ():
        _require_practice(practice, names)
        for name in names.items():
            role = ROLE_PREFIX + name.name()
            if roles is not None and role not in roles:
                raise Malformed(name.position, f"template `{name.name()}`", "name a role of `templates.csv`")
            made.append((practice, role))
    return tuple(made)


def _require_practice(practice: str, node: Node) -> None:
    if practice == TEMPLATE_PRACTICE:
        text = f"`{practice}`, which is the practice of templates"
        raise Malformed(node.named, text, "name a practice", "row-home")


def _people(node: Node | None, rows: list[Row], templates: tuple[tuple[str, str], ...]) -> tuple[Row, ...]:
    """The practices and users of the world: those of its rows, who are active, and those written under `users`."""
    people = {(row.practice, row.fields[0].removeprefix(USER_PREFIX)): "active" for row in rows if _is_user(row)}
    practices = {row.practice for row in rows} | {practice for practice, _ in templates}
    for practice, users in node.mapping().items() if node else ():
        _require_practice(practice, users)
        practices.add(practice)
        for user, state in users.mapping().items():
            require_bare(user, state)
            people[practice, user] = state.choice("active", "inactive")
    practices -= {"", TEMPLATE_PRACTICE}
    return (
        *(Row("practice", (practice, practice)) for practice in sorted(practices)),
        *(Row("user", (practice, user, user, state)) for (practice, user), state in sorted(people.items())),
    )


def require_bare(user: str, node: Node) -> None:
    """The id of a user, as a directory and a case write it, has no prefix; `node` is what stands behind it."""
    if user.startswith((USER_PREFIX, ROLE_PREFIX)):
        raise Malformed(node.named, f"a user with the id `{user}`", "write the id without a prefix", "user-as-role")


def _is_user(row: Row) -> bool:
    return row.kind == "g" and row.fields[0].startswith(USER_PREFIX)


def _lines(entry: Mapping[str, Node], name: str) -> list[Node]:
    return entry[name].items() if name in entry else []


def _expect(node: Node, reason: Reason) -> Expectation:
    parts = [part.strip() for part in node.text().split(",")]
    if len(parts) != len(("practice", "user", "action", "screen")) or "" in parts:
        raise Malformed(node.position, f"`{node.text()}`", "write `practice, user, action, screen`")
    practice, user, action, screen = parts
    return Expectation((USER_PREFIX + user, practice, screen, action), reason, node.position)


def _reason(name: str, node: Node) -> Reason:
    known = [reason for reason in Reason if reason in _JUDGED]
    if name not in known:
        raise Malformed(node.named, f"reason `{name}`", "write one of " + ", ".join(f"`{r}`" for r in known))
    return Reason(name)


_JUDGED = {
    Reason.NO_LEVEL,
    Reason.UNKNOWN_PRACTICE,
    Reason.UNKNOWN_USER,
    Reason.INACTIVE_USER,
    Reason.UNKNOWN_SCREEN,
    Reason.UNKNOWN_ACTION,
}


def _said(reason: Reason) -> str:
    return "allowed" if reason is Reason.ALLOWED else f"refused ({reason.value})"
