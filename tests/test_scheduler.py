from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import pytest
from msgspec import structs

from exporter.events import Instant, Run, SkipReason
from exporter.history import TimetableEntry
from exporter.scheduler import MAX_LOOKED_AT, MAX_MISSED, MAX_WAITING, RunRefused, Scheduler, Start
from exporter.settings import Duration, ScriptSettings
from exporter.timetable import Timetable
from exporter.triggers import Timing, timing

NOON = Instant.parse("2026-06-01T12:00:00Z")
MINUTE = 60_000


class HandTimetable:
    """Slots come due when the test says so."""

    def __init__(self) -> None:
        self.plans: dict[str, tuple[Timing, Callable[[str], None]]] = {}
        self.once_plans: dict[str, tuple[Instant, Callable[[], None]]] = {}
        self.now = NOON

    def plan(self, name: str, timing: Timing, after: Instant, due: Callable[[str], None]) -> None:
        self.plans[name] = (timing, due)

    def once(self, key: str, at: Instant, call: Callable[[], None]) -> None:
        self.once_plans[key] = (at, call)

    def cancel(self, name: str) -> None:
        self.plans.pop(name, None)

    def cancel_once(self, key: str) -> None:
        self.once_plans.pop(key, None)

    def next_slot(self, name: str) -> Instant | None:
        return self.plans[name][0].next(self.now) if name in self.plans else None

    def next_once(self, key: str) -> Instant | None:
        return self.once_plans[key][0] if key in self.once_plans else None

    def come(self, name: str) -> None:
        self.plans[name][1](name)

    def come_once(self, key: str) -> None:
        self.once_plans.pop(key)[1]()


class World:
    """A scheduler, and what it asked for."""

    def __init__(self, limit: int = 16) -> None:
        self.timetable = HandTimetable()
        self.launched: list[Start] = []
        self.skipped: list[tuple[Start, SkipReason]] = []
        self.cancelled: list[str] = []
        self.worked_off: list[Instant | None] = []
        """With every launch and skip: how far the timetable was told to be worked off."""
        self.scheduler = Scheduler(self, cast(Timetable, self.timetable), limit, lambda: self.timetable.now)
        self.entries: dict[str, TimetableEntry] = {}

    def launch(self, start: Start, worked_off: TimetableEntry | None) -> None:
        self.launched.append(start)
        self.worked_off.append(None if worked_off is None else worked_off.last_slot)

    def skip(self, starts: Sequence[Start], reason: SkipReason, worked_off: TimetableEntry | None) -> None:
        self.skipped += [(start, reason) for start in starts]
        self.worked_off.append(None if worked_off is None else worked_off.last_slot)

    def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)

    def planned(self, script_name: str) -> None:
        pass

    def configure(
        self, known: TimetableEntry | None = None, recorded: Collection[Instant] = (), **settings: Any
    ) -> ScriptSettings:
        script = ScriptSettings(**{"name": "job", "command": "true", **settings})
        self.entries[script.name] = self.scheduler.configure(script, timing(script, "UTC"), known, recorded)
        return script

    def after(self, milliseconds: int, name: str = "job") -> None:
        """Let time pass, then let the script's slot come due."""
        self.timetable.now = Instant(self.timetable.now + milliseconds)
        self.timetable.come(name)

    def end(self, start: Start, **fields: Any) -> None:
        run = Run(
            run_id=start.run_id, script_name=start.script_name, trigger=start.trigger, attempt=start.attempt,
            status="completed", scheduled_at=start.scheduled_at, ended_at=self.timetable.now,
        )  # fmt: skip
        self.scheduler.ended(structs.replace(run, **fields))

    @property
    def reasons(self) -> list[SkipReason]:
        return [reason for _, reason in self.skipped]


def slots(starts: list[Start]) -> list[str]:
    return [start.scheduled_at.rfc3339()[11:19] for start in starts]


def test_a_slot_that_comes_due_starts_a_run_and_is_worked_off_with_it() -> None:
    world = World()
    world.configure(cron="* * * * *")
    world.after(MINUTE)
    [start] = world.launched
    assert (start.trigger, start.scheduled_at, start.attempt) == ("schedule", NOON + MINUTE, 1)
    assert start.slot == NOON + MINUTE
    assert world.worked_off == [NOON + MINUTE]


def test_a_slot_that_comes_twice_starts_one_run() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="allow")
    world.after(MINUTE)
    world.after(10)
    assert len(world.launched) == 1


