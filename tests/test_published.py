from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.events import Instant
from exporter.metrics import Metrics
from exporter.published import (
    MAX_FILE,
    MAX_LINE,
    MAX_LINES,
    MAX_SAMPLES,
    Family,
    Published,
    Refusal,
    pack,
    read,
    reasons,
    unpack,
)
from exporter.settings import Duration, ScriptSettings
from tests.service import Service, until
from tests.test_metrics import BACKUP, BY_HAND, NOON, OPENMETRICS, Daily, families, of_backup, text_of, value

HISTOGRAM = """\
# TYPE size_bytes histogram
size_bytes_bucket{le="1"} 1
size_bytes_bucket{le="5.50"} 2
size_bytes_bucket{le="+Inf"} 3
size_bytes_sum 17
size_bytes_count 3
"""
SUMMARY = """\
# TYPE wait_seconds summary
wait_seconds{quantile="0.9"} 1
wait_seconds_sum 17
wait_seconds_count 3
"""


def published(tmp_path: Path, text: str | bytes, script: str = "backup") -> Published:
    file = tmp_path / "metrics"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(file, script)


def shown(found: Published) -> list[str]:
    return [line for family in found.families for line in family.lines.decode().splitlines()]


def refusals(found: Published) -> list[tuple[str, int]]:
    return [(refusal.reason, refusal.samples) for refusal in found.refusals]


