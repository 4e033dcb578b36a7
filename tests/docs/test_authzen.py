"""The page on AuthZEN goes through every requirement, and the tests that it names are there."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from service.access.permissions import ENDPOINTS, Needs
from service.api.description import FILE
from tests.docs import pages
from tests.docs.pages import REFERENCE

TESTS = Path(__file__).parents[1]
PAGE = REFERENCE / "authzen.md"
GROUPS = ((1, 6), (10, 20), (30, 38), (40, 46), (50, 56), (60, 65), (70, 75))


def rows() -> list[list[str]]:
    """The rows of all requirements."""
    return [row for table in pages.tables(pages.prose(PAGE)) if table[0][0] == "mark" for row in table[1:]]


def test_every_requirement_stands_there() -> None:
    """Each requirement has one row, in order, and each row says what is done about it and what holds it."""
    assert [row[0] for row in rows()] == [f"A-{n}" for first, last in GROUPS for n in range(first, last + 1)]
    assert all(all(row) and len(row) == 4 for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_what_holds_it_is_there(row: list[str]) -> None:
    """The test that a row names exists; a row without one says that it does not apply."""
    named = [name for name in pages.code(row[3]) if "::" in name]
    assert named or row[3].startswith("not applicable: ")
    for name in named:
        path, *names = name.split("::")
        [file] = [file for file in TESTS.rglob("test_*.py") if file.as_posix().endswith(f"/{path}")]
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for wanted in names:
            found = [each for each in body if getattr(each, "name", "") == wanted]
            assert found, f"{name}: there is no `{wanted}`"
            body = found[0].body  # type: ignore[attr-defined] # a class or a function


def test_marks_in_code_and_tests_stand_there() -> None:
    """A mark that code or tests cite is one of the page."""
    known = {row[0] for row in rows()}
    for file in [*TESTS.rglob("*.py"), *(TESTS.parent / "service").rglob("*.py")]:
        assert set(re.findall(r"\bA-\d+\b", file.read_text(encoding="utf-8"))) <= known, file


def test_the_description_has_every_endpoint() -> None:
    """The OpenAPI document has each endpoint with its method and meaning, what it needs, and no other."""
    paths = yaml.safe_load(FILE.read_text(encoding="utf-8"))["paths"]
    described = {
        (path, method.upper(), operation["summary"], operation.get("security") == [])
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert described == {(each.path, each.method, each.meaning, each.needs is Needs.PUBLIC) for each in ENDPOINTS}
