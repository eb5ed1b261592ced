"""`/api/v1/files`: the files under `scripts_dir`, their versions, and templates for new ones.

Where a folder has a file `versions` or `check`, write that path's slashes as `%2F`.
"""

from __future__ import annotations

import re

from exporter.etag import Precondition
from exporter.files import Written
from exporter.templates import templates
from exporter.versions import Content, UnknownVersion
from relay.api.parameters import Parameters, whole
from relay.handler import Handler
from relay.precondition import precondition
from relay.problem import Problem


class Templates(Handler):
    def get(self) -> None:
        self.answer({"templates": templates()})


class Files(Handler):
    async def get(self) -> None:
        found = await self.engine.files.listing()
        await self.answer_list("files", found.files, truncated=found.truncated)


class _Contents(Handler):
    """What the addresses of a file and of its versions have in common."""

    def tell(self, content: Content) -> None:
        """Answer with the bytes, or that the asker has them already."""
        self.set_header("ETag", content.etag)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        try:
            content.data.decode()
            self.answer_text(content.data)
        except UnicodeDecodeError:
            self.set_header("Content-Type", "application/octet-stream")
            self.finish(content.data)

    def condition(self) -> Precondition:
        """What has to hold of a file that is to be changed."""
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        return precondition(self.request.headers)

    def tell_written(self, written: Written) -> None:
        if written.is_new:
            # As it was asked for: a slash written as %2F stays one.
            self.set_header("Location", re.sub(r"/versions/[^/]+/restore$", "", self.request.path))
        self.set_header("ETag", written.etag)
        self.answer(written.entry, 201 if written.is_new else 200)


class File(_Contents):
    async def get(self, path: str) -> None:
        self.tell(await self.engine.files.read(path))

    async def put(self, path: str) -> None:
        headers = self.request.headers
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Problem(415, "The content has to come as it is, without Content-Encoding.")
        if "Content-Range" in headers:  # RFC 9110, 14.5
            raise Problem(400, "A file is written as a whole: Content-Range has no meaning here.")
        self.tell_written(await self.engine.files.write(path, self.request.body, self.condition()))

    async def delete(self, path: str) -> None:
        await self.engine.files.delete(path, self.condition())
        self.set_status(204)


class FileCheck(Handler):
    async def post(self, path: str) -> None:
        self.answer(await self.engine.files.check(path, self.request.body))


class FileVersions(Handler):
    async def get(self, path: str) -> None:
        await self.answer_list("versions", await self.engine.files.versions(path))


class FileVersion(_Contents):
    async def get(self, path: str, number: str) -> None:
        parameters = Parameters(self.request.query_arguments)
        since = parameters.take("diff", whole(1, 2**53))
        parameters.done()
        if since is None:
            self.tell(await self.engine.files.version(path, _version(number)))
        else:
            self.answer_text(await self.engine.files.diff(path, _version(number), since))


class FileRestore(_Contents):
    async def post(self, path: str, number: str) -> None:
        self.tell_written(await self.engine.files.restore(path, _version(number), self.condition()))


def _version(number: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", number):
        raise UnknownVersion(f"versions have numbers, which {number!r} is not")
    return int(number)
