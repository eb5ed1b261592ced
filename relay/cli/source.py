"""Who is asked about scripts and runs: the running service, or in its absence its files.

The service leaves its address in the data directory, which it holds by a lock as long as it lives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import click
from msgspec import structs

from exporter.audit import AuditPage, AuditQuery
from exporter.config import COMMAND_LINE, LoadedConfig
from exporter.config_file import ConfigFile
from exporter.data_dir import owner
from exporter.events import OutputPage, Run, Script
from exporter.faults import ConfigError
from exporter.history import RunPage, RunQuery
from exporter.scripts import UnknownScript
from exporter.settings import NAME_PATTERN, Settings
from exporter.stored import Stored
from relay.cli.client import Client
from relay.log_forms import LINES, log_head, only_begun

TOKEN_VARIABLE = "CRONSCOPE_TOKEN"  # noqa: S105
"""Names the environment's variable with a token to use in place of the one that the service leaves for its own user."""
MAX_RUNS = 1000
"""In an answer of the service."""


class Source(Protocol):
    """What `Client` and `Files` have in common; documented there."""

    def scripts(self) -> list[Script]: ...
    def runs(self, query: RunQuery) -> RunPage: ...
    def run(self, run_id: str) -> Run: ...
    def output(self, run_id: str, first: int = 0) -> OutputPage: ...
    def logs(self, query: RunQuery) -> Iterator[bytes]: ...
    def audit(self, query: AuditQuery) -> AuditPage: ...


class Files(Stored):
    """The configuration and the history, without a service."""

    def logs(self, query: RunQuery) -> Iterator[bytes]:
        """JSON Lines as the API has them, of all runs that the query is about, latest first, in pieces."""
        for run in every_run(self, only_begun(query)):
            yield LINES.head(log_head(run))
            yield from map(LINES.text, self.text(run.run_id, "stdout"))
            yield LINES.between
            yield from map(LINES.text, self.text(run.run_id, "stderr"))
            yield LINES.end


def load(file: ConfigFile) -> LoadedConfig:
    """What the file says; where it has faults, what the running service goes on with.

    Raises ConfigError where it has faults and no service runs.
    """
    try:
        return file.load()
    except ConfigError as error:
        data_dir = file.stated_data_dir()
        asked = _holder(data_dir)
        if asked is None or all(fault.file == COMMAND_LINE for fault in error.faults):
            raise
        told = f"{file.path} has faults, which cronscope check tells; the running service goes on with what it has"
        click.echo(f"Warning: {told}", err=True)
        entries = {script.name: script.config for script in asked.scripts()}
        return LoadedConfig(path=file.path, text="", settings=Settings(data_dir=data_dir), entries=entries)


def service(loaded: LoadedConfig) -> Client | None:
    """The service that runs for a configuration; None where none does, or one that is only starting.

    Raises a ClickException where that cannot be seen.
    """
    return _holder(loaded.settings.data_dir)


def _holder(data_dir: Path) -> Client | None:
    try:
        held = owner(data_dir)
    except OSError as error:
        raise click.ClickException(f"cannot look at the data directory {data_dir}: {error.strerror}") from error
    token = os.environ.get(TOKEN_VARIABLE) or held.token if held is not None else ""
    if held is None or held.url is None:
        return None
    return Client(held.url, held.pid, token, held.fingerprint)


def source(loaded: LoadedConfig) -> Source:
    """Raises as `service` does."""
    return service(loaded) or Files(loaded)


def check_known(loaded: LoadedConfig, asked: Source, name: str | None) -> None:
    """Raises UnknownScript where a script is neither configured nor recorded."""
    if name is None or name in loaded.entries:
        return
    if not (re.fullmatch(NAME_PATTERN, name) and asked.runs(RunQuery(script=name, limit=1)).runs):
        raise UnknownScript(f"no script is named {name}")


def latest(asked: Source, query: RunQuery, limit: int) -> list[Run]:
    """The `limit` runs that a query is about and that began last, latest first."""
    return list(islice(every_run(asked, structs.replace(query, limit=min(limit, MAX_RUNS))), limit))


def every_run(asked: Source, query: RunQuery) -> Iterator[Run]:
    """All runs that a query is about, latest begun first; its limit is that of what is asked for at a time."""
    while True:
        page = asked.runs(query)
        yield from (run for run in page.runs if not query.begun or not (run.waits or run.status == "skipped"))
        if page.next is None:
            return
        query = structs.replace(query, before=page.next)
