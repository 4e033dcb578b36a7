import pytest

from service.access.tokens import TOKEN, authenticate
from tests.unit.commands.line import CommandLine


def test_the_token_alone_is_printed(demo: CommandLine) -> None:
    """Standard output is the token and nothing else; that it is shown once is said beside it."""
    result = demo("token", "create", "--name", "ehr", "--practice", "riverside")
    assert TOKEN.fullmatch(result.stdout.rstrip("\n"))
    assert result.stderr == "This is the token of `ehr`, good for check in riverside. It cannot be shown again.\n"


def test_the_token_opens_its_practices(demo: CommandLine) -> None:
    """What was printed is what callers can show, for the practices that were named."""
    text = demo("token", "create", "--name", "ehr", "--practice", "riverside").stdout.strip()
    press = demo.press()
    with press.store.reading() as view:
        token = authenticate(f"Bearer {text}", {token.id: token for token in view.tokens()})
    press.store.close()
    assert (token.practices, token.scopes) == ({"riverside"}, {"check"})


def test_a_list_has_no_secret(demo: CommandLine) -> None:
    """Names, practices and times, and nothing of what was printed."""
    text = demo("token", "create", "--name", "ehr", "--all-practices").stdout.strip()
    out = demo("token", "list").stdout
    assert "ehr    all practices   check" in out
    assert not [part for part in text.split("_")[1:] if part in out]


def test_a_revoked_token_stays_in_the_list(demo: CommandLine) -> None:
    """With the time from which it is refused; it cannot be revoked twice."""
    demo("token", "create", "--name", "ehr", "--all-practices")
    demo("token", "revoke", "ehr")
    assert len(demo("token", "list").stdout.splitlines()[1].split("   ")) == 5
    assert "there is no token `ehr` in use" in demo("token", "revoke", "ehr", code=1).stderr


def test_workers_are_told(demo: CommandLine) -> None:
    """The counter is raised when a token is made and when it is revoked."""
    counter = demo.press().counter
    values = [counter.value()]
    demo("token", "create", "--name", "ehr", "--all-practices")
    values.append(counter.value())
    demo("token", "revoke", "ehr")
    values.append(counter.value())
    counter.close()
    assert len(set(values)) == 3


@pytest.mark.parametrize("scope", [[], ["--all-practices", "--practice", "riverside"]])
def test_a_token_says_for_whom(demo: CommandLine, scope: list[str]) -> None:
    """Some practices or all of them, and never by default."""
    assert "for some practices or for all" in demo("token", "create", "--name", "x", *scope, code=1).stderr


def test_a_practice_must_exist(demo: CommandLine) -> None:
    """A mistyped practice makes no token that can ask nothing."""
    assert (
        "there is no practice `rivrside`"
        in demo("token", "create", "--name", "x", "--practice", "rivrside", code=1).stderr
    )
    assert demo("token", "list").stdout.startswith("no tokens yet")


def test_scopes(demo: CommandLine) -> None:
    """A token is good for the scopes that are named, and for no other; another word is none."""
    made = demo("token", "create", "--name", "x", "--all-practices", "--scope", "setup:read", "--scope", "setup:write")
    assert "good for setup:read and setup:write in all practices" in made.stderr
    assert "setup:read and setup:write" in demo("token", "list").stdout
    with demo.press().store.reading() as view:
        assert [token.scopes for token in view.tokens()] == [{"setup:read", "setup:write"}]
    demo("token", "create", "--name", "y", "--all-practices", "--scope", "everything", code=1)
