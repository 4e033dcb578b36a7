"""The page about the admin API says what its tables say."""

import typing

from service.access.permissions import ADMIN, Scope
from service.api.admin import OPERATIONS
from service.api.admin_values import MOST_EDITS
from service.api.problem import KINDS
from service.policy.edits import AnyEdit
from tests.docs import pages
from tests.docs.pages import REFERENCE

PAGE = REFERENCE / "admin-api.md"
EVERYWHERE = {"limit", "cursor", "reason", "reference", "on_behalf_of"}
"""Parameters that are explained once, below the table."""


def test_operations() -> None:
    """Each operation has its row: method, path, scope, parameters, body, and what it does."""
    rows = pages.table(pages.sections(PAGE)["Operations"], "method")
    assert [(row[0], row[1].strip("`"), row[2].strip("`"), row[5]) for row in rows] == [
        (each.endpoint.method, each.endpoint.path.removeprefix(ADMIN), each.endpoint.needs, each.endpoint.meaning)
        for each in OPERATIONS.values()
    ]
    for row, operation in zip(rows, OPERATIONS.values(), strict=True):
        query = {
            f"`{each.name}`{'' if each.required else '?'}" for each in operation.query if each.name not in EVERYWHERE
        }
        assert set(filter(None, row[3].split(", "))) == query
        assert pages.code(row[4]) == ([operation.body.__name__] if operation.body else [])


def test_scopes() -> None:
    """Every scope of a token is explained."""
    assert pages.names(pages.table(pages.sections(PAGE)["Scopes"], "scope")) == [scope.value for scope in Scope]


def test_problems() -> None:
    """The table of problems is the code's, word for word."""
    rows = pages.table(pages.sections(PAGE)["Problems"], "code")
    assert [(pages.code(row[0])[0], int(row[1]), *row[2:]) for row in rows] == [
        (code, kind.status, kind.title, kind.meaning) for code, kind in KINDS.items()
    ]


def test_edits() -> None:
    """Every edit is named, and how many one change may have."""
    text = pages.sections(PAGE)["Changes"]
    tags = [each.__struct_config__.tag for each in typing.get_args(AnyEdit)]
    assert all(f"`{tag}`" in text for tag in tags)
    assert f"up to {MOST_EDITS:,} edits" in text
