from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.effort import TIMES
from tests.programs import program
from tests.service import Service

settings.register_profile("cronscope", deadline=None, max_examples=100 * TIMES)  # how long it takes, the bench says
settings.load_profile("cronscope")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with a file that is under version control, or writes the file if told so."""

    def compare(file: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            file.write_text(text)
        assert file.read_text() == text, "say `make docs` and look at the difference"

    return compare


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts the real service with a configuration; what is left of it at the end of the test is stopped."""
    started: list[Service] = []

    def start(config: str, *arguments: str, limit: str = "", prepare: str = "") -> Service:
        folder = tmp_path / f"service{len(started)}"
        folder.mkdir()
        service = Service(folder, config)
        started.append(service)
        return service.start(*arguments, limit=limit, prepare=prepare)

    yield start
    for service in started:
        if service.process is not None:
            service.kill()
        service.end_runs()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    yield from _mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64m", "tmpfs")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    yield from _mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs")


@pytest.fixture
def disk_of_small_blocks(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MiB in blocks of 1 KiB: a page of memory takes several."""
    mkfs = program("mkfs.ext4", "e2fsprogs")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(20 << 20)
    subprocess.run([mkfs, "-q", "-b", "1024", "-m", "0", image], check=True)
    yield from _mounted(tmp_path / "disk", "-o", "loop", str(image))


def _mounted(path: Path, *arguments: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    path.mkdir()
    mounted = subprocess.run(["mount", *arguments, path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)
