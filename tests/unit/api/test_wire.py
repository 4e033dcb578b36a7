import json

import pytest

from service.api.wire import Object, read_question, write_answer, write_error
from service.config import DecisionContext
from service.decide import Answer
from service.errors import BadRequest
from service.values import Decision, Explanation, Question, Reason, Row

ASKED = Question("user", "eve", "respond", "screen", "Task - Patient Portal", {"practice": "riverside"})
SENT: Object = {
    "subject": {"type": "user", "id": "eve"},
    "action": {"name": "respond"},
    "resource": {"type": "screen", "id": "Task - Patient Portal"},
    "context": {"practice": "riverside"},
}


def test_a_request_becomes_a_question() -> None:
    """Each field of the question is the one that the standard names, untouched."""
    assert read_question(SENT) == ASKED
    assert read_question(SENT, 7) == ASKED._replace(at_least=7)


def test_names_are_not_folded() -> None:
    """Blanks, case and spelling of an id are the caller's: nothing is trimmed or normalized."""
    for name in (" eve", "EVE", "e\u0301ve", "\u00e9ve", ""):
        sent = SENT | {"subject": {"type": "user", "id": name}}
        assert read_question(sent).subject_id == name


def test_names_of_attributes_have_case() -> None:
    """`Subject` is an unknown field, and the subject is then missing (A-14, A-15)."""
    sent = {name.title(): value for name, value in SENT.items()}
    with pytest.raises(BadRequest, match="`subject` is missing"):
        read_question(sent)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
@pytest.mark.parametrize("said", DecisionContext)
def test_a_refusal_is_never_an_allow(reason: Reason, said: DecisionContext) -> None:
    """Whatever the reason and the setting, a refusal is written as `false`, and nothing in it is null (A-17)."""
    written = json.loads(write_answer(Answer(Decision(reason, 1), ASKED, "riverside", "No.", "7F3K"), said))
    assert written["decision"] is False
    assert ("context" in written) is (said is not DecisionContext.NONE)
    if "context" in written:
        told = written["context"]["reason"]
        assert (told["code"], told["retryable"]) == (reason.value, reason.retryable)
        assert None not in told.values()


def test_an_allow_without_its_row() -> None:
    """Where nothing was explained, `all` still says why, and leaves out what is not known."""
    answer = Answer(Decision(Reason.ALLOWED, 1), ASKED, "riverside")
    assert json.loads(write_answer(answer, DecisionContext.ALL)) == {
        "decision": True,
        "context": {"reason": {"code": "allowed"}},
    }


def test_a_row_is_written_as_in_the_files() -> None:
    """The row of an allow is canonical Casbin, so that it can be searched for."""
    row = Row("p", ("role:A, B", "riverside", "Task - Patient Portal", "Write"))
    decision = Decision(Reason.ALLOWED, 1)
    answer = Answer(decision, ASKED, "riverside", explanation=Explanation(decision, rows=(row,)))
    told = json.loads(write_answer(answer, DecisionContext.ALL))["context"]["reason"]
    assert (told["role"], told["row"]) == (
        "role:A, B",
        'p, "role:A, B", riverside, Task - Patient Portal, Write',
    )


def test_an_error_has_no_empty_member() -> None:
    """What is not known is left out (A-17)."""
    assert json.loads(write_error("a", "b")) == {"error": {"code": "a", "message": "b"}}
    assert json.loads(write_error("a", "b", "c"))["error"]["mend"] == "c"
