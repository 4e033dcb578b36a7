"""What docker-compose.yml and the Dockerfile promise to an operator, read from the files themselves."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli import rolewarden
from service.commands.serve import GRACE_SECONDS

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
HOME = "/var/lib/rolewarden"
POLICIES = "/etc/rolewarden/policies"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    """The one service of docker-compose.yml."""
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    assert list(services) == ["rolewarden"]
    return services["rolewarden"]


@pytest.fixture(scope="module")
def stages() -> list[list[str]]:
    """The Dockerfile's instructions, one list for each stage, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: list[list[str]] = [[]]
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        if line.startswith("FROM "):
            found.append([])
        if line:
            found[-1].append(line)
    return found[1:]


def last(stage: list[str], instruction: str) -> str:
    """The argument of the last such instruction, which is the one that counts."""
    return [line for line in stage if line.startswith(f"{instruction} ")][-1].removeprefix(f"{instruction} ")


# --- docker-compose.yml ---


def test_compose_accepts_the_file() -> None:
    """docker-compose finds no fault with docker-compose.yml."""
    program = shutil.which("docker-compose")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("docker-compose is missing; `tests/system.sh` installs it")
        pytest.skip("docker-compose is missing")
    done = subprocess.run(
        [program, "-f", COMPOSE, "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_loopback_is_published(service: dict[str, Any]) -> None:
    """No port is open to another host: that is what makes ROLEWARDEN_TLS_PROXY true."""
    assert service["ports"] == ["127.0.0.1:8180:8180", "127.0.0.1:8181:8181"]
    assert service["environment"]["ROLEWARDEN_TLS_PROXY"] == "true"
    assert "network_mode" not in service


def test_the_container_can_write_its_home_alone(service: dict[str, Any]) -> None:
    """The file system is read-only but for the home, and a /tmp that is memory and runs nothing."""
    assert service["read_only"] is True
    writable = [mount for mount in service["volumes"] if not mount.endswith(":ro")]
    assert writable == [f"home:{HOME}"]
    [tmp] = service["tmpfs"]
    assert tmp.startswith("/tmp:")
    assert {"noexec", "nosuid", "nodev"} <= set(tmp.partition(":")[2].split(","))


def test_the_policies_cannot_be_changed_from_inside(service: dict[str, Any]) -> None:
    """The policy folder is mounted read-only, and it is the one that is served."""
    assert f"./policies:{POLICIES}:ro" in service["volumes"]
    assert service["environment"]["ROLEWARDEN_POLICIES"] == POLICIES


def test_the_container_holds_no_privilege(service: dict[str, Any]) -> None:
    """Every capability is dropped, none is given back, and no program can gain one."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "user", "pid", "ipc", "devices"} & set(service)


def test_the_first_start_needs_no_secret(service: dict[str, Any]) -> None:
    """`docker compose run --rm rolewarden init` works on a fresh clone: nothing must be filled in before."""
    assert not {"secrets", "env_file"} & set(service)
    assert "${" not in COMPOSE.read_text()


def test_no_secret_stands_in_the_environment(service: dict[str, Any]) -> None:
    """What is secret comes from a file, so that `docker inspect` does not show it."""
    secret = re.compile(r"TOKEN|SECRET|PASSWORD|KEY|DATABASE")
    assert not [name for name in service["environment"] if secret.search(name) and not name.endswith("_FILE")]


# --- Dockerfile ---


def test_the_image_runs_as_a_numbered_user(stages: list[list[str]]) -> None:
    """The image does not run as root, and an orchestrator can see so without looking into it."""
    user, _, group = last(stages[-1], "USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_only_locked_wheels_are_installed(stages: list[list[str]]) -> None:
    """Each pip call takes hashed wheels from a lock, or what is already there."""
    calls = [
        call
        for stage in stages
        for line in stage
        if line.startswith("RUN ")
        for call in line.removeprefix("RUN ").split(" && ")
        if call.startswith("pip ")
    ]
    assert calls
    for call in calls:
        assert "--require-hashes --only-binary :all: -r requirements/" in call or "--no-index" in call, call


def test_the_image_holds_no_build_tools(stages: list[list[str]]) -> None:
    """The last stage takes over the finished environment, and installs nothing itself."""
    assert len(stages) > 1
    assert not [line for line in stages[-1] if re.search(r"\b(apt-get|pip|curl|wget)\b", line)]


def test_the_image_asks_itself(stages: list[list[str]]) -> None:
    """The health check is a command of ours, which follows the settings: it needs no further program, and no port."""
    assert last(stages[-1], "HEALTHCHECK").endswith('CMD ["rolewarden", "health"]')
    assert "health" in rolewarden.commands


def test_the_container_may_take_its_time_to_end(service: dict[str, Any]) -> None:
    """Docker waits for longer than we give the answers that are under way."""
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS


def test_the_image_is_the_command(stages: list[list[str]]) -> None:
    """`docker compose run --rm rolewarden init` runs `rolewarden init`; without a word it serves."""
    assert last(stages[-1], "ENTRYPOINT") == '["rolewarden"]'
    assert last(stages[-1], "CMD") == '["serve"]'


def test_the_home_belongs_to_the_user(stages: list[list[str]]) -> None:
    """The home is the user's alone, a volume, and the working directory: a place for temporary files."""
    stage = stages[-1]
    assert any(f"install -d -o rolewarden -g rolewarden -m 0700 {HOME}" in line for line in stage)
    assert last(stage, "VOLUME") == HOME
    assert last(stage, "WORKDIR") == HOME


def test_the_image_is_built_from_named_files_alone() -> None:
    """Nothing that lies beside the project, a secret say, is sent to the build."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert kept == {"LICENSE", "policies", "pyproject.toml", "requirements", "service"}
