"""Errors as users of the API see them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import quote

from msgspec import Struct, structs
from tornado.web import HTTPError

from exporter.backup import NoBackup
from exporter.backup_format import BadArchive
from exporter.config_file import BrokenConfig, ConfigChanged, EditRefused, NotWritten
from exporter.events import to_json
from exporter.faults import ConfigError, Fault
from exporter.file_paths import BadPath
from exporter.files import FileChanged, FileRefused, NotStored, UnknownFile
from exporter.history import HistoryError
from exporter.outputs import UnknownRun
from exporter.scheduler import RunRefused
from exporter.script_edits import DuplicateScript
from exporter.scripts import UnknownScript
from exporter.sentences import Language
from exporter.staged_restore import RestoreRefused
from exporter.versions import UnknownVersion
from relay.translation import in_language

CONTENT_TYPE = "application/problem+json"


class FieldError(Struct, frozen=True, kw_only=True):
    """What is wrong with one field."""

    pointer: str
    """JSON pointer into the body, or to a parameter of the query, as a URI fragment: `#/limit`."""
    line: int | None = None
    """Line of the configuration file, counted from 1; null where there is no file."""
    column: int | None = None
    message: str
    language: Language = "en"
    """Of the message: in another one than English where that was asked for and is known."""


class ProblemDetails(Struct, frozen=True, omit_defaults=True):
    """What every error is answered with (RFC 9457)."""

    title: str
    status: int
    detail: str
    errors: Sequence[FieldError] = ()
    """Where fields are at fault: every one of them."""


class Problem(HTTPError):
    """Raise it anywhere below a handler to answer with it.  `detail` is a sentence for the user."""

    def __init__(
        self, status: int, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        """What the status asks for beside the body: `Allow`, `Upgrade`, `Retry-After`."""

    def spoken(self, language: Language) -> tuple[bytes, Language]:
        """The answer's body, and the language that its `detail` is in."""
        title = HTTPStatus(self.status_code).phrase
        detail, errors = in_language(self.detail, language), tuple(_spoken(error, language) for error in self.errors)
        return to_json(ProblemDetails(title, self.status_code, detail.text, errors)) + b"\n", detail.language


def _spoken(error: FieldError, language: Language) -> FieldError:
    message = in_language(error.message, language)
    return structs.replace(error, message=message.text, language=message.language)


def problem_of(error: BaseException | None) -> Problem | None:
    """What to tell the user of an exception; None where it is nothing but our own mistake."""
    match error:
        case Problem():
            return error
        case BadPath():
            return Problem(400, str(error))
        case UnknownScript() | UnknownRun() | UnknownFile() | UnknownVersion():
            return Problem(404, str(error))
        case HistoryError():
            return Problem(503, str(error))
        case RunRefused() | FileRefused() | DuplicateScript() | EditRefused() | NoBackup() | RestoreRefused():
            return Problem(409, str(error))
        case BrokenConfig():
            return Problem(409, str(error), _field_errors(error.faults))
        case FileChanged() | ConfigChanged():
            return Problem(412, str(error))
        case NotStored() | NotWritten():
            return Problem(507, str(error))
        case BadArchive():
            return Problem(422, str(error), _field_errors(error.faults))
        case ConfigError():
            return Problem(422, "The configuration has faults; nothing was changed.", _field_errors(error.faults))
        case _:
            return None


def _field_errors(faults: Sequence[Fault]) -> list[FieldError]:
    return [
        FieldError(
            pointer=pointer(fault.key), line=fault.line or None, column=fault.column or None, message=fault.message
        )
        for fault in faults
    ]


def pointer(key: str) -> str:
    """`scripts[0].env.LANG` as JSON pointer (RFC 6901, 6)."""
    parts = re.findall(r"[^.\[\]]+", key)
    return "#" + "".join("/" + quote(part.replace("~", "~0").replace("/", "~1"), safe="~") for part in parts)
