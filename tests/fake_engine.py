"""An engine that runs nothing: it tells what a test gave it, and remembers what it was asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from exporter.audit import AuditPage, AuditQuery, Deed, Trail
from exporter.config import LoadedConfig
from exporter.configuration import ConfigChange, Configuration
from exporter.engine import Engine
from exporter.etag import Precondition
from exporter.events import (
    Instant,
    OutputPage,
    PlannedScript,
    RecentScript,
    Run,
    Samples,
    Schedule,
    Script,
    ServiceStatus,
    Snapshot,
    Stream,
    SystemMetrics,
)
from exporter.file_listing import FileEntry, FileList
from exporter.files import Files, UnknownFile, Written
from exporter.history import RunPage, RunQuery
from exporter.journal import Journal
from exporter.metrics import Metrics
from exporter.outputs import UnknownRun
from exporter.script_check import Report
from exporter.scripts import UnknownScript
from exporter.settings import Settings
from exporter.troubles import Troubles
from exporter.versions import Content, FileVersion, content_of

RUN_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
RUN = Run(
    run_id=RUN_ID, script_name="backup", trigger="manual", status="running",
    scheduled_at=Instant(1_700_000_000_000), started_at=Instant(1_700_000_000_005),
)  # fmt: skip
SCRIPT = Script(
    name="backup", description="", enabled=True, config={"name": "backup", "command": "true"}, running=[RUN_ID],
    schedule=Schedule(kind="manual", value=None, timezone="UTC", description="By hand only"),
    last_run=None, next_run_at=None, progress=None,
)  # fmt: skip
CONTENT = content_of(b"#!/bin/sh\n")
FILE = FileEntry(
    path="backup.sh", size=len(CONTENT.data), modified_at=Instant(1_700_000_000_000), executable=True,
    link_to=None,
)  # fmt: skip
SAMPLE = SystemMetrics(
    cpu_percent=1.0, memory_percent=2.0, disk_percent=3.0, active_scripts=1, total_executions=0, load1=0.5,
    memory_used_bytes=1, memory_total_bytes=2, network_receive_bytes_per_second=0.0,
    network_transmit_bytes_per_second=0.0, disk_read_bytes_per_second=0.0, disk_write_bytes_per_second=0.0,
    runs_queued=0,
)  # fmt: skip


class FakeConfiguration(Configuration):
    def __init__(self, asked: Callable[..., None]) -> None:
        self._asked = asked
        self.configure(Settings())

    def configure(self, settings: Settings) -> None:
        self.loaded = LoadedConfig(path=Path("cronscope.yml"), text="", settings=settings, entries={})

    async def reload(self) -> ConfigChange:
        self._asked("reload")
        return ConfigChange(self.loaded, self.loaded)

    async def look_again(self) -> None:
        """It never has faults."""


class FakeFiles(Files):
    """Has one file, `backup.sh`, which never changes."""

    def __init__(self, asked: Callable[..., None]) -> None:
        self._asked = asked

    async def listing(self) -> FileList:
        return FileList([FILE], False)

    async def read(self, path: str) -> Content:
        self._know(path)
        return CONTENT

    async def write(self, path: str, data: bytes, allowed: Precondition) -> Written:
        self._asked("write", path, data)
        return Written(FILE, CONTENT.etag, CONTENT.etag if path == FILE.path else None)

    async def delete(self, path: str, allowed: Precondition) -> Content:
        self._asked("delete", path)
        return CONTENT

    async def versions(self, path: str) -> list[FileVersion]:
        self._know(path)
        return [FileVersion(number=1, saved_at=FILE.modified_at, op="written", size=FILE.size, etag=CONTENT.etag)]

    async def version(self, path: str, number: int) -> Content:
        self._know(path)
        return CONTENT

    async def restore(self, path: str, number: int, allowed: Precondition) -> Written:
        self._asked("restore", path, number)
        return Written(FILE, CONTENT.etag, CONTENT.etag)

    async def check(self, path: str, data: bytes) -> Report:
        self._asked("check", path, data)
        return Report(True, [])

    def _know(self, path: str) -> None:
        if path != FILE.path:
            raise UnknownFile(f"there is no file {path}")


class FakeTrail(Trail):
    """Remembers what it was to note."""

    def __init__(self, asked: Callable[..., None]) -> None:
        self._asked = asked
        self.noted: list[Deed] = []

    def note(self, *deeds: Deed) -> None:
        self.noted += deeds

    async def page(self, query: AuditQuery) -> AuditPage:
        self._asked("audit", query)
        return AuditPage([], None)


class FakeEngine(Engine):
    """Has one script, `backup`, with one run, `RUN_ID`."""

    config: FakeConfiguration
    audit: FakeTrail

    def __init__(self) -> None:
        self.version = "1.2.3"
        self.started_at = Instant(1_700_000_000_000)
        self.config = FakeConfiguration(self._asked)
        self.journal = Journal()
        self.troubles = Troubles(self.happened)
        self.metrics = Metrics(self.version)
        self.etag_key = bytes(32)
        self.ready = True
        self.reasons: list[str] = []

        self.fault: Exception | None = None
        """Raised by the next thing asked for."""
        self.asked: list[tuple[Any, ...]] = []
        self.pieces = [b"first\n", b"second\n"]
        self.files = FakeFiles(self._asked)
        self.audit = FakeTrail(self._asked)

    def _asked(self, *what: Any) -> None:
        self.asked.append(what)
        if self.fault is not None:
            raise self.fault

    def health(self) -> list[str]:
        return self.reasons

    def status(self) -> ServiceStatus:
        return ServiceStatus(
            version=self.version, started_at=self.started_at, epoch=self.journal.epoch, seq=0, scripts_enabled=1,
            scripts_disabled=0, active_scripts=1, runs_queued=0, total_executions=0, sampled_at=self.started_at,
            now=Instant.now(), system_metrics=SAMPLE, open_files_limit=1024, grafana_url=None,
            problems=self.troubles.messages,
        )  # fmt: skip

    def latest_sample(self) -> tuple[Instant, SystemMetrics]:
        return self.started_at, SAMPLE

    def snapshot(self) -> Snapshot:
        samples = Samples(
            t=[], cpu_percent=[], memory_percent=[], disk_percent=[], network_receive_bytes_per_second=[],
            network_transmit_bytes_per_second=[],
        )  # fmt: skip
        return Snapshot(scripts=[SCRIPT], active_runs=[RUN], system_metrics=SAMPLE, samples=samples)

    def script_names(self) -> list[str]:
        self._asked("scripts")
        return ["backup"]

    def scripts(self, names: Iterable[str]) -> list[Script]:
        return [SCRIPT for _ in names]

    def script(self, name: str) -> Script:
        self._know_script(name)
        return SCRIPT

    def entry(self, name: str) -> dict[str, Any]:
        return self.script(name).config

    async def recent(self, names: Sequence[str], runs: int) -> list[RecentScript]:
        return [
            RecentScript(name=name, last_success_at=None, without_success_since=None, success_age_limit=None, runs=[])
            for name in names
        ]

    async def planned_starts(self, names: Iterable[str], until: Instant, limit: int) -> list[PlannedScript]:
        return [PlannedScript(name=name, starts=[], retry=False, more=False) for name in names]

    async def run_now(self, name: str) -> str:
        self._asked("run_now", name)
        self._know_script(name)
        return RUN_ID

    def stop_script(self, name: str) -> list[str]:
        self._asked("stop_script", name)
        self._know_script(name)
        return [RUN_ID]

    async def stop_run(self, run_id: str) -> Run:
        self._asked("stop_run", run_id)
        self._know_run(run_id)
        return RUN

    async def runs(self, query: RunQuery) -> RunPage:
        self._asked("runs", query)
        return RunPage([RUN], "next-page")

    async def run(self, run_id: str) -> Run:
        self._know_run(run_id)
        return RUN

    async def output_page(
        self, run_id: str, first: int, limit: int, stream: Stream | None = None, q: str | None = None
    ) -> OutputPage:
        self._asked("output", run_id, first, limit, stream, q)
        self._know_run(run_id)
        lines: list[tuple[int, Stream, str]] = [(0, "stdout", "first"), (7, "stderr", "second")]
        return OutputPage(
            run_id=run_id, script_name="backup", first=first, lines=lines, end=True, next=None, total=first + 2,
            numbers=None, dropped_from=None,
        )  # fmt: skip

    async def raw_output(self, run_id: str) -> AsyncGenerator[bytes, None]:
        for piece in self.pieces:
            yield piece
        self._asked("raw_output", run_id)

    async def output_text(self, run_id: str, stream: Stream) -> AsyncGenerator[str, None]:
        yield f"{stream} of {run_id}\n"
        self._asked("output_text", run_id, stream)

    async def backup(self, *, secrets: bool) -> AsyncGenerator[bytes, None]:
        for piece in self.pieces:
            yield piece

    def _know_script(self, name: str) -> None:
        if name != SCRIPT.name:
            raise UnknownScript(f"no script is named {name}")

    def _know_run(self, run_id: str) -> None:
        if run_id != RUN_ID:
            raise UnknownRun(f"no run has the id {run_id}")
