"""The second opinion: asked of what a change can reach, and a change is published only when it was heard and agrees."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from service import witness as module
from service.decision.reach import Hearing, Slice
from service.errors import ChangeRefused
from service.publish import Press, publish, rehearse, second_opinion
from service.witness import Difference, Silence, Statement, Witness, nobody
from tests.unit.site import LIST, ORDERS, TASK, Site, row
from tests.witness import WITNESS

MODEL = """[request_definition]
r = user, practice, screen, action
[policy_definition]
p = role, practice, screen, level
[role_definition]
g = _, _, _
g2 = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.screen == p.screen && r.practice == p.practice && g(r.user, p.role, r.practice) && g2(r.action, p.level, r.screen)
"""
ROWS = tuple(map(row, ("p, role:R, hill, S, Read", "g, user:ann, role:R, hill", "g2, view, Read, S")))
ANN, BEN = ("user:ann", "hill", "S", "view"), ("user:ben", "hill", "S", "view")
ASKED = Slice(MODEL, ROWS, (ANN, BEN))
NOTHING = Slice(MODEL, (), (ANN, BEN))


def hearing(*ours: bool, flips: bool = True) -> Hearing:
    """Nothing before and the rows above after, with what we answer after."""
    return Hearing(NOTHING, ASKED, ((False, False), ours), flips)


@contextmanager
def answering(script: str, patience: float = 20) -> Iterator[Witness]:
    """A witness that runs this instead of Casbin."""
    with closing(Witness(patience, (sys.executable, "-c", f"import json, sys, time\n{script}"))) as witness:
        yield witness


READY = 'print(json.dumps(["ready"]), flush=True)\n'


class TestHearing:
    def test_agrees(self) -> None:
        """Every question is asked before and after, and counts once."""
        assert WITNESS.hear([hearing(True, False)] * 3) == Statement(6)

    def test_asked_once(self) -> None:
        """Where the same rows decide before and after, the question is asked once."""
        once = f"{READY}sys.stdin.readline(); print('[true, false]', flush=True); sys.exit()"
        with answering(once) as witness:
            same = Hearing(ASKED, ASKED, ((True, False), (True, False)), flips=True)
            assert witness.hear([same]) == Statement(2)

    def test_differs(self) -> None:
        """The first answers that differ are told, and nothing more is asked."""
        found = WITNESS.hear([hearing(True, False), hearing(False, False), hearing(True, True)])
        assert found == Statement(2, (Difference(ANN, after=True, ours=False),))
        before = Hearing(NOTHING, ASKED, ((True, False), (True, False)), flips=True)
        assert WITNESS.hear([before]).differ == (Difference(ANN, after=False, ours=True),)

    def test_is_started_again(self) -> None:
        """A process that was killed between two changes, or while it was asked, is followed by another one."""
        with closing(Witness(60)) as witness:
            assert witness.hear([hearing(True, False)]).asked == 2

            def killed() -> Iterator[Hearing]:
                yield hearing(True, False)
                os.kill(child(witness), signal.SIGKILL)
                yield hearing(True, False)

            assert witness.hear(killed()) == Statement(4)
            first = child(witness)
            os.kill(first, signal.SIGKILL)
            time.sleep(0.1)
            assert witness.hear([hearing(True, False)]) == Statement(2)
            assert child(witness) != first

    def test_is_prepared(self) -> None:
        """It can be started before it is needed, and closing it twice does no harm."""
        witness = Witness(60)
        witness.prepare()
        assert child(witness)
        witness.close()
        witness.close()

    def test_several_processes(self) -> None:
        """Several processes answer in the order of the questions, and one that ends is asked again elsewhere."""
        agreed, wrong = hearing(True, False), hearing(False, False)
        with closing(Witness(processes=3)) as witness:
            assert witness.hear([agreed] * 20) == Statement(40)
            assert len({child(witness, which) for which in range(3)}) == 3
            os.kill(child(witness, 1), signal.SIGKILL)
            assert witness.hear([agreed] * 20) == Statement(40)
            assert witness.hear([*[agreed] * 7, wrong, *[agreed] * 7]) == Statement(14, witness.hear([wrong]).differ)

    def test_nothing_is_left_of_one_change(self) -> None:
        """Where a change ends before all its questions are answered, the next one hears none of those answers."""

        def broken() -> Iterator[Hearing]:
            yield hearing(True, False)
            raise LookupError

        with closing(Witness()) as witness:
            with pytest.raises(LookupError):
                witness.hear(broken())
            assert witness.hear([hearing(False, False), hearing(True, False)]).differ
            assert witness.hear([hearing(True, False)]) == Statement(2)

    def test_whoever_asked_has_gone(self) -> None:
        """The process ends without a word when nobody listens to it any more."""
        ours, theirs = os.pipe()
        command = [sys.executable, "-I", "-m", "service.witness"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE) as process:
            os.close(ours)
            os.close(theirs)
            assert process.communicate(timeout=60) == (None, b"")

    def test_gets_nothing_of_our_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No setting and no secret is handed on."""
        monkeypatch.setenv("ROLEWARDEN_SECRET", "s3cret")
        with closing(Witness(60)) as witness:
            witness.prepare()
            with open(f"/proc/{child(witness)}/environ", "rb") as environ:  # noqa: PTH123
                assert b"s3cret" not in environ.read()


