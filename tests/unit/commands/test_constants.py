"""`rolewarden constants`: every name of a policy as source code."""

import json
import subprocess
from pathlib import Path

import pytest

from service.commands.constants import java, names, python
from service.errors import UsageError
from service.policy import catalog
from service.values import Reason
from tests.unit.commands.line import CommandLine

ROOT = Path(__file__).parents[3]

CATALOG = """\
levels: [Read]
closing: "Code {code}."
unavailable: "Not now."
screens:
"""


def described(*screens: str) -> catalog.Catalog:
    """A catalog with these screens, each with one action."""
    entry = "group: G, description: D, actions: {view: see it}, security_message: No."
    entries = "".join(f"  {json.dumps(screen, ensure_ascii=False)}: {{{entry}}}\n" for screen in screens)
    read, found = catalog.read("catalog.yaml", CATALOG + entries)
    assert read is not None, found
    return read


def test_those_of_the_clients_are_those_of_the_policy(bare: CommandLine) -> None:
    """The constants that the clients ship are what the command makes of the shipped policy."""
    for language, file in (("python", "python/rolewarden_client/names.py"), ("java", "java/Names.java")):
        shipped = (ROOT / "clients" / file).read_text(encoding="utf-8")
        assert bare("constants", "--language", language).stdout == shipped


def test_every_name_is_there() -> None:
    """A constant is the name in capitals with bars, and its value the name, letter by letter."""
    found = names(described("Task - Patient Portal", "1st floor", "Büro"))
    assert found["Screen"] == {
        "TASK_PATIENT_PORTAL": "Task - Patient Portal",
        "_1ST_FLOOR": "1st floor",
        "BÜRO": "Büro",
    }
    assert found["Action"] == {"VIEW": "view"}
    assert set(found["Reason"].values()) == set(Reason)


def test_two_names_of_one_constant() -> None:
    """Names that would come to the same constant are refused, not one of them lost."""
    with pytest.raises(UsageError, match="both be TASK_A"):
        names(described("Task - A", "Task: A"))


def test_what_a_name_may_hold(tmp_path: Path) -> None:
    """Quotes and backslashes of a name arrive in both languages as they are."""
    strange = 'Say "hi" \\ there'
    made = names(described(strange))
    scope: dict[str, object] = {}
    exec(python(made), scope)  # noqa: S102 - what we made ourselves
    assert scope["Screen"]('Say "hi" \\ there').value == strange  # type: ignore[operator]
    (tmp_path / "Names.java").write_text(java(made), encoding="utf-8")
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", str(tmp_path), str(tmp_path / "Names.java")], check=True)


def test_a_folder_that_does_not_hold(bare: CommandLine) -> None:
    """Nothing is made of a policy that does not hold."""
    (bare.policies / "catalog.yaml").write_text("levels: []\n")
    assert bare("constants", "--language", "java", code=3).stdout == ""
