"""A real nginx in front of the reference EHR, which asks Rolewarden about each request before it lets it through."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.flow.harness import LAUNCH, ROOT, TOKEN, Home, Lost, free_port, serving, wait_until

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
BELIEVED = "user=X-Auth-User practice=X-Auth-Practice method=X-Original-Method uri=X-Original-URI"
CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        auth_basic "EHR"; auth_basic_user_file {folder}/people;
        location / {{
            auth_request /_rolewarden;
            proxy_pass http://127.0.0.1:{ehr};
        }}
        location = /_rolewarden {{
            internal;
            proxy_pass http://{check}/forward-auth;
            proxy_pass_request_body off; proxy_pass_request_headers off;
            proxy_set_header Authorization "Bearer {token}";
            proxy_set_header X-Auth-User $remote_user;
            proxy_set_header X-Auth-Practice riverside;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URI $request_uri;
        }}
    }}
}}
"""
THROUGH = 302
"""What the EHR itself answers to whom it does not know yet: it leads them to its list of names."""


class Front(NamedTuple):
    """The proxy, and the check part behind it."""

    port: int
    check: subprocess.Popen[bytes]

    def get(self, path: str, user: str = "ann", **headers: str) -> int:
        """The status that a browser gets there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        signed = base64.b64encode(f"{user}:pw".encode()).decode()
        try:
            connection.putrequest("GET", path, skip_host=True)
            for name, value in {"Host": "ehr", "Authorization": f"Basic {signed}", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def front(seed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """All three, running."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder, port, ehr = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    home = seed.copy(tmp_path_factory.mktemp("home"))
    with serving(home, "check", "--demo", FORWARD_AUTH=BELIEVED) as service:
        (folder / "people").write_text("".join(f"{user}:{{PLAIN}}pw\n" for user in ("ann", "ben", "eve", "lou")))
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, ehr=ehr, check=service.bind, token=TOKEN))
        asking = {"EHR_TOKEN": TOKEN, "EHR_ROLEWARDEN": f"http://{service.bind}", "EHR_PORT": str(ehr)}
        environ = {**os.environ, **asking, "PYTHONPATH": str(ROOT / "clients" / "python")}
        launch = [sys.executable, "-c", LAUNCH]
        with (
            subprocess.Popen([*launch, sys.executable, "-m", "examples.ehr"], env=environ, cwd=ROOT) as one,
            subprocess.Popen([*launch, NGINX, "-p", str(folder), "-c", str(config)]) as other,
        ):
            found = Front(port, service.process)
            try:
                wait_until(lambda: _answers(found))
                yield found
            finally:
                other.terminate()
                one.terminate()


def _answers(front: Front) -> bool:
    try:
        return front.get("/static/ehr.css") == 200
    except (OSError, Lost):
        return False


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        ("ann", "/tasks/portal", THROUGH),
        ("ann", "/tasks/portal/1041", THROUGH),
        ("ben", "/tasks/portal", 403),
        ("ben", "/message/1041", THROUGH),
        ("eve", "/tasks/portal", THROUGH),
        ("eve", "/tasks/portal/1041", 403),
        ("lou", "/message/1041", 403),
        ("ben", "//tasks///portal", 403),
        ("ben", "/static/../tasks/portal", 403),
        ("ben", "/static/%2e%2e/tasks/portal", 403),
        ("ben", "/static/..%2ftasks/portal", 403),
        ("ann", "/TASKS/portal", 403),
        ("ann", "/nothing/here", 403),
        ("ann", "/tasks/portal?next=/static/", THROUGH),
    ],
)
def test_who_gets_through(front: Front, user: str, path: str, status: int) -> None:
    """Who may, reaches the EHR; who may not, is stopped before it, however the path is written."""
    assert front.get(path, user) == status


def test_a_browser_is_not_believed(front: Front) -> None:
    """What a browser says in the headers of the proxy is not passed on."""
    claimed = {"X-Auth-User": "ann", "X-Original-URI": "/static/x", "X-Auth-Practice": "lakeside"}
    assert front.get("/tasks/portal", "ben", **claimed) == 403


def test_nobody(front: Front) -> None:
    """Whom nginx has not signed in reaches nothing."""
    assert front.get("/tasks/portal", "mallory") == 401
