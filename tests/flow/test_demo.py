"""`make demo`: the demonstration and the EHR beside it, as somebody starts them and stops them again."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.flow.harness import ROOT, free_port, wait_until

DEMO = [sys.executable, "-m", "examples.ehr.demo"]


def begun(ports: list[int], log: Path) -> subprocess.Popen[bytes]:
    """The demonstration on these ports."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLEWARDEN_")}
    environ = {**kept, "DEMO_PORTS": " ".join(map(str, ports)), "PYTHONPATH": "clients/python"}
    with log.open("wb") as out:
        return subprocess.Popen(DEMO, cwd=ROOT, env=environ, stdout=out, stderr=out)


def page(port: int, path: str = "/") -> str:
    """What a browser would get."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def test_from_start_to_end(tmp_path: Path) -> None:
    """It says what to click when everything answers; Ctrl-C ends all of it, and a port that is taken is named."""
    ports, log = [free_port() for _ in range(3)], tmp_path / "log"
    process = begun(ports, log)
    try:
        wait_until(lambda: b"Eve Elm opens the queue" in log.read_bytes(), patience=90)
        assert f"http://127.0.0.1:{ports[2]}" in log.read_text()
        assert "Ann Alder" in page(ports[2])
        assert "Pat Pine" in page(ports[1], "/signin")
        assert log.read_bytes().endswith(b"Stop with Ctrl-C.\n")  # looking at pages does not scroll it away
        assert b"development server" not in log.read_bytes()
        other = begun(ports, tmp_path / "other")
        assert other.wait(30) == 1
        assert f"port {ports[0]} is in use" in (tmp_path / "other").read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        for port in ports:
            with pytest.raises(URLError):
                page(port)
    finally:
        process.terminate()
        process.wait(60)
