"""Samples as text: Prometheus' text format 0.0.4 and OpenMetrics 1.0, faster than prometheus_client makes it.

Names are taken for valid in both formats; families are counters, gauges, histograms, summaries or unknown, and their
samples carry no timestamps.  What comes out is what the client's own encoders make of the same families.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import Exemplar, Metric, Sample
from prometheus_client.utils import floatToGoString

number: Callable[[float], str] = floatToGoString
"""A number as in both formats."""
END = b"# EOF\n"
"""Ends an exposition in OpenMetrics."""


def header(family: Metric, *, openmetrics: bool) -> bytes:
    """The lines before a family's samples: what it means, and its type."""
    name, kind, documentation = family.name, family.type, _escape(family.documentation)
    if openmetrics:
        documentation = documentation.replace('"', r"\"")
    elif kind == "counter":
        name = f"{name}_total"
    elif kind == "unknown":
        kind = "untyped"
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n".encode()


def lines(samples: Iterable[Sample], *, openmetrics: bool) -> bytes:
    """A line for each sample; only OpenMetrics has exemplars."""
    return "".join(
        f"{sample.name}{_labels(sample.labels) if sample.labels else ''} {number(sample.value)}"
        f"{_exemplar(sample.exemplar) if openmetrics and sample.exemplar else ''}\n"
        for sample in samples
    ).encode()


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join([f'{name}="{_quoted(value)}"' for name, value in sorted(labels.items())]) + "}"


def _exemplar(exemplar: Exemplar) -> str:
    timestamp = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {_labels(exemplar.labels)} {number(exemplar.value)}{timestamp}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', r"\"")
