"""The service of `rolewarden serve check` and a Flask application that only says yes, under the same gunicorn settings,
for benchmarks that ask both.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import sleep

from flask import Flask, Response, request

from bench.publish import fill
from bench.worlds import World
from service import wsgi
from service.access.tokens import mint
from service.config import Settings
from service.publish import Press
from service.store.counter import Counter
from service.store.sql import Store
from service.witness import Witness

HOST = "127.0.0.1"


def stored(home: Path, rows: int) -> str:
    """Make the store of a service in this folder, with a world of so many rows in it; returns the text of a token."""
    Counter.create(home / "counter").close()
    url = f"sqlite:///{home / 'rolewarden.db'}"
    with (
        closing(Store.open(url, create=True)) as store,
        closing(Counter.open(home / "counter")) as counter,
        closing(Witness()) as witness,
    ):
        press = Press(store, counter, opinion=witness.hear)
        fill(press, home / "policies", World.count(rows))
        token, text = mint("bench", None, press.now())
        store.add_token(token)
    return text


def request_of(path: str, token: str, body: bytes) -> bytes:
    """A request as a caller sends it over a connection that stays open."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def whole(received: bytes) -> bool:
    """Whether an answer has come to its end."""
    head, ends, body = received.partition(b"\r\n\r\n")
    if not ends:
        return False
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return len(body) >= int(length.split(b":")[1])


@contextmanager
def served(home: Path, kind: str) -> Iterator[int]:
    """Run a service in a process of its own; its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROLEWARDEN_")}
    environ |= {"ROLEWARDEN_HOME": str(home), "ROLEWARDEN_BIND": f"{HOST}:{port}"}
    command = [sys.executable, "-m", "bench.served", kind]
    with (home / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            with socket.create_connection((HOST, port), 10) as connection:
                # A whole exchange: the kernel takes connections before there is a worker.
                connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                if connection.recv(65536):
                    return
        except OSError:
            sleep(0.1)
    raise AssertionError("the service does not answer")


def _serve(kind: str) -> None:
    """What the process of a service runs."""
    settings = Settings.from_environ(os.environ)
    if kind == "service":
        wsgi.serve(settings)
    else:
        own = settings.home / "plain"
        own.mkdir(exist_ok=True)
        wsgi.Server(replace(settings, home=own), _plain, wsgi.options(settings)).run()


def _plain(_settings: Settings) -> Flask:
    """An application that reads what it is sent and says yes."""
    app = Flask("plain", static_folder=None)

    @app.post("/access/v1/evaluation")
    @app.post("/access/v1/evaluations")
    def answer() -> Response:
        request.get_data(cache=False)
        return Response(b'{"decision":true}', content_type="application/json")

    return app


if __name__ == "__main__":
    _serve(sys.argv[1])
