"""A policy folder without practices, from its files to an answer: published, loaded, asked and given up again."""

from pathlib import Path

import pytest

from service import changes, folder
from service.decide import decide
from service.errors import ChangeRefused, Forbidden, InvalidPolicy
from service.search import search
from service.values import NOTHING, Caller, Question, Reason
from service.watch import Watcher
from tests.unit.site import ANYWHERE, OPERATOR, SHIPPED, Site, load

CERTIFICATION = SHIPPED / "examples" / "authzen-certification"
READS = Question("user", "alice", "read", "record", "record-1", NOTHING)


def publish(site: Site, path: Path) -> None:
    """Publish a folder into the site's store."""
    read = load(folder.read(path))
    assert changes.carry_out(site.press, lambda view: changes.of_files(view, OPERATOR, read), read.texts)


def watcher(site: Site, path: Path) -> Watcher:
    """What a demonstration publishes a folder with."""
    return Watcher(path, site.press, demo=True, tell=lambda *_: None)


def test_it_is_published_and_answers(unpublished: Site) -> None:
    """Once published it answers, by its revision, with the rows that decided and with a sentence for the refused."""
    publish(unpublished, CERTIFICATION)
    state = unpublished.live().state()
    told = decide(READS, ANYWHERE, state, explain=True)
    assert (told.decision.reason, told.decision.revision, told.practice) == (Reason.ALLOWED, 1, "")
    assert told.explanation is not None
    assert [row.fields for row in told.explanation.rows] == [("reader", "read", "any")]
    refused = decide(READS._replace(subject_id="bob", action="write"), ANYWHERE, state, explain=True)
    assert refused.decision.reason is Reason.NO_RULE
    assert refused.user_message == f"You don't have access to this. Code {refused.code}."


def test_a_token_of_practices_may_not_ask(unpublished: Site) -> None:
    """Whoever may ask about some practices may not ask where there are none."""
    publish(unpublished, CERTIFICATION)
    with pytest.raises(Forbidden):
        decide(READS, Caller("ehr", frozenset({"riverside"})), unpublished.live().state())


def test_it_is_searched(unpublished: Site) -> None:
    """A search finds who may, by what is stored about each; what is unknown finds nothing."""
    publish(unpublished, CERTIFICATION)
    state = unpublished.live().state()
    assert search("subject", READS._replace(subject_id=""), ANYWHERE, state).names == ("alice", "bob")
    assert search("action", READS._replace(action=""), ANYWHERE, state).names == ("read", "write")
    assert search("action", READS._replace(subject_id="zed"), ANYWHERE, state).names == ()
    assert search("subject", READS._replace(subject_type="spaceship"), ANYWHERE, state).names == ()


def test_a_change_of_its_files_is_answered_from(unpublished: Site, tmp_path: Path) -> None:
    """A further revision is answered from at once, and one that breaks a case is refused, which changes nothing."""
    publish(unpublished, CERTIFICATION)
    live = unpublished.live()
    assert live.state().loaded.revision == 1
    files = {path: text.decode() for path, text in folder.read(CERTIFICATION).items()}
    mended = tmp_path / "mended"
    for path, text in files.items():
        (mended / path).parent.mkdir(parents=True, exist_ok=True)
        (mended / path).write_text(text)
    rows = files["policy.csv"]
    (mended / "policy.csv").write_text(rows + "g, bob, editor\n")
    with pytest.raises(InvalidPolicy):
        publish(unpublished, mended)
    (mended / "policy.csv").write_text(rows + "p, reader, delete, archived\n")
    publish(unpublished, mended)
    assert live.state().loaded.revision == 2
    live.sweep()
    assert decide(READS, ANYWHERE, live.state()).decision.allowed


def test_practices_are_not_given_up_for_it(site: Site) -> None:
    """A store with practices refuses such a folder, and none of its practices is touched."""
    before = site.dump()
    with pytest.raises(ChangeRefused) as refused:
        publish(site, CERTIFICATION)
    assert refused.value.rule == "practices-left"
    assert site.dump() == before


def test_no_practice_is_made_under_it(unpublished: Site) -> None:
    """Where the policy has no practices, none can be created."""
    publish(unpublished, CERTIFICATION)
    with pytest.raises(ChangeRefused) as refused:
        unpublished.publish(add="practice, east, East\nuser, east, pat, Pat, active")
    assert refused.value.rule == "practices-left"


def test_a_demonstration_changes_from_one_to_the_other(site: Site) -> None:
    """Invented practices make room for a folder without practices, and come back with the folder that has them."""
    watcher(site, CERTIFICATION).publish()
    live = site.live()
    assert decide(READS, ANYWHERE, live.state()).decision.allowed
    assert live.state().loaded.practices == frozenset()
    watcher(site, SHIPPED).publish()
    assert "riverside" in live.state().loaded.practices
    assert decide(READS, ANYWHERE, live.state()).decision.reason is Reason.UNKNOWN_TYPE
