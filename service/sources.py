"""Sources: a policy from wherever somebody names it: a folder, a change of the store, or a commit of a folder.

    policies                 the folder on disk
    @41                      the store as it was after change no. 41
    HEAD~1:policies          the folder as it stands in a commit, read by the `git` executable

Files own no rows of practices. A folder or commit brings the practices of its worlds, and one for each of its cases;
or, when the other side is a change of the store, the practices of that.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service import folder
from service.decision import trial
from service.decision.comparison import Policy
from service.errors import InvalidPolicy, UsageError
from service.policy import bundle
from service.policy.bundle import Bundle
from service.policy.findings import errors
from service.store.view import View
from service.values import Row

CHANGE = re.compile(r"@([0-9]{1,18})")
_FILE_MODES = (b"100644", b"100755")
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Source:
    """A policy as it was read. `stored`: its practices are those of the store, and not of files."""

    name: str
    read: Bundle
    practices: Mapping[str, frozenset[Row]]
    stored: bool

    def policy(self, practices: Mapping[str, frozenset[Row]]) -> Policy:
        """The policy of its files over these practices."""
        common = frozenset((*self.read.shared.rows, *self.read.templates.rows))
        return Policy(trial.ruleset(self.read), common, self.read.texts, practices)


def change_number(name: str) -> int | None:
    """The number in `@41`; None for any other name."""
    found = CHANGE.fullmatch(name)
    return int(found[1]) if found else None


def of_files(name: str) -> Source:
    """A folder, or a commit of one. UsageError where there is none, InvalidPolicy where it does not hold."""
    if Path(name).is_dir():
        files = folder.read(Path(name))
    elif ":" in name:
        files = _committed(*name.split(":", 1))
    else:
        raise UsageError(f"`{name}` is no folder, change or commit", "name a folder, `@41`, or `HEAD~1:policies`")
    return Source(name, _sound(files), _own(_sound(files)), stored=False)


def of_change(view: View, number: int) -> Source:
    """The store as it was after a change."""
    if number > view.head().number or number < 1:
        raise UsageError(f"there is no change no. {number}", f"the newest is {view.head().number}")
    rows = view.rows_at(number)
    read = _sound({path: text.encode() for path, text in view.files_at(number).items()})
    return Source(f"@{number}", read, _divided(row for row in rows if row.practice), stored=True)


def side_by_side(old: Source, new: Source) -> tuple[Policy, Policy]:
    """Both as policies, over practices that can be compared.

    Where one comes from the store and the other from files, both stand over the practices of the store. The practice
    of a case stands as the newer files have it, so that what differs is what the rules make of it.
    """
    if old.stored != new.stored:
        practices = old.practices if old.stored else new.practices
        return old.policy(practices), new.policy(practices)
    if old.stored:
        return old.policy(old.practices), new.policy(new.practices)
    cases = _cases(old.read) | _cases(new.read)
    return old.policy({**cases, **old.practices}), new.policy({**cases, **new.practices})


def _sound(files: Mapping[str, bytes]) -> Bundle:
    read, found = bundle.load(files)
    if read is None or errors(found):
        raise InvalidPolicy(found)
    return read


def _own(read: Bundle) -> dict[str, frozenset[Row]]:
    """The practices of the worlds."""
    return _divided(row for world in read.worlds for row in world.rows())


def _cases(read: Bundle) -> dict[str, frozenset[Row]]:
    """A practice for each one of a case, named by both."""
    return {
        f"{case.name} ({practice})": frozenset(_renamed(row, practice, f"{case.name} ({practice})") for row in rows)
        for case in read.cases
        for practice, rows in _divided(case.world(read.templates.rows)).items()
    }


def _renamed(row: Row, old: str, new: str) -> Row:
    if row.kind == "practice":
        return Row("practice", (new, new))
    at = {"p": 1, "g": 2}.get(row.kind, 0)
    return Row(row.kind, (*row.fields[:at], new, *row.fields[at + 1 :])) if row.practice == old else row


def _divided(rows: Iterable[Row]) -> dict[str, frozenset[Row]]:
    practices: dict[str, set[Row]] = {}
    for row in rows:
        practices.setdefault(row.practice, set()).add(row)
    return {name: frozenset(own) for name, own in practices.items()}


# --- a commit, by plumbing alone ---


def _committed(revision: str, path: str) -> dict[str, bytes]:
    """The files of a folder in a commit, by their path within."""
    name = f"{revision}:{path}"
    tree = _git(name, "rev-parse", "--verify", "--end-of-options", name).strip().decode("ascii")
    files: dict[str, bytes] = {}
    for entry in filter(None, _git(name, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")):
        about, _, where = entry.partition(b"\t")
        mode, _, blob = about.split(b" ")
        shown = os.fsdecode(where)
        if any(part.startswith(".") for part in shown.split("/")):
            continue
        if mode not in _FILE_MODES:
            raise UsageError(f"`{shown}` in `{name}` is not a file", "a link or a module of a commit is not followed")
        files[shown] = _git(name, "cat-file", "blob", blob.decode("ascii"))
    return folder.without_examples(files)


def _git(name: str, *words: str) -> bytes:
    """What the `git` executable says, here. UsageError where there is none, or where `name` is nothing to it."""
    # No pager, no prompt, no lock, and nothing that a configuration of the repository would run.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    kept |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", *words],  # noqa: S607  where the system has it
            env=kept,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("there is no `git` to read a commit with", "install git, or name a folder") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError("`git` did not answer", "look at the repository") from error
    if done.returncode:
        mend = "name it as `HEAD~1:policies`, from within the repository"
        raise UsageError(f"`{name}` is no folder of a commit that `git` knows here", mend)
    return done.stdout
