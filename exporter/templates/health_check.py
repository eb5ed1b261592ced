#!/usr/bin/env python3
"""Asks an address whether it answers, and publishes that as a metric.

CHECK_URL is the address, CHECK_SECONDS how long an answer may take.  Metrics in Prometheus' text format go to
$CRONSCOPE_METRICS_FILE and appear on /metrics, with this script's name added, when the run ends.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path

URL = os.environ.get("CHECK_URL", "http://127.0.0.1:8917/-/healthy")
SECONDS = float(os.environ.get("CHECK_SECONDS", "10"))


def fault() -> str | None:
    """Why the address does not answer as it should; None where it does."""
    try:
        with urllib.request.urlopen(URL, timeout=SECONDS):
            return None
    except (OSError, ValueError) as error:  # among them every answer that is no success
        return str(error)


def main() -> int:
    began = time.monotonic()
    found = fault()
    took = time.monotonic() - began
    metrics = f"""\
# HELP health_check_up Whether the address answered with success.
# TYPE health_check_up gauge
health_check_up {int(found is None)}
# HELP health_check_duration_seconds How long it took to answer.
# TYPE health_check_duration_seconds gauge
health_check_duration_seconds {took:.3f}
"""
    if file := os.environ.get("CRONSCOPE_METRICS_FILE"):
        Path(file).write_text(metrics, encoding="utf-8")
    sys.stdout.write(f"{URL}: {found or 'answers'} ({took:.3f} s)\n")
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