def test_overlap_skip_skips_a_start_while_an_earlier_run_executes() -> None:
    world = World()
    world.configure(cron="* * * * *")
    world.after(MINUTE)
    world.after(MINUTE)
    assert world.reasons == ["overlap"]
    assert world.worked_off[-1] == NOON + 2 * MINUTE
    world.end(world.launched[0])
    world.after(MINUTE)
    assert slots(world.launched) == ["12:01:00", "12:03:00"]


def test_overlap_queue_starts_what_waited_when_the_earlier_run_has_ended() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    for _ in range(3):
        world.after(MINUTE)
    assert slots(world.launched) == ["12:01:00"]
    assert world.scheduler.queued == 2
    world.end(world.launched[0])
    assert slots(world.launched) == ["12:01:00", "12:02:00"]
    assert world.scheduler.queued == 1


def test_a_start_that_waited_for_its_own_script_tells_since_when_it_could_have_happened() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    world.after(MINUTE)
    world.after(MINUTE)
    world.timetable.now = Instant(world.timetable.now + 7000)
    world.end(world.launched[0])
    assert [start.free_at for start in world.launched] == [None, world.timetable.now]


def test_a_queue_holds_a_hundred_starts_and_refuses_the_next_as_queue_full() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    for _ in range(1 + MAX_WAITING + 2):
        world.after(MINUTE)
    assert world.scheduler.queued == MAX_WAITING
    assert world.reasons == ["queue_full"] * 2


def test_overlap_replace_stops_the_earlier_run_and_starts_when_it_is_gone() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="replace")
    world.after(MINUTE)
    world.after(MINUTE)
    assert world.cancelled == [world.launched[0].run_id]
    assert len(world.launched) == 1
    world.after(MINUTE)  # replaces the one that waits
    assert world.reasons == ["overlap"]
    world.end(world.launched[0], status="failed", reason="cancelled")
    assert slots(world.launched) == ["12:01:00", "12:03:00"]


def test_overlap_allow_starts_beside_the_earlier_run() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="allow")
    world.after(MINUTE)
    world.after(MINUTE)
    assert slots(world.launched) == ["12:01:00", "12:02:00"]


def test_no_more_runs_than_the_limit_execute_and_the_others_wait_in_order() -> None:
    world = World(limit=2)
    for name in "abc":
        world.configure(name=name, every=Duration(MINUTE))
        world.scheduler.run_now(name)
    assert [start.script_name for start in world.launched] == ["a", "b"]
    assert world.scheduler.queued == 1
    world.end(world.launched[1])
    assert [start.script_name for start in world.launched] == ["a", "b", "c"]


def test_a_start_that_waits_for_a_free_place_counts_as_running_for_overlap() -> None:
    world = World(limit=1)
    world.configure(name="other")
    world.configure(cron="* * * * *")
    world.scheduler.run_now("other")
    world.after(MINUTE)
    world.after(MINUTE)
    assert world.reasons == ["overlap"]
    assert world.scheduler.queued == 1


def test_a_run_by_hand_is_refused_where_overlap_skips() -> None:
    world = World()
    world.configure()
    world.scheduler.run_now("job")
    with pytest.raises(RunRefused, match="job is running already"):
        world.scheduler.run_now("job")
    assert world.skipped == []


def test_an_adopted_run_counts_for_overlap_and_for_the_limit() -> None:
    world = World(limit=1)
    world.scheduler.adopted("job", "OLD")
    world.configure(cron="* * * * *")
    world.after(MINUTE)
    assert world.reasons == ["overlap"]
    world.end(Start(run_id="OLD", script_name="job", trigger="schedule", scheduled_at=NOON))
    world.after(MINUTE)
    assert slots(world.launched) == ["12:02:00"]


# --- missed ---


def known(world: World, **settings: Any) -> TimetableEntry:
    """An entry as the service left it ten minutes before noon; now it is a little past noon."""
    world.timetable.now = Instant(NOON + 500)
    script = ScriptSettings(name="job", command="true", **settings)
    entry = World().scheduler.configure(script, timing(script, "UTC"), None)
    return TimetableEntry(entry.schedule, Instant(NOON - 10 * MINUTE))


@pytest.mark.parametrize(
    ("missed", "run", "skipped"),
    [("skip", [], 10), ("once", ["12:00:00"], 9), ("all", ["11:51:00"], 0)],
)
def test_slots_missed_while_the_service_was_down_follow_the_rule(missed: str, run: list[str], skipped: int) -> None:
    world = World()
    world.configure(known(world, cron="* * * * *"), cron="* * * * *", missed=missed)
    assert slots(world.launched) == run
    assert all(start.trigger == "missed" for start in world.launched)
    assert world.reasons == ["missed"] * skipped


