"""`rolewarden check`: a policy folder read strictly, linted and held against its cases, and what came of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from service import folder as folders
from service.commands import desk, findings, present
from service.commands.desk import Desk, Exit
from service.decision import trial
from service.decision.trial import Mutant, Mutation
from service.policy import bundle as bundles
from service.policy.bundle import Bundle
from service.policy.findings import errors
from service.values import Finding, Severity

if TYPE_CHECKING:
    from service.decision.opinion import Difference

LARGE = 4 * 1024 * 1024
"""Bytes of policy that take longer to read than somebody waits without a sign."""

MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Casbin:
    """What stock Casbin was asked, where it differs, and how many inactive users it was not asked about."""

    asked: int
    inactive: int
    differ: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """All that a check found out. `mutation` and `casbin` only where they were asked for and could be worked out."""

    root: Path
    files: Mapping[str, bytes]
    bundle: Bundle | None
    found: Sequence[Finding]
    strict: bool
    mutation: Mutation | None = None
    casbin: Casbin | None = None

    @property
    def holds(self) -> bool:
        """Whether this could be published; strictly, whether there is nothing at all to mend."""
        return not (self.found if self.strict else errors(list(self.found)))

    @property
    def ended(self) -> Exit:
        """A difference from Casbin is a fault of ours, not of the policy."""
        if not self.holds:
            return Exit.INVALID
        return Exit.FAILED if self.casbin is not None and self.casbin.differ else Exit.DONE


@click.command()
@desk.folder
@desk.form("human", "json", "github")
@click.option("--strict", is_flag=True, help="Warnings and notices are errors, too.")
@click.option("--mutate", is_flag=True, help="Say which rows could change without any case noticing.")
@click.option("--with-casbin", is_flag=True, help="Ask stock Casbin every question, and say where it differs.")
@click.pass_obj
def check(given: Desk, folder: Path | None, form: str, strict: bool, mutate: bool, with_casbin: bool) -> Exit:
    """Check a policy folder.

    It is read strictly, searched for mistakes and held against its cases. Ends with 3 when there are errors; with
    --strict, when there is anything to mend. --mutate changes each row of screens and templates in turn and reports
    what no case noticed, which does not change how the command ends. With --with-casbin, a difference ends it with 1.

    \b
    Example:
      rolewarden check policies --mutate --with-casbin
      rolewarden check --format github
    """
    result = run(given.policies(folder), strict=strict, mutate=mutate, with_casbin=with_casbin)
    console = present.out()
    if form == "json":
        present.as_json(data(result))
    elif form == "github":
        for line in findings.github(result.found, result.root):
            click.echo(line)
        human_summary(console, result)
    else:
        findings.human(console, result.found, result.root, result.files)
        human_summary(console, result)
    return result.ended


def run(root: Path, *, strict: bool = False, mutate: bool = False, with_casbin: bool = False) -> Result:
    """Check a folder. Cases are run once everything they rest on holds, so that one mistake is one finding."""
    files = folders.read(root)
    with _no_collector():
        bundle, found = load(files)
        if bundle is not None and not errors(found):
            trial.compile_worlds(bundle)
    if bundle is None or errors(found):
        return Result(root, files, bundle, found, strict)
    found = sorted([*found, *trial.run_cases(bundle)], key=lambda finding: finding.position)
    mutation = trial.mutate(bundle) if mutate else None
    casbin = ask_casbin(bundle) if with_casbin else None
    return Result(root, files, bundle, found, strict, mutation, casbin)


def load(files: Mapping[str, bytes]) -> tuple[Bundle | None, list[Finding]]:
    """Read and lint files; a bar says how far it is where there are many rows."""
    total = sum(len(content) for content in files.values())
    with present.progress("reading rows", total, large=total > LARGE) as done:
        return bundles.load(files, lambda path, _rows: done(len(files[path])))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Millions of rows are made and none of them is garbage: looking for it would take a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ask_casbin(bundle: Bundle) -> Casbin:
    """Ask stock Casbin every question of every practice of every world. ConfigError where it is not installed."""
    from service.decision import opinion  # noqa: PLC0415 - the check part is installed without Casbin

    if bundle.bare is not None:
        told = opinion.opinion_of_bare(bundle.bare)
        return Casbin(told.asked, 0, told.differ)
    practices = list(opinion.practices(bundle))
    inactive, asked = 0, 0
    differ: list[Difference] = []
    with present.progress("asking stock Casbin", len(practices)) as done:
        for practice in practices:
            given = opinion.second_opinion(bundle, practice)
            asked += given.asked
            differ += given.differ
            inactive += len(practice.users("inactive"))
            done(1)
    return Casbin(asked, inactive, tuple(differ))


# --- for people ---


def human_summary(console: Console, result: Result) -> None:
    """What was looked at and what came of it, in a line each."""
    if result.mutation is not None:
        _mutation(console, result.mutation, result.root)
    if result.casbin is not None:
        _casbin(console, result.casbin)
    if result.bundle is not None and result.bundle.bare is not None:
        reads, how = result.bundle.bare.reads, trial.rulebook(result.bundle.bare).how if result.holds else ""
        present.say(console, f"reads {present.series(reads) or 'no'} attributes{f'; rows are {how}' if how else ''}")
    verdict = ("holds", "bold green") if result.holds else ("does not hold", present.STYLES["error"])
    summary = f": {findings.looked(result.files, result.bundle)}; {findings.numbers(result.found)}"
    strictly = " strictly" if result.strict else ""
    root = present.words(f"`{present.path(result.root)}` ")
    present.say(console, Text.assemble(root, verdict, strictly, summary))
    if errors(list(result.found)) and not any(each.rule == findings.CASE_FAILED for each in result.found):
        present.say(console, "the cases were not run: they rest on what does not hold")


def _mutation(console: Console, mutation: Mutation, root: Path) -> None:
    number = len(mutation.unnoticed)
    present.say(console, f"{number:,} of {mutation.rows:,} rows could change without any case noticing")
    for mutant in mutation.unnoticed:
        place = present.place(root, mutant.position)
        present.say(console, present.below(place), present.below(present.row("", mutant.row), 4))
        present.say(console, present.below(f"{present.series(_ways(mutant))}", 4))
    if number:
        present.say(console, "")


def _ways(mutant: Mutant) -> list[str]:
    """What no case would notice: the row taken out, or another level in it."""
    ways = []
    for change in mutant.changes:
        if change is None:
            ways.append("taken out")
        else:
            ways += [
                f"`{new}` for `{old}`" for old, new in zip(mutant.row.fields, change.fields, strict=True) if old != new
            ]
    return ways


def _casbin(console: Console, casbin: Casbin) -> None:
    left_out = ""
    if casbin.inactive:
        who = present.count(casbin.inactive, "inactive user")
        left_out = f" ({who} left out, as Casbin knows no directory: `known-names`)"
    number = len(casbin.differ)
    present.say(console, f"asked stock Casbin {present.count(casbin.asked, 'question')}: {number:,} differ{left_out}")
    for each in casbin.differ[:MOST_DIFFERENCES]:
        said = "we allow it, Casbin does not" if each.ours else "Casbin allows it, we do not"
        present.say(console, present.below(f"{each.world}: {', '.join(map(str, each.request))}: {said}"))
    if number > MOST_DIFFERENCES:
        present.say(console, present.below(f"and {number - MOST_DIFFERENCES:,} more"))


# --- for programs ---


def data(result: Result) -> dict[str, object]:
    """The result for a program. The names here never change their meaning."""
    weights = findings.weighed(result.found)
    summary: dict[str, object] = {"holds": result.holds, "strict": result.strict}
    summary |= findings.extent(result.files, result.bundle)
    summary |= {f"{severity}s": weights[severity] for severity in Severity}
    made: dict[str, object] = {"summary": summary, "findings": findings.data(result.found, result.root)}
    if result.mutation is not None:
        made["mutation"] = _mutation_data(result.mutation, result.root)
    if result.casbin is not None:
        differ = [each._asdict() for each in result.casbin.differ]
        made["casbin"] = {"asked": result.casbin.asked, "inactive_users": result.casbin.inactive, "differ": differ}
    return made


def _mutation_data(mutation: Mutation, root: Path) -> dict[str, object]:
    unnoticed = [
        {
            "file": present.path(root / mutant.position.file),
            "line": mutant.position.line,
            "row": present.row("", mutant.row).plain,
            "ways": _ways(mutant),
        }
        for mutant in mutation.unnoticed
    ]
    return {"rows": mutation.rows, "unnoticed": unnoticed}
