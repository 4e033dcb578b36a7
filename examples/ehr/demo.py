"""`make demo`: Rolewarden's demonstration and the little EHR beside it, and what to click.

Both end together, and nothing stays: each start has a new store, in a temporary folder, so that what is said to click
is always true; ROLEWARDEN_HOME names a folder to keep. The token by which the EHR asks is new each time, in no file.

DEMO_PORTS names three other ports: of the check part, of Setup, and of the EHR.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

COMMUNICATION = Path(__file__).with_name("communication.csv")
"""Rows that the demonstration lacks for an EHR: who may see the Communication queue."""

PORTS = "8180 8181 8190"
PATIENCE = 60.0
"""Seconds until everything must answer."""

WHAT_TO_CLICK = """
  DEMONSTRATION: invented people and messages, on this machine only.

  The EHR      http://127.0.0.1:{ehr}      Setup      http://127.0.0.1:{setup}

  1. In the EHR sign in as Ann Alder, Full Access: open Patient Portal, and a message in it.
  2. Sign out, sign in as Ben Birch, Limited Access: Patient Portal says why not. In Communication, his
     My Medical Locker Message opens, and he can answer it.
  3. Cam Cole has no access. In another window, in Setup as Pat Pine: search `Patient Portal`, open
     Task - Patient Portal, add Cam to Patient Portal Communications Only, Save.
  4. Back in the EHR, Cam's very next click opens the message that was forwarded to Cam.
  5. Eve Elm opens the queue and no message: queue only. Lou Lark has left and is refused everything.

  Stop with Ctrl-C.
"""


class Ports(NamedTuple):
    """Where each of the three listens."""

    check: int
    setup: int
    ehr: int


def main() -> int:
    """Start both, say what to click, and wait for the first of them to end."""
    ports = Ports(*map(int, os.environ.get("DEMO_PORTS", PORTS).split()))
    for port in ports:
        if _listens(port):
            sys.exit(
                f"port {port} is in use: end what runs there, such as `make run`, or set DEMO_PORTS to three others"
            )
    with tempfile.TemporaryDirectory() as home:
        return run({"ROLEWARDEN_HOME": home, **os.environ}, ports)


def run(environ: dict[str, str], ports: Ports) -> int:
    """The same, once the ports are free."""
    token = f"rw_{secrets.token_hex(6)}_{secrets.token_hex(32)}"
    check, setup = (f"127.0.0.1:{port}" for port in ports[:2])
    environ = {**environ, "ROLEWARDEN_DEMO_TOKEN": token, "ROLEWARDEN_BIND": check, "ROLEWARDEN_SETUP_BIND": setup}
    asking = {"EHR_TOKEN": token, "EHR_ROLEWARDEN": f"http://{check}", "EHR_PORT": str(ports.ehr)}
    asking["EHR_SETUP"] = f"http://{setup}"
    stopped = _on_signals()
    # What each says stays in the terminal; what to click is said last.
    rolewarden = _start([sys.executable, "-m", "service", "serve", "--demo"], environ)
    ehr = None
    try:
        if _answers(rolewarden, stopped, ports.check, ports.setup):
            bring = [sys.executable, "-m", "service", "import", str(COMMUNICATION)]
            subprocess.run(bring, env=environ, stdout=subprocess.DEVNULL, check=True, start_new_session=True)
            ehr = _start([sys.executable, "-m", "examples.ehr"], {**environ, **asking})
            if _answers(ehr, stopped, ports.ehr):
                time.sleep(1)
                sys.stdout.write(WHAT_TO_CLICK.format_map(ports._asdict()))
                sys.stdout.flush()
        while not stopped() and rolewarden.poll() is None and (ehr is None or ehr.poll() is None):
            time.sleep(0.2)
    finally:
        _end([part for part in (ehr, rolewarden) if part is not None])
    return 0 if stopped() else 1


def _start(command: Sequence[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, start_new_session=True)


def _answers(part: subprocess.Popen[bytes], stopped: Callable[[], bool], *ports: int) -> bool:
    """Wait until somebody listens on every port; False where the part ended, or we were told to stop."""
    end = time.monotonic() + PATIENCE
    waiting = list(ports)
    while waiting and part.poll() is None and not stopped() and time.monotonic() < end:
        if _listens(waiting[0]):
            waiting.pop(0)
        else:
            time.sleep(0.1)
    return not waiting


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _on_signals() -> Callable[[], bool]:
    told: list[int] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the last: its terminal is closed
        signal.signal(number, handler)
    return lambda: bool(told)


def _end(parts: Sequence[subprocess.Popen[bytes]]) -> None:
    for part in parts:
        part.terminate()
    for part in parts:
        part.wait()


if __name__ == "__main__":
    sys.exit(main())
