"""Which starts happen: slots, missed ones, overlap, the limit on runs at a time, jitter and retries.

The scheduler takes decisions and keeps the queues; it starts no process and writes no record itself.
Belongs to the event loop's thread.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct, field, structs

from exporter.cron import CronTiming
from exporter.events import Instant, Run, SkipReason, Status, Trigger
from exporter.history import TimetableEntry
from exporter.settings import Duration, ScriptSettings
from exporter.timetable import Timetable
from exporter.triggers import IntervalTiming, RebootTiming, Timing, first_start
from exporter.ulid import UlidSource

LATE = Duration(60_000)
"""A slot noticed later than this - the machine slept, the clock was set - counts as missed."""
LONGEST_RETRY_DELAY = Duration(30 * 86_400_000)
"""However often the delay has doubled."""
MAX_WAITING = 100
"""Starts of one script that may wait at a time."""
MAX_MISSED = 100
"""Missed slots of one script that `missed: all` makes up for, the latest ones."""
MAX_LOOKED_AT = 1000
"""Missed slots of one script that are recorded, the latest ones; of more than these nothing is told."""
_HOUR = 3_600_000
_DISABLED = " (disabled)"


class RunRefused(Exception):
    """A run asked for by hand can't be had now; the message says why."""


class Start(Struct, frozen=True, kw_only=True):
    """A start that was decided on, or waits for its turn."""

    run_id: str
    script_name: str
    trigger: Trigger
    attempt: int = 1
    scheduled_at: Instant
    slot: Instant | None = None
    """The slot that it is for; None for manual runs and retries."""
    free_at: Instant | None = None
    """When the earlier run of its script that it waited for was over; None where it waited for none."""

    def record(self, status: Status, *, reason: SkipReason | None = None, started_at: Instant | None = None) -> Run:
        return Run(
            run_id=self.run_id, script_name=self.script_name, trigger=self.trigger, attempt=self.attempt,
            status=status, reason=reason, scheduled_at=self.scheduled_at, started_at=started_at,
        )  # fmt: skip


class Effects(Protocol):
    """What the scheduler asks of the engine."""

    def launch(self, start: Start, worked_off: TimetableEntry | None) -> None:
        """Start a run; the scheduler must hear `ended` for it.

        `worked_off` is to be recorded with it: how far the script's timetable is then; None where that stays.
        """

    def skip(self, starts: Sequence[Start], reason: SkipReason, worked_off: TimetableEntry | None) -> None:
        """Record starts of one script that do not happen, and how far its timetable is worked off with them."""

    def cancel(self, run_id: str) -> None:
        """Stop a run that was launched, its process started already or not."""

    def planned(self, script_name: str) -> None:
        """The script's next start has changed."""


class _Plan(Struct):
    """One script's place in the timetable."""

    settings: ScriptSettings
    timing: Timing
    schedule: str
    last_slot: Instant
    """Every slot up to here has been looked at."""
    open: set[Instant] = field(default_factory=set)
    """Slots looked at whose start waits, and is not recorded yet."""
    waiting: deque[Start] = field(default_factory=deque)
    """Starts that wait for an earlier run of the same script."""
    ready: int = 0
    """How many of its starts wait only for a free place among the runs at a time."""
    delayed: Start | None = None
    """The start that waits for its jitter to pass."""


