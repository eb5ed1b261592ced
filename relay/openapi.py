"""The document of `/api/v1/openapi.json`: OpenAPI 3.1, made of the table of URLs and what its handlers say.

The shapes are those of the very structs that are sent and read, and their descriptions are those in the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from types import UnionType
from typing import Any, get_args

import msgspec
import msgspec.inspect as mi
from msgspec import NODEFAULT, UNSET, Struct, structs

from exporter.events import to_json
from exporter.file_schema import REFERENCE, custom, nullable, schema, schemas
from exporter.settings import Anonymous, AuthProxy, Limits, Name, Retention, ScriptSettings, Settings, Tls, Token, User
from relay.docstrings import docstrings
from relay.guard import SAFE_METHODS
from relay.handler import COOKIE, MAX_URL, Handler
from relay.operation import Answer, Operation, operation_of
from relay.problem import CONTENT_TYPE, ProblemDetails
from relay.roles import Need, needed

_ABOUT = """\
Runs scripts on schedules. Times are RFC 3339 in UTC with milliseconds, durations whole milliseconds, sizes bytes.

Unknown keys are errors, and unknown parameters where there are any. A `HEAD` answers as the `GET` of its address,
without the body.

`/ws` is a WebSocket (RFC 6455) whose messages this format cannot describe: the plain stream sends JSON objects
`{type, timestamp, data}` of the types `system_metrics`, `script_status` and `error`; `/ws?v=1` is the stream of the
page, which can be resumed with `/ws?v=1&epoch=E&after=N`."""

_PROBLEM = "Problem{}"
_PROBLEMS = {
    400: "The request is malformed: its address, a path that names no file, or its JSON.",
    401: "It takes a role, and no credentials came, or such as are wrong or have expired; `detail` says which role.",
    403: "The role of who asks does not suffice; or a page of another site may not do this, unless `allowed_origins`"
    " has it.",
    404: "There is no such thing; `detail` says which.",
    409: "It cannot be done as things are: a name is taken, a run refused, a file in the way; `detail` says why.",
    412: "What was to be changed is not what `If-Match` or `If-None-Match` say it should be.",
    413: "The body is too long.",
    414: f"The address is longer than {MAX_URL} bytes.",
    415: "The body is of another media type, or encoded.",
    421: "`Host` is no name of this service, and not in `allowed_hosts`.",
    422: "Fields of the body, of the query or of the configuration file are at fault; `errors` names each.",
    429: "Too many attempts to sign in failed; `Retry-After` says when to come again.",
    503: "The service is starting or stopping, or its history or configuration cannot be used right now.",
    507: "The disk does not take it; nothing was changed.",
}
_PATH: dict[str, dict[str, Any]] = {
    "name": {"schema": msgspec.json.schema(Name)},
    "id": {"description": "A run's ULID.", "schema": {"type": "string", "minLength": 1}},
    "number": {"description": "Number of a version, counted from 1.", "schema": {"type": "integer", "minimum": 1}},
    "path": {
        "description": "Path of a file in `scripts_dir`. Its slashes need no escaping, but as `%2F` they never mean"
        " anything else.",
        "schema": {"type": "string", "minLength": 1},
    },
}
_HEADERS = {
    "ETag": "Validator of what was read or written, for `If-Match` and `If-None-Match`.",
    "Location": "Address of what was made, or of what comes next.",
    "Content-Disposition": "The name that browsers give the download.",
    "Content-Language": "The language of sentences in the answer.",
    "Vary": "The request's headers that the answer depends on.",
}
_CONDITIONS = {
    "If-Match": "Do it only if what is there has this `ETag`; `*`: if anything is there.",
    "If-None-Match": "Do it only if what is there has another `ETag`; `*`: if nothing is there.",
}
_SCHEMES: dict[str, dict[str, str]] = {
    "token": {
        "type": "http", "scheme": "bearer",
        "description": "A token of the configuration. Of the roles scrape, view, operate, edit each contains the one"
        " before. Without any user or token in the configuration, no credentials are needed.",
    },
    "session": {
        "type": "apiKey", "in": "cookie", "name": COOKIE,
        "description": "What `POST /login` sets. Requests that change something also need the `X-XSRF-Token` that"
        " `GET /api/v1/session` tells.",
    },
    "password": {
        "type": "http", "scheme": "basic",
        "description": "A user's name and password, or any name with a token as the password.",
    },
}  # fmt: skip
_LANGUAGE = "Languages for sentences, the most wanted first: English and Traditional Chinese are spoken."
_FILE = (Settings, ScriptSettings, Limits, Retention, Tls, AuthProxy, User, Token)


def document(routes: Iterable[tuple[str, type[Handler]]], version: str, prefix: str) -> bytes:
    """The document of those routes of which any method is described, served under `prefix`."""
    described = [
        (route, handler, method, operation)
        for route, handler in routes
        for method in handler.allowed_methods()
        if (operation := operation_of(handler, method)) is not None
    ]
    types = [ProblemDetails, *(of for *_, operation in described for of in _types(operation))]
    schemas_, components = msgspec.json.schema_components(types, schema_hook=custom, ref_template=REFERENCE)
    known = dict(zip(map(repr, types), schemas_, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, handler, method, operation in described:
        paths.setdefault(route, {})[method.lower()] = _operation(route, handler, method, operation, known)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Cronscope", "version": version, "description": _ABOUT},
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**_answered(types, components), **_configured()}.items())),
            "responses": {_PROBLEM.format(status): _problem(about) for status, about in _PROBLEMS.items()},
            "headers": {name: {"description": about, "schema": {"type": "string"}} for name, about in _HEADERS.items()},
            "securitySchemes": _SCHEMES,
        },
    }
    return to_json(whole) + b"\n"


# --- operations ---


def _operation(
    route: str, handler: type[Handler], method: str, operation: Operation, known: dict[str, Any]
) -> dict[str, Any]:
    statuses = {str(status): _answer(status, answer, known) for status, answer in operation.answers.items()}
    if operation.conditional and method in SAFE_METHODS:
        statuses["304"] = _answer(304, Answer(headers=("ETag",)), known)
    for status in _problems(route, handler, method, operation):
        statuses.setdefault(str(status), {"$ref": f"#/components/responses/{_PROBLEM.format(status)}"})
    if method == "HEAD":
        for answer in statuses.values():
            answer.pop("content", None)
    described = {
        "operationId": method.lower() + handler.__name__,
        "tags": [handler.__module__.rpartition(".")[2]],
        "summary": operation.summary,
        "security": _security(needed(route, method)),
        "parameters": [*_parameters(route, method, operation)],
        "responses": dict(sorted(statuses.items())),
    }
    if (content := _content(operation, known)) is not None:
        # Files may be empty, JSON may not.
        described["requestBody"] = {"required": operation.body is not None, "content": content}
    return described


def _security(need: Need | None) -> list[dict[str, list[str]]]:
    """The schemes that may be used, each with the role that it takes; none where `anonymous` allows it."""
    if need in (None, "nothing"):
        return []
    schemes = ["token", "session", "password"] if need == "scrape" else ["token", "session"]
    return [*({scheme: [str(need)]} for scheme in schemes), *([{}] if need in get_args(Anonymous) else [])]


def _answer(status: int, answer: Answer, known: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    content: dict[str, Any] = {media: {} for media in answer.media}
    if answer.of is not None:
        members = [known[repr(of)] for of in _members(answer.of)]
        content["application/json"] = {"schema": members[0] if len(members) == 1 else {"anyOf": members}}
    if content:
        described["content"] = content
    if answer.headers:
        described["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in answer.headers}
    return described


def _problems(route: str, handler: type[Handler], method: str, operation: Operation) -> Iterator[int]:
    yield from operation.problems
    yield from (414, 421)
    need = needed(route, method)
    yield 401  # a token that is none
    if need != "nothing":
        yield 403
    if need == "scrape":
        yield from (400, 429)
    if not handler.answers_before_start:
        yield 503
    if method not in SAFE_METHODS:
        yield from (403, 413)
    if "{" in route:
        yield 400
    if operation.body is not None:
        yield from (400, 415, 422)
    if operation.query is not None:
        yield 422
    if operation.conditional and method not in SAFE_METHODS:
        yield 412


def _parameters(route: str, method: str, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route):
        yield {"name": name, "in": "path", "required": True, **_PATH[name]}
    if (query := operation.query) is not None:
        about, kinds = docstrings(query)[1], schemas(query)
        for field in structs.fields(query):
            described: dict[str, Any] = {"name": field.encode_name, "in": "query", "allowEmptyValue": True}
            described["schema"] = kinds[field.encode_name]
            if field.default not in (None, NODEFAULT):
                described["schema"]["default"] = field.default
            if field.name in about:
                described["description"] = about[field.name]
            yield described
    if operation.conditional:
        for name, about_it in _CONDITIONS.items():
            if method not in SAFE_METHODS or name == "If-None-Match":
                yield _header(name, about_it)
    if operation.spoken:
        yield _header("Accept-Language", _LANGUAGE)


def _header(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}


def _content(operation: Operation, known: dict[str, Any]) -> dict[str, Any] | None:
    if operation.body is not None:
        return {"application/json": {"schema": known[repr(operation.body)]}}
    if operation.takes is None:
        return None
    file = operation.takes_struct
    return {operation.takes: {} if file is None else {"schema": {"$ref": REFERENCE.format(name=file.__name__)}}}


def _problem(about: str) -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(name=ProblemDetails.__name__)}
    return {"description": about, "content": {CONTENT_TYPE: {"schema": reference}}}


# --- shapes ---


def _types(operation: Operation) -> Iterator[Any]:
    if operation.body is not None:
        yield operation.body
    for answer in operation.answers.values():
        if answer.of is not None:
            yield from _members(answer.of)


def _members(of: Any) -> tuple[Any, ...]:
    """The types of an answer that has one of several."""
    return get_args(of) if isinstance(of, UnionType) else (of,)


def _answered(types: list[Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schemas of structs that are JSON, each field described, and required where it is always there."""
    for info in {info.cls.__name__: info for of in types for info in _structs(mi.type_info(of))}.values():
        described = _described(info.cls, components[info.cls.__name__])
        if not info.forbid_unknown_fields and not info.cls.__struct_config__.omit_defaults:
            described["required"] = [
                field.encode_name for field in structs.fields(info.cls) if field.default is not UNSET
            ]
    return components


