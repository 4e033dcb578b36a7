"""The upgrade of one practice as a page: who had it goes into the role, in the draft, and nobody else."""

import pytest

from service.upgrade import ROLE
from tests.contract.setup.doors import Setup, words
from tests.contract.setup.test_drafts import newest, save
from tests.unit.site import LIST, TASK, ask

PAGE = "/practices/riverside/upgrade"


@pytest.fixture
def pat(setup: Setup) -> Setup:
    """Pat, who administers Riverside."""
    setup.sign_in_as("pat")
    return setup


def reason(setup: Setup, user: str, action: str, screen: str) -> str:
    """What the check says now."""
    return ask(setup.office.live, user, action, screen).decision.reason.value


def test_those_who_had_it(pat: Setup) -> None:
    """Whom Pat ticks is shown beside Save, and has both screens once it is saved; what was done is on record."""
    assert "Cam Cole" in words(pat.get(PAGE))
    assert pat.post(PAGE, {"had": ["ann", "cam"]}).status_code == 303
    assert "1 person gains access. Nobody loses anything." in words(pat.get(PAGE))
    assert save(pat, reason="Other", note="Upgrade").status_code == 303
    assert [reason(pat, "cam", "open_queue", LIST), reason(pat, "cam", "respond", TASK)] == ["allowed", "allowed"]
    assert reason(pat, "eve", "respond", TASK) == "no_level"
    assert (newest(pat).actor, newest(pat).reason) == ("user:pat", "Other: Upgrade")


def test_it_is_found_from_users(pat: Setup) -> None:
    """Users leads to it until the practice has the role, and then no more."""
    assert f'href="{PAGE}"' in pat.get("/practices/riverside/users").text
    pat.post(PAGE, {"had": ["ann"]})
    save(pat)
    assert f'href="{PAGE}"' not in pat.get("/practices/riverside/users").text


def test_a_list(pat: Setup) -> None:
    """A list of the EHR says the same; who is in the role already is left as they are, and twice is once."""
    text = "practice,user,had\nriverside,ann,yes\nriverside,cam,1\nriverside,eve,no\n"
    assert pat.post(PAGE, {"text": text}).status_code == 303
    save(pat)
    number = newest(pat).number
    assert pat.post(PAGE, {"text": text}).status_code == 303
    assert "Not saved yet" not in words(pat.get(PAGE))
    assert newest(pat).number == number


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Tick everybody who had it"),
        ({"text": "practice,user,had\nriverside,zoe,yes\n"}, "Line 2: no user zoe."),
        ({"text": "practice,user,had\nriverside,ann,maybe\n"}, "Line 2: had is maybe"),
        ({"text": "practice,user,had\nriverside,ann,yes\nlakeside,ann,yes\n"}, "about another practice, lakeside"),
        ({"text": "nonsense"}, "Line 1: the first line must name the columns"),
    ],
)
def test_what_cannot_be_followed(pat: Setup, form: dict[str, str], said: str) -> None:
    """What cannot be followed is said by its line, what was typed stays, and nothing is in the draft."""
    answer = pat.post(PAGE, form)
    assert answer.status_code == 422
    assert said in words(answer)
    assert form.get("text", "") in answer.text
    assert "Not saved yet" not in words(pat.get("/practices/riverside/roles"))


def test_another_role_of_that_name(pat: Setup) -> None:
    """A role of that name with other levels is not taken for it."""
    pat.site.publish(f"role, riverside, role:{ROLE}\np, role:{ROLE}, riverside, {LIST}, Read")
    answer = pat.post(PAGE, {"had": "ann"})
    assert "already, with other levels" in words(answer)


def test_who_may_not(setup: Setup) -> None:
    """Who may not make roles gets the security message, and nothing is changed."""
    setup.sign_in_as("ann")
    assert (setup.get(PAGE).status_code, setup.post(PAGE, {"had": "ann"}).status_code) == (403, 403)


def test_readiness_counts_what_is_left(pat: Setup) -> None:
    """The Setup part tells how many practices have no such role."""
    assert pat.get("/readyz").json == {"ready": True, "practices_not_upgraded": 2}
    pat.post(PAGE, {"had": ["ann"]})
    save(pat)
    assert pat.get("/readyz").json == {"ready": True, "practices_not_upgraded": 1}
