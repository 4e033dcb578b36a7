"""The publisher of the policy folder: what the Setup part does on one machine while nobody looks.

The folder is read whenever the disk says that it changed, and published when it holds. When it does not, the last
good policy goes on answering, and the store says what is wrong, for `/readyz`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from service import changes, folder
from service.changes import Author
from service.decision import trial
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy, RolewardenError, StoreUnavailable, UsageError
from service.policy import bundle
from service.policy.bundle import Bundle
from service.policy.findings import errors
from service.publish import Press
from service.store.base import FolderStatus
from service.store.view import View
from service.values import Change, Finding, How, Position, Revision, Severity

LOOK_SECONDS = 0.2
"""Between two looks at the folder. It must look the same twice, so that a file is not read half written."""

DEMO_MARK = "demonstration"
"""The mark of the demonstration's store; its value is the digest of the demonstration's rows as last published."""

MOST_FINDINGS = 20
"""Errors that are noted and told; `rolewarden check` has them all."""

Told = Callable[[str, dict[str, object]], object]
"""Takes an event name and its details."""


class Watcher:
    """Publishes one folder into one store; with `demo`, the rows of its worlds as well."""

    def __init__(self, path: Path, press: Press, *, demo: bool, tell: Told) -> None:
        self._path, self._press, self._demo, self._tell = path, press, demo, tell
        self._refused_at: int | None = None
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Watch until told to stop."""
        done: folder.Signature | None = None  # so that a folder that is not there is noted, too
        seen: folder.Signature | None = None
        while not stop.is_set():
            now = folder.signature(self._path)
            if now == seen and (now != done or self._store_moved()):
                done = now if self._attempt() else None
            seen = now
            stop.wait(LOOK_SECONDS)

    def _attempt(self) -> bool:
        """Publish what is there; False when it should be tried again: the store was away, or others came first."""
        try:
            self.publish()
        except BaseMoved:
            return False
        except StoreUnavailable as error:
            if not self._away:
                self._tell("store_unavailable", {"problem": error.message})
            self._away = True
            return False
        except RolewardenError:
            # It was noted and told already; the next change of the folder, or of the store, is the next attempt.
            self._refused_at = self._head()
        except Exception as error:  # noqa: BLE001 - INVARIANT: nothing in a folder ends the service that answers
            self._tell("policy_refused", {"problem": f"an error of ours: {error!r}", "findings": []})
        self._away = False
        return True

    def _store_moved(self) -> bool:
        """Whether the store changed since it refused what is in the folder: the reason may be gone with it."""
        return self._refused_at is not None and self._head() not in (None, self._refused_at)

    def _head(self) -> int | None:
        try:
            with self._press.store.reading() as view:
                return view.head().number
        except StoreUnavailable:
            return None

    def publish(self) -> Revision | None:
        """Read, check and publish the folder once. None where it is published already.

        Raises what `publish` raises, after noting in the store what is wrong with the folder; the policy that answers
        is then unchanged.
        """
        files: dict[str, bytes] = {}
        self._refused_at = None
        try:
            files = folder.read(self._path)
            read = _sound(files)
            revision = changes.carry_out(self._press, lambda view: self._wanted(view, read, files), read.texts)
        except BaseMoved:
            raise  # which says nothing about the folder
        except (InvalidPolicy, ChangeRefused, UsageError) as error:
            findings = error.findings if isinstance(error, InvalidPolicy) else (_as_finding(error, self._path),)
            # Every worker reads what is noted, each second: what fits on a page will do.
            shown = errors(list(findings))[:MOST_FINDINGS]
            self._note(files, holds=False, findings=tuple(shown))
            places = [f"{found.position} {found.rule}: {found.found}" for found in shown]
            self._tell("policy_refused", {"problem": error.message, "findings": places})
            raise
        if self._demo:
            self._press.store.mark(DEMO_MARK, _worlds_digest(files))
        self._note(files, holds=True, findings=())
        if revision is not None:
            self._tell("policy_published", {"revision": revision.number})
        return revision

    def _wanted(self, view: View, read: Bundle, files: dict[str, bytes]) -> Change:
        author = Author("operator:rolewarden", How.DEMO if self._demo else How.FILES, "the policy folder changed")
        change = changes.of_files(view, author, read)
        # What somebody did to the demonstration's practices stays until their files are edited.
        if self._demo and read.bare is not None:
            change = changes.together(change, changes.of_no_practices(view, author))
        elif self._demo and view.marked(DEMO_MARK) != _worlds_digest(files):
            change = changes.together(change, changes.of_worlds(view, author, read))
        return change

    def _note(self, files: dict[str, bytes], *, holds: bool, findings: tuple[Finding, ...]) -> None:
        published = {path: files[path] for path in bundle.published(files)}
        status = FolderStatus(self._press.now(), folder.digest(published), holds, findings)
        with self._press.counter.changing():  # so that every worker's `/readyz` says the same
            self._press.store.note_folder(status)


def _sound(files: dict[str, bytes]) -> Bundle:
    """The folder as a bundle without an error and without a failing case."""
    read, findings = bundle.load(files)
    if read is not None and not errors(findings):
        findings = trial.run_cases(read)
    if read is None or errors(findings):
        raise InvalidPolicy(findings)
    return read


def _worlds_digest(files: dict[str, bytes]) -> str:
    published = bundle.published(files)
    return folder.digest({path: content for path, content in files.items() if path not in published})


def _as_finding(error: RolewardenError, path: Path) -> Finding:
    rule = error.rule if isinstance(error, ChangeRefused) else error.code
    return Finding(rule, Severity.ERROR, Position(path.name), error.message, error.mend)
