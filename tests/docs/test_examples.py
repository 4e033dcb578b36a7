"""Examples on the pages are what the code reads and writes: bodies, files, log lines, and programs."""

import http.client
import io
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import folder
from service.access.permissions import METADATA
from service.decision import trial
from service.log import configure_log
from service.policy import bundle, request, rows
from service.policy.findings import errors
from tests.contract.endpoint.demonstration import Demonstration, publish
from tests.contract.endpoint.doors import ServerDoor, flask_door, server_door
from tests.docs.pages import REFERENCE, ROOT, blocks, code, table

HOW_TO = ROOT / "docs" / "how-to"
FOLDER = REFERENCE / "policy-folder.md"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """A published demonstration."""
    return publish(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(demonstration: Demonstration) -> Iterator[ServerDoor]:
    """The demonstration behind a real server."""
    with server_door(demonstration.settings) as door:
        door.ask("GET", "/readyz", {}, b"")  # the program waits for a second, and a worker may take longer to start
        yield door


def marked(page: Path, mark: str) -> str:
    """The one block of a page with this mark."""
    [block] = [block for block in blocks(page) if block.mark == mark]
    return block.text


# --- the client in plain HTTP -------------------------------------------------------------------------------


def client(monkeypatch: pytest.MonkeyPatch, token: str, address: str) -> dict[str, Any]:
    """The program of the page, as an EHR would have it, with all of its parts."""
    monkeypatch.setenv("EHR_ACCESS_TOKEN", token)
    monkeypatch.setenv("EHR_ACCESS_ADDRESS", address)
    names: dict[str, Any] = {}
    for part in ("client", "batch", "search"):
        exec(marked(HOW_TO / "connect-an-ehr.md", part), names)  # noqa: S102 - our own page
    return names


def test_the_client_asks(demonstration: Demonstration, server: ServerDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program on the page gets the answers, and the sentence for a refused user."""
    may = client(monkeypatch, demonstration.token, f"127.0.0.1:{server.port}")["may"]
    assert may("ann", "respond", "Task - Patient Portal", "riverside") == (True, "")
    allowed, message = may("eve", "respond", "Task - Patient Portal", "riverside")
    assert not allowed
    assert message.startswith("You don't have access to Patient Portal messages.")


def test_the_client_asks_for_a_page(
    demonstration: Demonstration, server: ServerDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program on the page gets all answers of a page at once, and a no for each where there is no answer."""
    names = client(monkeypatch, demonstration.token, f"127.0.0.1:{server.port}")
    wanted = [("open_queue", "Task - Patient Portal - List"), ("respond", "Task - Patient Portal"), ("fly", "x")]
    assert names["may_each"]("eve", wanted, "riverside") == [True, False, False]
    assert names["may_each"]("ann", wanted, "riverside") == [True, True, False]
    monkeypatch.setitem(names, "ADDRESS", "127.0.0.1:1")
    assert names["may_each"]("ann", wanted, "riverside") == [False, False, False]


def test_the_client_searches(demonstration: Demonstration, server: ServerDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program on the page finds everyone, page by page, and nobody at all rather than some of them."""
    names = client(monkeypatch, demonstration.token, f"127.0.0.1:{server.port}")
    everyone = names["everyone_who_may"]
    assert everyone("respond", "Task - Patient Portal", "riverside") == ["ann", "ben", "dee"]
    monkeypatch.setitem(names, "PAGE", 1)
    assert everyone("respond", "Task - Patient Portal", "riverside") == ["ann", "ben", "dee"]
    monkeypatch.setitem(names, "ADDRESS", "127.0.0.1:1")
    assert everyone("respond", "Task - Patient Portal", "riverside") is None


def test_the_client_fails_closed(
    demonstration: Demonstration, server: ServerDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a decision the program says no: nobody there, a token that is wrong, a practice that is not its own."""
    here = f"127.0.0.1:{server.port}"
    for token, address in (
        (demonstration.token, "127.0.0.1:1"),
        ("rw_000000000000_" + "0" * 64, here),
        (demonstration.lakeside_token, here),
    ):
        names = client(monkeypatch, token, address)
        assert names["may"]("ann", "respond", "Task - Patient Portal", "riverside") == (False, names["SORRY"])


# --- bodies and lines ---------------------------------------------------------------------------------------


EXCHANGES = [block.text for block in blocks(REFERENCE / "http.md") if block.language == "http"]


@pytest.mark.parametrize(("asked", "answered"), list(zip(EXCHANGES[::2], EXCHANGES[1::2], strict=True)))
def test_a_request_and_its_answer(demonstration: Demonstration, asked: str, answered: str) -> None:
    """A request in the reference gets the answer in the reference, headers and all but the code and the ids."""
    head, _, body = asked.partition("\n\n")
    configure_log(io.BytesIO())
    with flask_door(demonstration.settings) as door:
        headers = {"Authorization": f"Bearer {demonstration.token}", "Content-Type": "application/json"}
        got = door.ask("POST", head.split()[1], headers, body.encode())
    told, _, expected = answered.partition("\n\n")
    assert told.startswith(f"HTTP/1.1 {got.status} {http.client.responses[got.status]}")
    for name, value in (line.split(": ") for line in told.splitlines()[1:]):
        assert name == "X-Request-ID" or got.headers[name.lower()] == value
    assert json.loads(_lasting(got.body.decode())) == json.loads(_lasting(expected))


def test_the_metadata(demonstration: Demonstration) -> None:
    """The metadata in the reference is what is published for that identifier."""
    [shown] = [json.loads(block.text) for block in blocks(REFERENCE / "http.md") if block.language == "json"]
    with flask_door(demonstration.having(pdp_id=shown["policy_decision_point"])) as door:
        assert json.loads(door.ask("GET", METADATA, {}, b"").body) == shown


def _lasting(text: str) -> str:
    """An answer without what is another one each time. A token has its length."""
    return re.sub(r'"[\w-]{56}"', '"token"', re.sub(r"Code [0-9A-Z]{4}\.", "Code.", text))


def test_the_log_line(demonstration: Demonstration) -> None:
    """The line of a refusal on the page has the fields of a real one, in their order."""
    [shown] = [json.loads(block.text) for block in blocks(HOW_TO / "log-and-metrics.md") if block.language == "json"]
    log = io.BytesIO()
    configure_log(log)
    question = {
        "subject": {"type": "user", "id": "eve"},
        "action": {"name": "respond"},
        "resource": {"type": "screen", "id": "Task - Patient Portal"},
        "context": {"practice": "riverside"},
    }
    with flask_door(demonstration.settings) as door:
        headers = {"Authorization": f"Bearer {demonstration.token}", "Content-Type": "application/json"}
        door.ask("POST", "/access/v1/evaluation", headers, json.dumps(question).encode())
    line = json.loads(log.getvalue().splitlines()[-1])
    assert list(line) == list(shown)
    varying = {"code", "request_id", "timestamp"}
    assert {k: v for k, v in line.items() if k not in varying} == {k: v for k, v in shown.items() if k not in varying}


# --- files --------------------------------------------------------------------------------------------------


def test_the_files_of_the_reference_hold() -> None:
    """The case and the directory in the reference hold when they are put into the shipped folder."""
    yaml = [block.text for block in blocks(FOLDER) if block.language == "yaml"]
    # What begins alike further down is of folders without practices.
    shown = {text.split(":", 1)[0].strip("- "): text for text in reversed(yaml)}
    files = folder.read(ROOT / "policies")
    files["cases/shown.yaml"] = shown["case"].encode()
    files["shown/directory.yaml"] = shown["riverside"].replace("riverside", "shown").encode()
    read, found = bundle.load(files)
    assert read is not None
    assert not errors(found + trial.run_cases(read))


def test_the_request_map_is_the_shipped_one() -> None:
    """`request.yaml` in the reference says what the shipped one says."""
    [shown] = [block.text for block in blocks(FOLDER) if block.text.startswith("user:")]
    fields = ("user", "practice", "screen", "action")
    shipped = (ROOT / "policies" / "request.yaml").read_text(encoding="utf-8")
    assert request.read("shown", shown, fields) == request.read("shipped", shipped, fields)


def test_the_catalog_is_an_excerpt_of_the_shipped_one() -> None:
    """Every line of the catalog in the reference stands in the shipped one, in this order."""
    [shown] = [block.text for block in blocks(FOLDER) if block.text.startswith("levels:")]
    lines = iter((ROOT / "policies" / "catalog.yaml").read_text(encoding="utf-8").splitlines())
    assert all(any(line == other for other in lines) for line in shown.splitlines())


def test_the_table_of_the_demonstration() -> None:
    """What the README says of each user of the demonstration is what is decided."""
    read, _ = bundle.load(folder.read(ROOT / "policies"))
    assert read is not None
    world = trial.snapshot(trial.ruleset(read), (row for each in read.worlds for row in each.rows()))
    screen = "Task - Patient Portal"
    told = table((ROOT / "README.md").read_text(encoding="utf-8"), "user")
    people = {row.fields[1] for each in read.worlds for row in each.people if row.kind == "user"}
    assert {user for row in told for user in code(row[0])} == people
    for row in told:
        for user in code(row[0]):
            asked = [(f"{screen} - List", "open_queue"), (screen, "open_message"), (screen, "respond")]
            may = [world.decide((f"user:{user}", "riverside", *each)).allowed for each in asked]
            says = [row[2].startswith("yes"), *[row[3].startswith("yes")] * 2]
            assert may == says, user


@pytest.mark.parametrize("page", [FOLDER, REFERENCE / "rows-and-model.md"], ids=lambda page: page.stem)
def test_rows_of_the_reference_are_canonical(page: Path) -> None:
    """Rows in the reference can be read, and are written as we write them."""
    [shown] = [block.text for block in blocks(page) if block.language == "text"]
    file, found = rows.parse("shown", shown, {"p": 4, "g": 3, "g2": 3})
    assert not found
    assert "".join(f"{rows.dump_row(row)}\n" for row in file.rows) == shown


def test_rows_that_act_as_write_are_the_shipped_ones() -> None:
    """The rows that explain levels stand in the shipped screens."""
    shipped = (ROOT / "policies" / "screens.csv").read_text(encoding="utf-8").splitlines()
    page = ROOT / "docs" / "explanation" / "levels-act-as-write.md"
    shown = [re.split(" {2,}", line)[0] for block in blocks(page) for line in block.text.splitlines()]
    assert shown
    assert set(shown) <= set(shipped)


# --- the record ---------------------------------------------------------------------------------------------


def recompute(tmp_path: Path, database: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the page over a database."""
    program = tmp_path / "recompute.py"
    program.write_text(marked(REFERENCE / "record.md", "recompute"), encoding="utf-8")
    return subprocess.run([sys.executable, "-I", program, database], capture_output=True, text=True, check=False)


def test_the_record_can_be_recomputed(tmp_path: Path) -> None:
    """The program on the page finds a store whole, and prints the digest of its newest revision."""
    database = publish(tmp_path).settings.home / "rolewarden.db"
    done = recompute(tmp_path, database)
    [(digest,)] = sqlite3.connect(database).execute("SELECT digest FROM head")
    assert (done.stdout, done.stderr) == (f"1 revisions, whole and unaltered: {digest}\n", "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE casbin_rule SET v3 = 'Write' WHERE v0 = 'role:Nurse'",
        "DELETE FROM casbin_rule WHERE ptype = 'g' AND v0 = 'user:cam'",
        "UPDATE directory_user SET state = 'active' WHERE id = 'lou'",
        "DROP TRIGGER revision_row_never_deleted; DELETE FROM revision_row WHERE v0 = 'user:ann'",
        "DROP TRIGGER revision_never_updated; UPDATE revision SET actor = 'operator:nobody'",
    ],
)
def test_an_alteration_is_found(tmp_path: Path, statement: str) -> None:
    """The program on the page finds what was changed behind our back, in the rows and in their history."""
    database = publish(tmp_path).settings.home / "rolewarden.db"
    connection = sqlite3.connect(database)
    connection.executescript(statement)
    connection.close()
    done = recompute(tmp_path, database)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr
