from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Exemplar, Metric, Sample
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter import encoding
from exporter.events import FAILURE_REASONS, Instant
from exporter.metrics import Metrics
from exporter.script_series import script_families
from exporter.settings import ScriptSettings
from tests.test_metrics import BY_HAND, NOON, OPENMETRICS, Daily, ended, run, skipped

FORMATS = [("", generate_latest), (OPENMETRICS, generate_openmetrics)]
TEXT = st.text('aZ\\n"\n\r\t \0{}#=,é☃\U0001f600', max_size=8)
NAMES = st.text("a_Z", min_size=1, max_size=8)  # no colon: the client loses it in samples in OpenMetrics
LABELS = st.dictionaries(st.text("a_Z", min_size=1, max_size=3).filter(lambda name: name[:2] != "__"), TEXT, max_size=4)
NUMBERS = st.floats() | st.integers(-(2**53), 2**53)
SUFFIXES = {
    "counter": ["_total"],
    "gauge": [""],
    "histogram": ["_bucket", "_count", "_sum"],
    "summary": ["", "_count", "_sum"],
    "unknown": [""],
}
WITH_EXEMPLARS = ("_total", "_bucket")
"""What the client gives an exemplar to."""


class Families(Collector):
    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def in_registry(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


@st.composite
def families(draw: st.DrawFn) -> Metric:
    family = Metric(draw(NAMES), draw(TEXT), draw(st.sampled_from(list(SUFFIXES))))
    for _ in range(draw(st.integers(0, 4))):
        suffix = draw(st.sampled_from(SUFFIXES[family.type]))
        exemplar = None
        if suffix in WITH_EXEMPLARS and draw(st.booleans()):
            exemplar = Exemplar({"run_id": draw(TEXT)}, draw(NUMBERS), draw(st.none() | NUMBERS))
        family.samples.append(Sample(family.name + suffix, draw(LABELS), draw(NUMBERS), None, exemplar))
    return family


@pytest.mark.parametrize(("accept", "generate"), FORMATS)
@given(st.lists(families(), max_size=4))
def test_families_are_encoded_byte_for_byte_as_by_the_client(
    accept: str, generate: Callable[[CollectorRegistry], bytes], families: list[Metric]
) -> None:
    openmetrics = accept == OPENMETRICS
    ours = b"".join(
        encoding.header(each, openmetrics=openmetrics) + encoding.lines(each.samples, openmetrics=openmetrics)
        for each in families
    )
    assert ours + (encoding.END if openmetrics else b"") == generate(in_registry(Families(*families)))


# --- the whole, over the life of a service ---


def everything(metrics: Metrics) -> CollectorRegistry:
    """All families as the client collects them."""
    collector = metrics._scripts
    scripts = script_families(collector.scripts, collector.own_labels())
    return in_registry(Families(*chain(scripts, metrics.registry.collect())))


def own_lines(exposition: bytes) -> list[bytes]:
    """Sorted, without those of the process, which change from one look to the next."""
    return sorted(line for line in exposition.split(b"\n") if not line.startswith((b"process_", b"python_gc_")))


SCRIPTS = ["backup", "probe", "report"]
EVENTS: list[Callable[[Metrics, str, int], object]] = [
    lambda metrics, name, number: metrics.script_configured(
        ScriptSettings(name=name, command="true", labels={f"own{number % 3}": 'a "b"\n\\'}), Daily()
    ),
    lambda metrics, name, number: metrics.script_configured(ScriptSettings(name=name, command="true"), BY_HAND),
    lambda metrics, name, number: metrics.script_removed(name),
    lambda metrics, name, number: metrics.run_started(run(name, run_id=str(number))),
    lambda metrics, name, number: metrics.run_ended(
        ended(run(name, run_id=str(number), status="completed", milliseconds=number * 70))
    ),
    lambda metrics, name, number: metrics.run_ended(
        ended(run(name, run_id=str(number), status="failed", reason=FAILURE_REASONS[number % len(FAILURE_REASONS)]))
    ),
    lambda metrics, name, number: metrics.run_skipped(skipped()),
    lambda metrics, name, number: metrics.next_run(name, Instant(NOON + number) if number % 2 else None),
    lambda metrics, name, number: metrics.restore_last(name, run(name, status="completed"), None),
    lambda metrics, name, number: metrics.start_delayed(number / 1000),
    lambda metrics, name, number: asyncio.run(metrics.render(OPENMETRICS if number % 2 else "", compress=number > 50)),
]


@pytest.mark.parametrize(("accept", "generate"), FORMATS)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(SCRIPTS), st.integers(0, 100)), max_size=30))
def test_whatever_happened_a_scrape_gets_what_the_client_makes_of_the_same_families(
    accept: str,
    generate: Callable[[CollectorRegistry], bytes],
    happened: list[tuple[Callable[[Metrics, str, int], object], str, int]],
) -> None:
    metrics = Metrics("1.2.3")
    for event, name, number in happened:
        event(metrics, name, number)
    expected = own_lines(generate(everything(metrics)))
    assert own_lines(asyncio.run(metrics.render(accept))[0]) == expected
    assert own_lines(gzip.decompress(asyncio.run(metrics.render(accept, compress=True))[0])) == expected


