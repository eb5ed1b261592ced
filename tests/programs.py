"""Programs that tests look at the service with and that Python's packages cannot bring."""

from __future__ import annotations

import os
import shutil

import psutil
import pytest


def program(name: str, package: str) -> str:
    """Path of a program of a Debian package.  Where it is missing the test is skipped; in CI it fails."""
    if path := shutil.which(name):
        return path
    reason = f"{name} is not installed; on Debian: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
