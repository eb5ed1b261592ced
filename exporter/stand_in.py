"""One command's work in the place of a service that does not run: a run started here, runs stopped, logs cleared.

It holds the data directory meanwhile and takes up what the last service left, as the next one would: runs end with
their true exit codes, and their output gets into the history.  No timetable: nothing else is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable

from exporter.audit import LOCAL, Deed, Trail
from exporter.config import LoadedConfig
from exporter.data_dir import StartError, claim
from exporter.events import Error, Event, Instant, OutputPage, Run
from exporter.history import History, HistoryError
from exporter.live import LiveRuns
from exporter.outputs import Outputs
from exporter.published import Published
from exporter.retention import Keeper
from exporter.runner import file_limit
from exporter.scheduler import RunRefused, Start
from exporter.scripts import UnknownScript
from exporter.settings import Retention, ScriptSettings
from exporter.ulid import UlidSource


class StandIn:
    """Made by `stand_in` only.  Belongs to the event loop's thread."""

    def __init__(self, loaded: LoadedConfig, history: History) -> None:
        self._settings = loaded.settings
        self._scripts = {script.name: script for script in loaded.settings.scripts}
        self._history = history
        self._keeper = Keeper(history, self._retention_of)
        self._live = LiveRuns(loaded.settings.data_dir / "runs", history, os.environ, file_limit(), self)
        self._outputs = Outputs(self._live, history)
        self._trail = Trail(history, lambda line: None)  # standard output is the command's own
        self._fault: str | None = None

    async def take_up(self) -> None:
        """Watch the runs that the last service left; what waited for its start is for the next service."""
        left = await self._history.executing()
        await self._live.take_up([run for run in left if not run.waits], self._scripts.get)

    async def leave(self) -> None:
        await self._live.stop("leave")

    async def run(self, name: str, show: Callable[[OutputPage], None], stop: asyncio.Event) -> tuple[Run, str | None]:
        """Run a script to its end, giving its output to `show`, on a worker thread, as it comes; `stop` ends it early.

        Answers its record, and why it could not be started if that is so.  Raises UnknownScript, and RunRefused where
        its `overlap` does not let it begin beside runs that the last service left.
        """
        script = self._script(name)
        await self._give_way(script, stop)
        now = Instant.now()
        run_id = UlidSource().new(now)
        self._live.launch(Start(run_id=run_id, script_name=name, trigger="manual", scheduled_at=now), script, None)
        self._trail.note(Deed(actor=LOCAL, action="script.run", target=name, detail=run_id))
        stopping = asyncio.ensure_future(self._stop_when(stop, run_id))
        grown = asyncio.Event()
        unfollow = self._outputs.follow(run_id, grown.set)
        try:
            await self._follow(run_id, show, grown)
            await self._ended([run_id])  # its record is stored after its output's end
        finally:
            stopping.cancel()
            unfollow()
        run = await self._outputs.run(run_id)
        with contextlib.suppress(HistoryError, sqlite3.Error):  # the disk is full, or failing: another time
            await self._keeper.retain(name, script.retention, Instant.now())
        return run, self._fault

    async def _give_way(self, script: ScriptSettings, stop: asyncio.Event) -> None:
        executing = self._executing(script.name)
        if script.overlap == "allow" or not executing:
            return
        if script.overlap == "skip":
            raise RunRefused(f"{script.name} is running already, and its overlap rule is skip")
        if script.overlap == "replace":
            self._cancel(executing)
        ended = asyncio.ensure_future(self._ended(executing))
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        stopped.cancel()
        if stop.is_set():
            raise RunRefused(f"{script.name} was not started: it waited for an earlier run, until it was stopped")

    async def _follow(self, run_id: str, show: Callable[[OutputPage], None], grown: asyncio.Event) -> None:
        line: int | None = 0
        while line is not None:
            grown.clear()
            page = await self._outputs.page(run_id, line)
            await asyncio.to_thread(show, page)  # a reader that pauses holds up no timeout
            line = page.next
            if not page.lines and line is not None:
                await grown.wait()

    async def _stop_when(self, stop: asyncio.Event, run_id: str) -> None:
        await stop.wait()
        self._cancel([run_id])

    async def stop(self, name: str) -> list[str]:
        """End the runs of a script that the last service left, or the run of an id; their ids, once they have ended.

        Raises UnknownScript.
        """
        executing = [name] if self._live.get(name) else self._executing(name)
        if not executing:
            self._script(name)
        script_names = {live.run.script_name for run_id in executing if (live := self._live.get(run_id)) is not None}
        self._trail.note(
            *(
                Deed(actor=LOCAL, action="script.stop", target=each, detail=", ".join(executing))
                for each in script_names
            )
        )
        self._cancel(executing)
        await self._ended(executing)
        return executing

    async def clear_logs(self, name: str) -> int:
        """As `Engine.clear_logs`."""
        cleared = await self._keeper.clear(name, configured=name in self._scripts)
        self._trail.note(Deed(actor=LOCAL, action="logs.delete", target=name, detail=str(cleared)))
        return cleared

    def _script(self, name: str) -> ScriptSettings:
        if name not in self._scripts:
            raise UnknownScript(f"no script is named {name}")
        return self._scripts[name]

    def _retention_of(self, name: str) -> Retention:
        return self._scripts[name].retention if name in self._scripts else self._settings.retention

    def _executing(self, name: str) -> list[str]:
        return [live.run.run_id for live in self._live.executing() if live.run.script_name == name]

    def _cancel(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            if (live := self._live.get(run_id)) is not None:
                live.stop("cancelled")

    async def _ended(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            grown = asyncio.Event()
            unfollow = self._outputs.follow(run_id, grown.set)
            while (live := self._live.get(run_id)) is not None and not live.ended:
                await grown.wait()
                grown.clear()
            unfollow()

    # --- what runs under way tell (exporter.live.Listener) ---

    def adopted(self, run: Run) -> None: ...

    def happened(self, event: Event, at: Instant) -> None:
        if isinstance(event, Error):
            self._fault = event.message

    def over(self, run: Run) -> None: ...

    def published(self, run: Run, published: Published) -> Published:
        return published  # the next service shows it

    def rejected(self, run: Run) -> None: ...

    def next_start(self, script_name: str) -> Instant | None:
        return None


@contextlib.asynccontextmanager
async def stand_in(loaded: LoadedConfig) -> AsyncGenerator[StandIn, None]:
    """Hold the data directory.  Raises StartError where another service has it, or its history can't be opened."""
    with claim(loaded.settings.data_dir):
        try:
            history = History(loaded.settings.data_dir / "history.db", write_failed=lambda reason, first: None)
        except HistoryError as error:
            raise StartError(str(error)) from error
        try:
            here = StandIn(loaded, history)
            await here.take_up()
            try:
                yield here
            finally:
                await here.leave()
        finally:
            await history.close(swept=True)
