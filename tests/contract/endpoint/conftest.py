"""A published demonstration, and each door to it."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from service.config import Settings
from service.log import configure_log
from tests.contract.endpoint.demonstration import Demonstration, publish
from tests.contract.endpoint.doors import DOORS, Door


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """One demonstration for the tests of a module; those that change it make their own."""
    return publish(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    """What is logged in this process goes nowhere."""
    configure_log(io.BytesIO())


@pytest.fixture(scope="module", params=DOORS)
def open_door(request: pytest.FixtureRequest) -> Iterator[Callable[[Settings], Door]]:
    """Opens a door of each kind for given settings, once for equal ones, and closes it in the end."""
    opened: dict[Settings, Door] = {}
    with ExitStack() as stack:

        def opening(settings: Settings) -> Door:
            if settings not in opened:
                opened[settings] = stack.enter_context(DOORS[request.param](settings))
            return opened[settings]

        yield opening


@pytest.fixture(scope="module")
def door(open_door: Callable[[Settings], Door], demonstration: Demonstration) -> Door:
    """A door with the settings as they are by default."""
    return open_door(demonstration.settings)
