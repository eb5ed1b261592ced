"""Alert rules: those that come along, and those that `cronscope rules` makes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.command_line import invoke
from tests.programs import program
from tests.prometheus import exposed

RULES = Path(__file__).parents[1] / "dashboards" / "rules"
NAMES = """
ScriptOverdue ScriptNeverSucceeded ScriptFailing ScriptRunFailed ScriptStartMissed ScriptStuck ScriptOverlapping
ScriptSlow Down Absent SchedulerStalled ConfigReloadFailing QueueSaturated StartDelay EventLoopLag HistoryStoreFailing
OutputSuspended CrashLooping DiskFilling
"""


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [program("promtool", "prometheus"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def sound(*paths: Path) -> None:
    """Of what it only dislikes, such as rules that look the same, promtool tells in words alone."""
    checked = promtool("check", "rules", *paths)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count("SUCCESS") == len(paths), checked.stdout


def groups(text: str) -> dict[str, list[dict[str, Any]]]:
    """The rules of a file, by group."""
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return {group["name"]: group["rules"] for group in loaded["groups"]}


def shipped() -> list[dict[str, Any]]:
    return [rule for path in RULES.glob("*.yml") for group in groups(path.read_text()).values() for rule in group]


# --- those that come along ---


def test_promtool_finds_the_rules_sound() -> None:
    sound(*RULES.glob("*.yml"))


@pytest.mark.parametrize("name", ["scripts", "service"])
def test_every_alert_fires_when_it_should_and_not_otherwise(name: str) -> None:
    tested = promtool("test", "rules", RULES / "tests" / f"{name}.yml")
    assert tested.returncode == 0, tested.stdout


def test_every_alert_is_seen_firing_by_one_of_these_tests() -> None:
    tests = "".join(path.read_text() for path in (RULES / "tests").glob("*.yml"))
    seen = set(re.findall(r'labels: \'{alertname="(\w+)"', tests))
    assert {rule["alert"] for rule in shipped()} == seen == {f"Cronscope{name}" for name in NAMES.split()}


def test_the_guide_tells_of_every_alert() -> None:
    guide = (RULES.parents[1] / "docs" / "prometheus.md").read_text()
    assert set(re.findall(r"`(Cronscope[A-Z]\w+)`", guide)) == {rule["alert"] for rule in shipped()}


@pytest.mark.parametrize("rule", shipped(), ids=lambda rule: rule["alert"])
def test_every_alert_tells_how_bad_it_is_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert re.search(r"\w", rule["annotations"]["summary"])
    assert len(rule["annotations"]["description"]) > 80


def test_rules_ask_only_for_metrics_that_exist() -> None:
    known = exposed()
    for rule in shipped():
        asked = set(re.findall(r"\b(?:cronscope|process)_\w+", rule["expr"]))
        assert asked <= known, rule["alert"]


# --- those for a configuration ---

CONFIG = """\
scripts:
  - name: backup
    command: "true"
    cron: "15 3 * * *"
    timezone: UTC
    timeout: 10m
    kill_after: 30s
    labels: {team: ops, severity: page, instance: mine, odd: 'a "{{ b }}" c'}
  - {name: probe, command: "true", every: 30s, overlap: queue, retries: 2}
  - {name: by.hand, command: "true"}
  - {name: stated, command: "true", every: 1h, success_age_limit: 1h30m}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cronscope.yml"
    path.write_text(CONFIG)
    return path


