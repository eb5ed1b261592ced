"""The service itself: metrics, health, reload, status."""

from __future__ import annotations

from exporter.events import ServiceStatus
from relay.accept import accepts_gzip, preferred_format
from relay.handler import Handler
from relay.operation import TEXT, Answer, operation
from relay.problem import Problem


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
        change = await self.engine.config.reload()
        self.note.configured(change)
        self.note.detail = change.told
        self.answer_text("reloaded\n")


class Status(Handler):
    @operation("Version, counts and the latest sample", {200: ServiceStatus})
    def get(self) -> None:
        self.answer(self.engine.status())
