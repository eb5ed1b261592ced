"""`/api/v1/scripts`: the configured scripts; creating, changing, starting and stopping them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct

from exporter import events, script_edits
from exporter.configuration import ConfigChange
from exporter.etag import etag_of
from exporter.file_schema import REFERENCE
from exporter.script_edits import Decision, OnConflict, etag_of_entry
from relay import audit
from relay.api.runs import RunId
from relay.handler import Handler
from relay.operation import Answer, operation
from relay.problem import FieldError, Problem
from relay.roles import BATCH

_BATCH = "batch"
"""A script may be named like this too: at its address POST is for the batch, and everything else for the script."""


Entry = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": REFERENCE.format(name="ScriptSettings")})]
"""A script as in the configuration file; the file's own reader checks it."""
Replacement = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": REFERENCE.format(name="ScriptReplacement")})]
"""The same, without the name if it stays."""
Changes = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": REFERENCE.format(name="ScriptChanges")})]
"""Keys of it to be changed."""
_SCRIPT = Answer(of=events.Script, headers=("ETag",))
_EDITED = (404, 409, 422, 507)


class ScriptList(Struct, frozen=True):
    scripts: list[events.Script]


class Deleted(Struct, frozen=True):
    deleted: list[str]


class Exported(Struct, frozen=True):
    scripts: list[Entry]


class RunIds(Struct, frozen=True):
    run_ids: list[str]


class _Changing(Handler):
    """What handlers that change the configuration have in common."""

    async def change(self, decision: Decision) -> ConfigChange:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        change = await self.engine.config.edit(decision)
        self.note.configured(change)
        return change

    async def change_one(self, name: str, decision: Decision, named: Any) -> None:
        """`named` is what the script is to be called: its runs would not know of another name."""
        if named != name:
            self.note.action, self.note.detail = "script.rename", str(named)
        if named != name and self.engine.is_running(name):
            raise Problem(409, f"{name} is running: stop it, or wait for its end, before you rename it.")
        await self.change(decision)
        self.tell(named)

    def tell(self, name: str, status: int = 200) -> None:
        script = self.engine.script(name)
        self.set_header("ETag", self.tag(etag_of_entry(self.engine.entry(name))))
        self.answer(script, status)

    def check_etag_header(self) -> bool:
        """Never the same: the `ETag` is that of the configuration, and the answer tells the live state too."""
        return False


class Scripts(_Changing):
    @operation(
        "Every script with its configuration and live state; the `ETag`, for a batch, is that of the file",
        {200: Answer(of=ScriptList, headers=("ETag",))},
    )
    async def get(self) -> None:
        names = self.engine.script_names()
        self.set_header("ETag", self.tag(etag_of(self.engine.config.loaded.text.encode())))
        await self.answer_list("scripts", (script for name in names for script in self.engine.scripts([name])))

    @operation(
        "Add a script", {201: Answer(of=events.Script, headers=("ETag", "Location"))},
        body=Entry, problems=(409, 507),
    )  # fmt: skip
    async def post(self) -> None:
        entry = self.body(dict[str, Any])
        self.note.targets = _names([entry])
        await self.change(script_edits.create([entry]))
        self.set_header("Location", self.address(f"/api/v1/scripts/{entry['name']}"))
        self.tell(entry["name"], 201)


class Script(_Changing):
    @operation("A script with its configuration and live state", {200: _SCRIPT}, problems=(404,))
    def get(self, name: str = _BATCH) -> None:
        self.tell(name)

    @operation(
        "Replace a script's entry; another name in it renames the script", {200: _SCRIPT},
        body=Replacement, conditional=True, problems=_EDITED,
    )  # fmt: skip
    async def put(self, name: str = _BATCH) -> None:
        entry = self.body(dict[str, Any])
        decision = script_edits.put(name, entry, self.precondition())
        await self.change_one(name, decision, entry.get("name", name))

    @operation(
        "Change keys of a script's entry (RFC 7396)", {200: _SCRIPT},
        body=Changes, conditional=True, problems=_EDITED,
    )  # fmt: skip
    async def patch(self, name: str = _BATCH) -> None:
        changes = self.body(dict[str, Any])
        decision = script_edits.patch([name], changes, self.precondition())
        await self.change_one(name, decision, changes.get("name", name))

    @operation("Remove a script; its logs stay", {204: Answer()}, conditional=True, problems=_EDITED)
    async def delete(self, name: str = _BATCH) -> None:
        await self.change(script_edits.delete([name], self.precondition()))
        self.set_status(204)


