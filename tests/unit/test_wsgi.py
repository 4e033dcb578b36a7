import subprocess
import sys
from pathlib import Path

from gunicorn.config import Config

from service.config import Settings
from service.wsgi import options

ROOT = Path(__file__).parents[2]


def configured(**environ: str) -> Config:
    """gunicorn's own view of its configuration, which refuses names and values that it does not know."""
    config = Config()
    for name, value in options(Settings.from_environ(environ)).items():
        config.set(name, value)
    return config


def test_gunicorn_takes_every_option() -> None:
    """Each option is one that gunicorn has, with a value that it accepts."""
    config = configured(ROLEWARDEN_BIND="[::1]:9000", ROLEWARDEN_WORKERS="3", ROLEWARDEN_THREADS="5")
    assert (config.address, config.workers, config.threads) == ([("::1", 9000)], 3, 5)
    assert config.worker_class_str.endswith("Worker")


def test_what_is_switched_off() -> None:
    """Nothing listens but the one address, and nothing that a proxy says about its client is believed."""
    config = configured()
    assert config.control_socket_disable
    assert config.forwarded_allow_ips == []
    assert config.proxy_protocol == "off"
    assert config.http_protocols == ["h1"]
    assert not config.preload_app
    assert config.accesslog is None


def test_numbers_are_not_chosen_too_early() -> None:
    """What leads to `serve` imports nothing that imports prometheus-client, which looks for its folder only then."""
    program = "import sys, service.__main__, service.wsgi; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
