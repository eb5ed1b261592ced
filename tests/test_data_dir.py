from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.data_dir import ETAG_KEY, LOCK, Owner, StartError, announce, claim, etag_key, owner
from tests.service import Service, until


def test_nobody_owns_a_directory_that_was_never_claimed(tmp_path: Path) -> None:
    assert owner(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_who_claims_a_directory_is_its_owner_until_the_lock_is_closed(tmp_path: Path) -> None:
    with claim(tmp_path) as lock:
        assert owner(tmp_path) == Owner(os.getpid(), None)
        announce(lock, "http://127.0.0.1:1/")
        assert owner(tmp_path) == Owner(os.getpid(), "http://127.0.0.1:1/")
        announce(lock, "http://127.0.0.1:1/sub/")
        assert owner(tmp_path) == Owner(os.getpid(), "http://127.0.0.1:1/sub/")
    assert owner(tmp_path) is None


def test_a_second_claim_names_the_first(tmp_path: Path) -> None:
    with claim(tmp_path) as lock:
        announce(lock, "http://127.0.0.1:1/")
        with pytest.raises(StartError, match=rf"another cronscope \(process {os.getpid()}\) is using"):
            claim(tmp_path)


def test_looking_at_the_owner_keeps_nobody_from_claiming(tmp_path: Path) -> None:
    claim(tmp_path).close()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            owner(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        claim(tmp_path).close()
    over.set()
    looking.join()


def test_a_service_leaves_its_address_for_its_owner_alone(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: []")
    assert service.process is not None
    data_dir = service.folder / "data"
    held = owner(data_dir)
    assert held is not None
    assert held == Owner(service.process.pid, f"{service.url}/", held.token)
    assert (len(held.token) > 40, (data_dir / LOCK).stat().st_mode & 0o777) == (True, 0o600)
    assert (data_dir / LOCK).stat().st_mode & 0o077 == 0
    service.kill()
    assert owner(data_dir) is None


def test_the_key_of_a_data_directory_stays_what_it_is_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = etag_key(tmp_path)
    assert (len(made), etag_key(tmp_path)) == (32, made)
    assert (tmp_path / ETAG_KEY).stat().st_mode & 0o077 == 0
    (tmp_path / ETAG_KEY).write_bytes(made[:10])  # as a crash may leave it
    anew = etag_key(tmp_path)
    assert (len(anew), etag_key(tmp_path), anew != made) == (32, anew, True)
    assert len(etag_key(tmp_path / "nowhere")) == 32


def test_nobody_else_can_read_what_a_service_keeps_though_the_directory_is_open_to_all(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("scripts: [{name: job, command: echo hello}]")
    data_dir = service.folder / "data"
    _work(service)
    assert _open_to_others(data_dir) == {}
    service.stop()
    (data_dir / "notes").write_text("the user's own")
    for path in (data_dir, *data_dir.iterdir()):  # as an earlier version left it
        path.chmod(0o755 if path.is_dir() else 0o644)
    service.start(prepare="import os; os.umask(0o022)")
    (data_dir / "search.db").unlink()
    _work(service)
    assert _open_to_others(data_dir) == {"notes": "0o644"}
    assert data_dir.stat().st_mode & 0o777 == 0o755


def _work(service: Service) -> None:
    """Have the service make every file that it has."""
    service.ended(service.run("job"))
    backup = service.fetch("/api/v1/backup")[2]
    assert service.fetch("/api/v1/restore", method="POST", body=backup)[0] == 200
    until((service.folder / "data" / "search.db").exists, bool)


def _open_to_others(data_dir: Path) -> dict[str, str]:
    modes = {path.name: path.stat().st_mode & 0o777 for path in data_dir.iterdir()}
    assert {"history.db", "history.db-wal", "history.db-shm", "search.db", "reserve", "runs", LOCK} <= modes.keys()
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}
