"""Pages speak to any reader of the project: of nobody's machine, nobody's tracker and nobody's tools."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, headings, pages

STRANGE = {
    "a path of somebody's machine": r"(?<![\w.:])/(home|root|Users|w[o]rk|tmp)/",
    "a number of a tracker": r"(?<![\w&])#\d+\b|\bissues? \d+",
    "an address of a package index": r"\b(pypi|pythonhosted|npmjs)\b",
    "a word of how it was made": r"(?i)(?<!:)\b(ag[e]nts?|sess[i]ons?|regist[r]y|regist[r]ies|prompts?)\b",
}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_strange_is_mentioned(page: Path) -> None:
    """No page names what its readers cannot know."""
    text = page.read_text(encoding="utf-8")
    found = {what: match[0] for what, pattern in STRANGE.items() if (match := re.search(pattern, text))}
    assert not found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_one_title(page: Path) -> None:
    """Each page begins with its title, and no two headings of it make the same anchor."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    found = headings(page)
    assert len(set(found)) == len(found)


def test_decisions_are_short_and_listed() -> None:
    """Each decision record is a page, has a number of its own, and stands in the list in order."""
    folder = ROOT / "docs" / "adr"
    records = sorted(folder.glob("0*.md"))
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == [record.name for record in records]
    for number, record in enumerate(records, 1):
        lines = record.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(f"# {number:04}. ")
        assert len(lines) <= 45
