import subprocess
import sys
from pathlib import Path

from gunicorn.config import Config

from service.config import Settings
from service.wsgi import METRICS_PREFIX, metrics_folder, options, options_of_pages

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


def test_pages() -> None:
    """Pages are answered elsewhere, by fewer processes; long addresses are taken, and a large change has its time."""
    config = Config()
    for name, value in options_of_pages(Settings.from_environ({"ROLEWARDEN_SETUP_BIND": "[::1]:9001"})).items():
        config.set(name, value)
    assert (config.address, config.workers, config.threads) == ([("::1", 9001)], 2, 4)
    assert config.limit_request_line == 8190
    assert config.forwarded_allow_ips == []
    assert options_of_pages(Settings.from_environ({}))["worker_class"].holds > 60


def test_numbers_are_not_chosen_too_early() -> None:
    """What leads to `serve` imports nothing that imports prometheus-client, which looks for its folder only then."""
    program = "import sys, service.__main__, service.wsgi; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_metrics_where_there_is_no_memory(tmp_path: Path) -> None:
    """Without memory to share, the folder of the metrics is in the home; it is ours alone, and gone in the end."""
    settings = Settings.from_environ({"ROLEWARDEN_HOME": str(tmp_path)})
    with metrics_folder(settings, tmp_path / "absent" / "memory") as folder:
        assert folder.parent == settings.metrics
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_metrics_of_those_who_were_killed(tmp_path: Path) -> None:
    """What a service left behind that was killed is removed by the next; what belongs to a living one stays."""
    settings = Settings.from_environ({"ROLEWARDEN_HOME": str(tmp_path)})
    dead = settings.metrics / f"{METRICS_PREFIX}dead"
    dead.mkdir(parents=True)
    (dead / "counter_1.db").touch()
    with (
        metrics_folder(settings, tmp_path / "absent") as first,
        metrics_folder(settings, tmp_path / "absent") as second,
    ):
        assert first != second
        assert first.is_dir()
        assert not dead.exists()
