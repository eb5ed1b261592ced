"""Whether the system can execute a file: found as execvp(3) does, looked into as execve(2) and binfmt_elf do.

A run of which the program cannot be started has no beginning that could be told, so this is asked first.
"""

from __future__ import annotations

import os
import struct
import sys
from functools import cache
from pathlib import Path
from typing import BinaryIO

from exporter.accounts import Identity
from exporter.ownership import NotTaken, check_taken, open_regular

_HEAD_BYTES = 256
"""How much of a `#!` line the kernel reads: execve(2).  An ELF header is shorter."""
_NESTED = 4
"""How many interpreters may be scripts themselves: execve(2)."""
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""Of 64 and 32 bits and universal."""
_ELF = b"\x7fELF"
_ALSO_RUNS = {62: 3, 183: 40}  # e_machine, elf(5): x86-64 runs i386 too, AArch64 often runs ARM
_PT_INTERP = 3
_MOST_SEGMENTS = 64
_MOST_FOLDERS = 1000
"""How many folders of a PATH are looked in."""
_TOLD_PATH = 200
"""How many characters of a PATH are told."""
_FOREIGN_FORMATS = Path("/proc/sys/fs/binfmt_misc")


class NoProgram(Exception):
    """A file cannot be executed; the message names it and says why."""


def find(program: str, workdir: Path, path: str) -> Path:
    """The file that execvp(3) would choose in `workdir`: the first one that may be executed.

    Raises NoProgram, also where it may be in a folder that is too far back in `path`.
    """
    folders = [""] if "/" in program else path.split(":", _MOST_FOLDERS)[:_MOST_FOLDERS]
    refused = None
    for folder in folders:
        candidate = workdir / folder / program
        if _is_executable(candidate):
            return candidate
        if os.path.exists(candidate):
            refused = candidate
    if refused is not None:
        raise NoProgram(f"{refused} is a directory" if refused.is_dir() else f"{refused} is not executable")
    raise NoProgram(f"{program}: no such file" if "/" in program else f"{program}: not found in {_told(path)}")


def _told(path: str) -> str:
    shown = path if len(path) <= _TOLD_PATH else f"{path[:_TOLD_PATH]}…"
    which = f"the first {_MOST_FOLDERS} folders of PATH" if path.count(":") >= _MOST_FOLDERS else "PATH"
    return f"{which} ({shown})"


def check_format(program: Path, workdir: Path, who: Identity | None = None, nested: int = 0) -> None:
    """Raises NoProgram where the kernel would not start the file by itself.

    For the command of another user, `who`, nothing is told of a file that he could have put in the program's place, nor
    of an interpreter that is a script itself: he is told what the kernel says once the command is to begin.
    """
    try:
        with open_regular(program) as file:
            if who is not None:
                check_taken(program, file, who)
            head = file.read(_HEAD_BYTES)
            if head.startswith(b"#!"):
                _check_interpreter(program, head.partition(b"\n")[0], workdir, who, nested)
            elif sys.platform == "darwin":
                _check(head.startswith(_MACH_O), program)
            elif not _knows_foreign_formats():
                _check(head.startswith(_ELF), program)
                _check_elf(program, file, head)
    except (OSError, OverflowError, NotTaken):  # may be executed, but not read; an offset that no file has
        return


def _check(is_binary: bool, program: Path) -> None:
    if not is_binary:
        raise NoProgram(f"{program}: exec format error: it is no binary of this system and does not begin with #!")


def _check_interpreter(program: Path, line: bytes, workdir: Path, who: Identity | None, nested: int) -> None:
    name = os.fsdecode(line[2:].strip(b" \t").replace(b"\t", b" ").partition(b" ")[0])
    if line.endswith(b"\r"):
        raise NoProgram(f"{program}: its first line ends with CR LF, as on Windows; lines must end with LF alone")
    if not name or not _is_executable(workdir / name) or nested == _NESTED:
        raise NoProgram(f"{program}: bad interpreter in its first line, {os.fsdecode(line).strip()}")
    if who is None:
        check_format(workdir / name, workdir, nested=nested + 1)


def _check_elf(program: Path, file: BinaryIO, head: bytes) -> None:
    machine, own = _machine(head), _own_machine()
    if own is not None and machine not in (own, _ALSO_RUNS.get(own)):
        raise NoProgram(f"{program}: exec format error: it is a binary of another kind of machine")
    loader = _loader(file, head)
    if loader is not None and not os.path.exists(loader):
        raise NoProgram(f"{program}: it needs the loader {os.fsdecode(loader)}, which this system does not have")


@cache
def _own_machine() -> int | None:
    with open(sys.executable, "rb") as file:
        return _machine(file.read(_HEAD_BYTES))


def _machine(head: bytes) -> int | None:
    """`e_machine` of an ELF file of this machine's byte order, elf(5); None for everything else."""
    if len(head) < 64 or not head.startswith(_ELF) or head[5] != {"little": 1, "big": 2}[sys.byteorder]:
        return None
    machine: int = struct.unpack_from("=H", head, 18)[0]
    return machine


def _loader(file: BinaryIO, head: bytes) -> bytes | None:
    """What the segment PT_INTERP of an ELF file names; None for a static program."""
    wide = head[4] == 2
    (start,) = struct.unpack_from("=Q", head, 32) if wide else struct.unpack_from("=I", head, 28)
    size, count = struct.unpack_from("=HH", head, 54 if wide else 42)
    for number in range(min(count, _MOST_SEGMENTS)):
        file.seek(start + number * size)
        segment = file.read(56)
        if len(segment) < 56:
            return None
        if struct.unpack_from("=I", segment)[0] == _PT_INTERP:
            offset, _, _, length = struct.unpack_from("=QQQQ", segment, 8) if wide else (
                struct.unpack_from("=IIII", segment, 4))  # fmt: skip
            file.seek(offset)
            return file.read(min(length, 4096)).rstrip(b"\0")
    return None


def _knows_foreign_formats() -> bool:
    """Whether handlers for other formats are registered with the kernel: then nobody can say what it starts."""
    try:
        return len(os.listdir(_FOREIGN_FORMATS)) > 2  # `register` and `status` are always there
    except OSError:
        return False


def _is_executable(program: Path) -> bool:
    return os.path.isfile(program) and os.access(program, os.X_OK)