def test_a_slot_whose_start_waits_is_found_again_after_a_restart_and_no_other_is() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue", missed="all")
    for _ in range(3):
        world.after(MINUTE)
    assert world.worked_off == [NOON + MINUTE]
    world.configure(cron="* * * * *", overlap="queue", missed="all")
    entry = world.entries["job"]
    assert entry.last_slot < NOON + 2 * MINUTE

    later = World()
    later.timetable.now = Instant(NOON + 3 * MINUTE + 500)
    later.configure(entry, recorded=[Instant(NOON + 3 * MINUTE)], cron="* * * * *", overlap="queue", missed="all")
    assert slots(later.launched) == ["12:02:00"]
    assert later.skipped == []


def test_a_start_overtaken_by_a_later_slot_is_not_worked_off_with_that() -> None:
    world = World(limit=1)
    world.configure(name="hog")
    world.scheduler.run_now("hog")
    world.configure(cron="* * * * *")
    world.after(MINUTE)  # waits for a free place
    world.after(MINUTE)  # skipped for overlap
    [_, told] = world.worked_off
    assert told is not None
    assert told < NOON + MINUTE
    world.end(world.launched[0])
    assert world.worked_off[-1] == NOON + 2 * MINUTE


def test_a_restart_while_the_jitter_passes_costs_no_start() -> None:
    world = World()
    world.configure(cron="0 * * * *", jitter=Duration(30 * MINUTE))
    world.after(60 * MINUTE)
    planned = world.scheduler.next_start("job")
    world.configure(cron="0 * * * *", jitter=Duration(30 * MINUTE))
    later = World()
    later.timetable.now = Instant(NOON + 60 * MINUTE + 1)
    later.configure(world.entries["job"], cron="0 * * * *", jitter=Duration(30 * MINUTE))
    assert later.scheduler.next_start("job") == planned
    assert later.skipped == []


def test_all_missed_starts_run_one_after_the_other_even_where_overlap_skips() -> None:
    world = World()
    world.configure(known(world, cron="*/2 * * * *"), cron="*/2 * * * *", missed="all")
    for _ in range(5):
        world.end(world.launched[-1])
    assert slots(world.launched) == ["11:52:00", "11:54:00", "11:56:00", "11:58:00", "12:00:00"]
    assert world.skipped == []


def test_of_very_many_missed_slots_the_latest_are_told() -> None:
    world = World()
    before = known(world, every=Duration(1000))
    world.configure(TimetableEntry(before.schedule, Instant(NOON - 7 * 86_400_000)), every=Duration(1000))
    assert len(world.skipped) == MAX_LOOKED_AT
    assert world.skipped[-1][0].scheduled_at == NOON


@pytest.mark.parametrize(
    ("missed", "made_up_for", "first"),
    [("skip", 0, []), ("once", 1, ["12:00:00"]), ("all", MAX_MISSED, ["11:58:21"])],
)
def test_missed_slots_that_are_not_made_up_for_are_told(missed: str, made_up_for: int, first: list[str]) -> None:
    world = World()
    before = known(world, every=Duration(1000))
    world.configure(TimetableEntry(before.schedule, Instant(NOON - 300_000)), every=Duration(1000), missed=missed)
    assert world.scheduler.queued + len(world.launched) == made_up_for
    assert len(world.skipped) == 300 - made_up_for
    assert slots(world.launched) == first


def test_slots_slept_through_are_missed_but_a_slot_a_little_late_is_started() -> None:
    world = World()
    world.configure(cron="* * * * *")
    world.after(5 * MINUTE + 2000)
    assert slots(world.launched) == ["12:05:00"]
    assert world.reasons == ["missed"] * 4
    world = World()
    world.configure(cron="0 * * * *")
    world.after(62 * MINUTE)
    assert (world.launched, world.reasons) == ([], ["missed"])


def test_a_new_schedule_has_missed_nothing() -> None:
    world = World()
    world.configure(known(world, cron="*/3 * * * *"), cron="* * * * *", missed="all")
    assert (world.launched, world.skipped) == ([], [])


# --- intervals ---


