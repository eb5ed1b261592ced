"""Runs under way: from the durable start to the archived output, and those that outlived the service.

Belongs to the event loop's thread; what is slow about output happens on worker threads.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
from msgspec import structs

from exporter import secrets
from exporter.cgroups import delegated, tidy
from exporter.command import environment
from exporter.confinement import NoSuchRights, identity_of
from exporter.events import (
    Error,
    Event,
    FailureReason,
    Instant,
    Progress,
    ProgressState,
    Run,
    RunEnded,
    RunStarted,
    from_json,
    to_json,
)
from exporter.history import History, TimetableEntry
from exporter.output import SCANTY_BYTES, Recording
from exporter.published import Published, pack, reasons
from exporter.published import read as read_published
from exporter.run_folder import forget, metrics_file
from exporter.runner import STOPPED, Outcome, Process, SpawnError, adopt, launch
from exporter.scheduler import Start
from exporter.settings import Duration, OnShutdown, ScriptSettings

log = logging.getLogger(__name__)

SettingsOf = Callable[[str], ScriptSettings | None]
"""Those in force of the script of a name."""
MARK_SECONDS = 0.2
"""How often sizes of output are noted, which is also how exactly lines are dated."""
FOLLOWED_MARK_SECONDS = 0.05
"""The same of a run that somebody looks at."""
STOP_SECONDS = 5.0
"""How long output is still moved into the history once the service stops; the next start goes on with the rest."""
DISCARDED = ".done"
"""Ending of the name of a folder that is being removed."""
ARCHIVING = "archiving"
"""Name of the task that stores output which there was no room for."""
RECORD = "record"
"""Name of the file that has a run's record while the history has no room for it."""
BEGUN = "begun"
"""Name of the file that has a run's start: the history knows the decision, which is made durable before that."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # folders in it are made by mkdtemp(3)
"""Where a run's folder goes while the disk is full, if there is such a place: shm_overview(7)."""
LEAST_ROOM = 256 << 10
"""Bytes that have to be free for a run's folder to be in its place."""
ELSEWHERE = "cronscope-"
"""How the names of folders there begin, each of which holds one run's folder."""


class Listener(Protocol):
    """What the engine hears of runs under way."""

    def adopted(self, run: Run) -> None:
        """A run of the service's last life is taken up; `over` will be heard for it."""

    def happened(self, event: Event, at: Instant) -> None: ...

    def over(self, run: Run) -> None:
        """A run has ended, and its record is stored; `happened` tells of it next."""

    def published(self, run: Run, published: Published) -> Published | None:
        """A run that has ended, which is not told yet, left a file of metrics.

        Answers what of it is shown from now on, and what is refused; None where nobody wants to know.
        """

    def rejected(self, run: Run) -> None:
        """Metrics of a run that has ended, which was told just now, were refused: its record says which."""

    def next_start(self, script_name: str) -> Instant | None: ...


