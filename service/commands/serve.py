"""`rolewarden init` and `rolewarden serve`: the check part, the Setup part, or both on one machine.

Each is made of processes of their own: what faces the EHR needs no right to write, and a page or a long check of the
folder must not hold up an answer. When one of them ends, so do the others: half a service is none.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from logging import ERROR, INFO, WARNING
from types import FrameType

import click
import structlog

from service import demonstration, wsgi
from service import folder as folders
from service.commands.desk import Desk, Exit, require_store
from service.commands.present import path as shown
from service.config import Settings
from service.errors import ConfigError
from service.log import configure_log
from service.policy import bundle as bundles
from service.publish import Press
from service.setting import Bind
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Revision
from service.watch import Told, Watcher
from service.witness import Witness

GRACE_SECONDS = 35.0
"""How long a part may take to end: longer than it gives the answers that are under way."""

_POLL_SECONDS = 0.1
_DIE_WITH_PARENT = 1

LEVELS = {"policy_refused": WARNING, "store_unavailable": ERROR, "part_ended": ERROR}
"""How loud an event of the Setup part is in the log; the others are for information."""


demo = click.option("--demo", is_flag=True, help="Invented people, loopback only, in a store of its own.")


@click.command
@demo
@click.pass_obj
def init(desk: Desk, demo: bool) -> None:
    """Make the store and publish the policy folder into it.

    What is there already stays; doing it twice does no harm.

    \b
    Example:
      rolewarden init
      rolewarden practice create riverside --admin pat --name "Riverside Family Practice"
      rolewarden token create --name ehr --practice riverside
      rolewarden serve
    """
    settings = desk.settings(demo=demo)
    revision = initialize(settings, lambda *_: None)
    done = f"published {shown(settings.policies)} as revision {revision.number}" if revision else "nothing to change"
    click.echo(f"the store in {shown(settings.home)} is ready: {done}")


@click.command
@click.argument("part", required=False, type=click.Choice(["check", "setup", "pages", "watch"]))
@demo
@click.pass_obj
def serve(desk: Desk, part: str | None, demo: bool) -> int:
    """Answer checks, serve the pages and the admin API, and publish the policy folder when it changes.

    PART is `check` (answers and writes nothing) or `setup`, which is `pages` (pages and admin API) and `watch`
    (publishes the folder); without it, all of them. What one command serves ends together. Settings are variables; the
    reference lists them.

    \b
    Example:
      rolewarden serve
      ROLEWARDEN_BIND=unix:/run/rolewarden/check.sock rolewarden serve check
      rolewarden serve --demo
    """
    settings = desk.settings(demo=demo)
    match part:
        case "check":
            _require_initialized(settings)
            wsgi.serve(settings)
        case "pages":
            _require_initialized(settings)
            wsgi.serve_pages(settings)
        case "watch":
            watch(settings, _log())
        case "setup":
            return supervise(settings, ("pages", "watch"), _log())
        case _:
            return supervise(settings, ("check", "pages", "watch"), _log())
    return Exit.DONE


def _log() -> Told:
    """A line in the log for each event."""
    configure_log()
    logger = structlog.get_logger()

    def tell(event: str, details: dict[str, object]) -> None:
        logger.log(LEVELS.get(event, INFO), event, **details)

    return tell


def initialize(settings: Settings, tell: Told) -> Revision | None:
    """Make the store and publish the policy folder into it. None when that was done before."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Store.open(settings.store_url, create=True)) as store, closing(Witness()) as witness:
        demonstration.require_own_store(store, demo=settings.demo)
        demonstration.mark(store, demo=settings.demo)
        press = Press(store, Counter.create(settings.counter), opinion=witness.hear)
        return Watcher(settings.policies, press, demo=settings.demo, tell=tell).publish()


def watch(settings: Settings, tell: Told) -> None:
    """Watch the policy folder and publish it when it holds, until told to stop."""
    stop = threading.Event()
    _on_signals(stop.set)
    require_store(settings)
    with closing(Store.open(settings.store_url)) as store, closing(Witness()) as witness:
        demonstration.require_own_store(store, demo=settings.demo)
        press = Press(store, Counter.open(settings.counter), opinion=witness.hear)
        tell("watching", {"folder": str(settings.policies)})
        Watcher(settings.policies, press, demo=settings.demo, tell=tell).run(stop)


def supervise(settings: Settings, names: Sequence[str], tell: Told) -> int:
    """Run these until told to stop; one that ends by itself is a failure, however it ended, and ends the others."""
    stop = threading.Event()
    _on_signals(stop.set)
    if settings.demo and "check" in names:
        initialize(settings, tell)
    _require_initialized(settings)
    flag = ["--demo"] if settings.demo else []
    parts = {name: _start([sys.executable, "-m", "service", "serve", name, *flag]) for name in names}
    ended: str | None = None
    try:
        if settings.demo and "check" in names and _all_answer(settings, parts, stop):
            _greet(settings)
        while ended is None and not stop.wait(_POLL_SECONDS):
            ended = next((name for name, part in parts.items() if part.poll() is not None), None)
        if ended is not None:
            tell("part_ended", {"part": ended, "code": parts[ended].returncode})
    finally:
        _end(list(parts.values()))
    return Exit.DONE if ended is None else Exit.FAILED


def _require_initialized(settings: Settings) -> None:
    require_store(settings)
    store = Store.open(settings.store_url)
    try:
        demonstration.require_own_store(store, demo=settings.demo)
        with store.reading() as view:
            if view.head().number == 0:
                raise ConfigError("nothing is published yet", "run `rolewarden init`")
        Counter.open(settings.counter).close()
    finally:
        store.close()


def _greet(settings: Settings) -> None:
    store = Store.open(settings.store_url)
    try:
        token = demonstration.make_token(settings, Press(store, Counter.open(settings.counter)))
    finally:
        store.close()
    read, _ = bundles.load(folders.read(settings.policies))
    click.echo(demonstration.banner(settings, token, read.bare if read else None))


def _all_answer(settings: Settings, parts: Mapping[str, subprocess.Popen[bytes]], stop: threading.Event) -> bool:
    """Wait until all listen that should; False when one ended or we were told to stop."""
    binds = {"check": settings.bind, "pages": settings.setup_bind}
    return all(_answers(bind, parts[name], stop) for name, bind in binds.items() if name in parts)


def _answers(bind: Bind, part: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    while part.poll() is None and not stop.wait(_POLL_SECONDS):
        unix = bind.port is None
        with socket.socket(socket.AF_UNIX if unix else _family(bind.host)) as probe:
            try:
                probe.connect(bind.host if unix else (bind.host, bind.port))
            except OSError:
                continue
            return True
    return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start one part in a session of its own, so that Ctrl-C reaches it through us and only once."""
    return subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent)  # noqa: PLW1509  see below


def _die_with_parent() -> None:
    # Before the exec and before any thread: a supervisor that is killed leaves no part behind that holds the address.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def _end(parts: Sequence[subprocess.Popen[bytes]]) -> None:
    for part in parts:
        if part.poll() is None:
            part.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for part in parts:
        try:
            part.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


def _on_signals(act: Callable[[], object]) -> None:
    def handler(_number: int, _frame: FrameType | None) -> None:
        # In a thread of its own: the main thread may be interrupted while it holds the lock of the very event.
        threading.Thread(target=act).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