def _configured() -> dict[str, Any]:
    """The schemas of what may stand in the configuration file, and of changes to it."""
    file = {struct.__name__: _described(struct, schema(struct)) for struct in _FILE}
    script = file[ScriptSettings.__name__]
    return {
        **file,
        "ScriptReplacement": {**script, "required": ["command"]},
        "ScriptChanges": _merge_patch(script),
    }


def _merge_patch(schema: dict[str, Any]) -> dict[str, Any]:
    """Of changes to what has a schema: any part may be left out, and null removes it (RFC 7396)."""
    match schema:
        case {"properties": properties, "required": required}:
            changed = {
                key: nullable(part) if key in required else _merge_patch(part) for key, part in properties.items()
            }
            return {**schema, "properties": changed, "required": []}
        case {"anyOf": members}:
            return {**schema, "anyOf": [_merge_patch(member) for member in members]}
        case {"additionalProperties": dict(values)}:
            return {**schema, "additionalProperties": nullable(values)}
        case _:
            return schema


def _described(struct: type[Struct], schema: dict[str, Any]) -> dict[str, Any]:
    about, about_fields = docstrings(struct)
    if about is not None:
        schema["description"] = about
    for field in structs.fields(struct):
        if field.name in about_fields:
            schema["properties"][field.encode_name]["description"] = about_fields[field.name]
    return schema


def _structs(of: mi.Type) -> Iterator[mi.StructType]:
    match of:
        case mi.Metadata(type=inner) | mi.ListType(item_type=inner) | mi.CollectionType(item_type=inner):
            yield from _structs(inner)
        case mi.UnionType(types=types):
            for each in types:
                yield from _structs(each)
        case mi.StructType(fields=fields):
            yield of
            for field in fields:
                yield from _structs(field.type)
