"""A decision point that answers whatever a test wants, over real sockets; and that counts what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Script:
    """What is answered: each request takes the next, and the last is kept. `asked` has the bodies, as they came."""

    answers: list[tuple[int, bytes]]
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    drop_first: bool = False
    drip: bool = False
    asked: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def answering(*answers: object, status: int = 200, **others: Any) -> Iterator[Script]:
    """A server on loopback; what is no bytes is written as JSON, and a pair is a status and an answer."""
    written = [one if isinstance(one, tuple) else (status, one) for one in answers]
    script = Script([(code, one if isinstance(one, bytes) else json.dumps(one).encode()) for code, one in written])
    for name, value in others.items():
        setattr(script, name, value)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append((self.path, body))
            if script.drop_first and len(script.asked) == 1:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, content = script.answers[min(len(script.asked), len(script.answers)) - 1]
            self.send_response(status)
            for name, value in script.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                for byte in content:
                    if script.drip:
                        time.sleep(0.05)
                    self.wfile.write(bytes([byte]))
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
