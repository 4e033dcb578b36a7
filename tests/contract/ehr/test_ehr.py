"""The reference EHR: what each kind of user can do in it, with Rolewarden's own decisions behind every click."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from examples.ehr.pages import create_app
from examples.ehr.tasks import NO_SUCH_ITEM, NOT_YOURS
from rolewarden_client import Decision
from rolewarden_client.wire import SORRY, unanswered
from tests.unit.site import Site, ask, make

EHR = Path(__file__).parents[3] / "examples" / "ehr"
MESSAGE, FORWARDED_TO_ANN = 1041, 1045
"""A message that was forwarded to Ben and Cam, and one that was forwarded to Ann."""


class Deciding:
    """Stands where the client stands, and decides in this process. `away`: nobody answers."""

    def __init__(self, site: Site) -> None:
        self.live, self.away = site.live(), False

    def may_all(self, user: str, asked: Sequence[tuple[str, str]], *, practice: str) -> list[Decision]:
        """The decision on each (action, screen)."""
        if self.away:
            return [unanswered("away")] * len(asked)
        answers = [ask(self.live, user, action, screen, practice) for action, screen in asked]
        return [Decision(each.decision.allowed, each.decision.reason.value, each.user_message) for each in answers]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that is made once and copied."""
    site = make(tmp_path_factory.mktemp("made"))
    site.close()
    return site.root


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Site]:
    """The demonstration, published, and what it lacks for this EHR."""
    copied = Site(made).copy(tmp_path)
    lines = (EHR / "communication.csv").read_text().splitlines()
    copied.publish("\n".join(line for line in lines if line.startswith("p, ")))
    yield copied
    copied.close()


class Browser:
    """Somebody who is signed in."""

    def __init__(self, deciding: Deciding, user: str) -> None:
        self._client: FlaskClient = create_app(deciding).test_client()  # type: ignore[arg-type] # see Deciding
        assert self._client.post("/", data={"user": user}).status_code == 302

    def get(self, place: str) -> tuple[int, str]:
        """The status and the words of a page."""
        answer = self._client.get(place)
        return answer.status_code, _words(answer.text)

    def post(self, place: str, **form: str) -> int:
        """The status after sending a form."""
        return self._client.post(place, data=form).status_code


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text))).strip()


def test_full_access(site: Site) -> None:
    """Ann opens the queue and its items, and answers."""
    ann = Browser(Deciding(site), "ann")
    assert "Refill before the weekend" in ann.get("/tasks/portal")[1]
    assert "Answer" in ann.get(f"/tasks/portal/{MESSAGE}")[1]
    assert ann.post(f"/tasks/portal/{MESSAGE}", text="It is on its way.") == 302
    assert "It is on its way." in ann.get(f"/tasks/portal/{MESSAGE}")[1]
    assert NO_SUCH_ITEM in ann.get("/tasks/portal/9999")[1]


def test_limited_access(site: Site) -> None:
    """Ben sees the words, gets the security message on opening, and answers what was forwarded to him."""
    ben = Browser(Deciding(site), "ben")
    assert "Patient Portal" in ben.get("/tasks")[1]
    status, words = ben.get("/tasks/portal")
    assert status == 403
    assert "You can still open messages forwarded to you in Communication." in words
    assert "My Medical Locker Message" in ben.get("/tasks/communication")[1]
    assert "Answer" in ben.get(f"/message/{MESSAGE}")[1]
    assert ben.post(f"/message/{MESSAGE}", text="Yes.") == 302
    assert ben.get(f"/tasks/portal/{MESSAGE}")[0] == 403
    assert ben.post(f"/tasks/portal/{MESSAGE}", text="No.") == 403


def test_a_guessed_number(site: Site) -> None:
    """A message that was not forwarded is refused by the EHR, whether there is one of that number or not."""
    ben = Browser(Deciding(site), "ben")
    for number in (FORWARDED_TO_ANN, 1042, 9999):
        assert ben.get(f"/message/{number}") == (403, ben.get("/message/1043")[1])
        assert NOT_YOURS in ben.get(f"/message/{number}")[1]
        assert ben.post(f"/message/{number}", text="Mine.") == 403


def test_queue_only(site: Site) -> None:
    """Eve opens the queue, and no item in it."""
    eve = Browser(Deciding(site), "eve")
    assert eve.get("/tasks/portal")[0] == 200
    assert eve.get(f"/tasks/portal/{MESSAGE}")[0] == 403
    assert eve.post(f"/tasks/portal/{MESSAGE}", text="No.") == 403


@pytest.mark.parametrize("user", ["max", "pat", "lou"])
def test_none(site: Site, user: str) -> None:
    """Whoever has no access gets the security message without the sentence on forwarded messages."""
    somebody = Browser(Deciding(site), user)
    status, words = somebody.get("/tasks/portal")
    assert status == 403
    assert "You don't have access to the Patient Portal queue. Questions?" in words
    assert somebody.get(f"/message/{MESSAGE}")[0] == 403


def test_the_very_next_click(site: Site) -> None:
    """Cam, put into a role, opens the forwarded message with the next click, and no more once taken out."""
    cam = Browser(Deciding(site), "cam")
    row = "g, user:cam, role:Patient Portal Communications Only, riverside"
    assert cam.get(f"/message/{MESSAGE}")[0] == 403
    site.publish(row)
    assert cam.get(f"/message/{MESSAGE}")[0] == 200
    site.publish(remove=row)
    assert cam.get(f"/message/{MESSAGE}")[0] == 403
    assert cam.post(f"/message/{MESSAGE}", text="Still here?") == 403


def test_the_outage(site: Site) -> None:
    """When nobody answers everything is refused, in the right words, and comes back by itself."""
    deciding = Deciding(site)
    ann = Browser(deciding, "ann")
    deciding.away = True
    for place in ("/tasks", "/tasks/portal", f"/tasks/portal/{MESSAGE}", "/tasks/communication", f"/message/{MESSAGE}"):
        status, words = ann.get(place)
        assert status in (403, 503)
        assert SORRY in words
    deciding.away = False
    assert ann.get("/tasks/portal")[0] == 200


def test_nobody(site: Site) -> None:
    """Without a name nothing opens, and a form of another site changes nothing."""
    client = create_app(Deciding(site)).test_client()  # type: ignore[arg-type] # see Deciding
    assert client.get("/tasks/portal").status_code == 302
    assert client.post("/", data={"user": "nobody"}).status_code == 400
    assert client.post("/", data={"user": "ann"}, headers={"Origin": "http://elsewhere"}).status_code == 403