def many(count: int) -> Metrics:
    metrics = Metrics("1.2.3")
    for number in range(count):
        name = f"job-{number}"
        metrics.script_configured(ScriptSettings(name=name, command="true", labels={"team": "ops"}), Daily())
        metrics.run_ended(ended(run(name, status="completed")))
    return metrics


def test_what_is_compressed_is_one_member_so_that_every_client_reads_all_of_it() -> None:
    metrics = many(100)
    for _ in range(2):
        body = asyncio.run(metrics.render("", compress=True))[0]
        member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        assert member.decompress(body).count(b"cronscope_script_runs_total{") == 100
        assert (member.eof, member.unused_data) == (True, b"")
        metrics.start_delayed(1.0)


def test_only_scripts_that_changed_are_rendered_again() -> None:
    metrics = many(3)
    asyncio.run(metrics.render(""))
    before = {name: series.block for name, series in metrics._scripts.scripts.items()}
    metrics.run_started(run("job-1"))
    asyncio.run(metrics.render(""))
    rendered = [name for name, series in metrics._scripts.scripts.items() if series.block is not before[name]]
    assert rendered == ["job-1"]


def test_other_work_is_done_while_a_large_exposition_is_rendered() -> None:
    async def turns_during(work: Awaitable[object]) -> int:
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        taking = asyncio.create_task(take_turns())
        await work
        taking.cancel()
        return turns

    metrics = many(300)
    assert asyncio.run(turns_during(metrics.render(""))) > 5


def test_a_script_removed_while_a_scrape_is_rendered_is_not_in_it() -> None:
    async def remove_meanwhile() -> bytes:
        metrics = many(300)
        asyncio.get_running_loop().call_soon(metrics.script_removed, "job-0")
        return (await metrics.render(""))[0]

    assert b'"job-0"' not in asyncio.run(remove_meanwhile())


def test_scrapes_at_the_same_time_get_the_same() -> None:
    async def scrape_together() -> list[tuple[bytes, str]]:
        metrics = many(100)
        return await asyncio.gather(*(metrics.render(OPENMETRICS) for _ in range(5)))

    first, *others = (own_lines(body) for body, _ in asyncio.run(scrape_together()))
    assert all(other == first for other in others)


def test_scrapes_at_the_same_time_share_one_text_and_none_misses_what_happened_before_it() -> None:
    async def scrape_meanwhile() -> tuple[list[bytes], list[bytes]]:
        metrics = many(300)
        first = [asyncio.create_task(metrics.render("")) for _ in range(30)]
        await asyncio.sleep(0)  # in which they begin
        await asyncio.sleep(0)
        metrics.script_removed("job-0")
        second = [asyncio.create_task(metrics.render("")) for _ in range(30)]
        return [(await each)[0] for each in first], [(await each)[0] for each in second]

    first, second = asyncio.run(scrape_meanwhile())
    assert [len({id(body) for body in bodies}) for bodies in (first, second)] == [1, 1]
    assert first[0] is not second[0]
    assert b'"job-0"' not in second[0]


def test_a_scraper_that_goes_away_takes_nothing_from_the_others() -> None:
    async def scrape() -> bytes:
        metrics = many(3)
        scrapes = [asyncio.create_task(metrics.render("")) for _ in range(2)]
        await asyncio.sleep(0)
        scrapes[0].cancel()
        return (await scrapes[1])[0]

    assert b"cronscope_build_info" in asyncio.run(scrape())
