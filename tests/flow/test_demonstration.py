"""Every line of the demonstration, asked over HTTP and by `rolewarden ask`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flow.harness import LIST, ORDERS, ROLES, TASK, Client, Home, Service, serving

USERS, AUDIT = "Setup - Users", "Audit - Policy Changes"
QUEUES = [
    *("Task - Communication", ORDERS, "Task - Results", "Task - Superbill", "Task - SOAP Notes", "Task - eDocuments"),
    *("Task - Prescription", "Task - Reminder", "Task - Fax", "Task - Fax Updocx", "Task - Case Mgmt.", "Task - NYSED"),
]
ACTIONS = {
    LIST: ["open_queue"],
    TASK: ["open_message", "respond"],
    **{queue: ["view", "edit", "add"] for queue in QUEUES},
    ROLES: ["view", "edit", "add"],
    USERS: ["view", "edit", "add"],
    AUDIT: ["view", "sign"],
}

# Written out by hand, from what the people of the demonstration are said to hold. All else is refused.
FULL = {(LIST, "open_queue"), (TASK, "open_message"), (TASK, "respond")}
SETUP = {(screen, action) for screen in (ROLES, USERS) for action in ("view", "edit", "add")}
MAY: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("riverside", "ann"): FULL,
    ("riverside", "ben"): {(TASK, "open_message"), (TASK, "respond")},
    ("riverside", "dee"): FULL,
    ("riverside", "eve"): {(LIST, "open_queue")},
    ("riverside", "cam"): {(ORDERS, "view")},
    ("riverside", "pat"): SETUP,
    ("riverside", "sam"): SETUP,
    ("riverside", "ada"): {(AUDIT, "view"), (AUDIT, "sign")},
    ("riverside", "max"): {(ORDERS, "view"), (ORDERS, "edit"), (ORDERS, "add")},
    ("riverside", "lou"): set(),
    ("lakeside", "ann"): {(ORDERS, "view")},
}

NO_QUEUE = "You don't have access to the Patient Portal queue."
NO_MESSAGES = "You don't have access to Patient Portal messages."
FORWARDED = "You can still open messages forwarded to you in Communication."
NO_ORDERS = "You don't have access to do this in the Orders queue."
STILL_LOOK = "You can still look at what is there."
CLOSING = r"Questions\? Ask your practice administrator\. Code [2-9A-HJ-NP-Z]{4}\."


@pytest.fixture
def client(standing: Service) -> Client:
    """A client of the demonstration."""
    return standing.client()


class TestOverHttp:
    @pytest.mark.parametrize(("practice", "user"), MAY)
    def test_the_table(self, client: Client, practice: str, user: str) -> None:
        """Each person may do on each screen what the table says, and nothing else, for the reason it gives."""
        refused = "inactive_user" if user == "lou" else "no_level"
        asked = [(screen, action) for screen, actions in ACTIONS.items() for action in actions]
        assert len(asked) == 47
        told = {(screen, action): client.ask(user, action, screen, practice).code for screen, action in asked}
        assert told == {line: "allowed" if line in MAY[practice, user] else refused for line in asked}

    @pytest.mark.parametrize(
        ("asked", "sentences"),
        [
            (("ben", "open_queue", LIST), [NO_QUEUE, FORWARDED]),
            (("cam", "open_queue", LIST), [NO_QUEUE]),
            (("pat", "open_queue", LIST), [NO_QUEUE]),
            (("lou", "open_queue", LIST), [NO_QUEUE]),
            (("eve", "respond", TASK), [NO_MESSAGES]),
            (("cam", "open_message", TASK), [NO_MESSAGES]),
            (("cam", "add", ORDERS), [NO_ORDERS, STILL_LOOK]),
            (("ann", "view", ORDERS), [NO_ORDERS]),
        ],
    )
    def test_security_messages(self, client: Client, asked: tuple[str, str, str], sentences: list[str]) -> None:
        """A refused user reads why, what they still may, only if they may, and a code to read out on the telephone."""
        reason = client.ask(*asked).reason
        assert re.fullmatch(" ".join([*map(re.escape, sentences), CLOSING]), reason["user_message"])
        assert (reason["screen"], reason["retryable"]) == (asked[2], False)

    def test_codes_differ(self, client: Client) -> None:
        """Each refusal has a code of its own, so that it can be found again."""
        codes = {client.ask("cam", "respond", TASK).reason["user_message"][-5:] for _ in range(20)}
        assert len(codes) >= 18

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            (("nobody", "respond", TASK, "riverside"), "unknown_user"),
            (("Ann", "respond", TASK, "riverside"), "unknown_user"),
            (("ben", "respond", TASK, "lakeside"), "unknown_user"),
            (("role:Front Desk", "respond", TASK, "riverside"), "unknown_user"),
            (("user:ann", "respond", TASK, "riverside"), "unknown_user"),
            (("ann", "respond", "Task - Nowhere", "riverside"), "unknown_screen"),
            (("ann", "Respond", TASK, "riverside"), "unknown_action"),
            (("ann", "Write", TASK, "riverside"), "unknown_action"),
            (("ann", "respond", TASK, "nowhere"), "unknown_practice"),
            (("ann", "respond", TASK, "template"), "unknown_practice"),
            (("ann", "respond", TASK, ""), "practice_missing"),
        ],
    )
    def test_what_is_unknown(self, client: Client, asked: tuple[str, str, str, str], code: str) -> None:
        """What nobody has made is refused with a reason of its own: never an error, never an allow."""
        answer = client.ask(*asked)
        assert (answer.code, answer.reason["retryable"]) == (code, False)

    def test_the_screen_that_has_the_action(self, client: Client) -> None:
        """An action asked on the wrong screen is refused, and the caller is told which screen has it."""
        assert client.ask("ann", "open_queue", TASK).reason["screens"] == [LIST]


class TestPracticesApart:
    @pytest.mark.parametrize("practice", ["riverside", "nowhere", "template", "Lakeside", "lakeside "])
    def test_a_token_for_one_practice(self, standing: Service, limited: Client, practice: str) -> None:
        """A token limited to one practice gets 403 for every other, in the same words whether it exists or not."""
        told = [limited.ask("ann", "view", ORDERS, asked) for asked in (practice, "never heard of")]
        assert [answer.status for answer in told] == [403, 403]
        assert told[0].body == told[1].body
        assert "x-policy-revision" in told[0].headers or set(told[0].headers) == set(told[1].headers)

    def test_its_own_practice(self, limited: Client) -> None:
        """It is answered for its own practice, where Ann is somebody else."""
        assert limited.ask("ann", "view", ORDERS, "lakeside").allowed
        assert limited.ask("ann", "respond", TASK, "lakeside").code == "no_level"

    @pytest.fixture
    def limited(self, standing: Service) -> Client:
        """A client that may ask about `lakeside` alone."""
        return standing.client("rw_00000000a1de_" + "7" * 64)


class TestByCommand:
    @pytest.mark.parametrize(
        ("asked", "code", "said"),
        [
            (("riverside", "ann", "open_queue", LIST), 0, "Front Desk"),
            (("riverside", "ben", "respond", TASK), 0, "Patient Portal Communications Only"),
            (("riverside", "ben", "open_queue", LIST), 2, FORWARDED),
            (("riverside", "dee", "open_queue", LIST), 0, "Nurse"),
            (("riverside", "eve", "respond", TASK), 2, "Front Desk"),
            (("riverside", "max", "add", ORDERS), 0, "Clinician"),
            (("riverside", "lou", "respond", TASK), 2, "inactive"),
            (("riverside", "Ann", "respond", TASK), 2, "Did you mean `ann`?"),
            (("lakeside", "ann", "respond", TASK), 2, "Lakeside Pediatrics"),
            (("nowhere", "ann", "respond", TASK), 2, "nowhere"),
        ],
    )
    def test_ask(self, standing: Service, asked: tuple[str, ...], code: int, said: str) -> None:
        """`rolewarden ask` decides as the service does: exit 0 or 2, and a sentence that says why."""
        done = standing.home.run("ask", *asked)
        assert (done.returncode, done.stderr) == (code, "")
        assert said in " ".join(done.stdout.split())


class TestTheFirstFiveMinutes:
    @pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
    def test_the_printed_curl(self, standing: Service) -> None:
        """The printed command, pasted into a shell as it is, is answered: Ann may open the queue."""
        assert "DEMONSTRATION" in standing.log()
        assert run_curl(standing.log()) == '{"decision":true}'

    @pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
    def test_on_a_unix_socket(self, home: Home, tmp_path: Path) -> None:
        """On a Unix socket the printed command names it; a token is made where none is given."""
        with serving(home, "--demo", bind=f"unix:{tmp_path / 'check.sock'}", DEMO_TOKEN="") as service:
            assert run_curl(service.log()) == '{"decision":true}'
            assert service.client().ask("ann", "respond", TASK).status == 401, "the token of the last start has ended"
            assert service.stop() == 0
        assert not (tmp_path / "check.sock").exists()


def run_curl(log: str) -> str:
    """Run the command that the demonstration prints."""
    printed = re.search(r"^curl .*?(?=\n\n)", log, re.MULTILINE | re.DOTALL)
    assert printed is not None
    return subprocess.run(["sh", "-c", printed[0]], capture_output=True, text=True, check=True, timeout=20).stdout
