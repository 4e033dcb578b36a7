"""Tables for spreadsheets: every cell comes out as the text that it is."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ui.spreadsheet import csv_text


def cells(content: bytes) -> list[list[str]]:
    """What a spreadsheet reads."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "  @x"])
def test_no_formula(text: str) -> None:
    """What would be one has a mark before it that makes it text."""
    assert cells(csv_text(["a"], [[text]])) == [["a"], [f"'{text}"]]


def test_numbers_stay_numbers() -> None:
    """So that they can be added up; also a negative one of ours."""
    assert cells(csv_text(["a"], [[-1], [1200]])) == [["a"], ["-1"], ["1200"]]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_every_text_comes_back(row: list[str]) -> None:
    """In any script, with commas, quotes and line breaks; apart from the mark before a formula."""
    content = csv_text(["x"] * len(row), [row])
    assert content.startswith(b"\xef\xbb\xbf")
    _, back = cells(content)
    assert [cell.removeprefix("'") for cell in back] == [cell.removeprefix("'") for cell in row]
