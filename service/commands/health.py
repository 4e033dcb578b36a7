"""`rolewarden health`: asks the check part of this host whether it lives, as a supervisor does.

It asks where the settings say that the check part listens, so that whoever moves it need not move the question, too.
"""

from __future__ import annotations

import http.client
import socket
import ssl

import click

from service.access.permissions import ALIVE
from service.commands.desk import Desk
from service.config import Settings
from service.errors import RolewardenError
from service.setting import Bind

PATIENCE_SECONDS = 4.0
"""For each step of the way. Shorter than whoever asks for our own answer will wait."""

_OK = 200
_THIS_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one listens on every address


@click.command
@click.pass_obj
def health(desk: Desk) -> None:
    """Ask the check part of this host whether it answers.

    It is asked on the address and in the way that the settings name. Ends with 0 when it answers, else with 1.

    \b
    Example:
      rolewarden health
      ROLEWARDEN_BIND=unix:/run/rolewarden/check.sock rolewarden health
    """
    settings = desk.settings()
    connection = _connection(settings)
    try:
        connection.request("GET", ALIVE)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise RolewardenError(f"nothing answers on `{settings.bind}`: {error}") from error
    finally:
        connection.close()
    if status != _OK:
        raise RolewardenError(f"what answers on `{settings.bind}` says {status}")
    click.echo(f"{settings.bind} answers")


def _connection(settings: Settings) -> http.client.HTTPConnection:
    """A way to the check part that no proxy of the environment stands in."""
    bind = settings.bind
    host = _THIS_HOST.get(bind.host, bind.host)
    if bind.port is None:
        return _UnixConnection(bind)
    if settings.tls_cert is None:
        return http.client.HTTPConnection(host, bind.port, timeout=PATIENCE_SECONDS)
    # The certificate is for a name that others call this host by. Nothing secret is said, and the answer is
    # believed no further than that something answers here.
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, bind.port, timeout=PATIENCE_SECONDS, context=trust)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, bind: Bind) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = bind.host

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(self._path)
