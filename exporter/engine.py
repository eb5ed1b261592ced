"""The engine: configuration, timetable, runs, sampler, journal, history and metrics put together.

`Engine` is the public face of this package for `relay`.  All of it belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from msgspec import structs

from exporter.audit import DISK, Deed, Trail
from exporter.backup import Backups
from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile
from exporter.configuration import ConfigChange, Configuration
from exporter.data_dir import StartError, announce, claim, etag_key
from exporter.disk_guard import DiskGuard
from exporter.etag import hash_in, hash_of
from exporter.events import (
    Error,
    Event,
    FileChange,
    Instant,
    Output,
    OutputPage,
    PlannedScript,
    RecentScript,
    Run,
    RunEnded,
    RunSkipped,
    RunStarted,
    Samples,
    Script,
    ScriptChanged,
    ServiceStatus,
    SkipReason,
    Snapshot,
    Stream,
    SystemMetrics,
)  # fmt: skip
from exporter.exposure import Unbounded, unbounded
from exporter.files import Files
from exporter.history import History, HistoryError, Past, RunPage, RunQuery, TimetableEntry
from exporter.host import boot_id
from exporter.journal import Entry, Journal
from exporter.line_writer import LineWriter
from exporter.live import LiveRuns
from exporter.metrics import Metrics
from exporter.named_files import exposed
from exporter.outputs import Outputs
from exporter.planned import planned_script
from exporter.published import Published, unpack
from exporter.pulse import Pulse
from exporter.restore import Restores, Upload
from exporter.retention import Keeper
from exporter.runner import file_limit
from exporter.sampler import Sampler
from exporter.scheduler import RunRefused, Scheduler, Start
from exporter.scripts import Scripts
from exporter.search import Search
from exporter.settings import Duration, Retention, ScriptSettings, Settings
from exporter.shipping import Shipping, tell_dropped
from exporter.timetable import Timetable
from exporter.triggers import timing
from exporter.troubles import Troubles

log = logging.getLogger(__name__)

STANDARD_OUTPUT = 1
SAMPLES_KEPT = Duration(15 * 60_000)
TICK_SECONDS = 1.0
TRIM_SECONDS = 3600.0
"""How often it is looked whether entries of the audit trail are too old."""
NEXT_START = ("listen", "metrics_listen", "data_dir", "disk_path", "sample_interval")
"""Settings that a running service does not change."""
CLOCK_STEP_SECONDS = 0.5


class Engine:
    def __init__(self, file: ConfigFile, loaded: LoadedConfig) -> None:
        """`loaded` is what was read from `file`."""
        self.version = version("cronscope")
        self.started_at = Instant.now()
        self.ready = False
        self.config = Configuration(file, loaded, self)
        self.begun_with = loaded.settings
        """Those of NEXT_START are in use until the service ends."""
        self.etag_key = b""
        """What to show hashes of contents by to those who may not read these; there once the engine has started."""
        self.journal = Journal()
        self.troubles = Troubles(self.happened)
        self.metrics = Metrics(self.version)
        self._timetable = Timetable()
        self._scheduler = Scheduler(self, self._timetable, self.settings.max_concurrent_runs, Instant.now)
        self._scripts = Scripts(self.next_start)
        self._sampler = Sampler(self.settings.disk_path)
        kept = max(1, SAMPLES_KEPT // self.settings.sample_interval)
        self._samples: deque[tuple[Instant, SystemMetrics]] = deque(maxlen=kept)
        self._exposed: set[Path] = set()
        """Files with secrets that others can read, which has been told."""
        self._unbounded: Unbounded | None = None
        """By what scripts have more rights than they are given, which has been told."""
        self._executions = 0
        self._origin = self._token = self._fingerprint = ""
        self._pulses = [
            Pulse(self.settings.sample_interval.seconds(), self._sample),
            Pulse(TICK_SECONDS, self._tick),
            Pulse(TRIM_SECONDS, lambda _: self.audit.trim()),
        ]
        self._open_files = file_limit()  # as it is now: who listens for many clients raises it
        self._clock_offset = time.time() - time.monotonic()
        self.journal.subscribe(self._scripts.remember)
        self.journal.subscribe(self._count)

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self.config.loaded.settings

    # --- life ---

    async def start(self) -> None:
        """Take up what the last life left, then begin with the timetable.  Raises StartError."""
        data_dir = self.settings.data_dir
        self._lock = claim(data_dir)
        self.etag_key = etag_key(data_dir)
        try:
            self._history = History(data_dir / "history.db", write_failed=self._store_failed)
        except HistoryError as error:
            raise StartError(str(error)) from error
        self._disk = DiskGuard(data_dir)
        self._live = LiveRuns(data_dir / "runs", self._history, os.environ, self._open_files, self)
        self._keeper = Keeper(self._history, self._retention_of)
        self._search = Search(self._history.path)
        self.outputs = Outputs(self._live, self._history)
        self.files = Files(lambda: self.settings, self._history, self._file_changed, self._file_found)
        self._backups = Backups(self._history, self._live, self.config)
        self._restores = Restores(self._history, self._search, self.config, self.files, self._history_restored)
        self._lines = LineWriter(STANDARD_OUTPUT, self.metrics.log_output_dropped.inc, tell_dropped)
        self.audit = Trail(self._history, self._lines.put)
        self._shipping = Shipping(self.outputs, self._lines, self.settings.log_output)
        self.journal.subscribe(self._shipping.heard)
        self._configured_at = self.started_at
        self.metrics.reloaded(True, self.started_at)
        self.metrics.watch(
            runs_queued=lambda: self._scheduler.queued,
            run_slots=lambda: self._scheduler.limit,
            store_size=self._history.size_bytes,
            output_suspended=lambda: self._disk.low,
        )
        for script in self.settings.scripts:
            self._configure(script)
        await self._look_for_exposed()
        self._look_for_unbounded()
        self._guard_disk(self.started_at)
        known = await self._history.timetable()
        past = await self._history.past(set(self._scripts) - known.keys())
        await self._restore(past)
        await self._begin_timetable(known, past)
        await self.audit.begin(hash_of(self.config.loaded.text.encode()))
        asyncio.get_running_loop().call_soon(self._lines.start)  # after the line that says ready
        self._sample()
        for pulse in self._pulses:
            pulse.start()
        self.config.watch()
        self.ready = True

    def listens(self, origin: str, token: str, fingerprint: str = "") -> None:
        """Leave word in the data directory where the service can be asked from now on: `http://127.0.0.1:8917`.

        `token` is what lets commands of the same user do so, and by the `fingerprint` of its certificate they know it.
        """
        self._origin, self._token, self._fingerprint = origin, token, fingerprint
        self._announce()

    def _announce(self) -> None:
        announce(self._lock, f"{self._origin}{self.settings.prefix}/", self._token, self._fingerprint)

    async def _restore(self, past: Past) -> None:
        for name in self._scripts:
            self._restore_last(name, past)
        for name, at, families in await self._history.published():
            if name in self._scripts:
                self.metrics.published(name, Published(unpack(families), []), at)
            else:
                self._history.forget([name])
        self._withdraw_old(Instant.now())
        left = await self._history.executing()
        for run in left:
            if run.waits:  # who asked for it by hand is to find out
                missed = structs.replace(run, status="skipped", reason="missed")
                self._history.record(missed)
                self._skipped([missed], Instant.now())
        await self._live.take_up([run for run in left if not run.waits], self._settings_of)

    def _restore_last(self, name: str, past: Past) -> None:
        """Take over the last result of a script that is new here from what the history has of it."""
        if name in past.last_ended:
            self._scripts.restore(name, past.last_ended[name][0])
            self.metrics.restore_last(name, *past.last_ended[name])

    def _settings_of(self, name: str) -> ScriptSettings | None:
        return self._scripts.settings(name) if name in self._scripts else None

    def _retention_of(self, name: str) -> Retention:
        script = self._settings_of(name)
        return self.settings.retention if script is None else script.retention

    async def _begin_timetable(self, known: dict[str, TimetableEntry], past: Past) -> None:
        recorded = await self._history.recorded_slots()
        booted, boot = await self._history.fact("boot"), boot_id()
        for script in self.settings.scripts:
            when = self._scripts.timing(script.name)
            known[script.name] = self._scheduler.configure(
                script, when, known.get(script.name), recorded.get(script.name, ()),
                has_run=self._scripts.has_run(script.name), last_planned=past.last_planned.get(script.name),
            )  # fmt: skip
            if (last_run := self._scripts.last_run(script.name)) is not None:
                self._scheduler.plan_retry(last_run)
            if booted != boot:
                self._scheduler.rebooted(script.name)
            await asyncio.sleep(0)  # after a long downtime a script may have a thousand starts to decide on
        self._history.forget(known.keys() - set(self._scripts))
        self._history.set_slots((name, known[name]) for name in self._scripts)
        self._history.set_fact("boot", boot)
        self._timetable.start()
        for name in self._scripts:
            self.planned(name)

    async def stop(self) -> None:
        """Stop cleanly; runs under way are treated by the rule `on_shutdown`."""
        self.ready = False
        await self.config.stop()
        self._scheduler.halt()
        self._timetable.stop()
        for pulse in self._pulses:
            pulse.stop()
        await self._live.stop(self.settings.on_shutdown)
        await self._shipping.stop()
        await self._keeper.stop()
        await self._search.close()
        await self._history.close()
        self._lock.close()

    # --- what the configuration tells (exporter.configuration.Listener) ---

    async def configured(self, before: LoadedConfig, renamed: Mapping[str, str]) -> None:
        settings, was = self.settings, before.settings
        for key in self.changed_at_next_start():
            if getattr(was, key) != getattr(settings, key):
                log.warning("%s has changed: this takes effect at the next start of the service", key)
        if self.ready:  # else the scheduler is halted
            self._scheduler.set_limit(settings.max_concurrent_runs)
        if self._origin and was.prefix != settings.prefix:
            self._announce()
        await self._look_for_exposed()
        self._look_for_unbounded()
        self._keeper.changed()
        self._shipping.what = settings.log_output
        old = {script.name: script for script in was.scripts}
        names = {script.name for script in settings.scripts}
        past = await self._history.past(names - old.keys()) if names - old.keys() else Past({}, {})
        worked_off = {new: self._scheduler.entry(name) for new, name in renamed.items()}
        if gone := old.keys() - names:
            for name in gone:
                self._delete(name)
            await self._history.forget(gone)  # before one of the same name can come
        entries = self.config.loaded.entries
        stored: asyncio.Future[bool] | None = None
        for script in settings.scripts:
            same = old.get(script.name) == script and before.entries[script.name] == entries[script.name]
            if not same or was.timezone != settings.timezone:
                stored = self._update(script, past, worked_off.get(script.name))
                await asyncio.sleep(0)  # there may be thousands
        if stored is not None:
            await stored  # and those before it: what is promised is kept, or told as missed, also if all ends now
        self._configured_at = Instant.now()
        self.metrics.reloaded(True, self._configured_at)
        self.troubles.end("configuration")
        self._file_changed(None)

    async def _look_for_exposed(self) -> None:
        """Tell of files with secrets that others can read, of each once."""
        loaded = self.config.loaded
        found = {each.path: each for each in await asyncio.to_thread(lambda: [*exposed(loaded)])}
        for path, each in found.items():
            if path not in self._exposed:
                log.warning("%s: %s", each.told, each.remedy)
        self._exposed = {*found}

    def _look_for_unbounded(self) -> None:
        """Tell once where scripts have rights that they are not given, and on the page until that is mended."""
        before, self._unbounded = self._unbounded, unbounded(self.settings)
        if self._unbounded is None:
            self.troubles.end("bounds")
        elif self._unbounded != before:
            message = f"{self._unbounded.what}: {self._unbounded.remedy}"
            log.warning("%s", message)
            self.troubles.begin("bounds", message)

    def changed_by_hand(self, change: ConfigChange) -> None:
        before, after = change.hashes
        if before != after:
            self.audit.note(Deed(actor=DISK, action="config.change", detail=change.told, before=before, after=after))

    def _file_found(self, path: str, before: str | None, after: str | None) -> None:
        deed = Deed(actor=DISK, action="file.change", target=path, before=hash_in(before), after=hash_in(after))
        self.audit.note(deed)

    def _file_changed(self, path: str | None) -> None:
        self.happened(FileChange(path=path), Instant.now())

    def misconfigured(self, message: str) -> None:
        self.metrics.reloaded(False, Instant.now())
        self.troubles.begin("configuration", message)

    def _configure(self, script: ScriptSettings) -> None:
        when = timing(script, self.settings.timezone)
        self._scripts.configure(script, self.config.loaded.entries[script.name], when)
        self.metrics.script_configured(script, when)

    def _update(self, script: ScriptSettings, past: Past, known: TimetableEntry | None) -> asyncio.Future[bool]:
        """Done once the timetable is in the history."""
        op: Literal["created", "updated"] = "updated" if script.name in self._scripts else "created"
        self._configure(script)
        if op == "created":  # anew perhaps, after it was removed for a while
            self._restore_last(script.name, past)
        entry = self._scheduler.configure(
            script, self._scripts.timing(script.name), known,
            has_run=known is not None or self._scripts.has_run(script.name),
            last_planned=past.last_planned.get(script.name),
        )  # fmt: skip
        stored = self._history.set_slots([(script.name, entry)])
        if op == "created":
            for live in self._live.executing():
                if live.run.script_name == script.name:  # of an earlier script of this name
                    self._scripts.adopted(live.run)
                    self.metrics.run_started(live.run)
        self.planned(script.name)
        self.happened(ScriptChanged(op=op, script=self.script(script.name)), Instant.now())
        return stored

    def _delete(self, name: str) -> None:
        gone = self.script(name)
        self._scheduler.remove(name)
        self._scripts.remove(name)
        self.metrics.script_removed(name)
        self.happened(ScriptChanged(op="deleted", script=gone), Instant.now())

    async def _history_restored(self) -> None:
        """Tell what another history says of every script's last run; the timetable goes on as it is."""
        self._history.set_slots(self._scheduler.worked_off())
        before = {name: self._scripts.last_run(name) for name in self._scripts}
        past = await self._history.past(())
        for name, last_run in before.items():
            if name in self._scripts and self._scripts.last_run(name) is last_run:  # else there is news since
                restored, success = past.last_ended.get(name, (None, None))
                self._scripts.restore(name, restored)
                self.metrics.restore_last(name, restored, success)
                if restored != last_run:
                    self.happened(ScriptChanged(op="updated", script=self.script(name)), Instant.now())
                    await asyncio.sleep(0)  # there may be thousands

    # --- what the scheduler asks (exporter.scheduler.Effects) ---

    def launch(self, start: Start, worked_off: TimetableEntry | None) -> None:
        if start.trigger in ("schedule", "retry"):
            self.metrics.start_delayed((Instant.now() - (start.free_at or start.scheduled_at)) / 1000)
        self._live.launch(start, self._scripts.settings(start.script_name), worked_off)

    def skip(self, starts: Sequence[Start], reason: SkipReason, worked_off: TimetableEntry | None) -> None:
        runs = [start.record("skipped", reason=reason) for start in starts]
        stored = self._history.record(*runs, worked_off=worked_off)
        at = Instant.now()
        stored.add_done_callback(lambda _: self._skipped(runs, at))

    def _skipped(self, runs: list[Run], at: Instant) -> None:
        for run in runs:
            self.happened(RunSkipped(run=run), at)
            self._live.tell_followers(run.run_id)  # it may have been asked for by hand, and waited

    def cancel(self, run_id: str) -> None:
        live = self._live.get(run_id)
        if live is not None:
            live.stop("cancelled")

    def planned(self, script_name: str) -> None:
        self._scripts.touch(script_name)
        self.metrics.next_run(script_name, self.next_start(script_name))

    # --- what runs under way tell (exporter.live.Listener) ---

    def adopted(self, run: Run) -> None:
        self._scheduler.adopted(run.script_name, run.run_id)
        self._shipping.follow(run)
        self._scripts.adopted(run)
        self.metrics.run_started(run)

    def over(self, run: Run) -> None:
        self._scheduler.ended(run)

    def published(self, run: Run, published: Published) -> Published | None:
        assert run.ended_at is not None
        if run.script_name not in self._scripts:
            return None
        return self.metrics.published(run.script_name, published, run.ended_at)

    def rejected(self, run: Run) -> None:
        assert run.ended_at is not None
        message = f"metrics that {run.script_name} published were refused: {run.metrics_rejected}"
        log.warning("run %s: %s", run.run_id, message)
        self.happened(Error(message=message, script_name=run.script_name), run.ended_at)

    def next_start(self, script_name: str) -> Instant | None:
        """The script's next planned start; None where there is none."""
        return self._scheduler.next_start(script_name)

    def happened(self, event: Event, at: Instant) -> None:
        self.journal.publish(event, at)

    def _count(self, entry: Entry) -> None:
        """The metrics' reader of the journal."""
        match entry.event:
            case RunStarted(run=run):
                self.metrics.run_started(run)
            case RunEnded() as ended:
                self._executions += 1
                self._keeper.grown(ended.run.script_name)
                self.metrics.run_ended(ended)
                self.metrics.next_run(ended.run.script_name, ended.next_run_at)
            case RunSkipped(run=run):
                self._keeper.grown(run.script_name)
                self.metrics.run_skipped(run)
            case _:
                return

    # --- the machine's samples and the service's own pulse ---

    def _sample(self, _late: float = 0.0) -> None:
        now = Instant.now()
        reading = self._sampler.sample(
            now,
            active_scripts=len(self._live.executing()),
            total_executions=self._executions,
            runs_queued=self._scheduler.queued,
        )
        self._samples.append((now, reading.event))
        self.metrics.sampled(reading)
        self.happened(reading.event, now)
        for fault in reading.faults:
            log.warning("%s", fault)
            self.happened(Error(message=fault), now)

    def _tick(self, late: float) -> None:
        now = Instant.now()
        self.metrics.event_loop_lag.observe(late)
        self.metrics.ticked(now)
        self._withdraw_old(now)
        offset = time.time() - time.monotonic()
        if abs(offset - self._clock_offset) > CLOCK_STEP_SECONDS:  # the clock was set, or the machine slept
            if offset < self._clock_offset:
                self._plan_anew(now)
            self._timetable.wakeup()
        self._clock_offset = offset
        self._guard_disk(now)
        if self._history.failure is None and not self._disk.low:
            self._live.archive_waiting()
        self._keeper.tick(now)

    def _withdraw_old(self, now: Instant) -> None:
        if gone := self.metrics.withdraw_old(now):
            self._history.forget_published(gone)

    def _guard_disk(self, now: Instant) -> None:
        if self._disk.look():
            assert self._disk.warning is not None
            log.error("%s", self._disk.warning)
            self.happened(Error(message=self._disk.warning), now)
        self._live.spare_disk(self._disk.low)

    def _plan_anew(self, now: Instant) -> None:
        """The clock was set back: tell of every script whose next start is another one now."""
        before = {name: self.next_start(name) for name in self._scripts}
        self._history.set_slots(self._scheduler.clock_set_back())
        for name, start in before.items():
            if self.next_start(name) != start:
                self.planned(name)
                self.happened(ScriptChanged(op="updated", script=self.script(name)), now)

    def _store_failed(self, reason: str, first: bool) -> None:
        self.metrics.store_write_failed()
        if first:
            log.error("the history cannot be written: %s", reason)
            self.happened(Error(message=f"the history cannot be written: {reason}"), Instant.now())

    # --- what relay asks ---

    def health(self) -> list[str]:
        """Why the service is not healthy; empty where it is."""
        if not self.ready:
            return ["the service is starting or stopping"]
        failure, warning = self._history.failure, self._disk.warning
        reasons = [None if failure is None else f"the history cannot be written: {failure}", warning]
        return [reason for reason in reasons if reason is not None]

    def changed_at_next_start(self) -> list[str]:
        """The keys of the configuration that are not in force before the next start of the service."""
        changed = [key for key in NEXT_START if getattr(self.begun_with, key) != getattr(self.settings, key)]
        return changed + (["tls"] if (self.begun_with.tls is None) != (self.settings.tls is None) else [])

    def is_running(self, name: str) -> bool:
        return bool(self._scheduler.executing(name))

    def script_names(self) -> list[str]:
        """Of all configured scripts, in the order of the file."""
        return [script.name for script in self.settings.scripts]

    def scripts(self, names: Iterable[str]) -> list[Script]:
        """Those of them that there are."""
        return [self.script(name) for name in names if name in self._scripts]

    def script(self, name: str) -> Script:
        """Raises UnknownScript."""
        return self._scripts.view(name)

    def entry(self, name: str) -> dict[str, Any]:
        """What the configuration file says of a script, secrets too: not to be told.  Raises UnknownScript."""
        return self._scripts.entry(name)

    def latest_sample(self) -> tuple[Instant, SystemMetrics]:
        return self._samples[-1]

    def status(self) -> ServiceStatus:
        enabled = sum(self._scripts.settings(name).enabled for name in self._scripts)
        sampled_at, sample = self.latest_sample()
        return ServiceStatus(
            version=self.version, started_at=self.started_at, epoch=self.journal.epoch, seq=self.journal.seq,
            scripts_enabled=enabled, scripts_disabled=len(self._scripts) - enabled,
            active_scripts=len(self._live.executing()), runs_queued=self._scheduler.queued,
            total_executions=self._executions, sampled_at=sampled_at, now=Instant.now(), system_metrics=sample,
            open_files_limit=file_limit(), grafana_url=self.settings.grafana_url,
            problems=[*self.health(), *self.troubles.messages],
        )  # fmt: skip

    def snapshot(self) -> Snapshot:
        """The whole state as of the journal's last event."""
        samples = Samples(
            t=[at for at, _ in self._samples],
            cpu_percent=[sample.cpu_percent for _, sample in self._samples],
            memory_percent=[sample.memory_percent for _, sample in self._samples],
            disk_percent=[sample.disk_percent for _, sample in self._samples],
            network_receive_bytes_per_second=[sample.network_receive_bytes_per_second for _, sample in self._samples],
            network_transmit_bytes_per_second=[sample.network_transmit_bytes_per_second for _, sample in self._samples],
        )
        return Snapshot(
            scripts=self.scripts(self.script_names()),
            active_runs=[live.run for live in self._live.executing()],
            system_metrics=self.latest_sample()[1],
            samples=samples,
        )

    async def recent(self, names: Sequence[str], runs: int) -> list[RecentScript]:
        """What the snapshot does not tell of scripts, those of them that there are, with so many of their runs."""
        ended = await self._history.recent(names, runs)
        unsuccessful = [name for name in names if name in self._scripts and self.metrics.success(name)[0] is None]
        failures = await self._history.first_failures(unsuccessful)
        there = ((name, *self.metrics.success(name)) for name in names if name in self._scripts)
        return [
            RecentScript(
                name=name, last_success_at=success, success_age_limit=limit, runs=ended[name],
                without_success_since=self._in_vain_since(name, failures.get(name)) if success is None else None,
            )
            for name, success, limit in there
        ]  # fmt: skip

    def _in_vain_since(self, name: str, first_failure: Instant | None) -> Instant | None:
        if self._scripts.last_run(name) is None:
            return None
        return self._configured_at if first_failure is None else min(first_failure, self._configured_at)

    async def planned_starts(self, names: Iterable[str], until: Instant, limit: int) -> list[PlannedScript]:
        """The starts up to `until`, at most `limit` of each, of those of the scripts that are there and enabled."""
        enabled = [name for name in names if name in self._scripts and self._scripts.settings(name).enabled]
        timed = self._scheduler
        known = [(name, self.next_start(name), timed.retries_next(name), timed.timing(name)) for name in enabled]
        return await asyncio.to_thread(lambda: [planned_script(*script, until, limit) for script in known])

    async def run_now(self, name: str) -> str:
        """Start a run by hand, or let it wait for its turn; its id.  Raises UnknownScript, RunRefused."""
        self._scripts.settings(name)
        start = self._scheduler.run_now(name)
        # Recorded, so that it can be looked up, and is not lost in a crash.
        if (live := self._live.get(start.run_id)) is not None:
            await live.recorded.wait()
        else:
            await self._history.record(start.record("running"))
        return start.run_id

    def stop_script(self, name: str) -> list[str]:
        """Stop a script's runs, those too that still wait for their start; their ids.

        Raises UnknownScript, unless runs of a script that was removed are still on.
        """
        run_ids = self._scheduler.executing(name)
        if not run_ids:
            self._scripts.settings(name)
        for run_id in run_ids:
            self.cancel(run_id)
        return run_ids + self._scheduler.stop_waiting(name)

    async def stop_run(self, run_id: str) -> Run:
        """Raises UnknownRun, and RunRefused where the run has ended already."""
        run = await self.outputs.run(run_id)
        if run.status != "running":
            raise RunRefused(f"run {run_id} has ended already")
        if not self._scheduler.stop_waiting(run.script_name, run_id):
            self.cancel(run_id)
        return run

    async def run(self, run_id: str) -> Run:
        """A run's record.  Raises UnknownRun."""
        return await self.outputs.run(run_id)

    async def output(self, run_id: str, first: int = 0, limit: int = 1000) -> Output:
        """Lines of a run's output from number `first` on, for the stream.  Raises UnknownRun."""
        return await self.outputs.lines(run_id, first, limit)

    async def output_page(
        self, run_id: str, first: int, limit: int, stream: Stream | None = None, q: str | None = None
    ) -> OutputPage:
        """The same for the API: of one stream, containing `q` in any case, if given.  Raises UnknownRun."""
        return await self.outputs.page(run_id, first, limit, stream, q)

    def raw_output(self, run_id: str) -> AsyncGenerator[bytes, None]:
        """A run's whole output as it was written, in pieces.  Raises UnknownRun."""
        return self.outputs.raw(run_id)

    def output_text(self, run_id: str, stream: Stream) -> AsyncGenerator[str, None]:
        """One stream's whole output as text, in pieces; none where the run is no longer in the history."""
        return self.outputs.text(run_id, stream)

    def follow(self, run_id: str, grown: Callable[[], None]) -> Callable[[], None]:
        """Call `grown()` whenever a run's output was added to or the run ended; returns what ends this."""
        return self.outputs.follow(run_id, grown)

    async def runs(self, query: RunQuery) -> RunPage:
        """A page of the history, latest begun first.  Raises CursorError."""
        if query.q is None:
            return await self._history.runs(query)
        return await self._search.page(query, self._live.recordings())

    def backup(self, *, secrets: bool) -> AsyncGenerator[bytes, None]:
        """An archive of configuration, scripts and history, in pieces, with or without secrets.

        Raises as `Backups.archive`.
        """
        return self._backups.archive(secrets=secrets)

    def begin_restore(self) -> Upload:
        """Take an archive, then restore what is in it.  Raises as `Restores.begin`."""
        return self._restores.begin()

    async def clear_logs(self, name: str) -> int:
        """Delete the records and outputs of a script's finished runs; how many.  What is told of the last run stays.

        Raises UnknownScript where there is neither such a script nor a record of it, and HistoryError.
        """
        await self._live.archived()  # what is on its way would come after
        cleared = await self._keeper.clear(name, configured=name in self._scripts)
        await self._live.drop_waiting(name)
        if name in self._scripts:  # whoever shows its history is to ask for it anew
            self.happened(ScriptChanged(op="updated", script=self.script(name)), Instant.now())
        return cleared
