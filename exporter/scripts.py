"""The configured scripts and what is known of each, as the API and the stream tell it.

A reader of the journal: what it tells is the state as of the journal's last event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from exporter.events import (
    Instant,
    Progress,
    ProgressState,
    Run,
    RunEnded,
    RunStarted,
    Schedule,
    Script,
)  # fmt: skip
from exporter.journal import Entry
from exporter.secrets import masked
from exporter.settings import ScriptSettings
from exporter.triggers import Timing


class UnknownScript(LookupError):
    """No script has this name; the message says so."""


class _State:
    def __init__(self, settings: ScriptSettings, entry: dict[str, Any], timing: Timing) -> None:
        self.settings = settings
        self.entry = entry
        self.timing = timing
        self.running: list[str] = []
        self.last_run: Run | None = None
        self.progress: dict[str, ProgressState] = {}
        """By run id, of runs under way."""
        self.view: Script | None = None
        """The script as it was last told, until something about it changes."""


class Scripts:
    def __init__(self, next_start: Callable[[str], Instant | None]) -> None:
        self._next_start = next_start
        self._states: dict[str, _State] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._states

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def configure(self, settings: ScriptSettings, entry: dict[str, Any], timing: Timing) -> None:
        """A script is new, or has changed; `entry` is what the configuration file says of it."""
        state = _State(settings, entry, timing)
        if (before := self._states.get(settings.name)) is not None:
            state.running, state.last_run, state.progress = before.running, before.last_run, before.progress
        self._states[settings.name] = state

    def remove(self, name: str) -> None:
        del self._states[name]

    def settings(self, name: str) -> ScriptSettings:
        """Raises UnknownScript."""
        return self._state(name).settings

    def entry(self, name: str) -> dict[str, Any]:
        """What the file says of it, secrets too.  Raises UnknownScript."""
        return self._state(name).entry

    def timing(self, name: str) -> Timing:
        """Raises UnknownScript."""
        return self._state(name).timing

    def last_run(self, name: str) -> Run | None:
        return self._state(name).last_run

    def has_run(self, name: str) -> bool:
        """Whether the script ever ran, or runs now, as far as the history goes."""
        state = self._state(name)
        return bool(state.last_run or state.running)

    def restore(self, name: str, last_run: Run | None) -> None:
        """Take over from the history the latest run that ended."""
        state = self._state(name)
        state.last_run, state.view = last_run, None

    def adopted(self, run: Run) -> None:
        """A run of the service's last life is under way still."""
        if (state := self.touch(run.script_name)) is not None:
            state.running.append(run.run_id)

    def touch(self, name: str) -> _State | None:
        """Something about the script has changed, its next start perhaps."""
        if (state := self._states.get(name)) is not None:
            state.view = None
        return state

    def remember(self, entry: Entry) -> None:
        match entry.event:
            case RunStarted(run=run):
                self.adopted(run)
            case RunEnded(run=run) if (state := self.touch(run.script_name)) is not None:
                state.running = [run_id for run_id in state.running if run_id != run.run_id]
                state.progress.pop(run.run_id, None)
                if run.ended_after(state.last_run):
                    state.last_run = run
            case Progress(script_name=name) as told if (state := self.touch(name)) is not None:
                state.progress[told.run_id] = ProgressState(percent=told.percent, text=told.text)
            case _:
                return

    def view(self, name: str) -> Script:
        """Raises UnknownScript."""
        state = self._state(name)
        if state.view is None:
            timing = state.timing
            schedule = Schedule(
                kind=timing.kind, value=timing.value, timezone=timing.timezone, description=timing.describe()
            )
            state.view = Script(
                name=name, description=state.settings.description, enabled=state.settings.enabled, schedule=schedule,
                config=dict(masked(state.entry)), running=list(state.running), last_run=state.last_run,
                next_run_at=self._next_start(name),
                progress=state.progress.get(state.running[0]) if state.running else None,
            )  # fmt: skip
        return state.view

    def _state(self, name: str) -> _State:
        try:
            return self._states[name]
        except KeyError:
            raise UnknownScript(f"no script is named {name}") from None
