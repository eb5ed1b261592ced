"""The dashboard about the service itself and the machine that it runs on."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import panels as p


def service() -> Dashboard:
    board = p.board("service", "Service and host", "Whether the service does its work, and how the machine is.")
    return p.fill(
        board,
        {
            "": _now(),
            "Scheduler": _scheduler(),
            "History and log": _store(),
            "HTTP and WebSocket": _delivery(),
            "Process": _process(),
            "Host": _host(),
        },
    )


def _each(title: str, description: str, expression: str, unit: str = "short", **more: Any) -> p.Stat:
    """One number for each instance, by its name."""
    target = p.now(expression)
    return p.number(title, description, target, unit, named=True, links=p.PAGE, **more)


def _now() -> list[p.Panel]:
    info = "max by (job, instance, version, revision, python_version) "
    return [
        _each("Service", "Whether Prometheus reaches it.  Click for the live page.", p.here("up"), words=p.UP),
        _each("Up for", "Time since the process started.", p.age(p.here("process_start_time_seconds")), "dtdurations"),
        _each(
            "Scheduler",
            "Time since the event loop looked after the timetable.",
            p.age(p.here("cronscope_scheduler_last_tick_timestamp_seconds")),
            "s",
            bad_from=30,
        ),
        _each(
            "Configuration",
            "Whether the file was sound when last read; if not, the old one is in force.",
            p.here("cronscope_config_last_reload_successful"),
            words={"0": ("Faulty", "bad"), "1": ("Sound", "good")},
        ),
        _each(
            "Configuration read",
            "When the configuration in force was read.",
            p.moment(p.here("cronscope_config_last_reload_success_timestamp_seconds")),
            p.AGO,
        ),
        _each(
            "Output stored",
            "Whether output of scripts is stored; it is not while the disk is almost full.",
            f"1 - {p.here('cronscope_store_output_suspended')}",
            words=p.YES,
        ),
        p.listing(
            "Versions",
            "What runs where.  The instance leads to the live page.",
            {"Running": (p.rows(f"{info}({p.here('cronscope_build_info')})"), p.HIDDEN)},
            {
                "instance": "Instance",
                "job": "Job",
                "version": "Version",
                "revision": "Revision",
                "python_version": "Python",
            },
            height=5,
            links={"Instance": p.PAGE_OF_ROW},
        ),
    ]


def _scheduler() -> list[p.Panel]:
    lag = p.here("cronscope_event_loop_lag_seconds_bucket")
    return [
        p.heat(
            "Start delay",
            "Runs by how long after the planned time they started: waiting for a slot counts too.",
            p.here("cronscope_scheduler_start_delay_seconds_bucket"),
        ),
        p.chart(
            "Running and waiting",
            "Runs that execute, starts that wait, and how many may execute at a time.",
            p.lines(f"sum by (instance) ({p.here('cronscope_script_runs_in_progress')})", "Running, {{instance}}"),
            p.lines(p.here("cronscope_runs_queued"), "Waiting, {{instance}}"),
            p.lines(p.here("cronscope_run_slots"), "At most, {{instance}}"),
        ),
        p.chart(
            "Event loop lag",
            "By how much timers are late, held up by other work, within the bounds of the histogram.",
            p.lines(p.quantile(0.99, lag, "instance"), "99 %, {{instance}}"),
            p.lines(p.quantile(0.5, lag, "instance"), "50 %, {{instance}}"),
            unit="s",
        ),
        p.chart(
            "Scripts",
            "Scripts configured, by whether their schedule is in force.",
            p.lines(f"sum by (state) ({p.here('cronscope_scripts')})", "{{state}}"),
            colours={"enabled": "good", "disabled": "quiet"},
        ),
    ]


def _store() -> list[p.Panel]:
    return [
        p.chart(
            "Size of the history",
            "What runs and their outputs take on the disk.",
            p.lines(p.here("cronscope_store_size_bytes"), "{{instance}}"),
            unit="bytes",
            width=8,
        ),
        p.chart(
            "Failed writes",
            f"Commits of the history that failed {p.UP_TO_NOW}; what they held is tried again.",
            p.lines(p.increase(p.here("cronscope_store_write_failures_total")), "{{instance}}"),
            width=8,
        ),
        p.chart(
            "Log messages",
            f"Messages of the service's own log {p.UP_TO_NOW}, by level.",
            p.lines(f"sum by (level) ({p.increase(p.here('cronscope_log_messages_total'))})", "{{level}}"),
            width=8,
            colours={"critical": "bad", "error": "bad", "warning": "warning", "info": "active", "debug": "quiet"},
        ),
    ]


def _delivery() -> list[p.Panel]:
    requests = p.rate(p.here("cronscope_http_requests_total"))
    durations = p.here("cronscope_http_request_duration_seconds_bucket")
    return [
        p.chart(
            "Requests",
            "HTTP requests a second, by status code.",
            p.lines(f"sum by (code) ({requests}) > 0", "{{code}}"),
            unit="reqps",
        ),
        p.chart(
            "Time to answer, 95th percentile",
            "What 95 % of requests stay below, by handler, within the bounds of the histogram.",
            p.lines(p.quantile(0.95, durations, "handler") + " > 0", "{{handler}}"),
            unit="s",
        ),
        p.chart(
            "WebSocket clients",
            "Connections open now.",
            p.lines(p.here("cronscope_websocket_clients"), "{{instance}}"),
        ),
        p.chart(
            "Messages sent",
            "WebSocket messages a second, by kind: one for each message and connection.",
            p.lines(f"sum by (kind) ({p.rate(p.here('cronscope_websocket_messages_sent_total'))})", "{{kind}}"),
            unit="cps",
        ),
        p.chart(
            "Messages dropped",
            f"Messages {p.UP_TO_NOW} that slow connections did not get, by kind.",
            p.lines(f"sum by (kind) ({p.increase(p.here('cronscope_websocket_messages_dropped_total'))})", "{{kind}}"),
        ),
        p.chart(
            "Connections ended and resumed",
            f"Why connections ended {p.UP_TO_NOW}, and what clients got that came back.",
            p.lines(
                f"sum by (reason) ({p.increase(p.here('cronscope_websocket_disconnects_total'))})", "Ended: {{reason}}"
            ),
            p.lines(f"sum by (result) ({p.increase(p.here('cronscope_websocket_resumes_total'))})", "Back: {{result}}"),
        ),
    ]


def _process() -> list[p.Panel]:
    return [
        p.chart(
            "Processor of the service",
            "CPU seconds a second of the service itself, without its scripts.",
            p.lines(p.rate(p.here("process_cpu_seconds_total")), "{{instance}}"),
            width=8,
        ),
        p.chart(
            "Memory of the service",
            "Resident memory of the service itself, without its scripts.",
            p.lines(p.here("process_resident_memory_bytes"), "{{instance}}"),
            unit="bytes",
            width=8,
        ),
        p.chart(
            "Open files of the service",
            "File descriptors open, and the limit.",
            p.lines(p.here("process_open_fds"), "Open, {{instance}}"),
            p.lines(p.here("process_max_fds"), "At most, {{instance}}"),
            width=8,
        ),
    ]


def _host() -> list[p.Panel]:
    cpu = f"sum by (mode) ({p.rate(p.here('cronscope_host_cpu_seconds_total'))})"
    total, available = p.here("cronscope_host_memory_total_bytes"), p.here("cronscope_host_memory_available_bytes")
    size, free = p.here("cronscope_host_filesystem_size_bytes"), p.here("cronscope_host_filesystem_avail_bytes")
    return [
        p.chart(
            "Use",
            "Share of processor, memory and disk in use: the samples that the live page shows.",
            p.lines(p.here("cronscope_host_cpu_usage_ratio"), "Processor, {{instance}}"),
            p.lines(p.here("cronscope_host_memory_usage_ratio"), "Memory, {{instance}}"),
            p.lines(p.here("cronscope_host_disk_usage_ratio"), "Disk, {{instance}}"),
            unit="percentunit",
            most=1,
        ),
        p.chart("Processor", "CPU seconds a second, by mode.", p.lines(f"{cpu} > 0", "{{mode}}")),
        p.chart(
            "Memory",
            "Memory of the machine, and what programs can still get.",
            p.lines(f"{total} - {available}", "Used, {{instance}}"),
            p.lines(total, "Total, {{instance}}"),
            unit="bytes",
        ),
        p.chart("Load", "Load average of the last minute.", p.lines(p.here("cronscope_host_load1"), "{{instance}}")),
        p.chart(
            "File system",
            "What is used of the file system that holds disk_path, and its size.",
            p.lines(f"{size} - {free}", "Used, {{instance}} {{mountpoint}}"),
            p.lines(size, "Size, {{instance}} {{mountpoint}}"),
            unit="bytes",
        ),
        p.chart(
            "Disk",
            "Bytes a second, by disk.",
            p.lines(p.rate(p.here("cronscope_host_disk_read_bytes_total")), "Read, {{instance}} {{device}}"),
            p.lines(p.rate(p.here("cronscope_host_disk_written_bytes_total")), "Written, {{instance}} {{device}}"),
            unit="Bps",
        ),
        p.chart(
            "Network",
            "Bytes a second, by network interface.",
            p.lines(p.rate(p.here("cronscope_host_network_receive_bytes_total")), "Received, {{instance}} {{device}}"),
            p.lines(p.rate(p.here("cronscope_host_network_transmit_bytes_total")), "Sent, {{instance}} {{device}}"),
            unit="Bps",
        ),
        p.chart(
            "Age of the last sample",
            "Time since the machine was looked at last.",
            p.lines(p.age(p.here("cronscope_host_sample_timestamp_seconds")), "{{instance}}"),
            unit="s",
        ),
    ]
