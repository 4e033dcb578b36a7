"""The doors by which requests come in. The contract is asked of each; a new door is added to `DOORS`."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from werkzeug.test import Client

from service.config import Settings, table
from service.live import Live
from service.observe import Recorder
from service.setting import Bind
from service.store.counter import Counter
from service.store.sql import Store
from service.web import doors, flask_app

SERVE = """
import os
from service.config import Settings
from service.wsgi import serve
serve(Settings.from_environ(os.environ))
"""
ROOT = Path(__file__).parents[3]
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Got:
    """An answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Door(Protocol):
    """Carries one request and brings the answer."""

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Got:
        """Send one request."""
        ...


class InProcess:
    """An application, without a server."""

    def __init__(self, application: Any) -> None:
        self._client = Client(application)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Got:
        """Send one request."""
        answer = self._client.open(path, method=method, headers=dict(headers), data=body)
        return Got(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data)


@dataclass(frozen=True)
class ServerDoor:
    """The same behind gunicorn: real processes, sockets and parsers. With `trust` it speaks TLS."""

    port: int
    process: subprocess.Popen[bytes]
    trust: ssl.SSLContext | None = None

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Got:
        """Send one request, on a connection of its own."""
        connection = self.connection()
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Got(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def connection(self) -> http.client.HTTPConnection:
        """A client that is not connected yet."""
        if self.trust is None:
            return http.client.HTTPConnection("localhost", self.port, timeout=PATIENCE)
        return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=self.trust)


@contextmanager
def in_process(build: Callable[[Settings, Live, Recorder], Any], settings: Settings) -> Iterator[InProcess]:
    """What is built over a live policy of this process."""
    live = Live(
        Store.open(settings.store_url),
        Counter.open(settings.counter),
        max_policy_age=settings.max_policy_age,
        keep_practices=settings.keep_practices,
    )
    live.start()
    try:
        yield InProcess(build(settings, live, Recorder(settings.log_decisions)))
    finally:
        live.stop()


def flask_door(settings: Settings) -> AbstractContextManager[InProcess]:
    """Flask's routes, all of them."""
    return in_process(flask_app, settings)


@contextmanager
def server_door(
    settings: Settings,
    *,
    trust: ssl.SSLContext | None = None,
    workers: int = 2,
    log: Path | None = None,
    script: str = SERVE,
) -> Iterator[ServerDoor]:
    """A server with two workers unless told otherwise, on a port of its own or the Unix socket that is set.

    It must end by itself when it is told to.
    """
    port = free_port()
    variables = {row.name: str(getattr(settings, name) or "") for name, row in table().items()}
    variables |= {"ROLEWARDEN_WORKERS": str(workers), "ROLEWARDEN_TLS_PROXY": ""}
    if settings.bind.port is not None:
        variables["ROLEWARDEN_BIND"] = f"127.0.0.1:{port}"
    # In a file, so that a full pipe can never hold the server up.
    with (log or settings.home / "server.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", script], env=os.environ | variables, stdout=output, stderr=output, cwd=ROOT
        )
    try:
        _wait_until_it_listens(settings.bind._replace(port=port) if settings.bind.port else settings.bind, process)
        yield ServerDoor(port, process, trust)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` that lasts for two days, and its key; openssl must be there."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(bind: Bind, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_UNIX if bind.port is None else socket.AF_INET) as probe:
            try:
                probe.connect(bind.host if bind.port is None else (bind.host, bind.port))
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError(f"the server does not listen; exit code {process.poll()}")


DOORS: dict[str, Callable[[Settings], AbstractContextManager[Door]]] = {
    "flask": flask_door,
    "before Flask": partial(in_process, doors),
    "gunicorn": server_door,
}
