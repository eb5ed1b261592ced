#!/usr/bin/env python3
"""Publishes the load of this machine per processor as a Prometheus metric.

The metric is written in Prometheus' text format to $CRONSCOPE_METRICS_FILE, the place that each run has for metrics of
its own, and printed.  Started by hand, without that variable, this only prints it.
"""

import os
import sys
from pathlib import Path


def exposition() -> str:
    cpus = os.cpu_count() or 1
    last_1m, last_5m, last_15m = os.getloadavg()
    lines = [
        "# HELP load_per_cpu Processes that run or wait for a processor, on average over the period, per processor.",
        "# TYPE load_per_cpu gauge",
    ]
    for period, load in (("1m", last_1m), ("5m", last_5m), ("15m", last_15m)):
        lines.append(f'load_per_cpu{{period="{period}"}} {load / cpus:.3f}')
    return "\n".join(lines) + "\n"


def main() -> None:
    text = exposition()
    if file := os.environ.get("CRONSCOPE_METRICS_FILE"):
        Path(file).write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
