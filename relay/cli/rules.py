"""Alert rules made for the user's own scripts."""

from __future__ import annotations

from pathlib import Path

import click

from relay.cli.options import config_file, config_option, examples


@click.command(
    epilog=examples("cronscope rules > /etc/prometheus/cronscope.yml", "cronscope rules --instance db1:8917")
)
@config_option
@click.option("--instance", metavar="HOST:PORT", help="Only for scripts as told by this target of Prometheus.")
def rules(config: Path | None, instance: str | None) -> None:
    """Print alert rules for the scripts of the configuration, as a rule file for Prometheus.

    What is too long follows from each script's schedule, timeout and success_age_limit, and its labels are on its
    alerts.  Scripts of which Prometheus knows nothing are noticed, too.  Use the file in place of
    dashboards/rules/scripts.yml, and make it anew when the configuration changes.
    """
    from exporter.rules import rules_for

    click.echo(rules_for(config_file(config).load().settings, instance), nl=False)
