"""`/api/v1/files`: the files under `scripts_dir`, their versions, and templates for new ones.

Where a folder has a file `versions` or `check`, write that path's slashes as `%2F`.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct, structs

from exporter import versions
from exporter.etag import Precondition, hash_in
from exporter.file_listing import FileEntry, FileList
from exporter.files import Written
from exporter.script_check import Report
from exporter.sentences import Language
from exporter.syntax import Finding
from exporter.templates import Template, templates
from exporter.versions import MAX_BYTES, Content, UnknownVersion
from relay.handler import Handler
from relay.operation import BYTES, TEXT, Answer, operation
from relay.problem import Problem
from relay.translation import in_language

_PROBLEMS = (404, 409, 507)
_CONTENT = Answer(media=(TEXT, BYTES), headers=("ETag",))
_WRITTEN = {
    200: Answer(of=FileEntry, headers=("ETag",)),
    201: Answer(of=FileEntry, headers=("ETag", "Location")),
}


class TemplateList(Struct, frozen=True):
    templates: list[Template]


class Listing(FileList, frozen=True, kw_only=True):
    folder: str
    """`scripts_dir`, as an absolute path."""
    base: str
    """Absolute path of the folder that relative ones in the configuration start from."""
    largest: int
    """Bytes of the largest file of which the content is read or written."""


class VersionList(Struct, frozen=True):
    versions: list[versions.FileVersion]
    """Newest first."""


class ToldFinding(Finding, frozen=True, kw_only=True):
    language: Language
    """Of the message."""


class ToldReport(Report, frozen=True):
    findings: list[ToldFinding]  # type: ignore[assignment]


class Comparison(Struct, frozen=True):
    diff: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """Number of another version: then the answer is what has changed since, as a unified diff."""


class Templates(Handler):
    @operation("Scripts to begin with", {200: TemplateList})
    def get(self) -> None:
        self.answer(TemplateList(templates()))


class Files(Handler):
    @operation("The files under `scripts_dir`", {200: Listing}, problems=(409, 507))
    async def get(self) -> None:
        found = await self.engine.files.listing()
        folder, base = self.engine.settings.scripts_dir.absolute(), self.engine.config.file.path.absolute().parent
        await self.answer_list(
            "files", found.files, truncated=found.truncated, folder=str(folder), base=str(base), largest=MAX_BYTES
        )


class _Contents(Handler):
    """What the addresses of a file and of its versions have in common."""

    def tell(self, content: Content) -> None:
        """Answer with the bytes, or that the asker has them already."""
        try:
            content.data.decode()
            kind = "text/plain; charset=utf-8"
        except UnicodeDecodeError:
            kind = BYTES
        self.answer_tagged(content.data, kind, self.tag(content.etag))

    def condition(self) -> Precondition:
        """What has to hold of a file that is to be changed."""
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        return self.precondition()

    def tell_written(self, written: Written) -> None:
        self.note.changed(hash_in(written.before), hash_in(written.etag))
        is_new = written.before is None
        if is_new:
            # As it was asked for: a slash written as %2F stays one.
            self.set_header("Location", self.address(re.sub(r"/versions/[^/]+/restore$", "", self.request.path)))
        self.set_header("ETag", self.tag(written.etag))
        self.answer(written.entry, 201 if is_new else 200)


class File(_Contents):
    @operation("A file as it is", {200: _CONTENT}, conditional=True, problems=_PROBLEMS)
    async def get(self, path: str) -> None:
        self.tell(await self.engine.files.read(path))

    @operation("Make or replace a file", _WRITTEN, takes=BYTES, conditional=True, problems=(409, 415, 507))
    async def put(self, path: str) -> None:
        headers = self.request.headers
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Problem(415, "The content has to come as it is, without Content-Encoding.")
        if "Content-Range" in headers:  # RFC 9110, 14.5
            raise Problem(400, "A file is written as a whole: Content-Range has no meaning here.")
        self.tell_written(await self.engine.files.write(path, self.request.body, self.condition()))

    @operation("Delete a file; its versions stay", {204: Answer()}, conditional=True, problems=_PROBLEMS)
    async def delete(self, path: str) -> None:
        deleted = await self.engine.files.delete(path, self.condition())
        self.note.changed(hash_in(deleted.etag), None)
        self.set_status(204)


class FileCheck(Handler):
    @operation(
        "What is wrong with a text as this file; nothing is saved or executed",
        {200: Answer(of=ToldReport, headers=("Content-Language", "Vary"))},
        takes=BYTES, problems=(409, 507), spoken=True,
    )  # fmt: skip
    async def post(self, path: str) -> None:
        language = self.speak()
        report = await self.engine.files.check(path, self.request.body)
        self.answer(ToldReport(report.ok, [_told(finding, language) for finding in report.findings]))


class FileVersions(Handler):
    @operation("Every version of a file, deleted or not", {200: VersionList}, problems=_PROBLEMS)
    async def get(self, path: str) -> None:
        found = await self.engine.files.versions(path)
        await self.answer_list(
            "versions", (structs.replace(each, etag=each.etag and self.tag(each.etag)) for each in found)
        )


class FileVersion(_Contents):
    @operation(
        "A version's content, or what it has changed", {200: _CONTENT},
        query=Comparison, conditional=True, problems=_PROBLEMS,
    )  # fmt: skip
    async def get(self, path: str, number: str) -> None:
        since = self.query(Comparison).diff
        if since is None:
            self.tell(await self.engine.files.version(path, _version(number)))
        else:
            self.answer_text(await self.engine.files.diff(path, _version(number), since))


class FileRestore(_Contents):
    @operation("Bring a version back", _WRITTEN, conditional=True, problems=_PROBLEMS)
    async def post(self, path: str, number: str) -> None:
        self.note.detail = number
        self.tell_written(await self.engine.files.restore(path, _version(number), self.condition()))


def _told(finding: Finding, language: Language) -> ToldFinding:
    message = in_language(finding.message, language)
    return ToldFinding(**{**structs.asdict(finding), "message": message.text, "language": message.language})


def _version(number: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", number):
        raise UnknownVersion(f"versions have numbers, which {number!r} is not")
    return int(number)
