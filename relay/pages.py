"""The page: what its build left in `relay/static/`, compressed where the browser takes it."""

from __future__ import annotations

import asyncio
import gzip
from functools import lru_cache
from pathlib import Path

from tornado.web import StaticFileHandler

from exporter.versions import Content, content_of
from relay.accept import accepts_gzip
from relay.handler import Handler
from relay.problem import Problem
from relay.site import Site

STATIC = Path(__file__).parent / "static"
_FILES_KEPT = 256
"""Compressed, in memory: several times those of a build."""


class PageFile(Handler, StaticFileHandler):
    """A file of the page that keeps its name from build to build, such as its icon."""

    folder = "."
    caching = "no-cache"

    def initialize(self, site: Site, route: str) -> None:  # type: ignore[override]  # called by the table of URLs
        Handler.initialize(self, site, route)
        StaticFileHandler.initialize(self, str(STATIC / self.folder))
        self._compressed: Content | None = None
        """What is answered in place of the file: another representation, with a validator and ranges of its own."""

    async def get(self, path: str, include_body: bool = True) -> None:
        headers = self.request.headers
        if "If-Range" in headers:  # whoever has a part of another representation gets this one whole
            headers.pop("Range", None)
        if accepts_gzip(headers.get("Accept-Encoding", "")):
            self._compressed = await asyncio.to_thread(_compressed, Path(self.root, path))
        if (compressed := self._compressed) is not None:
            self.get_content = lambda _, start=None, end=None: compressed.data[start:end]  # type: ignore[method-assign,assignment,return-value]
        await super().get(path, include_body)

    def get_content_size(self) -> int:
        return super().get_content_size() if self._compressed is None else len(self._compressed.data)

    def compute_etag(self) -> str | None:
        return super().compute_etag() if self._compressed is None else self._compressed.etag

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", self.caching)
        self.set_header("Vary", "Accept-Encoding")
        if self._compressed is not None:
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


def _compressed(file: Path) -> Content | None:
    """None where the file is no shorter then, or not there."""
    try:
        found = file.stat()
        return _compress(file, found.st_mtime_ns, found.st_size)
    except OSError:
        return None


@lru_cache(_FILES_KEPT)
def _compress(file: Path, modified_ns: int, size: int) -> Content | None:
    """The same for a file as it was at a time: the page may be built anew under a running service."""
    compressed = gzip.compress(file.read_bytes(), mtime=0)
    return content_of(compressed) if len(compressed) < size else None
