"""The page: what its build left in `relay/static/`."""

from __future__ import annotations

from pathlib import Path

from tornado.web import StaticFileHandler

from relay.handler import Handler, Site
from relay.problem import Problem

STATIC = Path(__file__).parent / "static"


class PageFile(Handler, StaticFileHandler):
    """A file of the page that keeps its name from build to build, such as its icon."""

    folder = "."
    caching = "no-cache"

    def initialize(self, site: Site, route: str) -> None:  # type: ignore[override]  # called by the table of URLs
        Handler.initialize(self, site, route)
        StaticFileHandler.initialize(self, str(STATIC / self.folder))

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", self.caching)


class Asset(PageFile):
    """A file that has a hash of its content in its name."""

    folder = "assets"
    caching = "public, max-age=31536000, immutable"


class Page(PageFile):
    async def get(self, path: str = "index.html", include_body: bool = True) -> None:
        if not (STATIC / path).is_file():
            raise Problem(503, "The page has not been built: `make run` builds it and starts the service.")
        await super().get(path, include_body)
