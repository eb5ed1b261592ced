"""What of the requests goes into the audit trail: a table beside that of the roles.

Every operation that is more than reading is in one of the two tables below, and leaves an entry by the first one
whatever becomes of it: done, refused or failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.audit import Actor, ActorKind, AuditAction, AuditOutcome, Deed
from exporter.configuration import ConfigChange
from exporter.settings import Role
from relay.access import ANYONE, Identity

ACTIONS: Final[Mapping[str, Mapping[str, AuditAction]]] = {
    "/login": {"POST": "sign-in"},
    "/logout": {"POST": "sign-out"},
    "/-/reload": {"POST": "config.reload"},
    "/api/v1/scripts": {"POST": "script.create"},
    "/api/v1/scripts/batch": {
        "POST": "script.batch", "PUT": "script.update", "PATCH": "script.update", "DELETE": "script.delete",
    },
    "/api/v1/scripts/{name}": {"PUT": "script.update", "PATCH": "script.update", "DELETE": "script.delete"},
    "/api/v1/scripts/{name}/run": {"POST": "script.run"},
    "/api/v1/scripts/{name}/stop": {"POST": "script.stop"},
    "/api/v1/scripts/{name}/enable": {"POST": "script.enable"},
    "/api/v1/scripts/{name}/disable": {"POST": "script.disable"},
    "/api/v1/runs/{id}/stop": {"POST": "script.stop"},
    "/api/v1/logs/{name}": {"DELETE": "logs.delete"},
    "/api/v1/config": {"PUT": "config.save"},
    "/api/v1/files/{path}/versions/{number}/restore": {"POST": "file.restore"},
    "/api/v1/files/{path}": {"PUT": "file.write", "DELETE": "file.delete"},
    "/api/v1/backup": {"GET": "backup.download"},  # all that there is leaves the machine
    "/api/v1/restore": {"POST": "backup.restore"},
}  # fmt: skip
UNAUDITED: Final[Mapping[str, Mapping[str, str]]] = {
    "/api/v1/config/check": {"POST": "nothing is done with the text but to look at it"},
    "/api/v1/schedule/preview": {"POST": "nothing is done with the schedule but to explain it"},
    "/api/v1/files/{path}/check": {"POST": "nothing is done with the text but to look at it"},
}
"""Operations that change nothing although they are no reading, and why not."""
BATCH: Final[Mapping[str, AuditAction | None]] = {
    "enable": "script.enable", "disable": "script.disable", "delete": "script.delete", "update": "script.update",
    "import": "script.import", "export": None,
}  # fmt: skip
"""Actions of `POST /api/v1/scripts/batch`; export only reads."""
_KINDS: Final[Mapping[str, ActorKind]] = {
    "anyone": "anonymous", "local": "local", "token": "token", "user": "user", "session": "user", "proxy": "proxy",
}  # fmt: skip
_REFUSALS = (401, 403, 421, 429)


class Note:
    """What the trail is to say of a request; handlers tell it what only they know."""

    def __init__(self, route: str, method: str) -> None:
        self.action: AuditAction | None = ACTIONS.get(route, {}).get(method)
        """None: nothing that belongs there."""
        self.actor = actor_of(ANYONE, None)
        self.targets: list[str] = []
        """What it is about, where the address does not tell."""
        self.detail: str | None = None
        self.before: str | None = None
        self.after: str | None = None
        self.is_counted = False
        """An attempt to sign in, which is told or not by how often there was one."""

    def changed(self, before: str | None, after: str | None) -> None:
        """Hashes of what was changed; None where it was, or is, not there."""
        self.before, self.after = before, after

    def configured(self, change: ConfigChange) -> None:
        self.changed(*change.hashes)

    def deeds(self, *, status: int, named: str | None, address: str, method: str, path: str) -> Iterable[Deed]:
        """What came of it: of several things that were done an entry each, else one; `named` is what the address names.

        Who is refused may have named any number of things.
        """
        if self.action is None:
            return
        result = outcome(status)
        targets: list[str | None] = [*self.targets] if self.targets else [named]
        if result != "done" and len(targets) > 1:
            targets = [", ".join(self.targets)]
        for target in targets:
            yield Deed(
                actor=self.actor, address=address, action=self.action, target=target, detail=self.detail,
                before=self.before, after=self.after, outcome=result, status=status, method=method, path=path,
            )  # fmt: skip


def actor_of(identity: Identity, role: Role | None) -> Actor:
    """Who asks, as the trail has it."""
    return Actor(kind=_KINDS[identity.kind], name=identity.name or None, role=role)


def outcome(status: int) -> AuditOutcome:
    """What came of a request that was answered with this status."""
    if status < 400:
        return "done"
    return "refused" if status in _REFUSALS else "failed"
