"""`/api/v1/scripts`: the configured scripts, and starting and stopping them."""

from __future__ import annotations

from relay.handler import Handler
from relay.problem import Problem


class Scripts(Handler):
    def get(self) -> None:
        self.answer({"scripts": self.engine.scripts()})


class Script(Handler):
    def get(self, name: str) -> None:
        self.answer(self.engine.script(name))


class ScriptRun(Handler):
    success = 202

    async def post(self, name: str) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is started any more.")
        self.answer({"run_id": await self.engine.run_now(name)})


class ScriptStop(Handler):
    success = 202

    def post(self, name: str) -> None:
        self.answer({"run_ids": self.engine.stop_script(name)})
