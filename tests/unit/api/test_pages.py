from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.pages import ENDLESS, Place, Seal
from service.errors import PageInvalid

SEAL = Seal(b"secret", b"query")
numbers = st.integers(0, ENDLESS)


@given(numbers, numbers, numbers)
def test_what_is_closed_opens_as_it_was(offset: int, limit: int, revision: int) -> None:
    """A place comes back from its token, and the token is plain text for any JSON and any URL."""
    place = Place(offset, limit, revision)
    token = SEAL.close(place)
    assert SEAL.open(token) == place
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=80))
def test_anything_else_is_refused(text: str) -> None:
    """No text but a token opens anything, or raises anything else."""
    with pytest.raises(PageInvalid):
        SEAL.open(text)


@given(st.integers(0, 41), st.integers(1, 255))
def test_a_changed_token_is_refused(at: int, change: int) -> None:
    """A token with any byte changed opens nothing."""

    held = bytearray(urlsafe_b64decode(SEAL.close(Place(3, 2, 1))))
    held[at] ^= change
    with pytest.raises(PageInvalid):
        SEAL.open(urlsafe_b64encode(held).decode("ascii"))


@pytest.mark.parametrize("other", [Seal(b"Secret", b"query"), Seal(b"secret", b"Query"), Seal(b"secretquery", b"")])
def test_another_secret_or_query(other: Seal) -> None:
    """A token of one caller's query is none for another caller or query."""
    with pytest.raises(PageInvalid):
        other.open(SEAL.close(Place(3, 2, 1)))


def test_the_same_place_has_one_token() -> None:
    """Every worker makes the same token of the same place: nothing of a process is in it."""
    assert SEAL.close(Place(3, 2, 1)) == Seal(b"secret", b"query").close(Place(3, 2, 1))
    assert len({SEAL.close(Place(*place)) for place in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1))}) == 4