def test_an_interval_counts_on_from_the_last_planned_start_after_a_restart() -> None:
    world = World()
    entry = TimetableEntry(known(world, every=Duration(7 * MINUTE)).schedule, Instant(NOON - 3 * MINUTE))
    world.configure(entry, every=Duration(7 * MINUTE))
    assert world.scheduler.next_start("job") == NOON + 4 * MINUTE


def test_an_interval_keeps_its_beat_over_a_restart_while_a_start_waits() -> None:
    world = World(limit=0)
    world.configure(every=Duration(7 * MINUTE))
    first = world.scheduler.next_start("job")
    assert first is not None
    world.after(first - NOON)
    world.configure(every=Duration(7 * MINUTE))
    later = World()
    later.timetable.now = Instant(first + 1)
    later.configure(world.entries["job"], every=Duration(7 * MINUTE))
    assert later.scheduler.next_start("job") == first + 7 * MINUTE
    assert [start.scheduled_at for start, _ in later.skipped] == [first]


def test_a_script_that_never_ran_starts_within_its_interval_and_half_a_minute() -> None:
    world = World()
    for every in (1000, 10_000, 86_400_000):
        world.configure(name=f"job-{every}", every=Duration(every))
        first = world.scheduler.next_start(f"job-{every}")
        assert first is not None
        assert 0 < first - NOON <= min(every, 30_000)


def test_a_changed_interval_counts_from_the_change() -> None:
    world = World()
    world.configure(known(world, every=Duration(7 * MINUTE)), every=Duration(5 * MINUTE))
    assert world.scheduler.next_start("job") == world.timetable.now + 5 * MINUTE


def test_an_interval_does_not_care_for_the_time_zone() -> None:
    world = World()
    world.configure(every=Duration(3_600_000), timezone="Europe/Berlin")
    planned = world.scheduler.next_start("job")
    world.timetable.now = Instant(NOON + 5000)
    world.configure(every=Duration(3_600_000), timezone="America/New_York")
    assert world.scheduler.next_start("job") == planned


def test_an_interval_switched_on_for_the_first_time_starts_soon() -> None:
    world = World()
    world.configure(every=Duration(600_000), enabled=False)
    world.timetable.now = Instant(NOON + 2_000_000)
    script = ScriptSettings(name="job", command="true", every=Duration(600_000))
    world.scheduler.configure(script, timing(script, "UTC"), has_run=False)
    first = world.scheduler.next_start("job")
    assert first is not None
    assert 0 < first - world.timetable.now <= 30_000


def test_an_interval_keeps_its_beat_over_being_switched_off_and_on() -> None:
    world = World()
    entry = known(world, every=Duration(7 * MINUTE))
    world.configure(entry, every=Duration(7 * MINUTE), enabled=False)
    assert world.scheduler.next_start("job") is None
    world.configure(world.entries["job"], every=Duration(7 * MINUTE))
    assert world.scheduler.next_start("job") == NOON + 4 * MINUTE
    assert world.skipped == []


# --- retries and jitter ---


def test_a_failed_run_is_tried_again_with_a_delay_that_doubles() -> None:
    world = World()
    world.configure(retries=2, retry_delay=Duration(10_000))
    world.scheduler.run_now("job")
    for attempt, delay in ((1, 10_000), (2, 20_000)):
        world.end(world.launched[-1], status="failed", reason="exit_code")
        assert world.scheduler.next_start("job") == world.timetable.now + delay
        world.timetable.come_once("retry job")
        assert (world.launched[-1].trigger, world.launched[-1].attempt) == ("retry", attempt + 1)
    world.end(world.launched[-1], status="failed", reason="exit_code")
    assert world.timetable.once_plans == {}


def test_a_run_that_succeeded_or_was_cancelled_is_not_tried_again() -> None:
    world = World()
    world.configure(retries=2)
    for fields in ({"status": "completed"}, {"status": "failed", "reason": "cancelled"}):
        world.scheduler.run_now("job")
        world.end(world.launched[-1], **fields)
    assert world.timetable.once_plans == {}


def test_a_retry_that_executes_over_a_restart_is_not_planned_again() -> None:
    world = World()
    world.scheduler.adopted("job", "02")
    world.configure(retries=1)
    world.scheduler.plan_retry(
        Run(run_id="01", script_name="job", trigger="manual", status="failed", scheduled_at=NOON, ended_at=NOON)
    )
    assert world.timetable.once_plans == {}


