"""The service itself: metrics, health, reload, status."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.events import ServiceStatus
from relay.handler import Handler
from relay.operation import TEXT, Answer, operation
from relay.problem import Problem

_WEIGHT = re.compile(r"[01](\.[0-9]*)?")
_FORMATS = ("application/openmetrics-text", "text/plain", "text/*", "*/*")


class Metrics(Handler):
    @operation(
        "What Prometheus scrapes: its text format, or OpenMetrics where `Accept` asks for it",
        {200: Answer(media=(TEXT, "application/openmetrics-text"), headers=("Vary",))},
    )
    async def get(self) -> None:
        headers = self.request.headers
        compress = accepts_gzip(headers.get("Accept-Encoding", ""))
        accept = preferred_format(headers.get("Accept", ""))
        body, content_type = await self.engine.metrics.render(accept, compress=compress)
        self.set_header("Content-Type", content_type)
        self.set_header("Vary", "Accept, Accept-Encoding")
        if compress:
            self.set_header("Content-Encoding", "gzip")
        self.set_header("Content-Length", len(body))
        self.flush()  # by themselves: together with headers, the body would be copied for each scraper
        self.finish(body)

    def compute_etag(self) -> None:
        """None: no two scrapes are alike."""


def accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, 12.5.3; `*` is not taken for gzip, so that only who names it gets it."""
    codings = (weight for _, coding, weight in _weighed(accept_encoding) if coding in ("gzip", "x-gzip"))
    return next((weight != 0 for weight in codings), False)


def preferred_format(accept: str) -> str:
    """The item that weighs most among those that can be served, the first of equals (RFC 9110, 12.5.1)."""
    served = [(weight, item) for item, kind, weight in _weighed(accept) if kind in _FORMATS and weight]
    return max(served, key=lambda each: each[0], default=(0.0, ""))[1]


def _weighed(header: str) -> Iterator[tuple[str, str, float | None]]:
    """The items of a list as written, what each is about, and its weight (RFC 9110, 12.4.2); None: malformed."""
    for item in header.split(","):
        about, *parameters = (part.strip() for part in item.lower().split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        yield item, about, float(weight) if _WEIGHT.fullmatch(weight) else None


class Healthy(Handler):
    """200 while the service does its work, 503 with a line for each reason why not."""

    answers_before_start = True

    @operation("Whether the service does its work", {status: Answer(media=(TEXT,)) for status in (200, 503)})
    def get(self) -> None:
        reasons = self.reasons()
        if reasons:
            self.set_status(503)
        self.answer_text("".join(f"{reason}\n" for reason in reasons or ["ok"]))

    def reasons(self) -> list[str]:
        """Starting and stopping are no ailments."""
        return self.engine.health() if self.engine.ready else []


class Ready(Healthy):
    """As `/-/healthy`, but 503 too while the service starts or stops."""

    @operation(
        "The same, and whether it has started and does not stop",
        {status: Answer(media=(TEXT,)) for status in (200, 503)},
    )
    def get(self) -> None:
        super().get()

    def reasons(self) -> list[str]:
        return self.engine.health()


class Reload(Handler):
    @operation("Read the configuration file again", {200: Answer(media=(TEXT,))}, problems=(422,))
    async def post(self) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: its configuration is not read any more.")
        await self.engine.config.reload()
        self.answer_text("reloaded\n")


class Status(Handler):
    @operation("Version, counts and the latest sample", {200: ServiceStatus})
    def get(self) -> None:
        self.answer(self.engine.status())
