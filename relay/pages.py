"""The page: what its build left in `relay/static/`, compressed where the browser takes it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tornado.web import HTTPError, StaticFileHandler

from exporter.versions import Content, content_of
from relay.accept import accepts_gzip
from relay.handler import Handler
from relay.problem import Problem
from relay.site import Site

STATIC = Path(__file__).parent / "static"
_FILES_KEPT = 512
"""In memory, compressed and not: several times those of a build."""
_PIECE = 64 << 10
"""Bytes that are on their way to a client at a time."""


class _Representation(NamedTuple):
    content: Content
    compressed: bool


class PageFile(Handler, StaticFileHandler):
    """A file of the page that keeps its name from build to build, such as its icon."""

    folder = "."
    caching = "no-cache"

    def initialize(self, site: Site, route: str) -> None:  # type: ignore[override]  # called by the table of URLs
        Handler.initialize(self, site, route)
        StaticFileHandler.initialize(self, str(STATIC / self.folder))
        self._representation: _Representation | None = None
        """What is answered; None where there is no such file."""

    async def get(self, path: str, include_body: bool = True) -> None:
        headers = self.request.headers
        if "If-Range" in headers:  # whoever has a part of another representation gets this one whole
            headers.pop("Range", None)
        compressed = accepts_gzip(headers.get("Accept-Encoding", ""))
        self._representation = await asyncio.to_thread(_representation, Path(self.root, path), compressed)
        await super().get(path, include_body)

    @property
    def _content(self) -> Content:
        if self._representation is None:  # it has gone since it was looked for
            raise HTTPError(404)
        return self._representation.content

    def get_content_size(self) -> int:
        return len(self._content.data)

    def get_content(  # type: ignore[override]  # from memory: a file would be open until the client has read it all
        self, abspath: str, start: int | None = None, end: int | None = None
    ) -> Iterator[bytes]:
        data = self._content.data
        end = len(data) if end is None else end
        for at in range(start or 0, end, _PIECE):
            yield data[at : min(end, at + _PIECE)]

    def compute_etag(self) -> str | None:
        return self._content.etag

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", self.caching)
        self.set_header("Vary", "Accept-Encoding")
        if self._representation is not None and self._representation.compressed:
            self.set_header("Content-Encoding", "gzip")


class Asset(PageFile):
    """A file that has a hash of its content in its name."""

    folder = "assets"
    caching = "public, max-age=31536000, immutable"


class Page(PageFile):
    async def get(self, path: str = "index.html", include_body: bool = True) -> None:
        if not (STATIC / path).is_file():
            raise Problem(503, "The page has not been built: `make run` builds it and starts the service.")
        await super().get(path, include_body)


class ToPage(Handler):
    """The address of the page without the slash at its end, which the page's own addresses need."""

    async def get(self) -> None:
        query = self.request.query
        self.redirect(self.engine.settings.prefix + "/" + (f"?{query}" if query else ""))


def _representation(file: Path, compressed: bool) -> _Representation | None:
    """None where there is no such file.  It is compressed only where that makes it shorter."""
    try:
        found = file.stat()
        return _read(file, compressed, found.st_mtime_ns)
    except OSError:
        return None


@lru_cache(_FILES_KEPT)
def _read(file: Path, compressed: bool, modified_ns: int) -> _Representation:
    """The same for a file as it was at a time: the page may be built anew under a running service."""
    data = file.read_bytes()
    shorter = gzip.compress(data, mtime=0) if compressed else data
    return _Representation(content_of(min(shorter, data, key=len)), compressed=len(shorter) < len(data))