class LiveRun:
    """One run from its decision until its output is in the history."""

    def __init__(self, run: Run, script: ScriptSettings, folder: Path) -> None:
        self.run = run
        self.script = script
        self.folder = folder
        self.process: Process | None = None
        self.begun = False
        """Whether its start is told, or was in the service's last life."""
        self.recording: Recording | None = None
        self.stopped_for: Literal["timeout", "cancelled"] | None = None
        self.progress: ProgressState | None = None
        self.recorded = asyncio.Event()
        """Whether its start is in the history, as far as that could store it."""
        self.given_up = False
        """Watching it has failed, and its end is told as `lost`."""

    @property
    def started_at(self) -> Instant:
        assert self.run.started_at is not None
        return self.run.started_at

    @property
    def last_seen(self) -> Instant:
        """When the run's output was last noted: it was alive then."""
        return self.started_at if self.recording is None else self.recording.marked_at

    @property
    def metrics(self) -> Path:
        """The file for metrics of the script's own."""
        return metrics_file(self.folder)

    @property
    def has_published(self) -> bool:
        return os.path.lexists(self.metrics)

    @property
    def readable(self) -> bool:
        """Whether its output can be read now (`Recording.readable`)."""
        return self.recording is None or self.recording.readable

    @property
    def ended(self) -> bool:
        return self.run.status != "running"

    def stop(self, why: Literal["timeout", "cancelled"]) -> None:
        """End the whole process group; the first reason stands."""
        if self.stopped_for is not None or self.ended:
            return
        if self.process is None or self.process.stop(self.script.kill_after, why):
            self.stopped_for = why

    def go_on_stopping(self) -> None:
        """Take up again a stop that the last life of the service began."""
        try:
            began = Instant((self.folder / STOPPED).stat().st_mtime_ns // 1_000_000)
            why = (self.folder / STOPPED).read_text()
        except OSError:
            return
        self.stopped_for = "timeout" if why == "timeout" else "cancelled"
        if self.process is not None:
            self.process.stop(Duration(max(0, began + self.script.kill_after - Instant.now())), why)


class LiveRuns:
    def __init__(
        self, folder: Path, history: History, environ: Mapping[str, str], open_files: int, listener: Listener
    ) -> None:
        """`folder` holds one folder a run; scripts inherit `environ`, and `open_files` as their limit (-1: none)."""
        self._folder = folder
        self._history = history
        self._environ = environ
        self._open_files = open_files
        self._cgroups = delegated()
        self._listener = listener
        self._runs: dict[str, LiveRun] = {}
        self._followers: dict[str, list[Callable[[], None]]] = {}
        """By run id; of runs too that still wait for their start."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unarchived: dict[str, None] = {}
        """Runs that have ended, but whose output found no room in the history, the earliest first."""
        self._scanty = False
        """Whether the disk is almost full."""
        self._trimming: dict[str, asyncio.Future[None]] = {}
        self._publisher = ThreadPoolExecutor(1, thread_name_prefix="published")
        """One thread: many files of metrics at once must not hold up what else is done beside the event loop."""
        self._marking: asyncio.TimerHandle | None = None
        self._all_marked_at = asyncio.get_running_loop().time()
        """By the event loop's clock."""
        self._leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when runs are to be left to themselves."""
        self._stopping_since: float | None = None
        """By the event loop's clock; None while the service is to go on."""

    # --- what there is ---

    def executing(self) -> list[LiveRun]:
        """Runs that were told to have started, and have not ended, oldest first."""
        return [live for live in self._runs.values() if live.begun and not live.ended]

    def get(self, run_id: str) -> LiveRun | None:
        return self._runs.get(run_id)

    def recordings(self) -> dict[str, Recording]:
        """Output that is not in the history yet, by run id."""
        return {run_id: live.recording for run_id, live in self._runs.items() if live.recording is not None}

    def follow(self, run_id: str, grown: Callable[[], None]) -> Callable[[], None]:
        """Call `grown()` whenever output was added or the run ended; returns the function that ends this.

        A run that has ended tells nothing any more.
        """
        followers = self._followers.setdefault(run_id, [])
        followers.append(grown)
        if self._marking is not None:  # it may be too long until then
            self._marking.cancel()
            self._marking = None
            self._keep_marking()

        def end() -> None:
            followers.remove(grown)
            if not followers:
                self._followers.pop(run_id, None)

        return end

    def tell_followers(self, run_id: str) -> None:
        """There is something new about a run."""
        for follower in tuple(self._followers.get(run_id, ())):
            follower()

    # --- a run's life ---

    def launch(self, start: Start, script: ScriptSettings, worked_off: TimetableEntry | None) -> None:
        """Record the start, and how far the script's timetable is worked off with it; then start the process."""
        run = start.record("running", started_at=Instant.now())
        live = self._runs[run.run_id] = LiveRun(run, script, self._folder / run.run_id)
        self._spawn(run.run_id, self._live(live, worked_off))

    async def _live(self, live: LiveRun, worked_off: TimetableEntry | None) -> None:
        # Durable before the process starts, so that no slot is run twice after a crash; a full disk holds up nobody.
        stored = await self._history.record(live.run, worked_off=worked_off)
        live.recorded.set()
        if live.stopped_for is not None:
            await self._end(live, Outcome(exit_code=-1, reason=None, ended_at=Instant.now()))
            return
        live.run = structs.replace(live.run, started_at=Instant.now())
        try:
            live.folder = _make_folder(live.folder, full=not stored or _is_full(self._folder))
            if not stored:
                (live.folder / RECORD).write_bytes(to_json(live.run))
            with suppress(OSError):  # the disk is full: then it is the decision's time that outlives a crash
                (live.folder / BEGUN).write_text(str(int(live.started_at)))
            recording = self._record_output(live)
            live.process = launch(
                live.script, live.run, live.folder, self._environ, self._open_files, self._cgroups, recording.hide
            )
            if not await self._begins(live, live.process):
                return
        except (SpawnError, OSError) as error:
            live.process = None
            message = f"{live.run.script_name} could not be started: {error}"
            if live.recording is not None:
                message = live.recording.told(message)
            _say(live, message)
            await self._end(live, Outcome(exit_code=-1, reason="spawn", ended_at=Instant.now()))
            self._listener.happened(Error(message=message, script_name=live.run.script_name), Instant.now())
            return
        next_start = self._listener.next_start(live.run.script_name)
        live.begun = True
        self._listener.happened(RunStarted(run=live.run, next_run_at=next_start), live.started_at)
        self._keep_marking()
        await self._watch(live, live.process)

    async def _begins(self, live: LiveRun, process: Process) -> bool:
        """Whether the command begins before runs are left to themselves.  Raises SpawnError where it cannot."""
        beginning = asyncio.ensure_future(process.begin())
        either: list[asyncio.Future[Any]] = [beginning, self._leaving]
        with _timed(live):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([beginning], timeout=STOP_SECONDS)
        if not beginning.done():
            beginning.cancel()
            return False
        await beginning
        return True

    def _record_output(self, live: LiveRun) -> Recording:
        live.recording = Recording(live.folder, live.started_at, int(live.script.max_output))
        live.recording.limit(SCANTY_BYTES if self._scanty else None)
        self._keep_marking()
        return live.recording

    def spare_disk(self, scanty: bool) -> None:
        """While the disk is almost full, keep little of what runs under way print, and nothing when they end."""
        if scanty != self._scanty:
            self._scanty = scanty
            for live in self._runs.values():
                if live.recording is not None and not live.ended:
                    live.recording.limit(SCANTY_BYTES if scanty else None)
                    self._trim(live.run.run_id, live.recording)

    async def _watch(self, live: LiveRun, process: Process) -> None:
        ending = asyncio.ensure_future(process.wait())
        either: list[asyncio.Future[Any]] = [ending, self._leaving]
        with _timed(live):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            await self._end(live, ending.result())

    async def _end(self, live: LiveRun, outcome: Outcome) -> None:
        """Store the end, then tell it, then move the output into the history."""
        if live.recording is not None:
            if self._scanty:
                live.recording.limit(0)
            try:
                await asyncio.to_thread(live.recording.finish, outcome.ended_at)
            except Exception:  # what cannot be read must not keep the script from ever starting again
                log.exception("run %s: its output cannot be read", live.run.run_id)
        run = _ended(live, outcome)
        families = None
        if (found := await self._published(live)) and (shown := self._listener.published(run, found)):
            families = pack(shown.families)
            if shown.refusals:
                run = structs.replace(run, metrics_rejected=reasons(shown.refusals))
        stored = await self._history.record(run, published=families)
        live.run = run
        self._listener.over(run)
        event = RunEnded(
            run=run,
            next_run_at=self._listener.next_start(run.script_name),
            cpu_user_seconds=outcome.cpu_user_seconds or 0.0,
            cpu_system_seconds=outcome.cpu_system_seconds or 0.0,
        )
        self._listener.happened(event, outcome.ended_at)
        if run.metrics_rejected:
            self._listener.rejected(run)
        self.tell_followers(run.run_id)
        if stored:
            self._spawn(run.run_id, self._archive(live))
        else:
            self._put_off(live)

    async def _published(self, live: LiveRun) -> Published | None:
        """What the run's file of metrics has; None where it left none."""
        if not live.has_published:
            return None
        look = partial(read_published, live.metrics, live.run.script_name)
        if live.recording is not None:
            look = partial(look, told=live.recording.told)
        return await asyncio.get_running_loop().run_in_executor(self._publisher, look)

    def _put_off(self, live: LiveRun) -> None:
        """The output cannot be moved now: the files stay, and take no descriptor of the service."""
        if live.recording is not None:
            live.recording.release()
        self._unarchived[live.run.run_id] = None

    async def _archive(self, live: LiveRun) -> None:
        """Move the output into the history; where it is held, or that has no room, the files stay for another try."""
        run_id, recording, began = live.run.run_id, live.recording, asyncio.get_running_loop().time()
        self._unarchived.pop(run_id, None)
        if not live.readable:
            self._put_off(live)
            return
        if recording is not None:
            chunks = recording.chunks()
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                if self._takes_too_long(began) or not await self._history.keep_output(run_id, chunk):
                    self._put_off(live)
                    return
        del self._runs[run_id]
        if recording is not None:
            recording.close()
        self.tell_followers(run_id)  # who could not read it as it ended can now
        await asyncio.to_thread(_discard, self._folder / run_id, live.folder)

    def _takes_too_long(self, began: float) -> bool:
        """Whether who waits for the service to stop has waited long enough for what was begun then."""
        since = self._stopping_since
        return since is not None and asyncio.get_running_loop().time() > max(since, began) + STOP_SECONDS

    def archive_waiting(self) -> None:
        """Store the output of runs that there was no room for; all records are stored by now."""
        if self._unarchived and ARCHIVING not in self._tasks:
            self._spawn(ARCHIVING, self._archive_waiting())

    async def _archive_waiting(self) -> None:
        """One after the other: there may be thousands."""
        began = asyncio.get_running_loop().time()
        for run_id in tuple(self._unarchived):
            if (live := self._runs.get(run_id)) is not None and live.readable:
                await self._archive(live)
                if run_id in self._unarchived or self._takes_too_long(began):
                    return

    async def archived(self) -> None:
        """Wait until the output of runs that have ended by now is in the history, unless that has no room."""
        archiving = [self._tasks[run_id] for run_id, live in self._runs.items() if live.ended and run_id in self._tasks]
        if archiving:
            await asyncio.wait(archiving)

    async def drop_waiting(self, script_name: str) -> None:
        """Throw away the output of a script's runs that found no room: their records have been deleted."""
        waiting = [run_id for run_id in self._unarchived if self._runs[run_id].run.script_name == script_name]
        for run_id in waiting:
            del self._unarchived[run_id]
        for live in [self._runs.pop(run_id) for run_id in waiting]:
            await asyncio.to_thread(_discard, self._folder / live.run.run_id, live.folder)

    # --- beginning and end of the service ---

    async def take_up(self, left: list[Run], script_of: SettingsOf) -> None:
        """Finish what the last life of the service left.

        `left` are the records that say `running`.  Runs that still execute are watched again, those that ended
        meanwhile are stored with their true exit code, those nobody can tell of any more as `lost`.
        """
        if self._cgroups is not None:
            tidy(self._cgroups)
        executing = {run.run_id for run in left}
        for folder in sorted(self._folder.iterdir()):
            if not folder.exists():  # a link to what was in memory before the machine started anew
                folder.unlink()
            elif folder.suffix == DISCARDED:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            elif folder.name not in executing and (run := await self._unrecorded(folder)) is not None:
                left.append(run)
            elif folder.name not in executing:
                try:
                    await self._take_up_output(folder, script_of)
                except OSError:
                    log.exception("left alone: %s cannot be read", folder)
        self.archive_waiting()
        for run in map(self._begun, left):
            live = self._runs[run.run_id] = LiveRun(run, _settings(run, script_of), self._folder / run.run_id)
            self._listener.adopted(run)
            found = adopt(live.folder, live.script.success_codes) if live.folder.is_dir() else None
            if live.folder.is_dir():
                self._take_up_recording(live)
            live.process = found if isinstance(found, Process) else None
            live.go_on_stopping()
            if live.process is not None:
                live.begun = True
                self._spawn(run.run_id, self._watch(live, live.process))
            elif isinstance(found, Outcome):
                await self._end(live, found)
            else:
                await self._end(live, Outcome(exit_code=-1, reason="lost", ended_at=live.last_seen))

    def _take_up_recording(self, live: LiveRun) -> None:
        recording = self._record_output(live)
        if not recording.hides:  # the disk was full at its start, perhaps: then what counts is what is secret now
            with suppress(SpawnError, NoSuchRights):
                who = identity_of(live.script)
                variables = environment(live.script, live.run, live.metrics, self._environ, who)
                recording.hide(secrets.values(variables, live.script.secrets))

    def _begun(self, run: Run) -> Run:
        """The record with the start that was told."""
        try:
            return structs.replace(run, started_at=Instant((self._folder / run.run_id / BEGUN).read_text()))
        except (OSError, ValueError):  # it had not come to that, or the disk was full
            return run

    async def _unrecorded(self, folder: Path) -> Run | None:
        """The record of a run that the history never had room for; it has it now."""
        try:
            run = from_json((folder / RECORD).read_bytes(), Run)
        except (OSError, msgspec.DecodeError):  # none, or one that was cut off
            return None
        if await self._history.run(run.run_id) is not None:
            return None
        await self._history.record(run)
        return run

    async def _take_up_output(self, folder: Path, script_of: SettingsOf) -> None:
        """A folder whose run has ended, but whose output had not got into the history yet."""
        run = await self._history.run(folder.name)
        if run is None or run.started_at is None:
            log.warning("left alone: %s belongs to no run of the history", folder)
            return
        live = self._runs[run.run_id] = LiveRun(run, _settings(run, script_of), folder)
        self._take_up_recording(live)
        self._put_off(live)

    async def stop(self, rule: OnShutdown) -> None:
        """End watching: `leave` lets runs go on by themselves, `wait` waits for them, `stop` ends them."""
        self._stopping_since = asyncio.get_running_loop().time()
        if rule == "leave":
            self._leaving.set_result(None)
        if rule == "stop":
            for live in self._runs.values():
                live.stop("cancelled")
        while self._tasks:  # a run's end begins the archiving of its output
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._publisher.shutdown(wait=False)
        if self._marking is not None:
            self._marking.cancel()

    def _keep_marking(self) -> None:
        if self._marking is None:
            loop = asyncio.get_running_loop()
            followed = any(run_id in self._followers for run_id in self._runs)
            self._marking = loop.call_later(FOLLOWED_MARK_SECONDS if followed else MARK_SECONDS, self._mark_due)

    def _mark_due(self) -> None:
        """Mark the runs that somebody looks at, and from time to time the others."""
        self._marking = None
        time = asyncio.get_running_loop().time()
        all_due = time >= self._all_marked_at + MARK_SECONDS
        if all_due:
            self._all_marked_at = time
        now = Instant.now()
        for live in self.executing():
            if all_due or live.run.run_id in self._followers:
                self._mark(live, now, memory=all_due)
        if self.executing():
            self._keep_marking()

    def _mark(self, live: LiveRun, now: Instant, *, memory: bool) -> None:
        assert live.process is not None
        if memory:
            live.process.note_memory()
        if live.recording is not None and live.recording.mark(now):
            self._trim(live.run.run_id, live.recording)
            self._note_progress(live, live.recording, now)
            self.tell_followers(live.run.run_id)

    def _trim(self, run_id: str, recording: Recording) -> None:
        """Give the middle of a long output back to the disk, beside the event loop."""
        if recording.trim_due and run_id not in self._trimming:
            self._trimming[run_id] = asyncio.get_running_loop().run_in_executor(None, recording.trim)
            self._trimming[run_id].add_done_callback(lambda _: self._trimming.pop(run_id))

    def _note_progress(self, live: LiveRun, recording: Recording, now: Instant) -> None:
        progress = recording.progress()
        if progress is not None and progress != live.progress:
            live.progress = progress
            run = live.run
            self._listener.happened(
                Progress(run_id=run.run_id, script_name=run.script_name, percent=progress.percent, text=progress.text),
                now,
            )

    def _spawn(self, run_id: str, work: Coroutine[None, None, None]) -> None:
        task = self._tasks[run_id] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._forget(run_id, done))

    def _forget(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("run %s is out of sight", run_id, exc_info=error)
        live = self._runs.get(run_id)
        if live is not None and not live.ended and not live.given_up:  # else its script would count as running for ever
            live.given_up = True
            self._spawn(run_id, self._end(live, Outcome(exit_code=-1, reason="lost", ended_at=Instant.now())))


@contextmanager
def _timed(live: LiveRun) -> Iterator[None]:
    """Meanwhile, stop the run once its timeout is over, which counts from its start."""
    if not live.script.timeout:
        yield
        return
    left = (live.started_at + live.script.timeout - Instant.now()) / 1000
    timer = asyncio.get_running_loop().call_later(max(0.0, left), live.stop, "timeout")
    try:
        yield
    finally:
        timer.cancel()


def _settings(run: Run, script_of: SettingsOf) -> ScriptSettings:
    """Those of its script; where that is gone, none to speak of."""
    return script_of(run.script_name) or ScriptSettings(name=run.script_name, command="")


def _say(live: LiveRun, message: str) -> None:
    """Have it in the run's own output why the script has none, where whoever looks for the reason looks first."""
    with suppress(OSError):  # there may be no folder, which is the reason then
        if live.recording is not None:
            with (live.folder / "stderr").open("a") as stderr:
                stderr.write(f"cronscope: {message}\n")


def _is_full(folder: Path) -> bool:
    """Whether what a script prints would find no room; making a folder takes none on some file systems."""
    found = os.statvfs(folder)
    return (found.f_bavail if os.geteuid() else found.f_bfree) * found.f_frsize < LEAST_ROOM


def _make_folder(folder: Path, *, full: bool) -> Path:
    """Make a run's folder; on a full disk elsewhere, with a link to it in its place.  Raises OSError."""
    try:
        if not full:
            folder.mkdir(mode=0o700)
            return folder
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
    parent = tempfile.mkdtemp(prefix=ELSEWHERE, dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
    elsewhere = Path(parent) / folder.name
    elsewhere.mkdir(mode=0o700)
    with suppress(OSError):  # then the next life of the service does not find it
        folder.symlink_to(elsewhere)
    return elsewhere


def _discard(entry: Path, folder: Path) -> None:
    """Remove a run's folder, and the link to it where it is elsewhere.

    Renamed first: one that was removed by half must not be taken for a run's output.
    """
    forget(folder)
    elsewhere = folder.resolve().parent
    if elsewhere.name.startswith(ELSEWHERE):
        shutil.rmtree(elsewhere, ignore_errors=True)
        entry.unlink(missing_ok=True)
    elif entry.exists():  # a run that never came to be started has none
        gone = entry.with_suffix(DISCARDED)
        entry.rename(gone)
        shutil.rmtree(gone)


def _ended(live: LiveRun, outcome: Outcome) -> Run:
    run, recording = live.run, live.recording
    reason: FailureReason | None = live.stopped_for or outcome.reason
    cpu = (outcome.cpu_user_seconds, outcome.cpu_system_seconds)
    return structs.replace(
        run,
        status="completed" if reason is None else "failed",
        reason=reason,
        exit_code=outcome.exit_code,
        ended_at=outcome.ended_at,
        duration=max(0, outcome.ended_at - live.started_at),
        cpu_seconds=None if cpu[0] is None or cpu[1] is None else round(cpu[0] + cpu[1], 6),
        max_rss_bytes=outcome.max_rss_bytes,
        stdout_bytes=recording.stdout_bytes if recording else 0,
        stderr_bytes=recording.stderr_bytes if recording else 0,
        dropped_bytes=recording.dropped_bytes if recording else 0,
    )
