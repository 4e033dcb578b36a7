"""Tables for spreadsheets: CSV (RFC 4180) that opens in one as it was meant.

Pure. Two rules kept: no cell is a formula, whatever somebody called a role (OWASP, CSV injection), and names in any
script come out as they are, which takes the mark that spreadsheets look for at the beginning.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

CSV = "text/csv; charset=utf-8"
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A head line and a line for each row, as bytes of a file."""
    made = io.StringIO()
    made.write(_MARK)
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return made.getvalue().encode()


def _cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula; a number of ours stays one."""
    if isinstance(value, int):
        return str(value)
    text = str(value)
    # Some programs look past leading blanks for the sign.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
