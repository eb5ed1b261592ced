"""The archive of a backup: a tar file in gzip, whose first member, the manifest, tells what else has to be in it.

`cronscope-backup.json`, then `cronscope.yml`, `history.db`, and below `scripts/` what is in `scripts_dir`.  Any tar can
unpack it.  What is unpacked here is believed in nothing: whoever made it may have been careless, or worse.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from exporter.config import MAX_BYTES
from exporter.events import Instant
from exporter.faults import Fault

FORMAT = 1
MANIFEST, CONFIG, HISTORY, SCRIPTS = "cronscope-backup.json", "cronscope.yml", "history.db", "scripts/"
PIECE_BYTES = 256 << 10
"""How much is read at a time."""
_MAX_MANIFEST = 64 << 20
_MAX_HEADER = 1 << 20
"""Of what tar has beside members, such as long names."""
_MAX_PATH, _MAX_NAME = 4096, 255
"""In bytes: those of Linux."""
_LEVEL = 1
"""Most of it is output, which is compressed already."""
_GZIP = 16 + zlib.MAX_WBITS


class BadArchive(Exception):
    """The archive cannot be restored, and nothing was changed; the message says why."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = list(faults)
        """Those of the configuration in it."""


class Member(Struct, frozen=True, kw_only=True):
    name: str
    size: int = 0
    """Bytes; 0 for a link."""
    sha256: str = ""
    """In hexadecimal; empty for a link."""
    mode: int = 0o600
    link: str | None = None
    """Where a link leads, from the folder that it is in; None for a file."""


class Manifest(Struct, frozen=True, kw_only=True):
    format: int
    cronscope: str
    """Version of the service that made the archive."""
    created_at: Instant
    schema: int
    """That of the history in it."""
    members: list[Member]