# --- reading a file ---


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n  \n# just a remark\n", []),
        ("# HELP x Told of nothing.\n# TYPE x gauge\n", []),
        ("x 1\n", ['x{script="backup"} 1.0']),
        ("x 1", ['x{script="backup"} 1.0']),
        ("x\t 1e3 \r\n", ['x{script="backup"} 1000.0']),
        ("x +Inf\ny NaN\n", ['x{script="backup"} +Inf', 'y{script="backup"} NaN']),
        ('x{b="2",a="1",} 1\n', ['x{a="1",b="2",script="backup"} 1.0']),
        ('x{a=""} 1\n', ['x{script="backup"} 1.0']),
        ('x{a="\\"q\\" \\\\ \\n ☃ } # {"} 1\n', ['x{a="\\"q\\" \\\\ \\n ☃ } # {",script="backup"} 1.0']),
        ('x{a="1"} 1\ny 2\nx{a="2"} 3\n', [
            'x{a="1",script="backup"} 1.0', 'x{a="2",script="backup"} 3.0', 'y{script="backup"} 2.0',
        ]),
        ("# TYPE jobs_total counter\njobs_total 5\n", ['jobs_total{script="backup"} 5.0']),
        ("# TYPE jobs counter\njobs 5\n", ['jobs_total{script="backup"} 5.0']),
        (HISTOGRAM, [
            'size_bytes_bucket{le="1.0",script="backup"} 1.0', 'size_bytes_bucket{le="5.5",script="backup"} 2.0',
            'size_bytes_bucket{le="+Inf",script="backup"} 3.0', 'size_bytes_sum{script="backup"} 17.0',
            'size_bytes_count{script="backup"} 3.0',
        ]),
        (SUMMARY, [
            'wait_seconds{quantile="0.9",script="backup"} 1.0', 'wait_seconds_sum{script="backup"} 17.0',
            'wait_seconds_count{script="backup"} 3.0',
        ]),
    ],
)  # fmt: skip
def test_what_is_sound_is_shown_with_the_scripts_name(tmp_path: Path, text: str, lines: list[str]) -> None:
    found = published(tmp_path, text)
    assert (shown(found), found.refusals) == (lines, [])
    assert sum(family.samples for family in found.families) == len(lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("good 1\nx\n", "line 2 cannot be read"),
        ("this is no metric\n", "line 1 cannot be read"),
        ("x{a=b} 1\n", "line 1 cannot be read"),
        ('x{a="b} 1\n', "line 1 cannot be read"),
        ("x{ 1\n", "line 1 cannot be read"),
        ('x{__name="1"} 1\n', "line 1 cannot be read"),
        ("good 1\n# TYPE x flag\nx 1\n", "Invalid metric type"),
        (b"good 1\n\xff 1\n", "line 2 is not UTF-8"),
        (b"x 1\n\x00\x00", "it is no text"),
        ("good 1\nx{a=" + "," * MAX_LINE + "} 1\n", "line 2 is longer than 8KiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, text: str | bytes, why: str) -> None:
    found = published(tmp_path, text)
    assert (found.families, refusals(found)) == ([], [("syntax", 1)])
    assert why in found.refusals[0].why


@pytest.mark.parametrize(
    ("text", "reason", "samples"),
    [
        ("cronscope_script_runs_total 7\n", "reserved", 1),
        ("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 7\n", "reserved", 1),
        ("cronscope 1\n", "reserved", 1),
        ("process 1\n", "reserved", 1),
        ("ALERTS 1\n", "reserved", 1),
        ('ALERTS_FOR_STATE{alertname="a"} 1\n', "reserved", 1),
        ("# TYPE python summary\npython_sum 1\npython_count 1\n", "reserved", 2),
        (HISTOGRAM.replace("size_bytes", "scrape"), "reserved", 5),
        ('python_info{a="1"} 1\npython_info{a="2"} 1\n', "reserved", 2),
        ("scrape_duration_seconds 1\n", "reserved", 1),
        ("up 1\n", "reserved", 1),
        ('x{script="other"} 1\nx 2\n', "reserved", 2),
        ("# TYPE x info\nx 1\n", "type", 1),
        ("x 1 1700000000000\n", "syntax", 1),
        ("x 1\nx 2\n", "syntax", 2),
        ('x 1\nx{a=""} 2\n', "syntax", 2),
        ('x{a:b="1"} 1\n', "syntax", 1),
        ('{"größe"} 1\n', "syntax", 1),
        (f"x {'9' * 400}\n", "syntax", 1),
        ("# TYPE x counter\nx -1\n", "syntax", 1),
        ("# TYPE x counter\nx NaN\n", "syntax", 1),
        (HISTOGRAM.replace('{le="1"}', ""), "syntax", 5),
        (HISTOGRAM.replace('"1"', '"one"'), "syntax", 5),
        (HISTOGRAM.replace("+Inf", "9"), "syntax", 5),
        (HISTOGRAM.replace("_count 3", "_count 4"), "syntax", 5),
        (HISTOGRAM.replace("size_bytes_count 3\n", ""), "syntax", 4),
        (HISTOGRAM.replace('"5.50"} 2', '"5.50"} 0'), "syntax", 5),
        (HISTOGRAM.replace('"1"} 1', '"1"} 0.5'), "syntax", 5),
        (HISTOGRAM.replace('"1"} 1', '"1"} -1'), "syntax", 5),
        (HISTOGRAM.replace('"1"} 1', '"NaN"} 1'), "syntax", 5),
        (HISTOGRAM.replace('"1"', '"5.5"'), "syntax", 5),
        (SUMMARY.replace("0.9", "p90"), "syntax", 3),
        (SUMMARY.replace("0.9", "1.1"), "syntax", 3),
        (SUMMARY.replace("_count 3", "_count NaN"), "syntax", 3),
        (SUMMARY.replace('{quantile="0.9"}', ""), "syntax", 3),
    ],
)
def test_a_family_that_would_spoil_the_scrape_is_refused_and_the_others_are_shown(
    tmp_path: Path, text: str, reason: str, samples: int
) -> None:
    found = published(tmp_path, f"good 1\n{text}fine 2\n")
    assert shown(found) == ['good{script="backup"} 1.0', 'fine{script="backup"} 2.0']
    assert refusals(found) == [(reason, samples)]


@pytest.mark.parametrize(
    "text",
    [
        HISTOGRAM.replace("bytes_sum 17", "bytes_sum -17").replace('le="1"', 'le="-1"'),
        HISTOGRAM.replace("_sum 17", "_sum NaN")
        .replace(" 1\n", " 0\n")
        .replace(" 2\n", " 0\n")
        .replace(" 3\n", " 0\n"),
        SUMMARY.replace('0.9"} 1', '0.9"} -1'),
        SUMMARY.replace('0.9"} 1', '0.9"} NaN').replace("_sum 17", "_sum NaN").replace("_count 3", "_count 0"),
    ],
    ids=["negative observations", "no observations", "negative quantiles", "no quantiles"],
)
def test_what_is_observed_may_be_negative_or_nothing_yet(tmp_path: Path, text: str) -> None:
    found = published(tmp_path, text)
    assert (len(shown(found)), found.refusals) == (text.count("\n") - 1, [])


def test_histograms_and_summaries_are_put_in_order_wherever_their_samples_stood(tmp_path: Path) -> None:
    def by_suffix(text: str) -> str:
        header, *samples = text.splitlines()
        many = [line.replace(" ", f',to="{to}"}} ').replace("},", ",") for line in samples for to in "ab"]
        many = [line if "{" in line else line.replace(",", "{") for line in many]
        return "\n".join([header, *reversed(many), ""])

    found = published(tmp_path, by_suffix(HISTOGRAM) + by_suffix(SUMMARY))
    assert found.refusals == []
    assert [line.partition("{")[0] + line.rpartition(" ")[2] for line in shown(found)] == [
        *[
            "size_bytes_bucket1.0",
            "size_bytes_bucket2.0",
            "size_bytes_bucket3.0",
            "size_bytes_sum17.0",
            "size_bytes_count3.0",
        ]
        * 2,
        *["wait_seconds1.0", "wait_seconds_sum17.0", "wait_seconds_count3.0"] * 2,
    ]
    assert [line.count('to="b"') for line in shown(found)] == [1] * 5 + [0] * 5 + [1] * 3 + [0] * 3


def test_at_most_a_hundred_samples_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    found = published(tmp_path, "".join(f'x{{i="{number}"}} 1\n' for number in range(150)))
    assert len(shown(found)) == MAX_SAMPLES
    assert refusals(found) == [("limit", 50)]


def test_a_histogram_is_never_shown_by_half(tmp_path: Path) -> None:
    many = "".join(f'x{{i="{number}"}} 1\n' for number in range(MAX_SAMPLES - 3))
    found = published(tmp_path, many + HISTOGRAM + SUMMARY)
    assert [family.name for family in found.families] == ["x", "wait_seconds"]
    assert refusals(found) == [("limit", 5)]


def test_no_more_is_read_than_what_could_be_shown_and_some_for_what_is_refused(tmp_path: Path) -> None:
    begun = time.perf_counter()
    found = published(tmp_path, "".join(f"m{number} 1\n" for number in range(26_000)))
    assert time.perf_counter() - begun < 0.3  # where all of it was read and checked it was a second
    assert (len(shown(found)), refusals(found)) == (MAX_SAMPLES, [("limit", 26_000 - MAX_SAMPLES)])
    bad = "".join(f'up{{i="{number}"}} 1\n' for number in range(MAX_LINES - 1))
    found = published(tmp_path, f"{bad}fine 1\nbeyond 1\nthis is no metric\n")
    assert shown(found) == ['fine{script="backup"} 1.0']
    assert refusals(found) == [("reserved", MAX_LINES - 1), ("limit", 2)]


def test_a_histogram_that_is_read_to_half_is_not_shown(tmp_path: Path) -> None:
    remarks = "# told by nobody\n\n" * MAX_LINES
    many = "".join(f'x{{i="{number}"}} 1\n' for number in range(MAX_LINES - 5))
    found = published(tmp_path, f"up 1\n{remarks}{many}{HISTOGRAM}")
    assert [family.name for family in found.families] == ["x"]
    assert refusals(found) == [("reserved", 1), ("limit", MAX_LINES - 5 - MAX_SAMPLES + 5)]


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    assert refusals(published(tmp_path, b"#" * (MAX_FILE + 1))) == [("limit", 1)]
    assert refusals(published(tmp_path, b"#\n" * (MAX_FILE // 2))) == []


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "real").write_text("x 1\n")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loose").symlink_to("nowhere")
    (tmp_path / "another's").write_text("x 1\n")
    (tmp_path / "hard").hardlink_to(tmp_path / "another's")
    why = {
        name: [refusal.why for refusal in read(tmp_path / name, "backup").refusals]
        for name in ("fifo", "folder", "link", "loose", "hard", "gone")
    }
    assert why == {
        "fifo": ["it is no regular file"],
        "folder": ["is a directory"],
        "link": ["it is a link"],
        "loose": ["it is a link"],
        "hard": ["it is a link"],
        "gone": ["no such file or directory"],
    }


def test_what_must_not_be_told_is_neither_in_labels_nor_in_descriptions_nor_in_what_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text('# HELP x of hunter22\n# TYPE x gauge\nx{user="is hunter22"} 22\n')
    [family] = read(tmp_path / "metrics", "backup", lambda text: text.replace("hunter22", "***")).families
    assert (family.documentation, family.lines) == ("of ***", b'x{script="backup",user="is ***"} 22.0\n')
    (tmp_path / "metrics").write_text(f"x 1\n{'y' * 76}hunter22 is no value\n")
    found = read(tmp_path / "metrics", "backup", lambda text: text.replace("hunter22", "***"))
    assert "hunt" not in reasons(found.refusals)


@pytest.mark.parametrize(
    "text",
    [
        "hunter22 1\n",
        "an_hunter22_s 1\n",
        'x{hunter22="1"} 1\n',
        'x{hunter22=""} 1\n',
        "process_hunter22 1\n",
        "# TYPE hunter22 info\nhunter22 1\n",
        "# TYPE counted counter\ncounted_total 1\n",
        "# TYPE counted counter\ncounted 1\n",
        "hunter22 1 1700000000000\n",
    ],
)
def test_a_family_with_a_name_that_must_not_be_told_is_refused(tmp_path: Path, text: str) -> None:
    def told(text: str) -> str:
        return text.replace("hunter22", "***").replace("counted_total", "***")

    (tmp_path / "metrics").write_text(f"good 1\n{text}fine 2\n")
    found = read(tmp_path / "metrics", "backup", told)
    assert shown(found) == ['good{script="backup"} 1.0', 'fine{script="backup"} 2.0']
    assert found.refusals == [Refusal("syntax", 1, "the name of a metric or label has a value that is not shown")]


def test_the_worst_of_files_is_read_in_time(tmp_path: Path) -> None:
    line = "#" + " " * (MAX_LINE - 2) + "x"
    begun = time.perf_counter()
    assert refusals(published(tmp_path, f"{line}\n" * (MAX_FILE // MAX_LINE - 1))) == []
    assert time.perf_counter() - begun < 5  # in one line it would be a minute


OPENMETRICS_ALONE = (
    "Quantile values cannot be negative", "Counter-like samples cannot be NaN: y_sum",
    "Counter-like samples cannot be negative: y_sum", "Cannot have _sum with negative buckets",
)  # fmt: skip
"""What the client refuses of sums and quantiles, and Prometheus takes."""
TOKENS = [
    "x", "x_total", "y", "y_bucket", "y_sum", "y_count", "{", "}", "le", '"1"', '"+Inf"', "=", ",", " ", "\n", "1",
    "-2", "NaN", "# TYPE ", "# HELP ", " counter", " histogram", " summary", " gauge", "\\", '"', "☃", "#", "\t",
]  # fmt: skip


@pytest.mark.fuzz
@given(st.lists(st.lists(st.sampled_from(TOKENS), max_size=30).map("".join), min_size=1, max_size=3))
def test_whatever_scripts_publish_a_scrape_is_sound(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    metrics = Metrics("1.2.3")
    for number, text in enumerate(texts):
        name = f"job-{number}"
        metrics.script_configured(ScriptSettings(name=name, command="true"), BY_HAND)
        metrics.published(name, published(tmp_path_factory.getbasetemp(), text, name), NOON)
    told = families(metrics).keys()
    try:
        assert families(metrics, OPENMETRICS).keys() == told
    except ValueError as error:
        if not str(error).startswith(OPENMETRICS_ALONE):
            raise


def test_a_message_tells_the_first_reasons() -> None:
    told = [Refusal("reserved", 2, f"the name up{number} is reserved") for number in range(7)]
    assert reasons(told[:1]) == "the name up0 is reserved (reserved, 2)"
    assert reasons(told).endswith("; the name up4 is reserved (reserved, 2); 2 more reasons")


def test_a_message_is_short_however_long_the_names_are() -> None:
    told = [Refusal("reserved", 1, f"the name process_{'x' * 8000} is reserved")] * 100
    assert len(reasons(told)) < 1500


# --- showing it ---


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics("1.2.3")
    metrics.script_configured(BACKUP, Daily())
    metrics.script_configured(ScriptSettings(name="probe", command="true"), BY_HAND)
    return metrics


def test_published_families_have_one_header_and_the_series_of_all_scripts(metrics: Metrics, tmp_path: Path) -> None:
    for script in ("backup", "probe"):
        text = f"# HELP x Told by {script}.\n# TYPE x gauge\nx 1\n"
        assert metrics.published(script, published(tmp_path, text, script), NOON).refusals == []
    for accept in ("", OPENMETRICS):
        assert '# HELP x Told by backup.\n# TYPE x gauge\nx{script="backup"} 1.0\nx{script="probe"} 1.0\n' in text_of(
            metrics, accept
        )
    assert of_backup(metrics, "published_samples") == 1


def test_what_a_run_publishes_takes_the_place_of_what_an_earlier_one_did(metrics: Metrics, tmp_path: Path) -> None:
    metrics.published("backup", published(tmp_path, "x 1\ny 1\n"), NOON)
    metrics.published("backup", published(tmp_path, "x 2\n"), NOON)
    assert value(metrics, "x", script="backup") == 2
    assert value(metrics, "y", script="backup") is None
    assert of_backup(metrics, "published_samples") == 1
    metrics.published("backup", published(tmp_path, ""), NOON)
    assert of_backup(metrics, "published_samples") == 0


def test_what_a_run_published_stays_though_one_that_ended_before_it_is_read_later(
    metrics: Metrics, tmp_path: Path
) -> None:
    metrics.published("backup", published(tmp_path, "x 2\n"), NOON)
    found = published(tmp_path, "x 1\ny 1\nup 1\n")
    assert metrics.published("backup", found, Instant(NOON - 1)) == Published([], found.refusals)
    assert (value(metrics, "x", script="backup"), value(metrics, "y", script="backup")) == (2, None)
    assert of_backup(metrics, "published_samples") == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("# TYPE x gauge\nx 1\n", "# TYPE x counter\nx 1\n"),
        ("x 1\n", "# TYPE x gauge\nx 1\n"),
        ("size_bytes_count 1\n", HISTOGRAM),
        (HISTOGRAM, "size_bytes_count 1\n"),
        ("# TYPE x counter\nx 1\n", "x_total 1\n"),
    ],
)
def test_a_family_has_the_type_of_who_published_it_first(
    metrics: Metrics, tmp_path: Path, first: str, second: str
) -> None:
    assert metrics.published("backup", published(tmp_path, first), NOON).refusals == []
    other = published(tmp_path, second, "probe")
    [refusal] = metrics.published("probe", other, NOON).refusals
    assert (refusal.reason, refusal.samples) == ("type", other.families[0].samples)
    assert "clashes with" in refusal.why
    rejected = "cronscope_script_published_samples_rejected_total"
    assert value(metrics, rejected, script="probe", reason="type") == refusal.samples
    assert value(metrics, "cronscope_script_published_samples", script="probe") == 0
    metrics.script_removed("backup")
    assert metrics.published("probe", other, NOON).refusals == []


def test_two_types_of_one_name_in_a_file_are_a_clash_too(metrics: Metrics, tmp_path: Path) -> None:
    found = published(tmp_path, "# TYPE x gauge\nx 1\ny 1\n# TYPE x counter\nx 2\n")
    assert [refusal.reason for refusal in metrics.published("backup", found, NOON).refusals] == ["type"]
    assert value(metrics, "x", script="backup") == 1


def test_what_a_removed_script_published_goes_at_once(metrics: Metrics, tmp_path: Path) -> None:
    metrics.published("backup", published(tmp_path, "x 1\n"), NOON)
    assert "backup" in text_of(metrics)
    metrics.script_removed("backup")
    assert "backup" not in text_of(metrics)
    assert "# HELP x" not in text_of(metrics)
    assert metrics.published("backup", published(tmp_path, "x 1\n"), NOON).refusals == []
    assert "backup" not in text_of(metrics)


def test_what_is_older_than_the_success_age_limit_goes(metrics: Metrics, tmp_path: Path) -> None:
    script = ScriptSettings(name="backup", command="true", success_age_limit=Duration.parse("1h"))
    metrics.script_configured(script, Daily())
    for name in ("backup", "probe"):
        metrics.published(name, published(tmp_path, "x 1\n", name), NOON)
    assert metrics.withdraw_old(Instant(NOON + 3_600_000)) == []
    assert value(metrics, "x", script="backup") == 1
    assert metrics.withdraw_old(Instant(NOON + 3_600_001)) == ["backup"]
    assert value(metrics, "x", script="backup") is None
    assert of_backup(metrics, "published_samples") == 0
    assert value(metrics, "x", script="probe") == 1  # it has no limit


# --- through the service ---

CONFIG = """\
scripts:
  - {name: publisher, command: 'cat metrics > "$CRONSCOPE_METRICS_FILE"'}
  - {name: once, command: 'echo once 1 > "$CRONSCOPE_METRICS_FILE"', success_age_limit: 1s}
  - {name: fifo, command: 'mkfifo "$CRONSCOPE_METRICS_FILE"'}
  - {name: silent, command: "true"}
"""


def test_what_a_run_publishes_is_there_when_its_end_is_told(start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)
    file = service.folder / "metrics"
    with service.socket() as plain:
        for text, expected in (("x 1\n", 1), ("x 2\ny 1\n", 2)):
            file.write_text(text)
            service.run("publisher")
            plain.wait("script_status", status="completed")
            metrics = service.metrics()
            assert metrics['x{script="publisher"}'] == expected
            assert metrics['cronscope_script_published_samples{script="publisher"}'] == expected


def test_a_bad_file_is_counted_and_told_and_its_run_completes(start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)
    (service.folder / "metrics").write_text("cronscope_x 1\nfine 1\n")
    with service.socket() as plain:
        run_id = service.run("publisher")
        plain.wait("script_status", status="completed")
        told = plain.wait("error", script_name="publisher")["data"]["message"]
        fifo = service.run("fifo")
        plain.wait("script_status", status="completed")
        plain.wait("error", script_name="fifo")
    assert told == ("metrics that publisher published were refused: the name cronscope_x is reserved (reserved, 1)")
    assert any(run_id in line and told in line for line in service.errors)
    assert [service.record(each)["status"] for each in (run_id, fifo)] == ["completed", "completed"]
    metrics = service.metrics()
    assert metrics['fine{script="publisher"}'] == 1
    rejected = "cronscope_script_published_samples_rejected_total"
    assert metrics[f'{rejected}{{reason="reserved",script="publisher"}}'] == 1
    assert metrics[f'{rejected}{{reason="syntax",script="fifo"}}'] == 1
    service.kill()
    service.start()
    assert service.record(run_id)["metrics_rejected"] == "the name cronscope_x is reserved (reserved, 1)"
    assert service.record(fifo)["metrics_rejected"] == "it is no regular file (syntax, 1)"
    assert "metrics_rejected" not in service.record(service.run("silent"))


def test_what_was_published_outlives_a_run_that_publishes_nothing_but_not_its_age_limit(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(CONFIG)
    service.ended(service.run("once"))
    assert service.metrics()['once{script="once"}'] == 1
    until(service.metrics, lambda metrics: 'once{script="once"}' not in metrics)
    service.ended(service.run("silent"))
    assert service.metrics()['cronscope_script_published_samples{script="silent"}'] == 0


def test_a_run_that_outlived_the_service_publishes_to_the_next_one(start_service: Callable[..., Service]) -> None:
    command = "read x < gate; echo kept 1 > $CRONSCOPE_METRICS_FILE"
    service = start_service(f"scripts: [{{name: slow, command: '{command}', workdir: .}}]")
    os.mkfifo(service.folder / "gate")
    with service.socket() as plain:
        run_id = service.run("slow")
        plain.wait("script_status", status="running")
    service.kill()
    service.start()
    (service.folder / "gate").write_text("go\n")
    service.ended(run_id)
    until(service.metrics, lambda metrics: metrics.get('kept{script="slow"}') == 1)


def test_what_was_published_is_shown_again_after_a_crash_until_it_is_replaced_or_too_old_or_its_script_goes(
    start_service: Callable[..., Service],
) -> None:
    config = CONFIG.replace("success_age_limit: 1s", "success_age_limit: 1d")
    service = start_service(config)
    file = service.folder / "metrics"
    file.write_text(f"# HELP x Of the run.\nx 1\nup 1\n{HISTOGRAM}")
    for name in ("publisher", "once"):
        service.ended(service.run(name))

    def own() -> list[str]:
        lines = service.fetch("/metrics")[2].decode().splitlines()
        return [line for line in lines if re.search(r"^[^c].*script=|published_samples{|HELP x", line)]

    before = own()
    assert len(before) == 1 + 4 + 1 + 5 + 1
    service.kill()
    service.start()
    assert own() == before
    file.write_text("x 2\n")
    service.ended(service.run("publisher"))
    service.kill()
    service.config.write_text(config.replace("1d", "1ms"))
    service.start()
    metrics = service.metrics()
    assert (metrics['x{script="publisher"}'], 'once{script="once"}' in metrics) == (2, False)
    service.kill()
    service.config.write_text("scripts: []")
    service.start()
    service.stop()
    service.config.write_text(config)
    service.start()
    assert not {'x{script="publisher"}', 'once{script="once"}'} & service.metrics().keys()


def test_what_cannot_be_read_back_is_published_anew_by_the_next_run() -> None:
    found = [Family("x", "gauge", "", 1, b'x{script="backup"} 1.0\n')]
    assert unpack(pack(found)) == found
    assert unpack(pack(found)[:-1]) == []
