"""Metrics that scripts publish: each run may write Prometheus' text format to `$CRONSCOPE_METRICS_FILE`.

The file is read when the run has ended, on a worker thread.  Whatever a script writes must not spoil a scrape, so what
is shown is checked more strictly than prometheus_client's parser does; and it must not hold up the service, so no more
is read than what may be shown, and some for what is refused.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TextIO, cast

import msgspec
from prometheus_client.core import Metric, Sample
from prometheus_client.parser import text_fd_to_metric_families

from exporter import encoding
from exporter.command import plain_words
from exporter.events import Instant
from exporter.sample_groups import BOUNDS, grouped
from exporter.settings import Size

Reason = Literal["syntax", "reserved", "type", "limit"]

REJECTION_REASONS: tuple[Reason, ...] = ("syntax", "reserved", "type", "limit")
MAX_SAMPLES = 100
MAX_FILE = Size(256 << 10)
MAX_LINES = 1000
"""Of samples, and of what is said about families: no more of a file is read."""
MAX_LINE = Size(8 << 10)
"""The parser takes time that grows with the square of a line's length."""
_TELLING = re.compile(r"\s*([^#\s]|#\s+(HELP|TYPE)\b)")
"""How such a line begins; others are empty, or remarks."""
RESERVED = re.compile(r"(cronscope|process|python|scrape)(_.*)?|up|target_info|ALERTS|ALERTS_FOR_STATE")
"""Names of the service's own metrics, and of those that Prometheus makes: of each scrape, and of alerts."""
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": (),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "unknown": (),
}
"""By type, what a family's name must not be followed by in the name of another family."""
_TOLD = 5
"""Refusals that a message tells of."""
_SHOWN = 80
"""Characters of what is at fault that a message shows."""
_WHY = 200
"""Characters of a reason that a message tells: names may be long."""
MAX_REASONS = (_TOLD + 1) * (_WHY + 50)
"""Characters that `reasons` are at most."""


class Refusal(NamedTuple):
    """Samples that are not shown."""

    reason: Reason
    samples: int
    """1 for a whole file that cannot be read."""
    why: str


class Family(NamedTuple):
    name: str
    kind: str
    documentation: str
    samples: int
    lines: bytes
    """The same in both formats."""

    def names(self) -> list[str]:
        return [self.name, *(f"{self.name}{suffix}" for suffix in _SUFFIXES[self.kind])]


class Published(NamedTuple):
    """What one run published."""

    families: list[Family]
    refusals: list[Refusal]


class _Refused(Exception):
    def __init__(self, reason: Reason, why: str, fault: str = "") -> None:
        """`fault` is what goes on after `why`: of it the beginning is told."""
        super().__init__(why)
        self._reason: Reason = reason
        self._fault = fault

    def of(self, samples: int, told: Callable[[str], str]) -> Refusal:
        return Refusal(self._reason, samples, told(str(self)) + told(self._fault)[:_SHOWN])


# --- reading, on a worker thread ---


def read(path: Path, script_name: str, told: Callable[[str], str] = str) -> Published:
    """Read a file of metrics, and add the script's name to each sample.  A family that is at fault is refused whole.

    `told` makes of a text what may be told of it: of values of labels, of descriptions, and of what is at fault.
    The worst of files, whose lines are all as long as they may be, takes a quarter of a second; others a tenth of that.
    """
    published, room = Published([], []), MAX_SAMPLES
    try:
        families, left = _parsed(_text(path))
    except _Refused as refused:
        published.refusals.append(refused.of(1, told))
        return published
    for family in families:
        left += len(family.samples)
        if room == 0:
            continue
        try:
            fitting = _fitting(_checked(family, script_name, told), room)
        except _Refused as refused:
            published.refusals.append(refused.of(len(family.samples), told))
            left -= len(family.samples)
            continue
        room -= len(fitting)
        left -= len(fitting)
        if fitting:
            lines = encoding.lines(fitting, openmetrics=False)
            published.families.append(Family(family.name, family.type, told(family.documentation), len(fitting), lines))
    if left:
        published.refusals.append(Refusal("limit", left, f"more than {MAX_SAMPLES} samples"))
    return published


