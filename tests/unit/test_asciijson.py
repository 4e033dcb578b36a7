import json

from hypothesis import example, given
from hypothesis import strategies as st

from service.asciijson import spelled

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(VALUES)
@example(['"', "\\", "/", "\x7f", "\x1f\n", "\u2028", "\u00eb", "\U0001f600", "\ud800"])
@example([2**63, 2**64, -(2**63) - 1, 10**30])
def test_as_the_standard_library(value: object) -> None:
    """Whatever is written, anybody can write it again, byte for byte."""
    assert spelled(value) == json.dumps(value, separators=(",", ":")).encode("ascii")
