"""The rules that a policy is held to, each with its id, its weight and one line of what it guards.

The ids are stable: they stand in the reference (one page each), in `rolewarden check --format json` and in
annotations on pull requests. A finding can only be made for a rule that stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from service.values import Finding, Position, Severity


class Rule(NamedTuple):
    """What a rule guards, in one line, and how much a breach of it weighs."""

    severity: Severity
    title: str


_LONGEST = 600
"""Characters of a message: a field of a broken file may have millions."""

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTICE

RULES: Final[dict[str, Rule]] = {
    # files as text
    "file-missing": Rule(_E, "a file that every policy folder has is not there"),
    "file-unknown": Rule(_E, "a file stands in the folder that nothing reads, or its name cannot be shown"),
    "not-utf8": Rule(_E, "a file is not UTF-8 text"),
    "byte-order-mark": Rule(_E, "a byte order mark makes other Casbins drop the first row"),
    "hidden-character": Rule(_E, "a control character, line break or invisible character stands in a name"),
    # model.conf
    "section-unknown": Rule(_E, "a section that no Casbin model has"),
    "model-incomplete": Rule(_E, "the model lacks a section or a definition"),
    "model-syntax": Rule(_E, "a line of the model is not `name = value`, or stands twice"),
    "model-vocabulary": Rule(_E, "the model does not speak of user, practice, screen, action, role and level"),
    "matcher-unsupported": Rule(_E, "the matcher uses something that cannot be compiled exactly"),
    "effect-unsupported": Rule(_E, "the effect cannot be compiled exactly"),
    "pattern-unsupported": Rule(_E, "a pattern that cannot be compiled exactly"),
    # rows as text
    "row-type-unknown": Rule(_E, "a row of a type that the model does not define"),
    "row-length": Rule(_E, "a row has too many or too few fields"),
    "field-empty": Rule(_E, "a field of a row is empty"),
    "name-blank": Rule(_E, "a name begins or ends with a blank"),
    "name-too-long": Rule(_E, "a name is longer than the store holds"),
    "inline-comment": Rule(_E, "a comment behind a row would become part of its last field"),
    "quote-open": Rule(_E, "a quote is left open, or text follows a closed one"),
    "bracket-open": Rule(_E, "brackets that other Casbins would read otherwise"),
    "effect-spelling": Rule(_E, "the effect of a row is not exactly `allow` or `deny`"),
    "priority-number": Rule(_E, "the priority of a row is no whole number"),
    "row-duplicate": Rule(_E, "the same row stands twice"),
    # rows as meaning
    "row-home": Rule(_E, "a row stands in a file where rows of its kind do not belong"),
    "grant-to-user": Rule(_E, "a level is granted to a user directly, not to a role"),
    "prefix-missing": Rule(_E, "a name lacks its `user:` or `role:` prefix"),
    "user-as-role": Rule(_E, "a user stands where a role belongs, or a name has a second prefix"),
    "screen-unknown": Rule(_E, "a row names a screen that is not declared"),
    "level-unknown": Rule(_E, "a row names a level that is not declared for the screen"),
    "action-unknown": Rule(_E, "an action stands in only one of catalog and screens"),
    "role-cycle": Rule(_E, "roles or levels contain each other in a circle"),
    "role-depth": Rule(_E, "a chain of roles or levels has more than nine links"),
    "subject-twice": Rule(_E, "under subjectPriority, a subject is in two roles of which neither is nearer"),
    "user-unknown": Rule(_E, "a row names a user that the directory beside it does not have"),
    "practice-unknown": Rule(_E, "a row names a practice that the directory beside it does not have"),
    "practice-twice": Rule(_E, "a practice stands in two folders"),
    # catalog, request, directory, cases
    "yaml-syntax": Rule(_E, "a YAML file is not the plain YAML that we read"),
    "yaml-shape": Rule(_E, "an entry of a YAML file is missing, misspelt or of the wrong kind"),
    "catalog-missing": Rule(_E, "a screen has rows and no catalog entry"),
    "catalog-orphan": Rule(_E, "a catalog entry has no rows"),
    "case-failed": Rule(_E, "a case is not decided as it says"),
    # worth a look
    "queue-only": Rule(_W, "a role opens a queue whose items it can neither open nor answer"),
    "separation": Rule(_W, "somebody may do two things that the policy keeps apart"),
    "allowed-by-default": Rule(_W, "an effect allows everybody whatever no row denies"),
    "action-ungranted": Rule(_W, "an action that no level of its screen grants"),
    "level-acts-as": Rule(_N, "a role holds a level that acts as another on this screen"),
    "role-empty": Rule(_N, "a role that nobody is in"),
}


def finding(rule: str, position: Position, found: str, mend: str = "") -> Finding:
    """A finding of a rule that exists; KeyError (a bug of ours) for one that does not.

    What was found may be anything that somebody typed: it is kept to one line that can be shown.
    """
    return Finding(rule, RULES[rule].severity, position, _shown(found), _shown(mend))


def _shown(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    if text.isprintable():
        return text
    # The joiners are part of names in Persian and Indic scripts.
    return "".join(sign if sign.isprintable() or sign in "\u200c\u200d" else f"U+{ord(sign):04X}" for sign in text)


def listed(names: Iterable[str]) -> str:
    """Names for a message, each as it is typed."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def errors(findings: list[Finding]) -> list[Finding]:
    """Only the findings that keep a policy from being published."""
    return [f for f in findings if f.severity is Severity.ERROR]
