"""`/api/v1/scripts`: the configured scripts; creating, changing, starting and stopping them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from exporter import script_edits
from exporter.script_edits import Decision, OnConflict, etag_of_entry
from relay.handler import Handler
from relay.precondition import precondition
from relay.problem import Problem

_BATCH = "batch"
"""A script may be named like this too: at its address POST is for the batch, and everything else for the script."""


class _Changing(Handler):
    """What handlers that change the configuration have in common."""

    async def change(self, decision: Decision) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        await self.engine.config.edit(decision)

    def tell(self, name: str, status: int = 200) -> None:
        script = self.engine.script(name)
        self.set_header("ETag", etag_of_entry(script.config))
        self.answer(script, status)

    def check_etag_header(self) -> bool:
        """Never the same: the `ETag` is that of the configuration, and the answer tells the live state too."""
        return False


class Scripts(_Changing):
    async def get(self) -> None:
        names = self.engine.script_names()
        await self.answer_list("scripts", (script for name in names for script in self.engine.scripts([name])))

    async def post(self) -> None:
        entry = self.body(dict[str, Any])
        await self.change(script_edits.create([entry]))
        self.set_header("Location", f"/api/v1/scripts/{entry['name']}")
        self.tell(entry["name"], 201)


class Script(_Changing):
    def get(self, name: str = _BATCH) -> None:
        self.tell(name)

    async def put(self, name: str = _BATCH) -> None:
        entry = self.body(dict[str, Any])
        await self.change(script_edits.put(name, entry, precondition(self.request.headers)))
        self.tell(entry.get("name", name))

    async def patch(self, name: str = _BATCH) -> None:
        changes = self.body(dict[str, Any])
        await self.change(script_edits.patch([name], changes, precondition(self.request.headers)))
        self.tell(changes.get("name", name))

    async def delete(self, name: str = _BATCH) -> None:
        await self.change(script_edits.delete([name], precondition(self.request.headers)))
        self.set_status(204)


class ScriptEnable(_Changing):
    enabled = True

    async def post(self, name: str) -> None:
        await self.change(script_edits.enable([name], self.enabled, precondition(self.request.headers)))
        self.tell(name)


class ScriptDisable(ScriptEnable):
    enabled = False


class _Action(Struct, frozen=True, forbid_unknown_fields=True, tag_field="action"):
    """Something to be done to several scripts, to all of them or none."""


class Enable(_Action, frozen=True, tag="enable"):
    scripts: list[str]


class Disable(_Action, frozen=True, tag="disable"):
    scripts: list[str]


class Delete(_Action, frozen=True, tag="delete"):
    scripts: list[str]


class Update(_Action, frozen=True, tag="update"):
    scripts: list[str]
    config: dict[str, Any]
    """Keys to be changed in each, such as `{"every": "5m"}`; null removes one (RFC 7396)."""


class Export(_Action, frozen=True, tag="export"):
    scripts: list[str] | None = None
    """None: all."""


class Import(_Action, frozen=True, tag="import"):
    scripts: list[dict[str, Any]]
    """Entries as in the configuration file, and as `export` answers them."""
    on_conflict: OnConflict = "fail"
    """What to do with those of which the name is taken."""


Action = Enable | Disable | Delete | Update | Export | Import


class ScriptBatch(Script):
    async def post(self) -> None:
        action: Action = self.body(Action)  # type: ignore[arg-type]  # a union is no type to mypy
        match action:
            case Enable(names):
                await self._changed(script_edits.enable(names, True), names)
            case Disable(names):
                await self._changed(script_edits.enable(names, False), names)
            case Update(names, config):
                await self._changed(
                    script_edits.patch(names, config, within="config"),
                    [config["name"]] if config.get("name") else names,
                )
            case Delete(names):
                await self.change(script_edits.delete(names))
                self.answer({"deleted": names})
            case Import(entries, on_conflict):
                await self._changed(
                    script_edits.create(entries, on_conflict, "scripts[{}]"),
                    [entry["name"] for entry in entries if "name" in entry],
                )
            case Export(chosen):
                names = self.engine.script_names() if chosen is None else chosen
                self.answer({"scripts": [self.engine.script(name).config for name in names]})

    async def _changed(self, decision: Decision, names: list[str]) -> None:
        await self.change(decision)
        self.answer({"scripts": self.engine.scripts(names)})


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
