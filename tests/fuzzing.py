"""Hooks for schemathesis, when it asks the service everything that the API's document allows and forbids."""

from __future__ import annotations

import os
import re
from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, SerializationContext
from schemathesis.core import NOT_SET
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.meta import TestPhase

from exporter.settings import NAME_PATTERN
from relay.access import sha256_of
from relay.roles import ROLES, Need, suffices

SCRIPTS = [f"script{number}" for number in range(60)]
FILES = [f"file{number}.sh" for number in range(6)]
TOKEN_OF = {role: f"cst_fuzzing_{role}" for role in ROLES}
"""What the service is asked with."""
TOKENS = [{"name": role, "sha256": sha256_of(token), "role": role} for role, token in TOKEN_OF.items()]
"""In the configuration, whatever else is written there."""
RUNS = "FUZZED_RUNS"
"""Environment variable with the ids of runs that there are."""
_MEANINGFUL = ("at", "cron", "every", "listen", "sample_interval", "timezone", "trusted_proxies")
_turns = count()


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Schemathesis reads the schema of a tuple as of an older draft, and then calls it invalid."""
    properties = raw_schema["components"]["schemas"]["OutputPage"]["properties"]
    for name in ("lines", "partial"):
        properties[name]["items"] = {"type": "array"}


@schemathesis.serializer("application/gzip")
def as_it_is(context: SerializationContext, value: Any) -> bytes:
    """Of what it makes up for an archive, schemathesis knows no bytes by itself."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    turn = next(_turns)
    sound = case.meta is not None and case.meta.generation.mode.is_positive
    case.body = body = _harmless(case.body, sound and "preview" not in case.path)
    if sound and turn % 2:
        case.headers.clear()  # made-up conditions hardly ever hold
    if case.path.endswith("/config") and isinstance(body, dict):
        body["tokens"] = TOKENS
    in_sequence = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
    if in_sequence or turn % 3 == 0 or (case.method == "DELETE" and turn % 4):
        return  # it asks for what is there, or is not, by itself
    name, runs = SCRIPTS[turn % len(SCRIPTS)], os.environ[RUNS].split()
    known = {"name": name, "path": FILES[turn % len(FILES)], "id": runs[turn % len(runs)], "number": 1 + turn % 3}
    for key, value in case.path_parameters.items():
        if isinstance(value, type(known[key])) and (key != "name" or re.match(NAME_PATTERN, str(value))):
            case.path_parameters[key] = known[key]
    if isinstance(body, dict) and isinstance(body.get("scripts"), list):
        body["scripts"] = [name if isinstance(each, str) else each for each in body["scripts"]]


@schemathesis.check
def the_role_decides(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Whoever may not ask for something is refused, and whoever may is not, whatever else they ask for."""
    told = [role for each in case.operation.definition.raw["security"] for named in each.values() for role in named]
    need: Need = told[0] if told else "nothing"
    shown = dict(response.request.headers).get("Authorization")
    role = next((role for role in ROLES if shown == f"Bearer {TOKEN_OF[role]}"), None)
    denied = response.status_code in (401, 403)
    if not suffices(role, need) or (shown and not role):
        assert denied, f"this takes the role {need}: {response.status_code}"
    elif not case.path.endswith("/batch"):  # of which each action has a role of its own
        assert not denied, f"the role {need} suffices: {response.status_code}"


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """An empty file is a sound configuration, and changing no scripts takes no care what they are changed to."""
    nothing = case.body is NOT_SET or (isinstance(case.body, dict) and case.body.get("scripts") == [])
    return not (nothing and isinstance(failure, AcceptedNegativeData))


def _harmless(value: Any, sound: bool) -> Any:
    """Nothing that is made up is executed, no file written but in the service's own folder, and it stays in its place.

    Of a `sound` body, that which would have to mean something is left out: most texts are no cron expression.
    """
    if isinstance(value, list):
        return [_harmless(item, sound) for item in value]
    if not isinstance(value, dict):
        return value
    left_out = (
        "data_dir",
        "scripts_dir",
        "url_prefix",
        "users",
        "tokens",
        "anonymous",
        *(_MEANINGFUL if sound else ()),
    )
    made = {key: _harmless(item, sound) for key, item in value.items() if key not in left_out}
    match made.get("command"):
        case str():
            made["command"] = "echo harmless"
        case [*words] if all(isinstance(word, str) for word in words):
            made["command"] = ["echo", "harmless"]
    return made
