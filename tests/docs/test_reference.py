"""The reference and the code name the same things: what exists stands there, and what stands there exists."""

import ast
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NotFoundByFlask

from service import setup_web, web
from service.access.permissions import ENDPOINTS, SETUP_ENDPOINTS
from service.audit.events import AuditEvent
from service.cli import rolewarden
from service.commands.desk import Exit
from service.config import LogDecisions, Settings, table
from service.decide import Answer
from service.decision.oracle import DIFFERENCES
from service.errors import (
    AccessRefused,
    PageExpired,
    PageInvalid,
    ProviderAway,
    RequestError,
    RolewardenError,
    SearchUnavailable,
    SignInFailed,
    StoreUnavailable,
)
from service.log import NEVER_LOGGED, configure_log
from service.observe import Recorder
from service.policy.bundle import REQUIRED
from service.policy.cases import _JUDGED as JUDGED
from service.policy.findings import RULES
from service.policy.model import Effect
from service.search import Found
from service.store.homes import HOMES
from service.values import Caller, Decision, How, Question, Reason
from tests.docs import pages
from tests.docs.pages import REFERENCE, ROOT

SERVICE = ROOT / "service"


# --- commands -----------------------------------------------------------------------------------------------


def commands(command: click.Command = rolewarden, path: tuple[str, ...] = ("rolewarden",)) -> dict[str, click.Command]:
    """Every command that does something, by its full name."""
    if not isinstance(command, click.Group):
        return {" ".join(path): command}
    below = [commands(each, (*path, name)) for name, each in command.commands.items()]
    return {name: each for some in below for name, each in some.items()}


def options(command: click.Command) -> set[str]:
    """The spellings of the options of a command, but for those of its help."""
    given = [param for param in command.params if isinstance(param, click.Option)]
    return {spelling for option in given for spelling in (*option.opts, *option.secondary_opts)}


def described() -> dict[str, str]:
    """The section of each command in the reference."""
    return {heading.strip("`"): text for heading, text in pages.sections(REFERENCE / "commands.md").items()}


def test_commands() -> None:
    """The reference has a section for each command, and for no other."""
    assert list(described()) == list(commands())


@pytest.mark.parametrize("name", commands())
def test_options(name: str) -> None:
    """The reference lists the options of each command, with their choices, and its arguments in order."""
    command, text = commands()[name], described()[name]
    listed = [row for table in pages.tables(text) for row in table[1:]]
    assert set(pages.names(listed)) == options(command)
    for param in command.params:
        if isinstance(param, click.Option) and isinstance(param.type, click.Choice):
            [row] = [row for row in listed if param.opts[0] in row[0]]
            assert set(pages.code(row[1])) == set(param.type.choices)
    usage = [piece for piece in command.collect_usage_pieces(click.Context(command)) if piece != "[OPTIONS]"]
    assert text.strip().startswith(f"`{' '.join([name, *usage])}`")


def test_options_of_all_commands() -> None:
    """The options before the name of a command stand at the top of the page."""
    rows = pages.table(pages.prose(REFERENCE / "commands.md"), "option of `rolewarden` itself")
    assert set(pages.names(rows)) == options(rolewarden) | {"-h", "--help"}


def test_exit_codes() -> None:
    """Every exit code stands in the reference under its number."""
    rows = pages.table(pages.sections(REFERENCE / "exit-codes.md")["How a command ends"], "code")
    assert [(int(row[0]), pages.code(row[1])[0]) for row in rows] == [(each.value, each.name) for each in Exit]


# --- settings -----------------------------------------------------------------------------------------------


def test_settings() -> None:
    """The table of settings is the code's, word for word."""
    rows = pages.table(pages.prose(REFERENCE / "settings.md"), "variable")
    assert [(row[0], row[1].strip("`"), row[2]) for row in rows] == [
        (f"`{setting.name}`", setting.default, setting.meaning) for setting in table().values()
    ]


def test_secrets_in_files() -> None:
    """The settings that may stand in a file are named, and no other."""
    text = pages.sections(REFERENCE / "settings.md")["Secrets in files"]
    secret = {setting.name for setting in table().values() if setting.secret}
    assert set(re.findall(r"ROLEWARDEN_[A-Z_]+", text)) == secret | {f"{name}_FILE" for name in secret}


def test_no_page_names_a_setting_that_is_not_there() -> None:
    """Whatever looks like a setting on any page is one."""
    known = {setting.name for setting in table().values()}
    known |= {f"{setting.name}_FILE" for setting in table().values() if setting.secret}
    known |= {"ROLEWARDEN_"}  # the beginning of them all
    known |= {"ROLEWARDEN_SERVICE_HOST", "ROLEWARDEN_SERVICE_PORT", "ROLEWARDEN_SERVICE_PORT_HTTP"}  # of Kubernetes
    known |= {"ROLEWARDEN_PORT", "ROLEWARDEN_PORT_"}  # up to the number
    for page in pages.pages():
        assert set(re.findall(r"ROLEWARDEN_[A-Z_]*", page.read_text(encoding="utf-8"))) <= known, page


