import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.tokens import TOKEN, authenticate, from_text, mint
from service.errors import Unauthenticated, UsageError
from service.store.base import Token

NOW = "2026-01-11T08:00:00.000000+00:00"


def known(*tokens: Token) -> dict[str, Token]:
    """Tokens by id, as a state has them."""
    return {token.id: token for token in tokens}


def test_a_minted_token_is_recognized() -> None:
    """Whoever shows the text of a token is the caller that the token names, with its practices."""
    token, text = mint("ehr", frozenset({"riverside"}), NOW)
    caller = authenticate(f"Bearer {text}", known(token))
    assert (caller.name, caller.practices) == ("ehr", frozenset({"riverside"}))


def test_the_secret_is_not_kept() -> None:
    """Nothing in what is stored would let somebody show the token."""
    token, text = mint("ehr", None, NOW)
    secret = text.rsplit("_", 1)[1]
    assert secret not in repr(token)
    assert token.created == NOW
    assert token.revoked is None


def test_tokens_differ() -> None:
    """Two tokens share neither id nor secret."""
    texts = {mint("ehr", None, NOW)[1] for _ in range(50)}
    assert len({text.split("_")[1] for text in texts}) == len({text.split("_")[2] for text in texts}) == 50


def test_the_scheme_has_no_case() -> None:
    """`bearer` may be written in any case (RFC 9110 s.11.1)."""
    token, text = mint("ehr", None, NOW)
    assert authenticate(f"bEaReR  {text}", known(token)).name == "ehr"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic cm9vdDpyb290",
        "Bearer rw_0123456789ab_",
        "Bearer rw_0123456789ab_" + "0" * 63,
        "Bearer rw_0123456789ab_" + "0" * 65,
        "Bearer rw_0123456789AB_" + "0" * 64,
        "Bearer rw_0123456789ab_" + "0" * 64 + "\n",
        "Bearer rw_0123456789ab_" + "0" * 63 + "٣",
        "rw_0123456789ab_" + "0" * 64,
    ],
)
def test_what_is_no_token_is_refused(header: str | None) -> None:
    """A header without a well-formed token is refused, also when the tokens are many (A-72)."""
    with pytest.raises(Unauthenticated):
        authenticate(header, known(mint("ehr", None, NOW)[0]))


def test_two_tokens_in_one_header_are_refused() -> None:
    """Servers join repeated headers with a comma; which of two tokens would count is not guessed."""
    token, text = mint("ehr", None, NOW)
    with pytest.raises(Unauthenticated):
        authenticate(f"Bearer {text},Bearer {text}", known(token))


def test_unknown_wrong_and_revoked_read_alike() -> None:
    """The answer does not tell which of the three it was."""
    token, text = mint("ehr", None, NOW)
    other = mint("other", None, NOW)[1]
    wrong = text[:-64] + other[-64:]
    revoked = Token(token.id, token.name, token.secret_hash, None, NOW, revoked=NOW)
    told = set()
    for shown, tokens in ((other, known(token)), (wrong, known(token)), (text, known(revoked)), (text, {})):
        with pytest.raises(Unauthenticated) as caught:
            authenticate(f"Bearer {shown}", tokens)
        told.add((caught.value.message, caught.value.mend))
    assert len(told) == 1


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    """Any text is a token of ours or refused; nothing else happens."""
    with pytest.raises(Unauthenticated):
        authenticate(header, known(mint("ehr", None, NOW)[0]))


def test_a_token_of_somebody_else() -> None:
    """A text of the right shape can be made a token; another is refused without being repeated."""
    text = "rw_0123456789ab_" + "5" * 64
    assert authenticate(f"Bearer {text}", known(from_text(text, "demo", None, NOW))).name == "demo"
    with pytest.raises(UsageError) as caught:
        from_text("rw_hush", "demo", None, NOW)
    assert "hush" not in str(caught.value)


def test_the_shape_is_documented() -> None:
    """A scanner for leaked secrets that knows the pattern finds a token wherever it stands."""
    text = mint("ehr", None, NOW)[1]
    assert re.findall(TOKEN, f"x={text}; y")