class Scheduler:
    def __init__(self, effects: Effects, timetable: Timetable, limit: int, clock: Callable[[], Instant]) -> None:
        """`limit`: runs that may execute at a time, over all scripts."""
        self._limit = limit
        self._effects = effects
        self._timetable = timetable
        self._clock = clock
        self._ids = UlidSource()
        self._plans: dict[str, _Plan] = {}
        self._places_taken = 0
        self._ready: deque[Start] = deque()
        """Starts that wait only for a free place among the runs at a time."""
        self._executing: dict[str, list[str]] = {}
        """Run ids by script, oldest first; of removed scripts too."""

    # --- the timetable ---

    def configure(
        self,
        script: ScriptSettings,
        when: Timing,
        known: TimetableEntry | None = None,
        recorded: Collection[Instant] = (),
        *,
        has_run: bool = True,
        last_planned: Instant | None = None,
    ) -> TimetableEntry:
        """Take up a script, new or changed, and apply its `missed` rule to slots that passed unseen.

        `known` is what the history has of a new script; `recorded` are the planned starts later than that which it
        has, too; `has_run`: whether it ever ran; `last_planned`: when, where `known` is lacking.  Returns what the
        history should have from now on.
        """
        now = self._clock()
        plan = self._plans.get(script.name)
        if plan is not None:
            known = self.entry(script.name)
        entry = taken_up(script, when, known, now, has_run=has_run, last_planned=last_planned)
        schedule = entry.schedule
        if isinstance(when, IntervalTiming):
            when = when.anchored(entry.last_slot)
        grace = LATE
        if plan is None:
            grace = Duration(0)
            plan = self._plans[script.name] = _Plan(script, when, schedule, entry.last_slot)
        elif plan.schedule != schedule:
            self._leave_slots(plan)
        plan.settings, plan.timing, plan.schedule, plan.last_slot = script, when, schedule, entry.last_slot
        if script.enabled:
            self._work_off(plan, now, grace=grace, recorded=recorded)
            self._timetable.plan(script.name, when, now, self._due)
        else:
            self._withdraw(script.name)
            self._skip([*self._drop_waiting(plan, manual=False), *self._drop_delayed(plan)], "missed")
            self._advance(plan)
        return self._worked_off(plan)

    def _leave_slots(self, plan: _Plan) -> None:
        """Starts that wait stay, but say no longer how far the timetable is worked off: it is another one now."""
        name = plan.settings.name
        plan.waiting = deque(structs.replace(start, slot=None) for start in plan.waiting)
        plan.delayed = plan.delayed and structs.replace(plan.delayed, slot=None)
        self._ready = deque(
            structs.replace(start, slot=None) if start.script_name == name else start for start in self._ready
        )
        plan.open.clear()

    def entry(self, script_name: str) -> TimetableEntry:
        """How far a script's timetable is worked off."""
        plan = self._plans[script_name]
        return TimetableEntry(plan.schedule, plan.last_slot)

    def rebooted(self, script_name: str) -> None:
        """Start a script planned for `@reboot`."""
        plan = self._plans[script_name]
        if plan.settings.enabled and isinstance(plan.timing, RebootTiming):
            self._request(plan, self._start(plan, "schedule", self._clock()))

    def _worked_off(self, plan: _Plan) -> TimetableEntry:
        """Up to here no slot will ever be started again; later ones may be recorded already."""
        if not plan.open:
            return TimetableEntry(plan.schedule, plan.last_slot)
        step = plan.timing.every if isinstance(plan.timing, IntervalTiming) else 1  # an interval keeps its beat
        return TimetableEntry(plan.schedule, Instant(min(plan.open) - step))

    def remove(self, script_name: str) -> None:
        """Forget a script; its runs under way go on."""
        self._withdraw(script_name)
        plan = self._plans.pop(script_name)
        self._skip([*self._drop_waiting(plan), *self._drop_delayed(plan)], "missed")

    def _withdraw(self, script_name: str) -> None:
        self._timetable.cancel(script_name)
        self._timetable.cancel_once(f"retry {script_name}")
        self._timetable.cancel_once(f"jitter {script_name}")

    def next_start(self, script_name: str) -> Instant | None:
        """The next planned start, a pending retry included; None where there is none."""
        plan = self._plans.get(script_name)
        if plan is None:
            return None
        slot = self._timetable.next_slot(script_name)
        starts = [
            None if slot is None else _jittered(plan.settings, slot),
            self._timetable.next_once(f"retry {script_name}"),
            self._timetable.next_once(f"jitter {script_name}"),
        ]
        return min((start for start in starts if start is not None), default=None)

    def retries_next(self, script_name: str) -> bool:
        """Whether the next planned start is a retry."""
        retry = self._timetable.next_once(f"retry {script_name}")
        return retry is not None and retry == self.next_start(script_name)

    def timing(self, script_name: str) -> Timing:
        """The schedule of a script, an interval with its beat."""
        return self._plans[script_name].timing

    def clock_set_back(self) -> list[tuple[str, TimetableEntry]]:
        """Plan anew by what the clock shows now; of cron only what is far ahead is forgotten."""
        now = self._clock()
        for name, plan in self._plans.items():
            plan.last_slot = _believed(plan.timing, plan.last_slot, now)
            if isinstance(plan.timing, IntervalTiming):
                plan.timing = plan.timing.anchored(plan.last_slot)
            if plan.settings.enabled:
                self._timetable.plan(name, plan.timing, now, self._due)
        return self.worked_off()

    def worked_off(self) -> list[tuple[str, TimetableEntry]]:
        """What the history should have of every script's timetable."""
        return [(name, self._worked_off(plan)) for name, plan in self._plans.items()]

    def _due(self, script_name: str) -> None:
        plan = self._plans.get(script_name)
        if plan is not None:
            self._work_off(plan, self._clock(), grace=LATE)
            self._effects.planned(script_name)

    def _work_off(self, plan: _Plan, now: Instant, *, grace: Duration, recorded: Collection[Instant] = ()) -> None:
        """Decide on every slot up to now: the latest is on time if not later than `grace`, the others were missed."""
        slots = _slots_between(plan.timing, plan.last_slot, now) if plan.last_slot < now else []
        if not slots:
            return
        plan.last_slot = slots[-1]
        planned = {slot: _jittered(plan.settings, slot) for slot in slots}
        slots = [slot for slot in slots if planned[slot] not in recorded]
        plan.open.update(slots)
        missed = slots if not slots or now - planned[slots[-1]] > grace else slots[:-1]
        dropped = max(0, len(missed) - {"skip": 0, "once": 1, "all": MAX_MISSED}[plan.settings.missed])
        self._skip([self._start(plan, "schedule", planned[slot], slot) for slot in missed[:dropped]], "missed")
        for slot in missed[dropped:]:
            self._enqueue(plan, self._start(plan, "missed", planned[slot], slot))
        for slot in slots[len(missed) :]:
            self._after_jitter(plan, self._start(plan, "schedule", planned[slot], slot))

    def _after_jitter(self, plan: _Plan, start: Start) -> None:
        if start.scheduled_at <= self._clock():
            self._request(plan, start)
        else:
            if plan.delayed is not None:  # jitter is longer than the schedule's gap
                self._skip([start], "overlap")
                return
            plan.delayed = start
            key = f"jitter {plan.settings.name}"
            self._timetable.once(key, start.scheduled_at, lambda: self._jitter_passed(plan))

    def _jitter_passed(self, plan: _Plan) -> None:
        if plan.delayed is not None:
            start, plan.delayed = plan.delayed, None
            self._request(plan, start)
            self._effects.planned(plan.settings.name)

    def _start(self, plan: _Plan, trigger: Trigger, scheduled_at: Instant, slot: Instant | None = None) -> Start:
        return Start(
            run_id=self._ids.new(self._clock()),
            script_name=plan.settings.name,
            trigger=trigger,
            scheduled_at=scheduled_at,
            slot=slot,
        )

    def _skip(self, starts: Sequence[Start], reason: SkipReason) -> None:
        """Tell of starts of one script that do not happen."""
        if starts:
            self._effects.skip(starts, reason, self._close(starts))

    def _close(self, starts: Sequence[Start]) -> TimetableEntry | None:
        """A script's starts are about to be recorded: how far its timetable is worked off with them."""
        plan = self._plans.get(starts[0].script_name)
        slots = {start.slot for start in starts if start.slot is not None}
        if plan is None or not slots:
            return None
        plan.open -= slots
        return self._worked_off(plan)

    # --- admission ---

    @property
    def limit(self) -> int:
        """Runs that may execute at a time, over all scripts."""
        return self._limit

    def set_limit(self, limit: int) -> None:
        self._limit = limit
        self._dispatch()

    def halt(self) -> None:
        """Start nothing more: the service is about to stop.

        Planned starts that wait are found again as missed ones; those asked for by hand are told as such now.
        """
        self._limit = 0
        for start in [*self._ready, *(start for plan in self._plans.values() for start in plan.waiting)]:
            if start.trigger == "manual":
                self._skip([start], "missed")

    @property
    def queued(self) -> int:
        """Starts that wait, for a free place or for an earlier run of their script."""
        return len(self._ready) + sum(len(plan.waiting) for plan in self._plans.values() if plan.waiting)

    def run_now(self, script_name: str) -> Start:
        """Start, or queue, a run by hand.  Raises RunRefused where `overlap` does not allow it."""
        plan = self._plans[script_name]
        start = self._start(plan, "manual", self._clock())
        refusal = self._refusal(plan)
        if refusal == "overlap":
            raise RunRefused(f"{script_name} is running already, and its overlap rule is skip")
        if refusal == "queue_full":
            raise RunRefused(f"{MAX_WAITING} starts of {script_name} are waiting already")
        self._admit(plan, start)
        return start

    def _request(self, plan: _Plan, start: Start) -> None:
        if self._plans.get(start.script_name) is not plan:  # removed when its time had come already
            return
        refusal = self._refusal(plan)
        if refusal is not None:
            self._skip([start], refusal)
        else:
            self._admit(plan, start)

    def _refusal(self, plan: _Plan) -> SkipReason | None:
        overlap = plan.settings.overlap
        if overlap == "skip" and self._busy(plan):
            return "overlap"
        if overlap in ("queue", "allow") and len(plan.waiting) + plan.ready >= MAX_WAITING:
            return "queue_full"
        return None

    def _admit(self, plan: _Plan, start: Start) -> None:
        if plan.settings.overlap == "replace" and self._busy(plan):
            self._replace(plan)
        if plan.settings.overlap == "allow":
            self._make_ready(plan, start)
            self._dispatch()
        else:
            self._enqueue(plan, start)

    def _enqueue(self, plan: _Plan, start: Start) -> None:
        """Let a start wait until no earlier run of the script is left."""
        plan.waiting.append(start)
        self._advance(plan)

    def _replace(self, plan: _Plan) -> None:
        """Make way for a new start: end what executes, drop what waits."""
        for run_id in self.executing(plan.settings.name):
            self._effects.cancel(run_id)
        self._skip(self._drop_waiting(plan), "overlap")

    def _drop_waiting(self, plan: _Plan, *, manual: bool = True) -> list[Start]:
        """Take a script's starts out of the queues; those asked for by hand only if `manual`."""
        dropped = [start for start in self._waiting(plan) if manual or start.trigger != "manual"]
        for start in dropped:
            self._take_out(plan, start)
        return dropped

    def _take_out(self, plan: _Plan, start: Start) -> None:
        if start in plan.waiting:
            plan.waiting.remove(start)
        else:
            self._ready.remove(start)
            plan.ready -= 1

    def _drop_delayed(self, plan: _Plan) -> list[Start]:
        start, plan.delayed = plan.delayed, None
        return [] if start is None else [start]

    def stop_waiting(self, script_name: str, run_id: str | None = None) -> list[str]:
        """Have a script's waiting starts, or the one of an id, end as cancelled runs; their ids.

        They are launched past all rules and stopped before there is a process, so that each is in the history.
        """
        plan = self._plans.get(script_name)  # of a script removed meanwhile nothing waits
        if plan is None:
            return []
        stopped = [start for start in self._waiting(plan) if run_id in (None, start.run_id)]
        for start in stopped:
            self._take_out(plan, start)
            self._launch(start)
            self._effects.cancel(start.run_id)
        return [start.run_id for start in stopped]

    def executing(self, script_name: str) -> list[str]:
        """Ids of a script's runs that execute, oldest first."""
        return list(self._executing.get(script_name, ()))

    def _waiting(self, plan: _Plan) -> list[Start]:
        """In the order in which they would be launched."""
        ready = [start for start in self._ready if start.script_name == plan.settings.name] if plan.ready else []
        return [*ready, *plan.waiting]

    def _busy(self, plan: _Plan) -> bool:
        return bool(plan.waiting or plan.ready) or plan.settings.name in self._executing

    def _advance(self, plan: _Plan) -> None:
        if plan.waiting and not plan.ready and plan.settings.name not in self._executing:
            self._make_ready(plan, plan.waiting.popleft())
        self._dispatch()

    def _make_ready(self, plan: _Plan, start: Start) -> None:
        self._ready.append(start)
        plan.ready += 1

    def _dispatch(self) -> None:
        while self._ready and self._places_taken < self._limit:
            start = self._ready.popleft()
            self._plans[start.script_name].ready -= 1
            self._timetable.cancel_once(f"retry {start.script_name}")  # a newer run makes the retry needless
            self._launch(start)

    def _launch(self, start: Start) -> None:
        self.adopted(start.script_name, start.run_id)
        self._effects.launch(start, self._close([start]))

    def adopted(self, script_name: str, run_id: str) -> None:
        """Count in a run, such as one that the last life of the service left executing."""
        self._executing.setdefault(script_name, []).append(run_id)
        self._places_taken += 1

    def ended(self, run: Run) -> None:
        """A launched or adopted run is over: plan its retry, and let the next ones start."""
        self._places_taken -= 1
        self._executing[run.script_name].remove(run.run_id)
        if not self._executing[run.script_name]:
            del self._executing[run.script_name]
        plan = self._plans.get(run.script_name)
        if plan is None:
            self._dispatch()
        else:
            self.plan_retry(run)
            if plan.waiting:
                plan.waiting[0] = structs.replace(plan.waiting[0], free_at=self._clock())
            self._advance(plan)

    def plan_retry(self, run: Run) -> None:
        """Plan another attempt of a failed run where its script's `retries` allow one.

        A run that was cancelled is not tried again; the delay doubles with each attempt, up to LONGEST_RETRY_DELAY.
        """
        plan = self._plans.get(run.script_name)
        if any(run_id > run.run_id for run_id in self.executing(run.script_name)):
            return  # a newer run makes the retry needless
        if plan is None or run.status != "failed" or run.reason == "cancelled" or run.attempt > plan.settings.retries:
            return
        if not plan.settings.enabled and run.trigger != "manual":
            return
        now = self._clock()
        delay = min(plan.settings.retry_delay * 2 ** (run.attempt - 1), LONGEST_RETRY_DELAY)
        at = Instant((run.ended_at or now) + delay)
        if now - at > LATE:  # the service was down when it should have been
            return
        start = structs.replace(self._start(plan, "retry", at), attempt=run.attempt + 1)
        self._timetable.once(f"retry {run.script_name}", at, lambda: self._retry(plan, start))

    def _retry(self, plan: _Plan, start: Start) -> None:
        self._request(plan, start)
        self._effects.planned(plan.settings.name)


