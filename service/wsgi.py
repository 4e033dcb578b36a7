"""Either part under gunicorn: processes with threads, and a stop that loses no answer.

`options` is the whole configuration: no file and no variable of gunicorn's own is read. The application is built
in each worker, after the fork, because neither a thread nor a connection to a database survives one.
"""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import gunicorn.http.wsgi
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from service.config import Settings
from service.errors import ConfigError, RolewardenError
from service.log import LineHandler, configure_log
from service.worker import ENDING, PatientWorker, Worker

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a name that nobody can guess
METRICS_PREFIX = "rolewarden-metrics-"
_SECOND = 1.0
_ERRORS = 400
_BODIES = ("CONTENT-LENGTH", "TRANSFER-ENCODING")
_EMPTY = ("CONTENT-LENGTH", "0")


def serve(settings: Settings) -> None:
    """Answer checks until told to stop. Raises `RolewardenError` where the store is not ready to start with."""
    with metrics_folder(settings) as folder:
        # INVARIANT: the folder is named before anything imports prometheus-client, which looks for it only then.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from service.web import create_app, require_ready  # noqa: PLC0415 - see above

        require_ready(settings)
        _run(settings, create_app, options(settings))


def serve_pages(settings: Settings) -> None:
    """Answer pages and the admin API until told to stop."""
    from service.setup_web import create_app  # noqa: PLC0415 - the check part does without what this needs

    _run(settings, create_app, options_of_pages(settings))


def _run(settings: Settings, create: Callable[[Settings], Any], chosen: dict[str, Any]) -> None:
    configure_log()
    gunicorn.http.wsgi.Response = PlainResponse
    Server(settings, create, chosen).run()


@contextmanager
def metrics_folder(settings: Settings, memory: Path = SHARED_MEMORY) -> Iterator[Path]:
    """The folder in which the workers share their numbers, for nobody else and for as long as we serve.

    In memory: where the disk is full, a worker that writes to a file that it has mapped is killed. In the home where
    there is no such memory.
    """
    made = _folder_in(memory)
    if made is None:
        with suppress(OSError):
            settings.metrics.mkdir(mode=0o700, exist_ok=True)
        made = _folder_in(settings.metrics)
    if made is None:
        raise ConfigError(f"no metrics can be kept in `{settings.home}`", "let the service write there")
    (folder, lock), owner = made, os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # a worker leaves by the same way
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _folder_in(parent: Path) -> tuple[Path, int] | None:
    """A new folder and our lock on it. Those of services that were killed before they could remove them go."""
    try:
        for dead in parent.glob(f"{METRICS_PREFIX}*"):
            with suppress(OSError):  # somebody else's, or in use
                os.close(_locked(dead))
                shutil.rmtree(dead, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=METRICS_PREFIX, dir=parent))
        return folder, _locked(folder)
    except OSError:
        return None


def _locked(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def options(settings: Settings) -> dict[str, Any]:
    """gunicorn's configuration, by its own names."""
    return {
        "proc_name": "rolewarden",
        "bind": str(settings.bind),
        "umask": 0o007,  # of a Unix socket: its owner and group may connect
        "worker_class": Worker,
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_connections": 1000,
        # Longer than the pools of usual clients keep a connection, so that it is they who close it: a server
        # that closes first may do so while a request is under way.
        "keepalive": 75,
        "timeout": 30,
        "graceful_timeout": 30,
        "limit_request_line": 1024,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "certfile": settings.tls_cert and str(settings.tls_cert),
        "keyfile": settings.tls_key and str(settings.tls_key),
        "ssl_context": _modern_tls,
        "forwarded_allow_ips": "",  # nothing that a proxy says about its client is used
        "control_socket_disable": True,
        # A worker's sign of life is a file that it touches: on a slow disk it could look dead.
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        "logger_class": JsonLogger,
        "child_exit": _forget_gauges,
    }


def options_of_pages(settings: Settings) -> dict[str, Any]:
    """The same for the Setup part: fewer processes, longer addresses, and time for a page that computes."""
    chosen = options(settings) | {
        "proc_name": "rolewarden-setup",
        "bind": str(settings.setup_bind),
        "worker_class": PatientWorker,
        "workers": settings.setup_workers,
        "limit_request_line": 8190,  # a provider sends people back with long codes
    }
    del chosen["child_exit"]  # nothing is measured there
    return chosen


class Server(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn around the application that `create` builds."""

    def __init__(self, settings: Settings, create: Callable[[Settings], Any], chosen: dict[str, Any]) -> None:
        self._settings, self._create, self._chosen = settings, create, chosen
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in a worker.

        A worker that finds the store away ends, and gunicorn starts another; the exit code is none of the two
        by which a worker takes the whole service with it. The other workers answer from what they have.
        """
        try:
            application = self._create(self._settings)
        except RolewardenError as error:
            self.cfg.logger_class(self.cfg).error("worker cannot start: %s", error)
            time.sleep(_SECOND)  # so that a store that is away for long is not asked all the time
            sys.exit(1)
        # What is there now stays: looked through at each full collection, it would stop all threads for 0.1 s.
        gc.collect()
        gc.freeze()
        return application

    def run(self) -> None:
        Master(self).run()


class Master(Arbiter):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's arbiter, whose workers hear that they shall end from their first moment."""

    def spawn_worker(self) -> int:
        # INVARIANT: until a worker has its own handlers it has ours, which would put the signal where nobody looks,
        # and the worker would serve on until it is killed. Blocked, the signal waits; `Worker.init_signals` takes it.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            pid: int = super().spawn_worker()  # in the worker it never returns
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        return pid


class JsonLogger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's own lines in the form of ours, by the same way."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers[:] = [LineHandler()]


class PlainResponse(gunicorn.http.wsgi.Response):  # type: ignore[misc] # gunicorn ships no types
    """A response that does not say which server wrote it, and says truly whether its connection stays."""

    sock: Any

    def default_headers(self) -> list[str]:
        return [header for header in super().default_headers() if not header.startswith("Server:")]

    def write(self, arg: bytes) -> None:
        """Send a part of the body. The headers go out with the first one, so that a short answer is one packet."""
        if self.headers_sent:
            super().write(arg)
            return
        held = _Held()
        sock, self.sock = self.sock, held
        try:
            super().write(arg)
        finally:
            self.sock = sock
        sock.sendall(held.sent)

    def should_close(self) -> bool:
        """Whether this is the last answer of its connection.

        INVARIANT: whoever is told that the connection stays can use it again. An error may be told before the body
        was read, and the body of a GET is never read: what is left of either would be taken for the next request.
        """
        bodies = ((name, value) for name, value in self.req.headers if name in _BODIES)
        unread = self.req.method == "GET" or (self.status_code or 0) >= _ERRORS
        return bool(super().should_close() or (unread and any(body != _EMPTY for body in bodies)))


class _Held:
    """Stands for a socket, and keeps what it is given to send."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def _modern_tls(_config: object, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _forget_gauges(_arbiter: Arbiter, worker: Any) -> None:
    """What a worker counted stays in the sums; what it measured went with it."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see `serve`

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # as shipped