class ScriptEnable(_Changing):
    @operation("Switch a script on", {200: _SCRIPT}, conditional=True, problems=_EDITED)
    async def post(self, name: str) -> None:
        await self.switch(name, True)

    async def switch(self, name: str, enabled: bool) -> None:
        await self.change(script_edits.enable([name], enabled, self.precondition()))
        self.tell(name)


class ScriptDisable(ScriptEnable):
    @operation("Switch a script off", {200: _SCRIPT}, conditional=True, problems=_EDITED)
    async def post(self, name: str) -> None:
        await self.switch(name, False)


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
    config: Changes
    """Keys to be changed in each, such as `{"every": "5m"}`; null removes one (RFC 7396)."""


class Export(_Action, frozen=True, tag="export"):
    scripts: list[str] | None = None
    """Null: all."""


class Import(_Action, frozen=True, tag="import"):
    scripts: list[Entry]
    """Entries as in the configuration file, and as `export` answers them."""
    on_conflict: OnConflict = "fail"
    """What to do with those of which the name is taken."""


Action = Enable | Disable | Delete | Update | Export | Import


class ScriptBatch(Script):
    @operation(
        "Do something to several scripts: to all of them, or to none", {200: ScriptList | Deleted | Exported},
        body=Action, conditional=True, problems=_EDITED,
    )  # fmt: skip
    async def post(self) -> None:
        action: Action = self.body(Action)  # type: ignore[arg-type]  # a union is no type to mypy
        tag = str(action.__struct_config__.tag)
        self.note.action, self.note.targets = audit.BATCH[tag], _targets(action)
        self.check_role(BATCH.get(tag))
        match action:
            case Enable(names):
                await self._changed(script_edits.enable(names, True), names)
            case Disable(names):
                await self._changed(script_edits.enable(names, False), names)
            case Update(names, config):
                if "name" in config:
                    fault = FieldError(pointer="#/config/name", message="a script is renamed by a PATCH of its own")
                    raise Problem(422, "The body has faults.", [fault])
                await self._changed(script_edits.patch(names, config, within="config"), names)
            case Delete(names):
                await self._change(script_edits.delete(names))
                self.answer(Deleted([*dict.fromkeys(names)]))
            case Import(entries, on_conflict):
                await self._changed(script_edits.create(entries, on_conflict, "scripts[{}]"), _names(entries))
            case Export(chosen):
                wanted = dict.fromkeys(self.engine.script_names() if chosen is None else chosen)
                self.answer(Exported([self.engine.script(name).config for name in wanted]))

    async def _changed(self, decision: Decision, names: Iterable[str]) -> None:
        await self._change(decision)
        self.answer(ScriptList(self.engine.scripts(dict.fromkeys(names))))

    async def _change(self, decision: Decision) -> None:
        """The `ETag` of a batch is that of the file."""
        change = await self.change(script_edits.provided(self.precondition(), decision))
        if self.note.action == "script.import":  # of which some were skipped, perhaps
            self.note.targets = change.scripts


def _targets(action: Action) -> list[str]:
    """Names of the scripts that something is to be done to."""
    if isinstance(action, Import):
        return _names(action.scripts)
    return [*dict.fromkeys(action.scripts or ())]


def _names(entries: Iterable[dict[str, Any]]) -> list[str]:
    return [*dict.fromkeys(str(entry["name"]) for entry in entries if "name" in entry)]


class ScriptRun(Handler):
    success = 202

    @operation("Start a run now", {202: RunId}, problems=(404, 409))
    async def post(self, name: str) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is started any more.")
        self.note.detail = run_id = await self.engine.run_now(name)
        self.answer(RunId(run_id))


class ScriptStop(Handler):
    success = 202

    @operation("Stop a script's runs, those too that wait for their start", {202: RunIds}, problems=(404,))
    def post(self, name: str) -> None:
        run_ids = self.engine.stop_script(name)
        self.note.detail = ", ".join(run_ids) or None
        self.answer(RunIds(run_ids))