# --- http ---------------------------------------------------------------------------------------------------


def test_routes() -> None:
    """The reference has each endpoint with its method, what it needs and what it does, and no other."""
    rows = pages.table(pages.prose(REFERENCE / "http.md"), "method")
    assert rows == [[each.method, f"`{each.path}`", each.needs.value, each.meaning] for each in ENDPOINTS]


def test_statuses() -> None:
    """Every answer without a decision stands in the reference with its status and its code."""
    rows = pages.table(pages.prose(REFERENCE / "http.md"), "status")
    ours = {(error.status, error.code) for error in below(RequestError) if error not in OF_SETUP}
    theirs = {(status, code) for status, (code, _) in web._HTTP.items()}  # noqa: SLF001 - the table of what Flask says
    known = ours | theirs | {(500, "internal"), (503, StoreUnavailable.code)}
    assert {(int(row[0]), pages.code(row[1])[0]) for row in rows} == known


OF_SETUP = (AccessRefused, SignInFailed)
"""Errors that the check part never gives."""


def test_routes_of_setup() -> None:
    """The reference has each endpoint of the Setup part with its method, what it needs and what it does."""
    rows = pages.table(pages.prose(REFERENCE / "http-setup.md"), "method")
    assert rows == [[each.method, f"`{each.path}`", each.needed, each.meaning] for each in SETUP_ENDPOINTS]


def test_statuses_of_setup() -> None:
    """Every way in which a request to Setup can fail stands in the reference with its status and its code."""
    rows = pages.table(pages.prose(REFERENCE / "http-setup.md"), "status")
    searching = (PageInvalid, PageExpired, SearchUnavailable)  # which Setup does not
    raised = [error("") for error in below(RequestError) if error not in (AccessRefused, *searching)]
    raised += [AccessRefused("", actor="", reason="", right="", sign=""), StoreUnavailable(""), NotFoundByFlask()]
    raised += [ProviderAway("")]
    raised += [MethodNotAllowed(), ValueError()]
    told = [setup_web.told(error)[:2] for error in raised]
    assert {(int(row[0]), pages.code(row[1])[0]) for row in rows} == set(told)


def test_errors() -> None:
    """Every error has its code in the reference."""
    rows = pages.table(pages.sections(REFERENCE / "exit-codes.md")["Errors"], "code")
    assert sorted(pages.names(rows)) == sorted({error.code for error in [RolewardenError, *below(RolewardenError)]})


def below(error: type) -> Iterator[type]:
    """Every kind of an error that has a code of its own."""
    for each in error.__subclasses__():
        if "code" in vars(each):
            yield each
        yield from below(each)


def test_reasons() -> None:
    """Every reason stands in the reference, and whether trying again may help, and there are no others."""
    rows = pages.table(pages.prose(REFERENCE / "reasons.md"), "code")
    assert [(pages.code(row[0])[0], row[1]) for row in rows] == [
        (reason.value, "yes" if reason.retryable else "no") for reason in Reason
    ]


# --- policy -------------------------------------------------------------------------------------------------


def test_differences() -> None:
    """Every named difference from Casbin has its row, and there is no other."""
    rows = pages.table(pages.prose(REFERENCE / "casbin-differences.md"), "name")
    assert [pages.code(row[0])[0] for row in rows] == list(DIFFERENCES)


def test_rules() -> None:
    """The index of findings names every rule, each with a page."""
    index = (REFERENCE / "findings" / "README.md").read_text(encoding="utf-8")
    assert {rule for rule in RULES if f"({rule}.md)" in index} == set(RULES)


def test_files_of_the_folder() -> None:
    """The files that every policy folder has stand in the reference, first."""
    rows = pages.table(pages.prose(REFERENCE / "policy-folder.md"), "file")
    assert set(pages.names(rows)[: len(REQUIRED)]) == set(REQUIRED)
    assert all((ROOT / "policies" / name).is_file() for name in REQUIRED)


def test_reasons_that_a_case_may_name() -> None:
    """The reasons that may stand in a case are listed."""
    text = pages.sections(REFERENCE / "policy-folder.md")["`cases/*.yaml`"]
    named = {name for name in re.findall(r"`(\w+)`", text) if name in set(Reason)}
    assert named == {reason.value for reason in JUDGED}


def test_kinds_of_rows() -> None:
    """Every kind of row that the store keeps stands in the reference, with as many fields."""
    rows = pages.table(pages.sections(REFERENCE / "rows-and-model.md")["Rows in the store"], "kind")
    assert {pages.code(row[0])[0]: len(row[1].split(",")) for row in rows} == {
        kind: home.least for kind, home in HOMES.items()
    }