def test_a_newer_run_makes_a_pending_retry_needless() -> None:
    world = World()
    world.configure(retries=2, cron="* * * * *")
    world.scheduler.run_now("job")
    world.end(world.launched[-1], status="failed", reason="exit_code")
    world.after(MINUTE)
    assert world.timetable.once_plans == {}


def test_jitter_moves_a_start_by_the_same_time_whenever_it_is_asked() -> None:
    world = World()
    world.configure(cron="* * * * *", jitter=Duration(30_000))
    planned = world.scheduler.next_start("job")
    assert planned is not None
    assert NOON + MINUTE <= planned <= NOON + MINUTE + 30_000
    world.after(MINUTE)
    world.timetable.now = planned
    world.timetable.come_once("jitter job")
    assert world.launched[0].scheduled_at == planned
    assert world.launched[0].slot == NOON + MINUTE


def test_a_retry_comes_at_the_latest_after_thirty_days_however_often_the_delay_has_doubled() -> None:
    world = World()
    world.configure(retries=100, retry_delay=Duration(86_400_000))
    world.scheduler.run_now("job")
    world.end(structs.replace(world.launched[-1], attempt=100), status="failed", reason="exit_code")
    assert world.scheduler.next_start("job") == NOON + 30 * 86_400_000


def test_a_slot_that_comes_while_the_jitter_of_an_earlier_one_passes_is_told_as_an_overlap() -> None:
    world = World()
    world.configure(cron="* * * * *", jitter=Duration(600 * MINUTE))
    for _ in range(3):
        world.after(MINUTE)
    assert world.reasons == ["overlap", "overlap"]
    world.timetable.come_once("jitter job")
    assert world.worked_off[-1] == NOON + 3 * MINUTE


@pytest.mark.parametrize(
    ("cron", "starts"), [("* * * * *", ["10:31:00"]), ("@hourly", ["11:00:00"]), ("15,45 11,12 * * *", ["12:45:00"])]
)
def test_only_starts_at_a_fixed_time_wait_until_a_clock_set_back_is_where_it_was(cron: str, starts: list[str]) -> None:
    world = World()
    world.configure(cron=cron, overlap="allow")
    world.timetable.now = Instant(NOON + 30 * MINUTE)
    world.timetable.come("job")
    world.timetable.now = Instant(NOON - 90 * MINUTE)
    world.scheduler.clock_set_back()
    told = len(world.launched)
    while len(world.launched) == told:
        world.after(MINUTE)
    assert slots(world.launched[told:]) == starts


def test_a_single_start_does_not_come_again_when_the_clock_is_set_back() -> None:
    world = World()
    world.configure(at=Instant(NOON + 30 * MINUTE), overlap="allow")
    world.after(30 * MINUTE)
    world.timetable.now = Instant(NOON - 90 * MINUTE)
    world.scheduler.clock_set_back()
    world.after(120 * MINUTE)
    assert len(world.launched) == 1


def test_more_places_let_waiting_starts_go_at_once() -> None:
    world = World(limit=1)
    for name in ("a", "b", "c"):
        world.configure(name=name)
        world.scheduler.run_now(name)
    world.scheduler.set_limit(3)
    assert [start.script_name for start in world.launched] == ["a", "b", "c"]


@pytest.mark.parametrize("schedule", [{"cron": "* * * * *"}, {"every": Duration(MINUTE)}])
def test_a_clock_that_was_a_year_ahead_silences_no_script_once_it_is_right(schedule: dict[str, Any]) -> None:
    world = World()
    world.timetable.now = Instant(NOON + 365 * 1440 * MINUTE)
    world.configure(**schedule)
    world.after(MINUTE)
    world.end(world.launched[0])
    world.timetable.now = NOON
    world.scheduler.clock_set_back()
    world.after(MINUTE)
    assert world.launched[-1].scheduled_at == NOON + MINUTE


# --- changes ---


def test_a_start_that_waited_over_a_change_of_schedule_says_nothing_of_the_new_timetable() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    world.after(MINUTE)
    world.after(MINUTE)
    world.configure(cron="*/5 * * * *", overlap="queue")
    world.end(world.launched[0])
    assert slots(world.launched) == ["12:01:00", "12:02:00"]
    assert world.worked_off[1] is None


def test_a_pending_start_follows_the_rules_of_a_changed_script() -> None:
    world = World()
    world.configure(cron="* * * * *", jitter=Duration(30_000), overlap="allow")
    world.after(MINUTE)
    world.configure(cron="* * * * *", jitter=Duration(30_000), overlap="skip")
    world.scheduler.run_now("job")
    world.timetable.come_once("jitter job")
    assert world.reasons == ["overlap"]


