"""Rows and their text: Casbin's CSV, read strictly and written canonically.

The rule it keeps: a row is read as Casbin's documentation means it, or it is a finding; no row vanishes and no field
swallows what was meant as something else. What a row *means* (does the screen exist?) is the business of `lint`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from service.policy.findings import finding, listed
from service.values import Finding, Position, Row

LONGEST_NAME = 255
"""Characters in a field: what the columns of Casbin's own SQL adapters hold."""

# Control, invisible, ignorable and bidirectional characters, and blanks that are not the blank. The joiners U+200C and
# U+200D hide something unless they stand behind a letter of a script that needs them: Arabic, Persian, Indic.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200b\u200e\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]|(?<![\u0600-\u0fff\ua800-\ua8ff])[\u200c\u200d]"
)
_SPECIAL = re.compile(r'["#()\[\]\t]')
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class RowFile:
    """The rows of one file with where they stand. `rows` and `lines` (from 1) run in parallel."""

    file: str
    text: str
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    # The text line by line, once somebody asks for a column: most files are never asked.
    _split: list[str] = field(default_factory=list, repr=False, compare=False)

    def position(self, index: int, column: int = -1) -> Position:
        """Where field number `column` of row number `index` begins; -1: the row's type, where the row begins."""
        number = self.lines[index]
        if not self._split:
            self._split.extend(self.text.split("\n"))
        line = self._split[number - 1]
        spans = _scan(line, lambda *_: None)
        return Position(self.file, number, spans[column + 1][1] if column + 1 < len(spans) else len(line))

    def only(self, keep: Callable[[Row], bool]) -> RowFile:
        """The same file without the other rows."""
        kept = [index for index, row in enumerate(self.rows) if keep(row)]
        if len(kept) == len(self.rows):
            return self
        return RowFile(self.file, self.text, [self.rows[at] for at in kept], [self.lines[at] for at in kept])


def parse(file: str, text: str, widths: Mapping[str, int]) -> tuple[RowFile, list[Finding]]:
    """Read the rows of one file; `widths` says how many fields each row type of the model has.

    Comments (`#` at the start of a line) and blank lines are passed over. What cannot be read is a finding and no
    row. Costs about two microseconds a row where nothing is quoted.
    """
    found: list[Finding] = []
    rows: list[Row] = []
    lines: list[int] = []
    suspicious = HIDDEN.search(text.replace("\r\n", "\n")) is not None
    special = _SPECIAL.search
    names: dict[str, str] = {}
    same = names.setdefault
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] == "#":
            if suspicious:
                # An editor may show what follows a lone carriage return as a line of its own.
                found += _hidden(file, number, line)
            continue
        careful = suspicious or special(bare) is not None
        if careful:
            values = _strict_fields(file, number, line.removesuffix("\r"), found)
            if values is None:
                continue
        else:
            values = [part.strip() for part in bare.split(",")]
        kind = values[0]
        width = widths.get(kind)
        odd = careful or width is None or len(values) != width + 1 or "" in values or len(line) > LONGEST_NAME
        if odd and not _well_formed(file, number, line, values, widths, found):
            continue
        rows.append(Row(same(kind, kind), tuple([same(value, value) for value in values[1:]])))
        lines.append(number)
    return RowFile(file, text, rows, lines), found


def hidden(file: str, text: str) -> list[Finding]:
    """Every line of a text that has a character by which a reviewer sees something else than what is read."""
    if HIDDEN.search(text.replace("\r\n", "\n")) is None:
        return []
    lines = enumerate(text.split("\n"), 1)
    return [problem for number, line in lines for problem in _hidden(file, number, line)]


def dump_row(row: Row) -> str:
    """One row as canonical Casbin CSV: `, ` between fields, quotes only where they are needed.

    INVARIANT: one row is one line. ValueError for a name with a line break, which no accepted row has.
    """
    if any("\n" in value or "\r" in value for value in row.fields):
        raise ValueError("a line break in a name")
    return ", ".join((row.kind, *(_quote(value) for value in row.fields)))


def dump(rows: Iterable[Row]) -> str:
    """Rows as canonical Casbin CSV: sorted, each once, one a line. Equal sets give equal bytes."""
    return "".join(f"{dump_row(row)}\n" for row in sorted(set(rows)))


