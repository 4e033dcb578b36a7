"""Reading the documentation as its readers see it: pages, headings, sections, tables and blocks of code."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the mark of the comment right above it (`<!-- test: mark -->`)."""

    language: str
    text: str
    mark: str


def pages() -> list[Path]:
    """Every page that readers are led to."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("policies/**/*.md")])


@cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page, without the indentation that they have in a list."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(text):
        above = re.search(r"<!-- test: (\w+) -->\n\Z", text[: fence.start()])
        code = re.sub(f"^{fence[1]}", "", fence[3], flags=re.MULTILINE)
        found.append(Block(fence[2].strip(), code, above[1] if above else ""))
    return found


def headings(page: Path) -> list[str]:
    """The headings of a page, as written."""
    return [found[2] for found in _HEADING.finditer(prose(page))]


def sections(page: Path, level: int = 2) -> dict[str, str]:
    """The text below each heading of a level, by the heading as written."""
    parts = re.split(rf"^{'#' * level} +(.+?) *$", prose(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`, as code hosts make it from headings."""
    bare = [re.sub(r"[^\w\- ]", "", _text(heading)).lower().replace(" ", "-") for heading in headings(page)]
    return set(bare)


def _text(markdown: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)


def tables(text: str) -> list[list[list[str]]]:
    """The tables in a text: each a list of rows, the heading first, each row a list of cells."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                found[-1].append(cells)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the one table whose first heading is this, without the heading."""
    [rows] = [rows[1:] for rows in tables(text) if rows[0][0] == first]
    return rows


def code(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def names(rows: list[list[str]], column: int = 0) -> list[str]:
    """What stands in backticks in one column of a table, row by row."""
    return [name for row in rows for name in code(row[column])]
