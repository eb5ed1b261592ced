from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service import Service


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts the real service with a configuration; what is left of it at the end of the test is stopped."""
    started: list[Service] = []

    def start(config: str, *arguments: str) -> Service:
        folder = tmp_path / f"service{len(started)}"
        folder.mkdir()
        service = Service(folder, config)
        started.append(service)
        return service.start(*arguments)

    yield start
    for service in started:
        if service.process is not None:
            service.kill()
