"""gunicorn's worker with threads, but for how it meets slow clients and how it stops.

The rule kept here: what a client does or leaves undone costs one connection for some seconds, and no more. A thread
gets a connection once there is something to read; a request has a deadline; and nobody waits for a client to leave.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""What ends a worker. Blocked while it is made, so that none is lost."""

DEADLINE_SECONDS = 10.0
"""How long a request may take to arrive, from its first byte; and how long it may hold a thread of the check part."""

PATIENCE_SECONDS = 120.0
"""How long it may hold a thread of the Setup part, where a large change is worked out."""

_LINGER_SECONDS = 2.0
"""How long a connection that we have ended waits for the client to end it, too, so that it gets the whole answer."""

_LOOK_SECONDS = 0.5
_MOST_LEFT_OVER = 1 << 20
"""Bytes that a client may go on to send meanwhile: as many again as a body may have, unless that is set."""


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """One process of the check part."""

    holds = DEADLINE_SECONDS
    """Seconds for which a request may hold a thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way: set[Any] = set()
        self._leaving: deque[Any] = deque()  # by when they must have left
        self._looked = 0.0

    def init_signals(self) -> None:
        """Listen to signals, to those that came before, too."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread once there is something to read. A silent one would hold the thread."""
        if conn.initialized or conn.data_ready:
            conn.began, conn.taken = time.monotonic(), None
            self._under_way.add(conn)
            super().enqueue_req(conn)
            return
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: Any) -> Any:
        """Handle one request, in a thread."""
        conn.taken = time.monotonic()
        return super().handle(conn)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Keep the connection for another request, or let it go. In the main thread."""
        self._under_way.discard(conn)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self._let_go(conn)

    def murder_pending(self) -> None:
        """What gunicorn calls at least once a second: the place for what has to be ended."""
        super().murder_pending()
        now = time.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked = now
        for conn in self._under_way:
            if now > conn.began + DEADLINE_SECONDS:
                # Only the way in, so that a whole request that waited for a thread is answered all the same. The
                # reader finds the end of the stream behind what has arrived.
                _shut(conn.sock, socket.SHUT_RD)
            if conn.taken is not None and now > conn.taken + self.holds:
                _shut(conn.sock, socket.SHUT_RDWR)  # who does not read its answer, either
        while self._leaving and now > self._leaving[0].timeout:
            self._close(self._leaving.popleft())

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether the connection can be kept: there is nothing left of the body, or all the rest has arrived already.

        gunicorn's own waits for the rest of a body that nobody read.
        """
        if not keepalive:
            return False
        conn.sock.setblocking(False)
        try:
            return any(not conn.parser.mesg.body.read(1024) for _ in range(_MOST_LEFT_OVER // 1024))
        except Exception:  # noqa: BLE001 - it has not, or is not what it should be: each kind of body has its errors
            return False

    def _let_go(self, conn: Any) -> None:
        """End our side, and wait for the client in the poller. gunicorn would do so here, and everybody with it."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._left_over, conn))
        except (OSError, ValueError):
            self._end(conn)
            return
        conn.left_over = 0
        conn.timeout = time.monotonic() + _LINGER_SECONDS
        self._leaving.append(conn)

    def _left_over(self, conn: Any, _sock: socket.socket) -> None:
        """Take what a client still sends. To close on it would reset the connection, with our answer under way."""
        more = b""
        with contextlib.suppress(OSError):
            more = conn.sock.recv(65536)
        conn.left_over += len(more)
        if not more or conn.left_over > _MOST_LEFT_OVER:
            self._leaving.remove(conn)
            self._close(conn)

    def _close(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self._end(conn)

    def _end(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

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


def _shut(sock: socket.socket, how: int) -> None:
    # INVARIANT: past the `shutdown` of TLS sockets, which makes them plain ones under the hands of the thread that
    # reads from them or writes to them.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, how)


class PatientWorker(Worker):
    """One process of the Setup part, where a request may be a large change."""

    holds = PATIENCE_SECONDS
