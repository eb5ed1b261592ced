"""Prints the table of `make bench`, and writes it into the file that is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import crowd, fanout, files, history, report, runs, scrape, service
from tests.bench.serving import serving
from tests.page import bench as page


def page_ready() -> str:
    scripts = [{"name": f"job{number}", "command": "exit 0", "every": "1h"} for number in range(50)]
    with serving({"scripts": scripts}) as service:
        return page.time_to_interactive(service)


def page_frames() -> str:
    with serving({}) as service:
        return page.frames_and_memory(service)


def main() -> None:
    rows: list[tuple[str, Callable[[], str]]] = [
        ("`seq 1 5000000` as a script, to the same under sh -c", runs.output_speed),
        ("API run to first instruction", runs.start_latency),
        ("end of script to completed frame", runs.end_latency),
        ("50 scripts, 2 s samples, one viewer", service.idle_cost),
        ("50 scripts: ready", lambda: service.readiness(50, 1)),
        ("10,000 scripts: ready", lambda: service.readiness(10_000, 5)),
        ("5,000 clients back at once after a restart", crowd.reconnecting),
        ("a sample a second to 5,000 plain clients", fanout.peers),
        ("80 events a second to 1,000 plain clients", fanout.burst),
        ("a script that only computes, with 1,000 viewers", crowd.watched_script),
        ("10,000 idle clients", fanout.idle_clients),
        ("scrape of 1,000 scripts", scrape.scrape),
        ("list of 10,000 scripts", service.all_scripts),
        ("newest 50 runs of a script among 100,000", history.newest_runs),
        ("list of 10,000 files", files.listed_files),
        ("files of 1 MiB", files.large_files),
        ("text search over the outputs of 10,000 runs", history.text_search),
        ("backup and restore of 50 MB", history.backup_and_restore),
        ("the page's first load", page.first_load),
        ("the page's time to interactive, 50 scripts", page_ready),
        ("the page with 2,000 scripts and 100 events a second", page_frames),
    ]
    results = []
    for title, measure in rows:
        results.append((title, measure()))
        print(": ".join(results[-1]), flush=True)
    report.write(Path(sys.argv[1]), results)


if __name__ == "__main__":
    main()