def test_effects() -> None:
    """The effects that are compiled stand in the reference, and no other."""
    rows = pages.table(pages.sections(REFERENCE / "rows-and-model.md")["The model"], "part")
    assert [row[1].strip("`") for row in rows if row[0] == "effect"] == [effect.value for effect in Effect]


def test_guard_rails() -> None:
    """Every rule by which a change is refused stands in the reference, and no other."""
    rows = pages.table(pages.sections(REFERENCE / "exit-codes.md")["Guard rails"], "rule")
    raised = first_texts({"ChangeRefused", "Guard"})
    raised |= {name for name in first_texts({"__init__"}) if name == "base-moved"}
    assert set(pages.names(rows)) == raised


def test_ways_of_a_change() -> None:
    """Each way by which a change can come is explained."""
    [row] = [row for row in pages.table(pages.prose(REFERENCE / "record.md"), "part of a revision") if "how" in row[0]]
    assert set(pages.code(row[1])) == {how.value for how in How}


# --- what operators see -------------------------------------------------------------------------------------


def test_metrics() -> None:
    """Every metric stands in the reference with its kind and its labels, and no other."""
    recorder = Recorder(LogDecisions.DENIALS)
    found = {}
    for line in recorder.exposition().decode().splitlines():
        if line.startswith("# TYPE ") and "_created " not in line:
            name, kind = line.split()[2:]
            found[name.removesuffix("_total")] = kind
    rows = pages.table(pages.prose(REFERENCE / "metrics.md"), "metric")
    assert {pages.code(row[0])[0]: row[1] for row in rows} == found
    labelled = {"rolewarden_decisions", "rolewarden_errors", "rolewarden_searches", "rolewarden_shadow_answers"}
    assert {pages.code(row[0])[0] for row in rows if row[2]} == labelled


def test_no_page_names_a_metric_that_is_not_there() -> None:
    """Whatever looks like a metric on any page is one."""
    known = set(pages.names(pages.table(pages.prose(REFERENCE / "metrics.md"), "metric")))
    for page in pages.pages():
        for name in re.findall(r"\brolewarden_[a-z_]+", page.read_text(encoding="utf-8")):
            assert re.sub(r"_(total|bucket|sum|count)$", "", name) in known, page


def test_log_events() -> None:
    """Every event that we log stands in the reference, and no other."""
    text = pages.sections(REFERENCE / "log.md")
    listed = {"decision", "search", *pages.names(pages.table(text["Everything else"], "event"))}
    logged = first_texts({"tell", "_tell"}) | first_texts({"info", "warning", "error"}, on={"_log", "logger"})
    assert listed == logged | {event.value for event in AuditEvent}


@pytest.mark.parametrize("event", ["decision", "search"])
def test_fields_of_an_answer(event: str) -> None:
    """The fields of the line of a decision, and of a search, stand in the reference."""
    rows = pages.table(pages.sections(REFERENCE / "log.md")[event], "field")
    configure_log(log := io.BytesIO())
    recorder, caller = Recorder(LogDecisions.ALL), Caller("ehr", None)
    question = Question("user", "eve", "respond", "screen", "Task - Patient Portal", {})
    recorder.decided(Answer(Decision(Reason.NO_LEVEL, 1), question, "riverside"), caller, "r1", 0.1)
    recorder.searched("action", Found(("view",), Reason.ALLOWED, "riverside", 1), question, caller, "r2", 0.1)
    [line] = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == event]
    shown = {name for row in rows for name in pages.code(row[0])}
    assert shown == line.keys() - {"timestamp", "level", "event"}


def test_fields_that_are_never_logged() -> None:
    """The fields that no line has are all named."""
    assert {f"`{name}`" for name in NEVER_LOGGED} <= set(re.findall(r"`\w+`", pages.prose(REFERENCE / "log.md")))


# --- reading the code ---------------------------------------------------------------------------------------


def calls(file: Path) -> Iterator[ast.Call]:
    """Every call in a file."""
    yield from (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def first_text(call: ast.Call) -> str:
    """The first argument of a call, where it is a text; else nothing."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def first_texts(functions: set[str], on: set[str] | None = None) -> set[str]:
    """The first arguments, where they are texts, of every call of these functions, on objects of these names."""
    found = set()
    for file in SERVICE.rglob("*.py"):
        for call in calls(file):
            called = call.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            owner = getattr(called, "value", None)
            owned = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in functions and (on is None or owned in on) and first_text(call):
                found.add(first_text(call))
    return found


def test_nothing_here_is_a_setting_by_accident() -> None:
    """Settings are read in one place, so that the table above is all there is."""
    readers = [file for file in SERVICE.rglob("*.py") if "from_environ(" in file.read_text(encoding="utf-8")]
    assert {file.name for file in readers} <= {"cli.py", "config.py"}
    assert Settings.from_environ({}).demo is False
