import json
import re
from pathlib import Path

import pytest

from service.access.tokens import TOKEN, authenticate
from service.config import Settings
from service.demonstration import TOKEN_NAME, banner, make_token, mark, require_own_store
from service.errors import ConfigError, Unauthenticated
from service.watch import DEMO_MARK
from tests.unit.site import Site

GIVEN = "rw_00000000f10a_" + "5" * 64
OTHER = "rw_00000000f10b_" + "6" * 64


def settings(site: Site, **more: str) -> Settings:
    """The settings of a demonstration."""
    given = {"ROLEWARDEN_HOME": str(site.root), "ROLEWARDEN_POLICIES": str(site.policies)}
    return Settings.from_environ(given | {f"ROLEWARDEN_{name}": value for name, value in more.items()}, demo=True)


def in_use(site: Site) -> list[str]:
    """The ids of the tokens in use."""
    with site.view() as view:
        return [token.id for token in view.tokens() if token.revoked is None]


class TestOwnStore:
    def test_a_new_store_is_anybodys(self, unpublished: Site) -> None:
        """Nothing was published yet: it can become a demonstration's or not."""
        require_own_store(unpublished.store, demo=True)
        require_own_store(unpublished.store, demo=False)

    def test_a_store_in_use(self, site: Site) -> None:
        """Where real practices are, there is no demonstration."""
        require_own_store(site.store, demo=False)
        with pytest.raises(ConfigError, match="not a demonstration's"):
            require_own_store(site.store, demo=True)

    @pytest.mark.parametrize("value", ["", "d" * 64])
    def test_a_demonstrations_store(self, site: Site, value: str) -> None:
        """A store that carries the mark is a demonstration's and nobody else's, whatever was published so far."""
        site.store.mark(DEMO_MARK, value)
        require_own_store(site.store, demo=True)
        with pytest.raises(ConfigError, match="is a demonstration's"):
            require_own_store(site.store, demo=False)

    def test_a_mark_before_anything_is_published(self, unpublished: Site) -> None:
        """A start that ended before it published anything has decided nothing: the next one says whose store it is."""
        mark(unpublished.store, demo=True)
        require_own_store(unpublished.store, demo=True)
        require_own_store(unpublished.store, demo=False)
        mark(unpublished.store, demo=False)
        unpublished.publish_shipped()
        require_own_store(unpublished.store, demo=False)
        with pytest.raises(ConfigError):
            require_own_store(unpublished.store, demo=True)

    @pytest.mark.parametrize("demo", [True, False])
    def test_a_store_in_use_keeps_its_mark(self, unpublished: Site, demo: bool) -> None:
        """Once something was published, a store does not change hands."""
        mark(unpublished.store, demo=demo)
        unpublished.publish_shipped()
        mark(unpublished.store, demo=not demo)
        require_own_store(unpublished.store, demo=demo)
        with pytest.raises(ConfigError):
            require_own_store(unpublished.store, demo=not demo)


class TestToken:
    def test_a_new_one_each_time(self, site: Site) -> None:
        """Each start prints another token, which works with the next state, and the one before ends."""
        live = site.live()
        first = make_token(settings(site), site.press)
        assert TOKEN.fullmatch(first)
        caller = authenticate(f"Bearer {first}", live.state().loaded.tokens)
        assert (caller.name, caller.practices) == (TOKEN_NAME, None)
        second = make_token(settings(site), site.press)
        assert second != first
        authenticate(f"Bearer {second}", live.state().loaded.tokens)
        with pytest.raises(Unauthenticated):
            authenticate(f"Bearer {first}", live.state().loaded.tokens)
        assert len(in_use(site)) == 1

    def test_the_one_that_was_given(self, site: Site) -> None:
        """A token that was set is used as it is, at every start."""
        chosen = settings(site, DEMO_TOKEN=GIVEN)
        assert [make_token(chosen, site.press) for _ in range(2)] == [GIVEN, GIVEN]
        assert in_use(site) == ["00000000f10a"]
        authenticate(f"Bearer {GIVEN}", site.live().state().loaded.tokens)

    def test_another_one_given(self, site: Site) -> None:
        """When another one is set, the one before ends, and cannot come back."""
        make_token(settings(site, DEMO_TOKEN=GIVEN), site.press)
        assert make_token(settings(site, DEMO_TOKEN=OTHER), site.press) == OTHER
        assert in_use(site) == ["00000000f10b"]

    def test_one_that_was_revoked(self, site: Site) -> None:
        """A token that ended cannot be chosen again, by the same secret or another, and the one in use goes on."""
        make_token(settings(site, DEMO_TOKEN=GIVEN), site.press)
        make_token(settings(site, DEMO_TOKEN=OTHER), site.press)
        for again in (GIVEN, GIVEN[:-1] + "6"):
            with pytest.raises(ConfigError, match="used before"):
                make_token(settings(site, DEMO_TOKEN=again), site.press)
        assert in_use(site) == ["00000000f10b"]

    def test_other_tokens_are_left_alone(self, site: Site) -> None:
        """Only the demonstration's own token ends."""
        make_token(settings(site), site.press)
        token = site.live().state().loaded.tokens
        with site.counter.changing():
            (own,) = token.values()
            site.store.add_token(type(own)("0" * 12, "ehr", "0" * 64, frozenset({"riverside"}), own.created))
        make_token(settings(site), site.press)
        assert "0" * 12 in in_use(site)


class TestBanner:
    def test_the_command_to_try(self, site: Site) -> None:
        """It has a question that can be pasted: address, token, and a body that asks about the demonstration."""
        said = banner(settings(site), GIVEN)
        assert f"Bearer {GIVEN}" in said
        assert "http://127.0.0.1:8180/access/v1/evaluation" in said
        body = re.search(r"-d '(.*)'", said)
        assert body is not None
        assert json.loads(body[1])["context"] == {"practice": "riverside"}
        assert str(site.policies) in said

    def test_over_a_socket(self, site: Site, tmp_path: Path) -> None:
        """A service on a Unix socket is asked over it."""
        said = banner(settings(site, BIND=f"unix:{tmp_path}/rw.sock"), GIVEN)
        assert f"curl -s --unix-socket {tmp_path}/rw.sock http://localhost/" in said