def tidy(text: str, widths: Mapping[str, int]) -> str:
    """A file in its canonical form: spacing and quotes put right, comments, order and row groups left as they are.

    A line that does not hold stays as it is, and so does a file with characters that hide something: to mend them
    is a person's decision. Tidying twice changes nothing.
    """
    if HIDDEN.search(text.replace("\r\n", "\n")):
        return text
    out: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.strip(_BLANKS)
        if bare and bare[0] != "#":
            read, found = parse("", line, widths)
            bare = dump_row(read.rows[0]) if read.rows and not found else line.rstrip(_BLANKS)
        if bare or (out and out[-1]):
            out.append(bare)
    while out and not out[-1]:
        out.pop()
    return "".join(f"{line}\n" for line in out)


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name wherever it came from: (rule, what was found), or None."""
    hidden = HIDDEN.search(name) or re.search(r"[\t\n]", name)
    if hidden:
        return "hidden-character", f"character U+{ord(hidden.group()):04X} in a name"
    if not name:
        return "field-empty", "an empty name"
    if name != name.strip():
        return "name-blank", f"`{name}` begins or ends with a blank"
    if len(name) > LONGEST_NAME:
        return "name-too-long", f"a name of {len(name)} characters"
    return None


def _quote(value: str) -> str:
    problems: list[str] = []
    if _SPECIAL.search(value):
        _check_bare(value, 1, lambda rule, *_: problems.append(rule))
    if problems or "," in value or value != value.strip():
        return '"' + value.replace('"', '""') + '"'
    return value


NAME_MENDS = {
    "hidden-character": "type the name anew, without copying it",
    "field-empty": "write the name that is missing, or take the comma out",
    "name-blank": "take the blank out",
    "name-too-long": f"use at most {LONGEST_NAME} characters",
}


def _well_formed(
    file: str, number: int, line: str, values: list[str], widths: Mapping[str, int], found: list[Finding]
) -> bool:
    """Say what is wrong with a row of the wrong type, length or names; True where nothing is."""
    kind, before = values[0], len(found)
    width = widths.get(kind)
    at = Position(file, number, len(line) - len(line.lstrip()) + 1)
    if width is None:
        text = f"row type `{kind}`" if kind else "a row without a type"
        mend = f"write `{kind.lower()}`" if kind.lower() in widths else f"begin the row with one of {listed(widths)}"
        found.append(finding("row-type-unknown", at, text, mend))
    elif len(values) != width + 1:
        text = f"`{kind}` with {len(values) - 1} field{'s' * (len(values) != 2)}"  # noqa: PLR2004  a type and a field
        found.append(finding("row-length", at, text, f"write {width} fields after `{kind}`"))
    else:
        spans = _scan(line, lambda *_: None)
        for value, (_, column) in zip(values, spans, strict=True):
            if problem := name_problem(value):
                rule, text = problem
                found.append(finding(rule, Position(file, number, column), text, NAME_MENDS[rule]))
    return len(found) == before


def _strict_fields(file: str, number: int, line: str, found: list[Finding]) -> list[str] | None:
    """The fields of a line with quotes, brackets, `#` or strange characters; None where it cannot be read."""
    before = len(found)

    def report(rule: str, column: int, text: str, mend: str) -> None:
        found.append(finding(rule, Position(file, number, column), text, mend))

    found += _hidden(file, number, line)
    values = [value for value, _ in _scan(line, report)]
    return values if len(found) == before else None


def _hidden(file: str, number: int, line: str) -> list[Finding]:
    """The first character of a line that hides something; one is enough to look at the line."""
    hidden = HIDDEN.search(line.removesuffix("\r"))
    if hidden is None:
        return []
    at = Position(file, number, hidden.start() + 1)
    return [finding("hidden-character", at, f"character U+{ord(hidden.group()):04X}", NAME_MENDS["hidden-character"])]


def _scan(line: str, report: Callable[[str, int, str, str], object]) -> list[tuple[str, int]]:
    """The fields of one line with the column (from 1) where each begins; problems go to `report`."""
    fields: list[tuple[str, int]] = []
    at, end = 0, len(line)
    while True:
        while at < end and line[at].isspace():
            at += 1
        start = at
        if at < end and line[at] == '"':
            value, at = _quoted(line, at, report)
        else:
            comma = line.find(",", at)
            at = end if comma < 0 else comma
            value = line[start:at].strip()
            _check_bare(value, start + 1, report)
        fields.append((value, start + 1))
        if at >= end:
            return fields
        at += 1


def _quoted(line: str, at: int, report: Callable[[str, int, str, str], object]) -> tuple[str, int]:
    """A quoted field from its opening quote: its text, and where the comma behind it stands."""
    start = at
    parts: list[str] = []
    at += 1
    while True:
        close = line.find('"', at)
        if close < 0:
            report("quote-open", start + 1, "a quote is left open", 'close it with `"` on the same line')
            return "".join(parts) + line[at:], len(line)
        parts.append(line[at:close])
        if line[close + 1 : close + 2] != '"':
            break
        parts.append('"')
        at = close + 2
    comma = line.find(",", close)
    comma = len(line) if comma < 0 else comma
    if line[close + 1 : comma].strip():
        report("quote-open", close + 2, "text behind a closed quote", 'put it inside, and double any `"` within')
    return "".join(parts), comma


def _check_bare(value: str, column: int, report: Callable[[str, int, str, str], object]) -> None:
    """A field without quotes holds no `"`, `#` or tab, and brackets only in pairs."""
    if "\t" in value:
        report(
            "hidden-character",
            column + value.index("\t"),
            "a tab inside a field",
            "write a blank, or a comma",
        )
    if '"' in value:
        report(
            "quote-open",
            column + value.index('"'),
            "a quote in the middle of a field",
            'put the whole field in `"` and double it within',
        )
    if "#" in value:
        report(
            "inline-comment",
            column + value.index("#"),
            "`#` inside a field",
            "put the comment on a line of its own, or the name in quotes",
        )
    depth: list[str] = []
    for offset, sign in enumerate(value):
        if sign in "([":
            depth.append(")" if sign == "(" else "]")
        elif sign in ")]" and (not depth or depth.pop() != sign):
            report("bracket-open", column + offset, f"`{sign}` without its opening", "put the name in quotes")
            return
    if depth:
        report("bracket-open", column, f"a bracket without its `{depth[-1]}`", "put the name in quotes")
