"""The compose file and the image: what is started, what of it can be reached, and what it needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from relay.cli import main
from tests.programs import program
from tests.prometheus import ROOT
from tests.service import DEADLINE

FILE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = YAML(typ="safe").load(FILE)["services"]
LONG_RUNNING = sorted(SERVICES.keys() - {"folders"})


def check(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What Docker Compose says: a plug-in of Docker or, as in Debian, a program of its own; this needs no engine."""
    plugin = ["docker", "compose"]
    there = shutil.which("docker") and subprocess.run([*plugin, "version"], capture_output=True, check=False)
    command = plugin if there and there.returncode == 0 else [program("docker-compose", "docker-compose")]
    environ = {key: value for key, value in os.environ.items() if key != "GRAFANA_PASSWORD"} | environ
    (folder / "env").touch()  # in place of the .env that may be there
    command += ["--file", str(FILE), "--env-file", str(folder / "env"), "config", "--quiet"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=DEADLINE, check=False)


def arguments(service: str) -> dict[str, str]:
    """The options of a service's command."""
    options = (argument.removeprefix("--").partition("=") for argument in SERVICES[service]["command"])
    return {name: value for name, _, value in options}


def mounts(service: str) -> dict[str, str]:
    """What is mounted where, by the place inside."""
    entries = (re.fullmatch(r"(\$\{.*\}|[^:]*):([^:]*)(:ro)?", volume) for volume in SERVICES[service]["volumes"])
    return {entry[2]: entry[1] for entry in entries if entry}


def test_docker_compose_finds_it_sound(tmp_path: Path) -> None:
    checked = check(tmp_path, GRAFANA_PASSWORD="of a test")  # noqa: S106
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize("environ", [{}, {"GRAFANA_PASSWORD": ""}])
def test_without_a_password_for_grafana_nothing_is_started(tmp_path: Path, environ: dict[str, str]) -> None:
    checked = check(tmp_path, **environ)
    assert checked.returncode != 0
    assert "choose a password for Grafana's admin" in checked.stderr


def test_nothing_in_it_is_a_password_or_lets_anyone_in_without_one() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value)
            assert not re.search("ANONYMOUS|AUTH_PROXY", name)


def test_everything_listens_on_loopback_only() -> None:
    assert re.search(r"CRONSCOPE_LISTEN=127\.0\.0\.1:8917\b", DOCKERFILE)
    assert arguments("prometheus")["web.listen-address"] == "127.0.0.1:9090"
    assert arguments("alertmanager")["web.listen-address"] == "127.0.0.1:9093"
    assert arguments("alertmanager")["cluster.listen-address"] == ""  # which it would listen at for others of its kind
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert not [name for name, service in SERVICES.items() if "ports" in service]
    assert {SERVICES[name]["network_mode"] for name in LONG_RUNNING} == {"host"}
    assert SERVICES["folders"]["network_mode"] == "none"


def test_the_page_links_to_the_grafana_beside_it() -> None:
    grafana = SERVICES["grafana"]["environment"]
    assert (
        SERVICES["cronscope"]["environment"]["CRONSCOPE_GRAFANA_URL"] == f"http://{grafana['GF_SERVER_HTTP_ADDR']}:3000"
    )


def test_every_file_and_folder_that_is_mounted_is_there_and_can_not_be_changed() -> None:
    volumes = YAML(typ="safe").load(FILE)["volumes"]
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro")
            else:
                assert re.sub(r"\$\{[A-Z_]+:-(\w+)\}?.*", r"\1", volume.split(":/")[0]) in volumes


def test_prometheus_finds_the_rules_where_its_configuration_looks() -> None:
    inside = mounts("prometheus")
    config = Path(arguments("prometheus")["config.file"])
    assert inside[str(config)] == "./prometheus.yml"
    for pattern in YAML(typ="safe").load(ROOT / "prometheus.yml")["rule_files"]:
        folder = (config.parent / pattern).parent
        assert [*(ROOT / inside[str(folder)]).glob(Path(pattern).name)]
    assert mounts("alertmanager")[arguments("alertmanager")["config.file"]] == "./dashboards/alertmanager.yml"


def test_what_the_others_keep_is_in_volumes() -> None:
    assert mounts("prometheus")[arguments("prometheus")["storage.tsdb.path"]] == "prometheus"
    assert mounts("alertmanager")[arguments("alertmanager")["storage.path"]] == "alertmanager"
    assert mounts("grafana")["/var/lib/grafana"] == "grafana"


def test_grafana_gets_what_its_provisioning_asks_for() -> None:
    provisioning = ROOT / "dashboards" / "provisioning"
    texts = [path.read_text() for path in provisioning.rglob("*.yml")]
    settings = "\n".join(line for text in texts for line in text.split("\n") if not line.startswith("#"))
    environment = SERVICES["grafana"]["environment"]
    asked = set(re.findall(r"(?<!\$)\$\{?([A-Z]\w+)", settings))
    assert asked == {name for name in environment if not name.startswith("GF_")}
    inside = mounts("grafana")
    assert inside[environment["CRONSCOPE_DASHBOARDS"]] == "./dashboards/grafana"
    assert environment["PROMETHEUS_URL"].endswith(arguments("prometheus")["web.listen-address"])
    for kind in ("datasources", "dashboards"):
        assert inside[f"/etc/grafana/provisioning/{kind}"] == f"./dashboards/provisioning/{kind}"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_their_processes_have_no_more_rights_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "cronscope" or re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "folders" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_scripts_can_run_what_they_unpack_and_nothing_else_can() -> None:
    assert SERVICES["cronscope"]["tmpfs"] == ["/tmp:exec"]  # noqa: S108
    assert {tuple(SERVICES[name]["tmpfs"]) for name in SERVICES.keys() - {"cronscope"}} == {("/tmp",)}  # noqa: S108


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_fails_is_noticed_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert "healthcheck" in service or (name == "cronscope" and "\nHEALTHCHECK" in DOCKERFILE)


def test_the_image_runs_as_a_user_without_rights_and_passes_signals_on() -> None:
    assert re.search(r"^USER cronscope$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["tini", "--"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r'^CMD \["cronscope", "serve"\]$', DOCKERFILE, re.MULTILINE)
    assert "serve" in main.commands


def test_the_image_is_built_from_what_the_wheel_is_built_from() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [path for path in let_in if not (ROOT / path).exists()] == []
    assert {"exporter", "relay", "examples", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"} <= {*let_in}