def _text(path: Path) -> str:
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _Refused("syntax", "it is no regular file")
            if status.st_nlink > 1:  # to what its writer cannot read, perhaps
                raise _Refused("syntax", "it is a link")
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise _Refused("syntax", "it is a link" if error.errno == errno.ELOOP else plain_words(error)) from error
    if len(data) > MAX_FILE:
        raise _Refused("limit", f"the file is larger than {MAX_FILE}")
    if b"\0" in data:
        raise _Refused("syntax", "it is no text")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _Refused("syntax", f"line {data[: error.start].count(10) + 1} is not UTF-8") from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _parsed(text: str) -> tuple[list[Metric], int]:
    """The families at the beginning of a text, each name and type once, and how many samples are beyond."""
    telling = [(number, line) for number, line in enumerate(text.split("\n"), 1) if _TELLING.match(line)]
    beyond = sum(not line.lstrip().startswith("#") for _, line in telling[MAX_LINES:])
    number, line = 1, ""

    def lines() -> Iterator[str]:
        nonlocal number, line
        for number, line in telling[:MAX_LINES]:
            if len(line) > MAX_LINE:
                raise _Refused("syntax", f"line {number} is longer than {MAX_LINE}")
            yield line

    families: dict[tuple[str, str], Metric] = {}
    last = "", ""
    try:
        for family in text_fd_to_metric_families(cast(TextIO, lines())):
            last = family.name, family.type
            known = families.setdefault(last, family)
            if known is not family:
                known.samples += family.samples
    except _Refused:
        raise
    except Exception as error:  # for some texts it is none of the ValueErrors that the parser means to raise
        why = str(error) or line.strip()
        raise _Refused("syntax", f"line {number} cannot be read: ", why) from error
    if beyond and last[1] in BOUNDS:  # it may be cut in two
        beyond += len(families.pop(last).samples)
    return [family for family in families.values() if family.samples], beyond


def _checked(family: Metric, script_name: str, told: Callable[[str], str]) -> list[list[Sample]]:
    """A family's samples as they can be shown, those together that must not be torn apart.  Raises _Refused."""
    name = family.name
    stored_names = {name, *(sample.name for sample in family.samples)}
    labels = {label for sample in family.samples for label in sample.labels}
    if any(told(each) != each for each in stored_names | labels):  # masked, it would be no name
        raise _Refused("syntax", "the name of a metric or label has a value that is not shown")
    for stored in sorted(stored_names):
        if RESERVED.fullmatch(stored):
            raise _Refused("reserved", f"the name {stored} is reserved")
    if family.type not in _SUFFIXES:
        raise _Refused("type", f"{name} is of type {family.type}: expected one of {', '.join(_SUFFIXES)}")
    if any("script" in sample.labels for sample in family.samples):
        raise _Refused("reserved", f"{name} has a label script, which is reserved")
    bound = BOUNDS.get(family.type, "")
    try:
        samples = [_sample(sample, bound, script_name, told) for sample in family.samples]
        if len({(sample.name, *sorted(sample.labels.items())) for sample in samples}) < len(samples):
            raise ValueError("two samples have the same name and labels")
        return grouped(name, family.type, samples)
    except (ValueError, OverflowError) as error:
        raise _Refused("syntax", f"{name}: ", str(error).strip()) from error


def _sample(sample: Sample, bound: str, script_name: str, told: Callable[[str], str]) -> Sample:
    """Raises ValueError, and OverflowError where the value is no 64-bit float."""
    if not _METRIC_NAME.fullmatch(sample.name):
        raise ValueError("not a name of a metric")
    if sample.timestamp is not None:
        raise ValueError("samples must not have a timestamp")
    for label in sample.labels:
        if not _LABEL_NAME.fullmatch(label):
            raise ValueError(f"{label} is not a name of a label")
    labels = {label: value for label, value in sample.labels.items() if value}  # an empty one is none to Prometheus
    if bound in labels:
        labels[bound] = encoding.number(float(labels[bound]))
    shown = {label: value if label == bound else told(value) for label, value in labels.items()}
    return Sample(sample.name, {**shown, "script": script_name}, float(sample.value))


