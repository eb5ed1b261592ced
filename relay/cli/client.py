"""Asking the running service over its HTTP API."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click
import msgspec
from msgspec import Struct, structs

from exporter.audit import AuditPage, AuditQuery
from exporter.events import Instant, OutputPage, Run, Script, from_json, to_json
from exporter.history import RunPage, RunQuery
from exporter.outputs import UnknownRun
from exporter.scheduler import RunRefused
from exporter.scripts import UnknownScript

T = TypeVar("T")

ANSWER_SECONDS = 20.0
"""How long the service may be silent; it is on the same machine, and answers piece by piece."""
_PIECE_BYTES = 64 << 10


class NoAnswer(click.ClickException):
    """The service holds its lock, but cannot be asked, or not now: it starts, stops or hangs."""


class _Scripts(Struct):
    scripts: list[Script]


class Client:
    """Every method raises NoAnswer where the service does not answer, a ClickException where it refuses."""

    def __init__(self, url: str, pid: int, token: str, fingerprint: str = "") -> None:
        """By `fingerprint` a service is known that is asked by TLS."""
        self._url = url
        self._fingerprint = fingerprint
        self._pid = pid
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def scripts(self) -> list[Script]:
        return self._ask("GET", "scripts", _Scripts).scripts

    def runs(self, query: RunQuery) -> RunPage:
        return self._ask("GET", f"runs?{_parameters(query)}", RunPage)

    def run(self, run_id: str) -> Run:
        """Raises UnknownRun too."""
        return self._ask("GET", f"runs/{run_id}", Run, missing=UnknownRun)

    def output(self, run_id: str, first: int = 0) -> OutputPage:
        """Raises UnknownRun too."""
        return self._ask("GET", f"runs/{run_id}/output?from={first}", OutputPage, missing=UnknownRun)

    def logs(self, query: RunQuery) -> Iterator[bytes]:
        """JSON Lines of all runs that the query is about, whatever its limit, latest first, in pieces."""
        parameters = _parameters(structs.replace(query, limit=None))
        with self._answer("GET", f"logs?format=jsonl&{parameters}") as answer:
            while piece := answer.read1(_PIECE_BYTES):
                yield piece

    def audit(self, query: AuditQuery) -> AuditPage:
        return self._ask("GET", f"audit?{_parameters(query)}", AuditPage)

    def start(self, name: str) -> str:
        """The id of the run that was started, or waits for its turn.  Raises UnknownScript and RunRefused too."""
        return self._ask("POST", f"scripts/{_quoted(name)}/run", dict[str, str], missing=UnknownScript)["run_id"]

    def stop(self, name: str) -> list[str]:
        """The ids of the script's runs, which are being stopped.  Raises UnknownScript too."""
        path = f"scripts/{_quoted(name)}/stop"
        return self._ask("POST", path, dict[str, list[str]], missing=UnknownScript)["run_ids"]

    def stop_run(self, run_id: str) -> None:
        """Raises UnknownRun, and RunRefused where it has ended already."""
        self._ask("POST", f"runs/{run_id}/stop", dict[str, str], missing=UnknownRun)

    def batch(self, action: Mapping[str, Any]) -> None:
        """Change scripts, as POST /api/v1/scripts/batch has it.  Raises UnknownScript too."""
        self._ask("POST", "scripts/batch", dict[str, Any], missing=UnknownScript, body=action)

    def clear_logs(self, name: str) -> int:
        """How many records were deleted.  Raises UnknownScript too."""
        return self._ask("DELETE", f"logs/{_quoted(name)}", dict[str, int], missing=UnknownScript)["deleted"]

    def _ask(
        self, method: str, path: str, of: type[T], *, missing: type[LookupError] = LookupError, body: object = None
    ) -> T:
        with self._answer(method, path, missing, body) as answer:
            return from_json(answer.read(), of)

    @contextmanager
    def _answer(
        self, method: str, path: str, missing: type[LookupError] = LookupError, body: object = None
    ) -> Iterator[http.client.HTTPResponse]:
        """`missing` is what a 404 means."""
        url = urlsplit(self._url)
        host, port = url.hostname or "", url.port
        connection = (
            _Known(host, port, self._fingerprint)
            if url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
        )
        try:
            content = None if body is None else to_json(body)
            connection.request(method, f"{url.path}api/v1/{path}", content, self._headers)
            answer = connection.getresponse()
            if answer.status >= 300:
                raise _refusal(answer.status, answer.read(), missing)
            yield answer
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise NoAnswer(f"the service (process {self._pid}) does not answer at {self._url}: {why}") from error
        finally:
            connection.close()


class _Known(http.client.HTTPSConnection):
    """By TLS to the service that has left the fingerprint of its certificate, and to nobody else.

    Neither its names nor its authority matter then: it may be one that was made to try it, or is for a name of the
    network, and the service is asked by its address.
    """

    def __init__(self, host: str, port: int | None, fingerprint: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        super().__init__(host, port, timeout=ANSWER_SECONDS, context=context)
        self._fingerprint = fingerprint

    def connect(self) -> None:
        """Raises OSError, before anything was sent, where somebody else answers."""
        super().connect()
        shown = hashlib.sha256(self.sock.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, self._fingerprint):
            raise OSError("another certificate is shown there than the service has left word of")


def _parameters(query: RunQuery | AuditQuery) -> str:
    given = {name: value for name, value in structs.asdict(query).items() if value is not None and name != "begun"}
    given = {name: value.rfc3339() if isinstance(value, Instant) else value for name, value in given.items()}
    return urlencode(given, errors="surrogateescape")


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="backslashreplace")


def _refusal(status: int, body: bytes, missing: type[LookupError]) -> Exception:
    message = _problem(status, body)
    match status:
        case HTTPStatus.NOT_FOUND:
            return missing(message)
        case HTTPStatus.CONFLICT:
            return RunRefused(message)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return NoAnswer(message)
        case _:
            return click.ClickException(message)


def _problem(status: int, body: bytes) -> str:
    """What a refusal says (RFC 9457)."""
    try:
        problem = json.loads(body)
        details = [f"{error['pointer'].removeprefix('#/')}: {error['message']}" for error in problem.get("errors", ())]
        return "\n".join([problem["detail"], *details])
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"the service answers with status {status}"
