"""Who may do what: one table of everything that can be asked for, with the role that it takes.

What is not in it is denied to everybody.  `HEAD` is as `GET`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from exporter.settings import Role

Need = Role | Literal["nothing"]
"""`nothing`: also who has not signed in may have it."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)

ROUTES: Final[Mapping[str, Mapping[str, Need]]] = {
    "/": {"GET": "nothing"},  # the program itself, which is no secret: it asks for everything that is
    "/assets/{file}": {"GET": "nothing"},
    "/{file}": {"GET": "nothing"},
    "/login": {"GET": "nothing", "POST": "nothing"},
    "/logout": {"POST": "nothing"},
    "/ws": {"GET": "view"},
    "/metrics": {"GET": "scrape"},
    "/-/healthy": {"GET": "scrape"},
    "/-/ready": {"GET": "scrape"},
    "/-/reload": {"POST": "edit"},
    "/api/v1/session": {"GET": "scrape"},
    "/api/v1/status": {"GET": "view"},
    "/api/v1/scripts": {"GET": "view", "POST": "edit"},
    "/api/v1/scripts/batch": {"GET": "view", "POST": "operate", "PUT": "edit", "PATCH": "edit", "DELETE": "edit"},
    "/api/v1/scripts/{name}": {"GET": "view", "PUT": "edit", "PATCH": "edit", "DELETE": "edit"},
    "/api/v1/scripts/{name}/run": {"POST": "operate"},
    "/api/v1/scripts/{name}/stop": {"POST": "operate"},
    "/api/v1/scripts/{name}/enable": {"POST": "operate"},
    "/api/v1/scripts/{name}/disable": {"POST": "operate"},
    "/api/v1/recent": {"GET": "view"},
    "/api/v1/planned": {"GET": "view"},
    "/api/v1/runs": {"GET": "view"},
    "/api/v1/runs/{id}": {"GET": "view"},
    "/api/v1/runs/{id}/stop": {"POST": "operate"},
    "/api/v1/runs/{id}/output": {"GET": "view"},
    "/api/v1/runs/{id}/output.txt": {"GET": "view"},
    "/api/v1/logs": {"GET": "view"},
    "/api/v1/logs/{name}": {"DELETE": "edit"},
    "/api/v1/config": {"GET": "edit", "PUT": "edit"},
    "/api/v1/config/check": {"POST": "edit"},
    "/api/v1/schedule/preview": {"POST": "view"},
    "/api/v1/templates": {"GET": "edit"},
    "/api/v1/files": {"GET": "view"},
    "/api/v1/files/{path}/check": {"POST": "edit"},
    "/api/v1/files/{path}/versions": {"GET": "view"},
    "/api/v1/files/{path}/versions/{number}": {"GET": "edit"},
    "/api/v1/files/{path}/versions/{number}/restore": {"POST": "edit"},
    "/api/v1/files/{path}": {"GET": "edit", "PUT": "edit", "DELETE": "edit"},
    "/api/v1/audit": {"GET": "edit"},
    "/api/v1/backup": {"GET": "edit"},
    "/api/v1/restore": {"POST": "edit"},
    "/api/v1/openapi.json": {"GET": "view"},
}
BATCH: Final[Mapping[str, Need]] = {
    "enable": "operate", "disable": "operate", "delete": "edit", "update": "edit", "export": "edit", "import": "edit",
}  # fmt: skip
"""Actions of `POST /api/v1/scripts/batch`."""
MESSAGES: Final[Mapping[str, Need]] = {"subscribe": "view", "unsubscribe": "view", "ping": "view"}
"""Types of what clients send on `/ws?v=1`."""
TOPICS: Final[Mapping[str, Need]] = {"output": "view"}
"""What comes before the colon of a topic of `/ws?v=1`."""


def needed(route: str, method: str) -> Need | None:
    """What a request takes; None: it is denied, whoever asks."""
    return ROUTES.get(route, {}).get("GET" if method == "HEAD" else method)


def suffices(role: Role | None, need: Need | None) -> bool:
    """Whether a role, or None, contains what is needed."""
    if need is None:
        return False
    return need == "nothing" or (role is not None and ROLES.index(role) >= ROLES.index(need))