def _fitting(groups: Iterable[list[Sample]], room: int) -> list[Sample]:
    """As many as there is room for, but all or none of a group."""
    fitting: list[Sample] = []
    for group in groups:
        if len(fitting) + len(group) <= room:
            fitting += group
    return fitting


def reasons(refusals: list[Refusal]) -> str:
    """In words, for people: what was refused, and how much of it."""
    told = [f"{_short(refusal.why)} ({refusal.reason}, {refusal.samples})" for refusal in refusals[:_TOLD]]
    more = [f"{len(refusals) - _TOLD} more reasons"] if len(refusals) > _TOLD else []
    return "; ".join([*told, *more])


def _short(why: str) -> str:
    return why if len(why) <= _WHY else f"{why[:_WHY]}…"


# --- in the history ---

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Family]).decode


def pack(families: list[Family]) -> bytes:
    """Families as the history has them."""
    return _encode(families)


def unpack(packed: bytes) -> list[Family]:
    """Empty where they are damaged, or another version wrote them: the next run publishes anew."""
    try:
        return _decode(packed)
    except msgspec.DecodeError:
        return []


# --- what is shown, on the event loop ---


class _Shown(NamedTuple):
    """A family, and its lines by the script that published them."""

    family: Family
    lines: dict[str, bytes]


class Publications:
    """The families that scripts have published, each of one type whoever publishes it."""

    def __init__(self) -> None:
        self._published: dict[str, tuple[Instant, list[str]]] = {}
        """By script, the end of the run that published, and the families."""
        self._shown: dict[str, _Shown] = {}
        self._owners: dict[str, str] = {}
        """The family that a name belongs to."""

    def ages(self) -> list[tuple[str, Instant]]:
        """The scripts that have published something, and the end of the run that did."""
        return [(script, at) for script, (at, _) in self._published.items()]

    def is_news(self, script: str, at: Instant) -> bool:
        """Whether no run of the script that ended later than `at` has published something."""
        return script not in self._published or self._published[script][0] <= at

    def replace(self, script: str, published: Published, at: Instant) -> Published:
        """Show what the script has published now in place of what it had before.

        Answers what is shown of it, and what was refused in reading, or clashes with what is shown already.
        """
        self.withdraw(script)
        names: list[str] = []
        self._published[script] = at, names
        answer = Published([], list(published.refusals))
        for family in published.families:
            if clash := self._clash(family):
                answer.refusals.append(Refusal("type", family.samples, f"{family.name} clashes with {clash}"))
                continue
            shown = self._shown.setdefault(family.name, _Shown(family, {}))
            shown.lines[script] = family.lines
            names.append(family.name)
            self._owners.update(dict.fromkeys(family.names(), family.name))
            answer.families.append(family)
        return answer

    def _clash(self, family: Family) -> str | None:
        """Another family, or this one with another type, that has one of its names."""
        for name in family.names():
            if (owner := self._owners.get(name)) is not None:
                other = self._shown[owner].family
                if (other.name, other.kind) != (family.name, family.kind):
                    return f"the {other.kind} {other.name}"
        return None

    def withdraw(self, script: str) -> None:
        """Show nothing of the script any more."""
        _, names = self._published.pop(script, (None, ()))
        for name in names:
            shown = self._shown[name]
            del shown.lines[script]
            if not shown.lines:
                del self._shown[name]
                for each in shown.family.names():
                    del self._owners[each]

    def pieces(self, openmetrics: bool) -> list[list[bytes]]:
        """Each family's header and lines."""
        return [[_header(shown.family, openmetrics), *shown.lines.values()] for shown in self._shown.values()]


def _header(family: Family, openmetrics: bool) -> bytes:
    return encoding.header(Metric(family.name, family.documentation, family.kind), openmetrics=openmetrics)
