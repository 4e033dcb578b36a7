import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.commands.health import PATIENCE_SECONDS
from tests.contract.endpoint.doors import free_port
from tests.unit.commands.line import CommandLine


@contextmanager
def answering(listener: socket.socket, status: bytes) -> Iterator[None]:
    """Somebody who answers one request with this status."""

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(999).startswith(b"GET /livez HTTP/1.1")
            connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    with listener:
        listener.listen()
        thread = threading.Thread(target=run)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - as in a container
def test_it_answers(bare: CommandLine, host: str) -> None:
    """What listens on every address is asked on the loopback; one line says that it answers."""
    port = free_port()
    bare.env |= {"ROLEWARDEN_BIND": f"{host}:{port}", "ROLEWARDEN_TLS_PROXY": "true", "http_proxy": "http://192.0.2.1"}
    with answering(socket.create_server(("127.0.0.1", port)), b"200 OK"):
        assert bare("health").output == f"{host}:{port} answers\n"


def test_a_unix_socket(bare: CommandLine, tmp_path: Path) -> None:
    """It asks where the settings say, on a Unix socket, too."""
    path = tmp_path / "rw.sock"
    bare.env["ROLEWARDEN_BIND"] = f"unix:{path}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    with answering(listener, b"200 OK"):
        assert bare("health").output == f"unix:{path} answers\n"


def test_it_does_not_answer(bare: CommandLine) -> None:
    """Nobody there, or another answer: one line, and 1."""
    port = free_port()
    bare.env["ROLEWARDEN_BIND"] = f"127.0.0.1:{port}"
    assert bare("health", code=1).output.startswith(f"error: nothing answers on `127.0.0.1:{port}`")
    with answering(socket.create_server(("127.0.0.1", port)), b"503 No"):
        assert bare("health", code=1).output == f"error: what answers on `127.0.0.1:{port}` says 503\n"


def test_it_gives_up(bare: CommandLine) -> None:
    """It waits for less time than the health check of the image gives it."""
    dockerfile = (Path(__file__).parents[3] / "Dockerfile").read_text()
    timeout = int(dockerfile.partition("--timeout=")[2].partition("s")[0])
    assert timeout > PATIENCE_SECONDS