def taken_up(
    script: ScriptSettings, when: Timing, known: TimetableEntry | None, now: Instant, *, has_run: bool,
    last_planned: Instant | None,
) -> TimetableEntry:  # fmt: skip
    """How far a script's timetable counts as worked off when it is taken up; arguments as of `Scheduler.configure`."""
    schedule = _schedule(when) + ("" if script.enabled else _DISABLED)
    if known is not None and not has_run and known.schedule == schedule + _DISABLED:
        known = None  # switched on for the first time
    if known is None and last_planned is not None and isinstance(when, IntervalTiming):
        last_slot = _on_beat(when, last_planned, now)  # the script was removed for a while
    elif known is None:
        every = when.every if isinstance(when, IntervalTiming) else None
        last_slot = now if every is None else Instant(first_start(script.name, every, now) - every)
    elif known.schedule == schedule:
        last_slot = _believed(when, known.last_slot, now)
    elif isinstance(when, IntervalTiming) and known.schedule.removesuffix(_DISABLED) == _schedule(when):
        # switched on or off: the interval keeps its beat
        last_slot = _on_beat(when, known.last_slot, now)
    else:
        last_slot = now
    return TimetableEntry(schedule, last_slot)


def next_planned(script: ScriptSettings, when: Timing, entry: TimetableEntry, now: Instant) -> Instant | None:
    """The first planned start after `now` of a script with this place in the timetable; None where there is none."""
    if isinstance(when, IntervalTiming):
        when = when.anchored(entry.last_slot)
    slot = when.next(now) if script.enabled else None
    return None if slot is None else _jittered(script, slot)