def pack(manifest: Manifest, content: Callable[[Member], Iterable[bytes]]) -> Iterator[bytes]:
    """The archive in pieces.  `content` has that of a file, as long as the manifest says.  Slow: for worker threads."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in _tar(manifest, content):
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()


def _tar(manifest: Manifest, content: Callable[[Member], Iterable[bytes]]) -> Iterator[bytes]:
    plain = msgspec.to_builtins(manifest, enc_hook=lambda _: manifest.created_at.rfc3339())
    text = json.dumps(plain, indent=1).encode()  # which escapes what is no UTF-8 in a name
    yield from _member(Member(name=MANIFEST, size=len(text)), manifest.created_at, [text])
    for member in manifest.members:
        yield from _member(member, manifest.created_at, content(member) if member.link is None else ())
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(member: Member, at: Instant, content: Iterable[bytes]) -> Iterator[bytes]:
    header = tarfile.TarInfo(member.name)
    header.size, header.mode, header.mtime = member.size, member.mode, at // 1000
    if member.link is not None:
        header.type, header.linkname = tarfile.SYMTYPE, member.link
    yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    yield from content
    yield bytes(-member.size % tarfile.BLOCKSIZE)


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type not in tarfile.REGULAR_TYPES and header.size > _MAX_HEADER):
            raise BadArchive("The archive says nonsense of the size of what is in it.")  # and tarfile would believe it
        return header


def unpack(archive: BinaryIO, folder: Path, allow: Callable[[Manifest], None]) -> Manifest:
    """Unpack all of an archive into an empty folder, comparing it with its manifest.  Slow: for worker threads.

    `allow` gets the manifest before anything is written, and may raise.  Raises BadArchive, and OSError where `folder`
    takes no more.
    """
    try:
        with (
            gzip.GzipFile(fileobj=archive) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8") as tar,
        ):
            manifest = _manifest(tar)
            allow(manifest)
            _unpack_members(tar, manifest, folder)
            while rest := stream.read(PIECE_BYTES):  # to its end, where the checksum of the whole is
                if rest.strip(b"\0"):
                    raise BadArchive("The archive goes on after its end.")
    except gzip.BadGzipFile as error:
        raise BadArchive(
            f"This is no backup of Cronscope, or a damaged one: {error}. Send the archive as it is, as the body."
        ) from error
    except (tarfile.TarError, zlib.error, RecursionError, ValueError) as error:
        raise BadArchive(f"This is no backup of Cronscope, or a damaged one: {error}.") from error
    except EOFError as error:
        raise BadArchive("The archive is cut off: its end is missing.") from error
    return manifest


def _manifest(tar: tarfile.TarFile) -> Manifest:
    header = tar.next()
    if header is None or header.name != MANIFEST or not header.isreg():
        raise BadArchive(f"This is no backup of Cronscope: such an archive begins with {MANIFEST}.")
    if header.size > _MAX_MANIFEST:
        raise BadArchive(f"{MANIFEST} is larger than {_MAX_MANIFEST >> 20} MiB.")
    source = tar.extractfile(header)
    assert source is not None
    try:
        plain = json.loads(source.read())
        if isinstance(plain, dict) and plain.get("format", FORMAT) != FORMAT:
            raise BadArchive(f"The archive has another format than this version of Cronscope reads: {FORMAT}.")
        manifest = msgspec.convert(plain, Manifest, dec_hook=lambda _, text: Instant.parse(text))
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise BadArchive(f"{MANIFEST} is damaged: {error}.") from error
    _check_names(manifest)
    return manifest


def _check_names(manifest: Manifest) -> None:
    names = {member.name for member in manifest.members}
    if len(names) < len(manifest.members):
        raise BadArchive(f"{MANIFEST} names a file twice.")
    if missing := {CONFIG, HISTORY} - names:
        raise BadArchive(f"{MANIFEST} names no {' and no '.join(sorted(missing))}.")
    folders = {parent for name in names for parent in _parents(name)}
    for member in manifest.members:
        parts = member.name.split("/")
        fits = max(len(os.fsencode(part)) for part in parts) <= _MAX_NAME and "\0" not in member.name
        fits = fits and len(os.fsencode(member.name)) <= _MAX_PATH and member.size >= 0
        if not fits or {"", ".", ".."} & {*parts} or member.name in folders:
            raise BadArchive(f"{MANIFEST} names a file that cannot be: {member.name[:200]!r}.")
        in_scripts = member.name.startswith(SCRIPTS)
        if not in_scripts and (member.name not in (CONFIG, HISTORY) or member.link is not None):
            raise BadArchive(f"{MANIFEST} names a file that is no part of a backup: {member.name[:200]!r}.")
        if member.name == CONFIG and member.size > MAX_BYTES:
            raise BadArchive(f"{CONFIG} in the archive is larger than {MAX_BYTES >> 20} MiB.")


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _unpack_members(tar: tarfile.TarFile, manifest: Manifest, folder: Path) -> None:
    wanted = {member.name: member for member in manifest.members}
    for header in iter(tar.next, None):
        member = wanted.pop(header.name, None)
        if member is None:
            raise BadArchive(f"The archive has a file that its manifest does not name: {header.name[:200]!r}.")
        if member.link is None:
            _unpack_file(tar, header, member, folder)
        elif not header.issym() or header.linkname != member.link:
            raise BadArchive(f"{member.name} in the archive is not the link that its manifest tells of.")
    if wanted:
        raise BadArchive(f"The archive lacks {next(iter(wanted))}, which its manifest names.")
    _unpack_links([member for member in manifest.members if member.link is not None], folder)


def _unpack_file(tar: tarfile.TarFile, header: tarfile.TarInfo, member: Member, folder: Path) -> None:
    if not header.isreg() or header.issparse() or header.size != member.size:
        raise BadArchive(f"{member.name} in the archive is not the file that its manifest tells of.")
    source = tar.extractfile(header)
    assert source is not None
    path = folder / member.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while piece := source.read(PIECE_BYTES):
            digest.update(piece)
            target.write(piece)
        os.fchmod(target.fileno(), member.mode & 0o777)
    if digest.hexdigest() != member.sha256 or path.stat().st_size != member.size:
        raise BadArchive(f"{member.name} in the archive is damaged: it has not the content that the manifest tells of.")


def _unpack_links(members: list[Member], folder: Path) -> None:
    """Comes after all files, so that nothing is written through a link."""
    for member in members:
        path = folder / member.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not member.link or "\0" in member.link or len(os.fsencode(member.link)) > _MAX_PATH:
            raise BadArchive(f"{member.name} in the archive is a link that cannot be.")
        path.symlink_to(member.link)
    root = os.path.realpath(folder / SCRIPTS)
    for member in members:
        if not Path(os.path.realpath(folder / member.name)).is_relative_to(root):
            raise BadArchive(f"{member.name} in the archive is a link that leads out of {SCRIPTS}.")
