"""Links lead somewhere: to a file of the project, and to a heading in it."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, pages, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")
GIVEN_HOSTS = {"casbin.org", "openid.net"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each link of a page names a file that exists and a heading that stands there; other hosts are few and known."""
    lost = []
    for target in LINK.findall(prose(page)):
        if "://" in target:
            assert target.split("/")[2] in GIVEN_HOSTS, target
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert not lost


def test_every_page_can_be_reached() -> None:
    """From the README, links lead to every page there is."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            targets = [target.partition("#")[0] for target in LINK.findall(prose(page)) if "://" not in target]
            waiting += [(page.parent / target).resolve() for target in targets if target]
    assert set(pages()) <= reached
