"""Samples that make one histogram or summary: put together, in order, and checked.

The rules are those of Prometheus' text format 0.0.4.  OpenMetrics has more of them, which Prometheus does not mind:
no sum or quantile may be negative or NaN there, as they are where what is observed is negative, or nothing yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from prometheus_client.core import Sample

BOUNDS = {"histogram": "le", "summary": "quantile"}
"""By type of a family, the label that is a number, and tells the samples of one histogram or summary apart."""


def grouped(name: str, kind: str, samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples of a family, wherever they stood: those of each histogram or summary together, any other alone.

    Together they come by their bounds, the lowest first, then the sum, then the count.  Raises ValueError.
    """
    if kind not in BOUNDS:
        if kind == "counter" and not all(sample.value >= 0 for sample in samples):
            raise ValueError("a counter is negative or not a number")
        return [[sample] for sample in samples]
    bound = BOUNDS[kind]
    groups: dict[frozenset[tuple[str, str]], list[Sample]] = {}
    for sample in samples:
        bounded = sample.name == (f"{name}_bucket" if kind == "histogram" else name)
        if bounded and bound not in sample.labels:
            raise ValueError(f"{sample.name} has no label {bound}")
        shared = {label: value for label, value in sample.labels.items() if not (bounded and label == bound)}
        groups.setdefault(frozenset(shared.items()), []).append(sample)
    order = _histogram if kind == "histogram" else _summary
    return [order(name, group) for group in groups.values()]


def _histogram(name: str, group: list[Sample]) -> list[Sample]:
    buckets, sums, counts = _by_bound(group, f"{name}_bucket", "le"), _named(group, f"{name}_sum"), _counts(name, group)
    if not buckets or buckets[-1].labels["le"] != "+Inf":
        raise ValueError("the bucket +Inf is missing")
    _check_whole(buckets)
    if any(higher.value < lower.value for lower, higher in pairwise(buckets)):
        raise ValueError("a bucket has less than a lower one")
    if len(sums) != len(counts):
        raise ValueError("one of sum and count is missing")
    if any(count.value != buckets[-1].value for count in counts):
        raise ValueError("the count is not that of the bucket +Inf")
    return [*buckets, *sums, *counts]


def _summary(name: str, group: list[Sample]) -> list[Sample]:
    quantiles = _by_bound(group, name, "quantile")
    if not all(0 <= float(sample.labels["quantile"]) <= 1 for sample in quantiles):
        raise ValueError("a quantile is not between 0 and 1")
    return [*quantiles, *_named(group, f"{name}_sum"), *_counts(name, group)]


def _counts(name: str, group: Iterable[Sample]) -> list[Sample]:
    counts = _named(group, f"{name}_count")
    _check_whole(counts)
    return counts


def _by_bound(group: Iterable[Sample], name: str, bound: str) -> list[Sample]:
    found = [(float(sample.labels[bound]), sample) for sample in _named(group, name)]
    if any(math.isnan(number) for number, _ in found):
        raise ValueError(f"{bound} is not a number")
    return [sample for _, sample in sorted(found, key=lambda each: each[0])]


def _named(group: Iterable[Sample], name: str) -> list[Sample]:
    return [sample for sample in group if sample.name == name]


def _check_whole(samples: Iterable[Sample]) -> None:
    if not all(sample.value >= 0 and float(sample.value).is_integer() for sample in samples):
        raise ValueError("a count is negative or not a whole number")
