"""What `/metrics` looks like, and what the documentation says of it, as files to read and to compare with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.metrics import Metrics
from tests.test_metrics import BACKUP, OPENMETRICS, Daily, after_everything, families, text_of

ROOT = Path(__file__).parent.parent
OF_THE_MACHINE = re.compile(r"(# (HELP|TYPE) )?(process|python)_")
DOCUMENTATION = ROOT / "docs/metrics.md"
BEGIN, END = "<!-- made from the code by `make docs` -->\n\n", "\n<!-- end -->"


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    metrics = Metrics("1.2.3", "abcdef0")
    metrics.script_configured(BACKUP, Daily())
    return after_everything(metrics)


@pytest.mark.parametrize(("name", "accept"), [("metrics.txt", ""), ("openmetrics.txt", OPENMETRICS)])
def test_a_scrape_is_the_one_we_know(
    metrics: Metrics, golden: Callable[[Path, str], None], name: str, accept: str
) -> None:
    lines = text_of(metrics, accept).splitlines(keepends=True)
    text = "".join(line for line in lines if not OF_THE_MACHINE.match(line))
    golden(ROOT / "tests/golden" / name, re.sub(r'python_version="[^"]*"', 'python_version="3"', text))


def test_the_documentation_has_every_metric(metrics: Metrics, golden: Callable[[Path, str], None]) -> None:
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for name, family in families(metrics).items():
        if name.startswith("cronscope_"):
            labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
            told = ", ".join("`label_NAME`" if label.startswith("label_") else f"`{label}`" for label in labels)
            rows.append(f"| `{name}` | {family.type} | {told} | {family.documentation} |")
    before, _, rest = DOCUMENTATION.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    golden(DOCUMENTATION, before + BEGIN + "\n".join([*rows, ""]) + END + after)