def _schedule(when: Timing) -> str:
    """What a slot belongs to: with another schedule the timetable begins anew."""
    return f"{when.kind} {when.value}" + (f" {when.timezone}" if when.kind == "cron" else "")


def _on_beat(when: IntervalTiming, last_slot: Instant, now: Instant) -> Instant:
    """The latest start of an interval that counts on from `last_slot`."""
    return Instant(last_slot + max(0, now - last_slot) // when.every * when.every)


def _believed(when: Timing, last_slot: Instant, now: Instant) -> Instant:
    """The last slot, or now where it was looked at by a clock that was wrong.

    A start at a fixed time that comes twice within a few hours happens once, others follow the clock at once, as by
    Debian's cron (cron(8)).
    """
    ahead = 3 * _HOUR
    if isinstance(when, IntervalTiming):
        ahead = 0
    elif isinstance(when, CronTiming) and not when.fixed:
        ahead = 1000  # less than that is no step: a slot that was just looked at must not come again
    return now if last_slot > now + ahead else last_slot


def _jittered(script: ScriptSettings, slot: Instant) -> Instant:
    """The slot's start: spread over `jitter` by a hash, so that it is known beforehand and the same after a restart."""
    if not script.jitter:
        return slot
    digest = hashlib.sha256(f"{script.name} {slot}".encode()).digest()
    return Instant(slot + int.from_bytes(digest[:8], "big") % (script.jitter + 1))


def _slots_between(when: Timing, after: Instant, until: Instant) -> list[Instant]:
    """Slots later than `after`, up to and including `until`; of many only the latest MAX_LOOKED_AT."""
    span = _HOUR
    while True:
        since = max(after, Instant(until - span))
        slots: deque[Instant] = deque(maxlen=MAX_LOOKED_AT)
        count, slot = 0, when.next(since)
        while slot is not None and slot <= until:
            slots.append(slot)
            count += 1
            slot = when.next(slot)
        if since == after or count >= MAX_LOOKED_AT:
            return list(slots)
        span *= max(4, min(16, MAX_LOOKED_AT // max(1, count) + 1))
