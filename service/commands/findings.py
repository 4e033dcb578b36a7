"""Findings as three readers want them: a person at a terminal, a program, and a code host beside the changed line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from service.commands import present
from service.policy.bundle import Bundle
from service.values import Finding, Severity

MOST_ALIKE = 20
"""Findings of one rule that a person is shown: who has more, mends a few and looks again."""

_BEFORE, _AROUND = 60, 110
"""Of a long source line: characters shown before the place, and in all."""

CASE_FAILED = "case-failed"


def human(console: Console, findings: Sequence[Finding], root: Path, files: Mapping[str, bytes]) -> None:
    """Each finding with its place, its line with a sign under the place, and what to write instead."""
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.rule] += 1
        if shown[finding.rule] > MOST_ALIKE:
            continue
        severity = finding.severity.value
        present.say(
            console,
            Text.assemble(
                (present.visible(present.place(root, finding.position)), "bold"),
                "  ",
                (severity, present.STYLES[severity]),
                f"  {finding.rule}",
            ),
            present.below(finding.found),
            *_source(finding, files),
        )
        # A failed case says why it matters; what to write instead, only its author knows.
        present.advise(console, finding.mend, "why" if finding.rule == CASE_FAILED else "try")
        present.say(console, "")
    for rule, number in shown.items():
        if number > MOST_ALIKE:
            mend = "`--format json` lists them all"
            present.say(console, f"and {number - MOST_ALIKE:,} more of `{rule}`; {mend}", "")


def _source(finding: Finding, files: Mapping[str, bytes]) -> list[Text]:
    """The line that is meant, and below it a sign under the place; nothing where the file as a whole is meant."""
    position = finding.position
    if not position.line or position.file not in files:
        return []
    lines = files[position.file].split(b"\n", position.line)
    line = lines[position.line - 1].decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")
    at = max(position.column - 1, 0)
    start = max(at - _BEFORE, 0) if len(line) > _AROUND else 0
    text = present.visible(line[start : start + _AROUND])
    margin = f"  {position.line} | "
    below = " " * (len(margin) - 2) + "| " + " " * cell_len(text[: at - start])
    source = Text.assemble((margin, "dim"), text, no_wrap=True, overflow="ellipsis")
    sign = Text.assemble((below[: len(margin)], "dim"), below[len(margin) :], ("^", present.STYLES[finding.severity]))
    sign.no_wrap = True
    return [source, sign]


def data(findings: Sequence[Finding], root: Path) -> list[dict[str, object]]:
    """The findings for a program. The names here never change their meaning."""
    return [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "file": present.path(root / finding.position.file),
            "line": finding.position.line,
            "column": finding.position.column,
            "found": finding.found,
            "mend": finding.mend,
        }
        for finding in findings
    ]


def github(findings: Sequence[Finding], root: Path) -> list[str]:
    """Workflow commands, which GitHub and those who do as it does show as annotations on a pull request."""
    return [_annotation(finding, root) for finding in findings]


def _annotation(finding: Finding, root: Path) -> str:
    position = finding.position
    fields = {"file": present.path(root / position.file)}
    if position.line:
        fields |= {"line": str(position.line), "col": str(max(position.column, 1))}
    fields["title"] = finding.rule
    text = f"{finding.found}\n{finding.mend}" if finding.mend else finding.found
    listed = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{finding.severity.value} {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Escaped as in the runner's own toolkit: `%` first, as it is what the others become."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def weighed(findings: Sequence[Finding]) -> Counter[str]:
    """How many errors, warnings and notices there are."""
    return Counter(finding.severity.value for finding in findings)


def numbers(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`; `no findings` where there are none."""
    weights = weighed(findings)
    return ", ".join(present.count(weights[each], each) for each in Severity if weights[each]) or "no findings"


def extent(files: Mapping[str, bytes], bundle: Bundle | None) -> dict[str, int]:
    """How much was looked at: files, rows and cases. Of a folder that cannot be read as a whole, the files."""
    read = sum(not name.endswith(".md") for name in files)
    if bundle is None:
        return {"files": read, "rows": 0, "cases": 0}
    if bundle.bare is not None:
        return {"files": read, "rows": len(bundle.bare.rows.rows), "cases": len(bundle.bare.cases)}
    held = (bundle.shared, bundle.templates, *(file for world in bundle.worlds for file in world.files))
    return {"files": read, "rows": sum(len(file.rows) for file in held), "cases": len(bundle.cases)}


def looked(files: Mapping[str, bytes], bundle: Bundle | None) -> str:
    """`15 files, 103 rows and 44 cases`."""
    return present.series([present.count(number, noun[:-1]) for noun, number in extent(files, bundle).items()])
