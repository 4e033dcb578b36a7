"""Who made a change and how, as people read it."""

from service.ui.attribution import HOW
from service.values import How


def test_every_way_has_words() -> None:
    """Each way by which a change can come is told in words of its own."""
    assert set(HOW) == set(How)
    assert len(set(HOW.values())) == len(HOW)
