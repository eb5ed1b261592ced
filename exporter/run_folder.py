"""What a run's folder has for its command, and what it leads to elsewhere; who runs it is `exporter.runner`."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from exporter.accounts import Identity
from exporter.cgroups import Cgroup

log = logging.getLogger(__name__)

METRICS = "metrics"
"""Name of the file to which the command may write metrics of its own."""
CGROUP = "cgroup"
"""Name of the file that has the path of the run's control group."""
SHARED = "shared"
"""Name of the link to the folder of the command's user."""
_SHARED_PREFIX = "cronscope-run-"


def metrics_file(folder: Path) -> Path:
    """Where the command of a run may write metrics of its own."""
    return (folder / SHARED if (folder / SHARED).is_symlink() else folder) / METRICS


def give(folder: Path, who: Identity, outputs: Collection[int]) -> None:
    """Have another user's command write its output, which it may open anew by /dev/stdout, and metrics of its own."""
    for output in outputs:
        os.fchown(output, who.uid, who.gid)
    # In a folder of the service's own, so that he cannot put a link to another one in its place.
    parent = Path(tempfile.mkdtemp(prefix=_SHARED_PREFIX))
    parent.chmod(0o711)
    shared = parent / METRICS
    shared.mkdir(mode=0o700)
    (folder / SHARED).symlink_to(shared)
    os.chown(shared, who.uid, who.gid)


def note_cgroup(folder: Path, cgroup: Cgroup) -> None:
    """For the next life of the service."""
    with contextlib.suppress(OSError):  # disk full: then that knows the process group only
        (folder / CGROUP).write_text(str(cgroup.path))


def noted_cgroup(folder: Path) -> Cgroup | None:
    try:
        return Cgroup(Path((folder / CGROUP).read_text()))
    except (OSError, ValueError):
        return None


def forget(folder: Path) -> None:
    """Remove what a run has outside of its folder."""
    if (cgroup := noted_cgroup(folder)) is not None:
        cgroup.remove()
    shared = folder / SHARED
    if shared.is_symlink() and (parent := shared.readlink().parent).name.startswith(_SHARED_PREFIX):
        try:
            shutil.rmtree(parent, ignore_errors=True)
        except RecursionError:  # before Python 3.13
            log.warning("%s stays, as folders are nested too deeply in it", parent)
