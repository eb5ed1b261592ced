"""Files that a service with root's rights reads where a script's user may write: real files of several owners."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.accounts import identity
from exporter.command import MAX_ENV_FILE, SpawnError, read_env_file
from exporter.program import check_format
from exporter.settings import Account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to others")
USER, OTHER = Account("daemon"), Account("bin")
READ = {"TOKEN": "t"}


class Places:
    """A folder of root and one of the user, in each a file."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.roots, self.his = folder / "roots", folder / "his"
        for each in (self.roots, self.his):
            each.mkdir(mode=0o755)
            (each / "env").write_text("TOKEN=t\n")
            (each / "env").chmod(0o600)
        self.give(self.his, self.his / "env")

    @staticmethod
    def give(*paths: Path, to: Account = USER) -> None:
        for each in paths:
            os.chown(each, identity(to, None).uid, -1, follow_symlinks=False)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@needs_root
def test_a_file_of_the_users_own_is_taken_from_anywhere(places: Places) -> None:
    assert read_env_file(places.his / "env", identity(USER, None)) == READ
    (places.his / "link").symlink_to("../roots/../his/env")
    assert read_env_file(places.his / "link", identity(USER, None)) == READ


@needs_root
def test_a_file_of_roots_is_taken_where_root_alone_can_put_another_one(places: Places) -> None:
    assert read_env_file(places.roots / "env", identity(USER, None)) == READ
    (places.roots / "link").symlink_to("env")
    assert read_env_file(places.roots / "link", identity(USER, None)) == READ


def of_the_user_a_link(places: Places) -> Path:
    (places.his / "link").symlink_to(places.roots / "env")
    return places.his / "link"


def of_root_a_link_by_the_users_folder(places: Places) -> Path:
    (places.his / "down").symlink_to("../roots")
    (places.roots / "link").symlink_to(places.his / "down" / "env")
    return places.roots / "link"


def in_the_users_folder(places: Places) -> Path:
    os.link(places.roots / "env", places.his / "hard")
    return places.his / "hard"


def in_a_folder_that_a_group_can_write(places: Places) -> Path:
    places.roots.chmod(0o775)
    return places.roots / "env"


def in_a_folder_that_all_can_write(places: Places) -> Path:
    places.roots.chmod(0o777)
    return places.roots / "env"


def that_all_can_write(places: Places) -> Path:
    (places.roots / "env").chmod(0o606)
    return places.roots / "env"


def of_a_third(places: Places) -> Path:
    places.give(places.roots / "env", to=OTHER)
    return places.roots / "env"


@needs_root
@pytest.mark.parametrize(
    ("made", "why"),
    [
        (
            of_the_user_a_link,
            "it belongs to root, not to daemon, and {his} belongs to daemon: give the file to",
        ),
        (of_root_a_link_by_the_users_folder, "{his} belongs to daemon"),
        (in_the_users_folder, "{his} belongs to daemon"),
        (in_a_folder_that_a_group_can_write, "{roots} can be written by its group"),
        (in_a_folder_that_all_can_write, "{roots} can be written by every user of this machine"),
        (that_all_can_write, "{roots}/env can be written by every user of this machine"),
        (of_a_third, "it belongs to bin, not to daemon, and {roots}/env belongs to bin"),
    ],
    ids=lambda given: given.__name__ if callable(given) else "",
)
def test_no_other_file_is_taken_and_it_is_told_who_has_a_hand_in_it(
    places: Places, made: Callable[[Places], Path], why: str
) -> None:
    path = made(places)
    told = re.escape(why.format(his=places.his, roots=places.roots))
    with pytest.raises(SpawnError, match=f"env_file {path}: .*{told}"):
        read_env_file(path, identity(USER, None))
    assert read_env_file(path) == READ  # who has the service's rights gains nothing by it


def test_what_is_no_regular_file_is_neither_waited_for_nor_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    none = "not a regular file"
    for path, why in ((tmp_path / "pipe", none), (Path("/dev/zero"), none), (tmp_path, "is a directory")):
        with pytest.raises(SpawnError, match=f"env_file {path}: {why}"):
            read_env_file(path)
    check_format(tmp_path / "pipe", tmp_path)  # which whoever starts it is told of, not who looks


@pytest.mark.skipif(sys.platform != "linux", reason="there are leases on Linux only")
def test_a_lease_on_a_file_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "env").touch()
    with (tmp_path / "env").open("r+") as held:
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(SpawnError, match="another program holds it"):
            read_env_file(tmp_path / "env")


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "env").touch()
    os.truncate(tmp_path / "env", 1 << 40)
    with pytest.raises(SpawnError, match=f"env_file .*: larger than {MAX_ENV_FILE}"):
        read_env_file(tmp_path / "env")
