"""Other programs that look at what users wrote, beside the service: limited in time and memory, told nothing of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 10
"""What such a program may take."""
# 1 GiB: 1 MiB of Python takes 300 MiB.  CPU time is for when the service is killed and nobody else ends the program.
_LIMITED = f'{{ ulimit -c 0; ulimit -t {SECONDS}; ulimit -v 1048576; }} 2>/dev/null; exec "$@"'


def run(command: Sequence[str | Path], given: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run it with `given` as standard input, and wait for it on this thread.

    Raises OSError, and subprocess.TimeoutExpired after `SECONDS`, when it and all that it started has been killed.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "limited", *command], stdin=pipe, stdout=pipe, stderr=pipe, cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, errors = process.communicate(given, SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
