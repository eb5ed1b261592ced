"""What is written to standard output for collectors of logs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from exporter import line_writer
from exporter.line_writer import LineWriter
from tests.service import Service, until

Lines = Iterator[dict[str, Any]]


def lines(service: Service) -> Lines:
    """What follows the line that says ready, but for the audit trail."""
    assert service.process is not None
    assert service.process.stdout is not None
    return (line for line in map(json.loads, service.process.stdout) if line["event"] != "audit")


def config(log_output: str, **commands: str) -> str:
    scripts = [{"name": name, "command": command} for name, command in commands.items()]
    return json.dumps({"log_output": log_output, "scripts": scripts})


def test_every_run_is_a_line_of_json(start_service: Callable[..., Service]) -> None:
    service = start_service(config("json", good="echo hello", bad="exit 3"))
    shipped = lines(service)
    for name, level in (("good", "info"), ("bad", "error")):
        record = service.ended(service.run(name))
        line = next(shipped)
        assert (line["event"], line["level"], line["time"]) == ("run", level, record["ended_at"])
        assert (line["script"], line["duration_ms"]) == (name, record["duration"])
        same = ("run_id", "trigger", "attempt", "status", "reason", "exit_code", "scheduled_at", "started_at",
                "cpu_seconds", "max_rss_bytes", "stdout_bytes", "stderr_bytes", "dropped_bytes")  # fmt: skip
        assert {key: line[key] for key in same} == {key: record[key] for key in same}


def test_a_start_that_did_not_happen_is_a_line_too(start_service: Callable[..., Service]) -> None:
    service = start_service("{log_output: json, scripts: [{name: busy, command: sleep 1000, every: 100ms}]}")
    line = next(lines(service))
    assert (line["event"], line["level"], line["status"], line["reason"]) == ("run", "warning", "skipped", "overlap")


def test_nothing_is_shipped_until_a_reload_asks_for_it(start_service: Callable[..., Service]) -> None:
    service = start_service(config("none", job="echo hello"))
    service.ended(service.run("job"))
    service.config.write_text(config("json", job="echo hello"))
    service.fetch("/-/reload", method="POST", body=b"")
    record = service.ended(service.run("job"))
    assert next(lines(service))["run_id"] == record["run_id"]


def test_what_runs_print_is_shipped_line_by_line(start_service: Callable[..., Service]) -> None:
    service = start_service(config("json+output", job="echo 'Größe 1'; echo oops >&2; read x < gate; printf end"))
    os.mkfifo(service.folder / "gate")
    run_id = service.run("job")
    shipped = lines(service)
    first = [next(shipped), next(shipped)]
    assert [(line["event"], line["script"], line["run_id"], line["level"]) for line in first] == [
        ("output", "job", run_id, "info")
    ] * 2
    assert [(line["stream"], line["line"], line["text"]) for line in first] == [
        ("stdout", 0, "Größe 1"), ("stderr", 1, "oops"),
    ]  # fmt: skip
    assert first[0]["time"] >= service.record(run_id)["started_at"]
    (service.folder / "gate").write_text("go\n")
    rest = [next(shipped), next(shipped)]
    assert {line["event"] for line in rest} == {"run", "output"}
    assert [(line["line"], line["text"]) for line in rest if line["event"] == "output"] == [(2, "end")]


def test_output_of_runs_that_outlived_the_service_is_shipped_by_its_next_life(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(config("json+output", job="echo one; read x < gate; echo two", quick="echo quick"))
    os.mkfifo(service.folder / "gate")
    run_id = service.run("job")
    assert next(lines(service))["text"] == "one"
    service.stop()
    (service.folder / "gate").write_text("go\n")
    service.start()
    service.ended(run_id)
    service.ended(service.run("quick"))
    texts: list[str] = []
    for line in lines(service):
        if line["event"] == "output":
            texts.append(line["text"])
        if len(texts) == 3:
            break
    assert sorted(texts) == ["one", "quick", "two"]


def test_a_collector_that_does_not_read_holds_up_nobody_and_gets_every_line_later(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(config("json+output", long="seq 1 100000", quick="exit 0"))
    run_id = service.run("long")
    service.ended(run_id)
    for _ in range(3):
        service.ended(service.run("quick"))
    numbers: list[int] = []
    runs: list[str] = []
    for line in lines(service):
        if line["event"] == "output":
            numbers.append(int(line["text"]))
        else:
            runs.append(line["event"])
        if len(numbers) == 100_000:
            break
    assert numbers == list(range(1, 100_001))
    assert runs == ["run"] * 4
    assert service.metrics()["cronscope_log_output_dropped_total"] == 0


def test_what_was_printed_last_is_shipped_before_the_service_ends(start_service: Callable[..., Service]) -> None:
    command = "trap 'echo bye; exit 1' TERM; echo hi; sleep 1000 & wait"
    scripts = [{"name": "job", "command": command}]
    service = start_service(json.dumps({"log_output": "json+output", "on_shutdown": "stop", "scripts": scripts}))
    service.run("job")
    shipped = lines(service)
    assert next(shipped)["text"] == "hi"
    assert service.process is not None
    process = service.process
    process.terminate()
    rest = list(shipped)
    assert process.wait() == 0
    assert sorted(line["event"] for line in rest) == ["output", "run"]
    assert [line["text"] for line in rest if line["event"] == "output"] == ["bye"]


# --- the writer ---


def with_writer(test: Callable[[LineWriter, int, list[int]], Awaitable[None]]) -> None:
    """Run `test` with a writer to a pipe, the end to read it from, and what was told of as dropped."""

    async def main() -> None:
        reading, writing = os.pipe()
        lost: list[int] = []
        writer = LineWriter(writing, lost.append, lambda lines: b"lost %d\n" % lines)
        try:
            await test(writer, reading, lost)
        finally:
            with suppress(OSError):
                os.close(reading)
            await writer.close()
            os.close(writing)

    asyncio.run(main())


def read(reading: int, until_: bytes) -> bytes:
    data = b""
    while not data.endswith(until_):
        data += os.read(reading, 1 << 20)
    return data


def test_lines_over_the_bound_are_dropped_counted_and_told_in_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_writer, "QUEUE_BYTES", 1000)

    async def test(writer: LineWriter, reading: int, lost: list[int]) -> None:
        writer.put(*[b"%099d\n" % number for number in range(12)])
        writer.start()
        data = await asyncio.to_thread(read, reading, b"lost 2\n")
        assert data == b"".join(b"%099d\n" % number for number in range(10)) + b"lost 2\n"
        assert lost == [2]
        writer.put(b"more\n")
        assert await asyncio.to_thread(read, reading, b"more\n") == b"more\n"

    with_writer(test)


def test_there_is_room_again_once_half_of_the_queue_is_written() -> None:
    async def test(writer: LineWriter, reading: int, lost: list[int]) -> None:
        writer.put(*[bytes(999) + b"\n"] * 3000)
        waiting = asyncio.ensure_future(writer.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        writer.start()
        taken = 0
        while taken < 3_000_000:
            taken += len(await asyncio.to_thread(os.read, reading, 1 << 20))
        await waiting
        assert lost == []

    with_writer(test)


def test_a_reader_that_is_gone_is_told_of_once_and_waited_for_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def test(writer: LineWriter, reading: int, lost: list[int]) -> None:
        os.close(reading)
        writer.start()
        writer.put(b"lost\n")
        await asyncio.to_thread(until, lambda: caplog.text, lambda text: "cannot be written" in text)
        writer.put(*[bytes(1000)] * 4000)
        await writer.room()
        assert sum(lost) >= 4000

    with caplog.at_level(logging.ERROR):
        with_writer(test)
    assert len(caplog.records) == 1


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    async def test(writer: LineWriter, reading: int, lost: list[int]) -> None:
        os.set_blocking(writer._descriptor, False)
        writer.put(*[bytes(999) + b"\n"] * 1000)
        writer.start()
        taken = 0
        while taken < 1_000_000:
            taken += len(await asyncio.to_thread(os.read, reading, 1 << 20))
        assert (taken, lost) == (1_000_000, [])

    with_writer(test)
