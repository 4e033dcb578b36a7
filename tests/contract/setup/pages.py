"""Pages of a practice, as a test asks for them: their words, and the buttons that carry edits."""

import html
import re

from werkzeug.test import TestResponse

from service.policy import edits as editing
from service.policy.edits import AnyEdit
from service.values import Revision
from tests.contract.setup.doors import Setup, words

ROOT = "/practices/riverside"
DRAFT = f"{ROOT}/draft"
COMMUNICATIONS = "Patient Portal Communications Only"
_ISOLATES = str.maketrans("", "", "\u2068\u2069")


def said(answer: TestResponse) -> str:
    """The words of a page as they are read: without markup, and without the signs that isolate names."""
    return re.sub(" ([:,;])", r"\1", html.unescape(words(answer)).translate(_ISOLATES))


def press(setup: Setup, *edits: AnyEdit, back: str = f"{ROOT}/roles") -> TestResponse:
    """A button that carries these edits."""
    return setup.post(DRAFT, {"do": "edits", "edits": editing.dumped(edits), "back": back})


def button(answer: TestResponse, label: str) -> str:
    """The edits that a button of the page carries, by its words."""
    pattern = r'<button[^>]* name="edits" value="([^"]*)"[^>]*>([^<]*)</button>'
    found = {
        html.unescape(text).translate(_ISOLATES): html.unescape(edits)
        for edits, text in re.findall(pattern, answer.text)
    }
    return found[label]


def mark(setup: Setup) -> str:
    """The mark of the draft that stands on the page."""
    found = re.search(r'name="mark" value="([0-9a-f]{8})"', setup.get(f"{ROOT}/roles").text)
    assert found
    return found[1]


def save(setup: Setup, do: str = "save", **fields: str) -> TestResponse:
    """Press Save, as the page that is open now has it."""
    filled = {"do": do, "reason": "New starter", "note": "", "reference": "", "back": f"{ROOT}/roles"}
    return setup.post(DRAFT, {**filled, "mark": fields.pop("mark", None) or mark(setup), **fields})


def newest(setup: Setup) -> Revision:
    """The newest change of the practice."""
    with setup.site.view() as view:
        return view.revisions("riverside", 1)[0]
