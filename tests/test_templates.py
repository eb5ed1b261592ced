"""Templates for new scripts: each runs as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.script_check import Report, check
from exporter.templates import Template, templates
from tests.service import Service


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.file_name)
def test_a_template_passes_the_check(tmp_path: Path, template: Template) -> None:
    assert check(template.content.encode(), tmp_path / template.file_name, tmp_path) == Report(ok=True, findings=[])


def test_scripts_made_of_the_templates_run_well(start_service: Callable[..., Service]) -> None:
    names = [template.file_name for template in templates()]
    service = start_service(
        json.dumps({"scripts": [{"name": name, "command": [f"./scripts/{name}"]} for name in names]})
    )
    offered = service.get("/api/v1/templates")["templates"]
    assert [each["file_name"] for each in offered] == names
    for each in offered:
        assert each["name"]
        assert each["description"]
        name, content = each["file_name"], each["content"]
        if "CHECK_URL" in content:
            content = content.replace("http://127.0.0.1:8917", service.url)
        assert service.fetch(f"/api/v1/files/{name}", method="PUT", body=content.encode())[0] == 201
        run_id = service.run(name)
        record, output = service.ended(run_id), service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2]
        assert (record["status"], record["stderr_bytes"], bool(output)) == ("completed", 0, True), output


def test_the_health_check_publishes_whether_the_address_answers(tmp_path: Path) -> None:
    script, metrics = tmp_path / "check", tmp_path / "metrics"
    script.write_text(next(each.content for each in templates() if each.name == "Health check"))
    (tmp_path / "answer").touch()
    for address, up in (((tmp_path / "answer").as_uri(), 1.0), ("http://127.0.0.1:9/", 0.0), ("nonsense", 0.0)):
        environ = os.environ | {"CHECK_URL": address, "CRONSCOPE_METRICS_FILE": str(metrics)}
        run = subprocess.run([sys.executable, script], env=environ, capture_output=True, check=False)
        assert run.returncode == 1 - up
        families = {each.name: each for each in text_string_to_metric_families(metrics.read_text())}
        assert families["health_check_up"].samples[0].value == up
        assert families["health_check_duration_seconds"].type == "gauge"