def child(witness: Witness, which: int = 0) -> int:
    """A process of a witness."""
    pipe = witness._pipes.get(which)  # noqa: SLF001
    assert pipe is not None
    return pipe._process.pid  # noqa: SLF001


class TestSilence:
    @pytest.mark.parametrize(
        ("script", "silence"),
        [
            ("", Silence.ABSENT),
            ("raise SystemExit(1)", Silence.ABSENT),
            ('print("[]", flush=True); sys.stdin.read()', Silence.ABSENT),
            ('print("welcome", flush=True); sys.stdin.read()', Silence.ABSENT),
            (READY, Silence.ENDED),
            (f"{READY}sys.stdin.readline(); print('[true]', flush=True); sys.stdin.read()", Silence.ENDED),
            (f"{READY}sys.stdin.readline(); print('[1, 0]', flush=True); sys.stdin.read()", Silence.ENDED),
            (f"{READY}sys.stdin.readline(); print('true', flush=True); sys.stdin.read()", Silence.ENDED),
            (f"{READY}sys.stdin.readline(); print('[true, ', flush=True); sys.stdin.read()", Silence.ENDED),
        ],
        ids=[
            "no word",
            "failure",
            "another word",
            "no json",
            "end",
            "too few",
            "no booleans",
            "no list",
            "half a line",
        ],
    )
    def test_what_is_no_answer(self, script: str, silence: Silence) -> None:
        """A process that ends, or says anything but one yes or no for each question, was not heard."""
        with answering(script) as witness:
            assert witness.hear([hearing(True, False)]) == Statement(0, silence=silence)

    def test_a_command_that_is_not_there(self) -> None:
        """Without anything to start there is no witness."""
        with closing(Witness(5, ("/nowhere/casbin",))) as witness:
            assert witness.hear([hearing(True, False)]).silence is Silence.ABSENT

    @pytest.mark.parametrize(("flips", "silence"), [(True, Silence.LATE), (False, None)])
    def test_late(self, flips: bool, silence: Silence | None) -> None:
        """When the time is over, what was asked counts, unless an answer that changes was still to be heard."""
        once = f"{READY}sys.stdin.readline(); print('[false, false]', flush=True); sys.stdin.readline()\n"
        with answering(f"{once}print('[true, false]', flush=True); time.sleep(60)", patience=2) as witness:
            found = witness.hear([hearing(True, False), hearing(True, False, flips=flips)])
            assert found == Statement(2, silence=silence)

    def test_late_with_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of very many answers that change, a thousand heard in time are enough; one fewer are not."""
        once = f"{READY}sys.stdin.readline(); print('[false, false]', flush=True); sys.stdin.readline()\n"
        for enough, silence in ((2, None), (3, Silence.LATE)):
            monkeypatch.setattr(module, "ENOUGH", enough)
            with answering(f"{once}print('[true, false]', flush=True); time.sleep(60)", patience=2) as witness:
                assert witness.hear([hearing(True, False)] * 2) == Statement(2, silence=silence)

    def test_one_that_does_not_read(self) -> None:
        """A process that stands still holds nobody up for longer, however much it is sent."""
        large = ASKED._replace(rows=ROWS * 20_000)
        with answering(f"{READY}time.sleep(60)", patience=1) as witness:
            began = time.monotonic()
            assert witness.hear([Hearing(large, large, ((), ()), flips=True)]).silence is Silence.LATE
            assert time.monotonic() - began < 10

    def test_nobody(self) -> None:
        """A press that was given no opinion has none."""
        assert nobody([hearing(True, False)]) == Statement(0, silence=Silence.ABSENT)


def deaf(statement: Statement) -> Callable[[Iterable[Hearing]], Statement]:
    """An opinion that is always this."""
    return lambda hearings: [*hearings] and statement


class TestPublishing:
    """Step 7: a change that was not heard, or on which the two differ, is not made."""

    @pytest.mark.parametrize(
        ("statement", "rule"),
        [
            *[(Statement(1, silence=silence), "second-opinion-missing") for silence in Silence],
            (Statement(0, (Difference(ANN, after=True, ours=True),)), "second-opinion-differs"),
        ],
    )
    def test_refused(self, site: Site, statement: Statement, rule: str) -> None:
        """Whatever the silence, and for one difference: nothing is written, and people are told what to do."""
        before = site.dump()
        change = site.change("g, user:cam, role:Front Desk, riverside")
        with pytest.raises(ChangeRefused) as refused:
            publish(change, replace(site.press, opinion=deaf(statement)))
        assert refused.value.rule == rule
        assert refused.value.for_people.startswith("This can't be saved")
        assert site.dump() == before

    def test_a_press_without_an_opinion(self, site: Site) -> None:
        """Whoever forgets to wire the second opinion publishes nothing."""
        with pytest.raises(ChangeRefused, match="no second opinion"):
            publish(site.change("g, user:cam, role:Front Desk, riverside"), Press(site.store, site.counter))

    def test_an_engine_that_errs_is_found(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """An answer of ours that is not Casbin's blocks the change."""

        def erring(hearings: Iterable[Hearing]) -> Statement:
            return WITNESS.hear(each._replace(ours=(each.ours[0], each.ours[0])) for each in hearings)

        with pytest.raises(ChangeRefused) as refused:
            publish(site.change("g, user:cam, role:Front Desk, riverside"), replace(site.press, opinion=erring))
        assert refused.value.rule == "second-opinion-differs"
        assert "after this change" in refused.value.message

    def test_evidence(self, site: Site) -> None:
        """The revision says what flips, and how many questions were asked of how many."""
        revision = site.publish("g, user:eve, role:Nurse, riverside")
        assert revision.evidence is not None
        evidence = revision.evidence
        assert (evidence.gained, evidence.lost, evidence.asked, evidence.of, evidence.flags) == (2, 0, 3, 3, ())
        with site.view() as view:
            assert [tuple(each) for each in view.effects(revision.number)] == [("riverside", "eve", TASK, 2, 0)]

    def test_evidence_of_files(self, site: Site) -> None:
        """Files that open a level wider reach everybody who holds it, in every practice."""
        edits = {
            "screens.csv": ("g2, edit, Update, Task - Orders\n", "g2, edit, Read, Task - Orders\n"),
            "cases/queues.yaml": (site.policies.joinpath("cases/queues.yaml").read_text(), "[]\n"),
        }
        change, texts = site.of_files(edits)
        with_cases = {p: (t, "[]\n") for p, t in cases(site).items()}
        change, texts = site.of_files(edits | with_cases)
        shown = rehearse(change, site.store, texts)
        assert {(flip.practice, flip.user, flip.action) for flip in shown.effect.flips} == {
            ("lakeside", "ann", "edit"),
            ("riverside", "cam", "edit"),
        }
        evidence = publish(change, site.press, texts).evidence
        assert evidence is not None
        assert (evidence.gained, evidence.asked, evidence.of) == (2, 9, 9)

    def test_a_preview_asks_nobody(self, site: Site) -> None:
        """Rehearsing does not start Casbin; asking for the opinion of a rehearsal does not publish."""
        shown = rehearse(site.change("g, user:cam, role:Front Desk, riverside"), site.store)
        assert second_opinion(shown, site.press).asked == 3
        assert {flip.screen for flip in shown.effect.flips} == {LIST, TASK}


def cases(site: Site) -> dict[str, str]:
    """The published files of cases."""
    with site.view() as view:
        return {path: text for path, text in view.files().items() if path.startswith("cases/")}


def test_orders_is_a_screen_of_three_actions(site: Site) -> None:
    """What the numbers above rest on: three people hold Read on it, and three things can be asked."""
    assert sum(r.kind == "p" and r.fields[2] == ORDERS for r in site.rows("riverside")) == 2
