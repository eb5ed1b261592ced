"""Files under `scripts_dir`."""

from __future__ import annotations

import random
import statistics
from functools import partial

from tests.bench.serving import seconds, serving, stalled


def listed_files() -> str:
    """10,000 files in 100 folders."""
    with serving({}) as service:
        for number in range(100):
            folder = service.folder / f"scripts/folder{number}"
            folder.mkdir(parents=True)
            for name in range(100):
                (folder / f"job{name}.sh").touch()
        ask = partial(service.fetch, "/api/v1/files")
        waits = [seconds(ask) * 1000 for _ in range(10)]
        stall = stalled(service, lambda: [ask() for _ in range(10)])
    return f"{statistics.median(waits):.0f} ms; the event loop stalled {stall:.1f} ms (at most 10)"


def large_files() -> str:
    """Writing a script of 1 MiB again and again, while it is read, checked and compared."""
    choose = random.Random(1)  # noqa: S311
    lines = [f"echo {choose.randrange(10**9)}\n" for _ in range(65_000)]

    def content(number: int) -> bytes:
        return "".join(["#!/bin/bash\n", *lines[number:], *lines[:number]]).encode()

    contents = [content(number) for number in range(20)]
    url = "/api/v1/files/job.sh"
    with serving({}) as service:
        service.fetch(url, method="PUT", body=contents[0])

        def work() -> None:
            for number, each in enumerate(contents[1:], 2):
                waits.append(seconds(partial(service.fetch, url, method="PUT", body=each)) * 1000)
                for address in (url, f"{url}/versions", f"{url}/versions/{number}?diff=1"):
                    assert service.fetch(address)[0] == 200
                service.fetch(f"{url}/check", method="POST", body=each)

        waits: list[float] = []
        stall = stalled(service, work)
    return f"written in {statistics.median(waits):.0f} ms; the event loop stalled {stall:.1f} ms (at most 10)"
