"""The check part under gunicorn: processes with threads, and a stop that loses no answer.

`options` is the whole configuration: no file and no variable of gunicorn's own is read. The application is built
in each worker, after the fork, because neither a thread nor a connection to a database survives one.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from selectors import EVENT_READ
from typing import Any

import gunicorn.http.wsgi
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from service.config import Settings
from service.errors import RolewardenError

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes its files there by mkstemp
_SECOND = 1.0
_STALLED = struct.pack("ll", 5, 0)
"""Seconds, as the kernel wants them, for which a client that stops within a request can hold a thread."""


def serve(settings: Settings) -> None:
    """Answer checks until told to stop. Raises `RolewardenError` where the store is not ready to start with."""
    # INVARIANT: the folder is named before anything imports prometheus-client, which looks for it only then.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics)
    from service.observe import configure_log, formatter  # noqa: PLC0415 - see above
    from service.web import create_app, require_ready  # noqa: PLC0415 - see above

    require_ready(settings)
    configure_log()
    JsonLogger.formatter = formatter()
    gunicorn.http.wsgi.Response = NamelessResponse
    Server(settings, create_app).run()


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
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "logger_class": JsonLogger,
        "when_ready": lambda _arbiter: _empty(settings.metrics),
        "child_exit": _forget_gauges,
    }


class Server(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's arbiter around the application that `create` builds."""

    def __init__(self, settings: Settings, create: Callable[[Settings], Any]) -> None:
        self._settings = settings
        self._create = create
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in a worker.

        A worker that finds the store away ends, and gunicorn starts another; the exit code is none of the two
        by which a worker takes the whole service with it. The other workers answer from what they have.
        """
        try:
            return self._create(self._settings)
        except RolewardenError as error:
            self.cfg.logger_class(self.cfg).error("worker cannot start: %s", error)
            time.sleep(_SECOND)  # so that a store that is away for long is not asked all the time
            sys.exit(1)


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's worker with threads, but for how it meets slow clients and how it stops."""

    def init_process(self) -> None:
        for listener in self.sockets:  # the connections that it accepts inherit these
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.setsockopt(socket.SOL_SOCKET, option, _STALLED)
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread once there is something to read. A silent one would hold the thread."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end to accept connections. When stopping, take the last ones first.

        INVARIANT: whoever could connect is answered. A connection that waits in the kernel's queue while the
        worker stops is reset in the end, perhaps with a request in it. So the queue is emptied and closed at
        once; later clients are refused, and know that nobody heard them.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            before = None
            while listener.sock is not None and before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()
        for conn in self.pending_conns:  # what has said nothing so far may not hold up the end
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)


class JsonLogger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's own lines in the form of ours."""

    formatter: Any = None

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(self.formatter)


class NamelessResponse(gunicorn.http.wsgi.Response):  # type: ignore[misc] # gunicorn ships no types
    """A response that does not say which server wrote it."""

    def default_headers(self) -> list[str]:
        return [header for header in super().default_headers() if not header.startswith("Server:")]


def _modern_tls(_config: object, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _empty(folder: Path) -> None:
    """Begin with no metrics. gunicorn calls this once it has the address, so that no other service uses them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _forget_gauges(_arbiter: Arbiter, worker: Any) -> None:
    """What a worker counted stays in the sums; what it measured went with it."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see `serve`

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # as shipped