def test_a_removed_script_starts_no_more_and_what_waited_is_told_as_missed() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue", retries=1)
    world.after(MINUTE)
    world.after(MINUTE)
    world.scheduler.remove("job")
    assert world.reasons == ["missed"]
    world.end(world.launched[0], status="failed", reason="exit_code")
    assert (world.timetable.plans, world.timetable.once_plans, world.scheduler.queued) == ({}, {}, 0)


def test_a_changed_script_keeps_what_waits() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    world.after(MINUTE)
    world.after(MINUTE)
    world.configure(cron="* * * * *", overlap="queue", timeout=Duration(1000))
    assert world.scheduler.queued == 1


def test_a_script_planned_for_the_boot_starts_once_then() -> None:
    world = World()
    world.configure(cron="@reboot")
    world.configure(name="off", cron="@reboot", enabled=False)
    for name in ("job", "off"):
        world.scheduler.rebooted(name)
    assert [(start.script_name, start.trigger) for start in world.launched] == [("job", "schedule")]


def test_nothing_starts_once_halted_and_who_asked_for_a_run_is_told() -> None:
    world = World()
    world.configure(overlap="queue")
    world.scheduler.run_now("job")
    waiting = world.scheduler.run_now("job")
    world.scheduler.halt()
    assert world.skipped == [(waiting, "missed")]
    world.end(world.launched[0])
    assert len(world.launched) == 1


def test_many_missed_starts_are_told_at_once() -> None:
    world = World()
    world.configure(known=TimetableEntry("cron * * * * * UTC", Instant(NOON - 2000 * MINUTE)), cron="* * * * *")
    assert [start.slot for start in world.launched] == [NOON]  # which is on time
    assert len(world.skipped) == MAX_LOOKED_AT - 1
    assert len(world.worked_off) == 2


def two_waiting() -> tuple[World, Start, Start]:
    """Two starts of one script behind the run of another one that has the only place."""
    world = World(limit=1)
    world.configure(name="hog")
    world.configure(overlap="queue")
    world.scheduler.run_now("hog")
    return world, world.scheduler.run_now("job"), world.scheduler.run_now("job")


def test_waiting_starts_that_are_stopped_end_as_runs_past_all_rules() -> None:
    world, first, second = two_waiting()
    assert world.scheduler.stop_waiting("job", second.run_id) == [second.run_id]
    assert world.scheduler.stop_waiting("job", second.run_id) == []
    assert world.scheduler.queued == 1
    assert world.scheduler.stop_waiting("job") == [first.run_id]
    assert world.launched[1:] == [second, first]
    assert world.cancelled == [second.run_id, first.run_id]
    for start in (second, first):
        world.end(start, status="failed", reason="cancelled")
    assert world.scheduler.queued == 0
    world.scheduler.run_now("job")
    assert len(world.launched) == 3  # the hog has the only place
    world.end(world.launched[0])
    assert len(world.launched) == 4


def test_the_queue_goes_on_behind_a_stopped_start() -> None:
    world, first, second = two_waiting()
    world.scheduler.stop_waiting("job", first.run_id)
    world.end(first, status="failed", reason="cancelled")
    world.end(world.launched[0])
    assert world.launched[-1].run_id == second.run_id


def test_a_disabled_script_drops_the_planned_starts_that_wait_and_keeps_those_by_hand() -> None:
    world = World()
    world.configure(cron="* * * * *", overlap="queue")
    world.after(MINUTE)
    world.after(MINUTE)
    by_hand = world.scheduler.run_now("job")
    world.configure(cron="* * * * *", overlap="queue", enabled=False)
    assert slots([start for start, _ in world.skipped]) == ["12:02:00"]
    assert world.reasons == ["missed"]
    world.end(world.launched[0])
    assert [start.run_id for start in world.launched[1:]] == [by_hand.run_id]


def test_a_disabled_script_lets_a_start_by_hand_go_ahead_of_a_planned_one_that_had_only_lacked_a_place() -> None:
    world = World(limit=1)
    world.configure(name="hog")
    world.scheduler.run_now("hog")
    world.configure(cron="* * * * *", overlap="queue")
    world.after(MINUTE)
    by_hand = world.scheduler.run_now("job")
    world.configure(cron="* * * * *", overlap="queue", enabled=False)
    world.end(world.launched[0])
    assert world.launched[1:] == [by_hand]
