"""The service itself: metrics, health, reload, status."""

from __future__ import annotations

import asyncio
import gzip
import re

from relay.handler import Handler
from relay.problem import Problem

_REFUSED = re.compile(r"q=0(\.0*)?")


class Metrics(Handler):
    async def get(self) -> None:
        headers = self.request.headers
        body, content_type = self.engine.metrics.render(headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.set_header("Vary", "Accept, Accept-Encoding")
        if accepts_gzip(headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            # Megabytes take long enough to delay everything else; zlib works without the interpreter's lock.
            body = await asyncio.to_thread(gzip.compress, body, 1)
        self.finish(body)

    def compute_etag(self) -> None:
        """None: no two scrapes are alike."""


def accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, 12.5.3; `*` is not taken for gzip, so that only who names it gets it."""
    for item in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        if coding in ("gzip", "x-gzip"):
            return not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return False


class Healthy(Handler):
    """200 while the service does its work, 503 with a line for each reason why not."""

    answers_before_start = True

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

    def reasons(self) -> list[str]:
        return self.engine.health()


class Reload(Handler):
    async def post(self) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: its configuration is not read any more.")
        await self.engine.reload()
        self.answer_text("reloaded\n")


class Status(Handler):
    def get(self) -> None:
        self.answer(self.engine.status())
