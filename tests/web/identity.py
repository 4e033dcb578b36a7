"""The real provider as a process: started, started again with other keys, and ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.flow.harness import free_port, wait_until

FOLDER = Path(__file__).parent / "provider"
SECRET = "what/only:we two+know%"


def node() -> str:
    """Where node is; a test that needs it is skipped without it, and fails where nothing may be skipped."""
    found = shutil.which("node")
    if found is None or not (FOLDER / "node_modules").is_dir():
        what = "node is missing" if found is None else "the provider of the tests is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what}; `tests/system.sh` installs it")
        pytest.skip(what)
    return found


@dataclass
class Identity:
    """A provider that knows these people, with the practices of each."""

    setup_url: str
    people: Mapping[str, Sequence[str]]
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it, with keys of its own, and wait until it listens."""
        environ = os.environ | {
            "PORT": str(self.port),
            "SETUP_URL": self.setup_url,
            "CLIENT_SECRET": SECRET,
            "PEOPLE": json.dumps(self.people),
            "NODE_ENV": "test",
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [node(), "provider.js"], cwd=FOLDER, env=environ, stdout=output, stderr=output
            )
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@contextmanager
def providing(setup_url: str, people: Mapping[str, Sequence[str]], folder: Path) -> Iterator[Identity]:
    """A provider for as long as a test."""
    identity = Identity(setup_url, people, folder / "provider.log")
    identity.start()
    try:
        yield identity
    finally:
        identity.stop()