def made(config: Path, *arguments: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The rules, by script and what follows `CronscopeScript`, once promtool has accepted them."""
    result = invoke("rules", "-c", config, *arguments)
    assert result.exit_code == 0, result.stderr
    path = config.with_name("rules.yml")
    path.write_text(result.stdout)
    sound(path)
    return {
        name.removeprefix("cronscope-script-"): {
            rule["alert"].removeprefix("CronscopeScript"): rule for rule in rules
        }
        for name, rules in groups(result.stdout).items()
    }  # fmt: skip


def test_limits_follow_from_schedule_timeout_and_success_age_limit(config: Path) -> None:
    rules = made(config)
    assert f"> {2 * (24 * 3600 + 600)}" in rules["backup"]["Overdue"]["expr"]
    assert "offset 2d20m == 1" in rules["backup"]["NeverSucceeded"]["expr"]
    assert f"> {600 + 30 + 60}\n" in rules["backup"]["Stuck"]["expr"]
    assert "> 480" in rules["backup"]["Slow"]["expr"]
    assert "> 24" in rules["probe"]["Slow"]["expr"]
    assert "> 5400" in rules["stated"]["Overdue"]["expr"]
    assert "> 5400\n" in rules["stated"]["Stuck"]["expr"]
    assert "> 86400\n" in rules["by.hand"]["Stuck"]["expr"]
    assert ") > 20\n" in rules["probe"]["StartMissed"]["expr"]
    assert ") > 0\n" in rules["backup"]["StartMissed"]["expr"]
    assert ") > 0\n" in rules["by.hand"]["StartMissed"]["expr"]
    assert "> 0.75\n" in rules["probe"]["Failing"]["expr"]
    assert "> 6\n" in rules["probe"]["Failing"]["expr"]


def test_each_script_gets_the_rules_that_can_be_about_it(config: Path) -> None:
    every = {"Overdue", "NeverSucceeded", "StartMissed", "Stuck", "Slow"}
    assert {name: set(rules) for name, rules in made(config).items()} == {
        "backup": every | {"RunFailed", "Overlapping"},
        "probe": every | {"Failing"},
        "by.hand": {"RunFailed", "StartMissed", "Overlapping", "Stuck"},
        "stated": every | {"RunFailed", "Overlapping"},
    }


def test_labels_of_a_script_are_on_its_alerts_but_do_not_hide_where_they_come_from(config: Path) -> None:
    labels = made(config)["backup"]["Overdue"]["labels"]
    assert labels == {"script": "backup", "team": "ops", "severity": "page", "odd": 'a "{{"{{"}} b }}" c'}


def test_rules_may_be_about_one_instance_only(config: Path) -> None:
    for rules in made(config, "--instance", 'db"1:8917').values():
        for rule in rules.values():
            asked = rule["expr"].count("script=") + rule["expr"].count("up{")
            assert asked == rule["expr"].count('instance="db\\"1:8917"') > 0


def fires(config: Path, test: str) -> None:
    """`test`: input series and what is expected, as promtool wants them."""
    path = config.with_name("test.yml")
    path.write_text(f"rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n{test}")
    tested = promtool("test", "rules", path)
    assert tested.returncode == 0, tested.stdout


def test_a_script_of_which_nothing_is_known_is_noticed_at_its_service(config: Path) -> None:
    made(config)
    fires(
        config,
        """\
    input_series:
      - {series: 'up{job="cronscope", instance="a"}', values: 1x180}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="stated"}', values: 1x60 _x120}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="backup"}', values: 1x180}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="probe"}', values: 0x180}
    alert_rule_test:
      - {alertname: CronscopeScriptNeverSucceeded, eval_time: 70m}
      - alertname: CronscopeScriptNeverSucceeded
        eval_time: 80m
        exp_alerts:
          - exp_labels: {job: cronscope, instance: a, script: stated, severity: critical}
            exp_annotations:
              summary: stated on a has never succeeded
              description: >-
                No run of it has completed since it was configured, or nothing is known of it any more.  Run it by hand
                and read what it prints: cronscope run stated.  Success is an exit code in success_codes.
""",
    )


def test_scripts_that_never_completed_are_told_of_after_their_limit_or_a_failed_run(config: Path) -> None:
    made(config)
    fires(
        config,
        """\
    input_series:
      - {series: 'up{job="cronscope", instance="a"}', values: 1x180}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="backup"}', values: 1x180}
      - {series: 'cronscope_script_last_run_success{job="cronscope", instance="a", script="backup"}', values: _x60 0x99}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="stated"}', values: 1x180}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="probe"}', values: 0x180}
    promql_expr_test:
      - {expr: 'ALERTS{alertname="CronscopeScriptNeverSucceeded", alertstate="firing"}', eval_time: 65m}
      - expr: count by (script) (ALERTS{alertname="CronscopeScriptNeverSucceeded", alertstate="firing"})
        eval_time: 80m
        exp_samples: [{labels: '{script="backup"}', value: 1}]
      - expr: count by (script) (ALERTS{alertname="CronscopeScriptNeverSucceeded", alertstate="firing"})
        eval_time: 105m
        exp_samples: [{labels: '{script="backup"}', value: 1}, {labels: '{script="stated"}', value: 1}]
""",
    )


def test_a_service_that_is_down_is_no_alert_about_each_of_its_scripts(config: Path) -> None:
    made(config)
    fires(
        config,
        """\
    input_series:
      - {series: 'up{job="cronscope", instance="a"}', values: 1x20 0x200}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="backup"}', values: 1x20 stale}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="probe"}', values: 0x20 stale}
      - {series: 'cronscope_script_enabled{job="cronscope", instance="a", script="stated"}', values: 1x20 stale}
    promql_expr_test:
      - {expr: 'ALERTS', eval_time: 200m}
""",
    )


def test_without_scripts_there_are_no_rules(config: Path) -> None:
    config.write_text("scripts: []\n")
    assert made(config) == {}


def test_a_faulty_configuration_is_told_of(config: Path) -> None:
    config.write_text("scripts: [{name: a}]\n")
    result = invoke("rules", "-c", config)
    assert result.exit_code == 1
    assert "command" in result.stderr
