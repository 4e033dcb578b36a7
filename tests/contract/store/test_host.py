"""What the host remembers beside policy: tokens, marks, and how the policy folder is doing."""

from dataclasses import replace

import pytest

from service.errors import UsageError
from service.store.base import FolderStatus, Token
from service.store.sql import Store
from service.values import Finding, Position, Severity
from tests.contract.store.builders import TIME

EHR = Token("k7", "ehr", "5f" * 32, frozenset({"riverside", "lakeside"}), TIME)


def tokens(store: Store) -> tuple[Token, ...]:
    """Every token that the store has."""
    with store.reading() as view:
        return view.tokens()


@pytest.mark.parametrize("practices", [None, frozenset(), frozenset({"riverside"}), frozenset({"a", "B ", "سارة"})])
def test_a_token_reads_back(store: Store, practices: frozenset[str] | None) -> None:
    """All practices, none and some are three different things."""
    token = replace(EHR, practices=practices)
    store.add_token(token)
    assert tokens(store) == (token,)


def test_a_name_is_in_use_once(store: Store) -> None:
    """A second token of the name is refused until the first is revoked; then both are kept."""
    store.add_token(EHR)
    again = replace(EHR, id="k8", created=TIME.replace("2024", "2025"))
    with pytest.raises(UsageError, match="already a token `ehr`"):
        store.add_token(again)
    store.revoke_token("ehr", TIME)
    store.add_token(again)
    assert tokens(store) == (replace(EHR, revoked=TIME), again)


def test_only_a_token_in_use_is_revoked(store: Store) -> None:
    """Revoking one that is unknown, spelt otherwise, or revoked already is said to the user."""
    store.add_token(EHR)
    for name in ("other", "EHR", "ehr "):
        with pytest.raises(UsageError, match="no token"):
            store.revoke_token(name, TIME)
    store.revoke_token("ehr", TIME)
    with pytest.raises(UsageError, match="no token"):
        store.revoke_token("ehr", "later")
    assert tokens(store) == (replace(EHR, revoked=TIME),)


def test_marks(store: Store) -> None:
    """A mark has the last value it was given, and none before."""
    with store.reading() as view:
        assert view.marked("demo") is None
    for value in ("yes", "no ", ""):
        store.mark("demo", value)
        with store.reading() as view:
            assert view.marked("demo") == value
            assert view.marked("Demo") is None


def test_folder_status(store: Store) -> None:
    """The last status replaces the one before, findings included, position by position."""
    finding = Finding("unknown-level", Severity.ERROR, Position("a.csv", 3, 7), "`write`", "write `Write`")
    bad = FolderStatus(TIME, "d1", holds=False, findings=(finding, replace(finding, position=Position("b.csv"))))
    with store.reading() as view:
        assert view.folder_status() is None
    for status in (bad, FolderStatus(TIME, "d2", holds=True)):
        store.note_folder(status)
        with store.reading() as view:
            assert view.folder_status() == status


def test_none_of_it_is_a_revision(store: Store) -> None:
    """Tokens, marks and the folder's status leave the head where it is."""
    store.add_token(EHR)
    store.mark("demo", "yes")
    store.note_folder(FolderStatus(TIME, "", holds=True))
    with store.reading() as view:
        assert view.head().number == 0


def test_scopes_read_back(store: Store) -> None:
    """What a token is good for is kept; a token of which nothing is said is good for checks."""
    store.add_token(EHR)
    store.add_token(replace(EHR, id="k8", name="setup", scopes=frozenset({"read", "write"})))
    assert [token.scopes for token in tokens(store)] == [{"check"}, {"read", "write"}]
