"""The document of the API: it tells of every address, and the real service keeps to it, whatever it is asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from exporter.settings import Role
from relay import openapi, pages, roles
from relay.app import ROUTES, Socket
from relay.operation import operation_of
from tests import fuzzing
from tests.effort import TIMES
from tests.service import Service

ADDRESS = "/api/v1/openapi.json"
DOCUMENT = json.loads(openapi.document(ROUTES, "1.2.3", ""))
FILE = "scripts:\n" + "".join(f"  - {{name: {name}, command: seq 1 100}}\n" for name in fuzzing.SCRIPTS)
PARENT = Path(__file__).parent
Fuzz = Callable[..., None]


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Address, method and description of every operation."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            yield path, method.upper(), operation


@pytest.mark.parametrize(("route", "handler"), ROUTES, ids=[route for route, _ in ROUTES])
def test_every_method_of_every_address_is_described(route: str, handler: Any) -> None:
    if handler is Socket or issubclass(handler, pages.PageFile):
        assert route not in DOCUMENT["paths"]
        return
    described = {method.upper() for method in DOCUMENT["paths"].get(route, {})}
    assert described == set(handler.allowed_methods()), "say what the others do with `@operation`"


def test_every_operation_described_is_one_of_an_address() -> None:
    handlers = dict(ROUTES)
    for path, method, operation in described():
        assert method in handlers[path].allowed_methods()
        assert operation_of(handlers[path], method) is not None
        assert operation["summary"]
        assert {name["name"] for name in operation["parameters"] if name["in"] == "path"} == set(
            re.findall(r"{(\w+)}", path)
        )


def test_the_document_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []
    names = [operation["operationId"] for *_, operation in described()]
    assert len(set(names)) == len(names)


def test_every_shape_is_one_of_json_schema_and_used() -> None:
    text = json.dumps(DOCUMENT)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text
    for kind in ("responses", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text


def test_what_the_source_says_of_a_field_is_in_the_document() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Run"]["properties"]["exit_code"]["description"].startswith("128+N for signal N")
    assert schemas["ScriptSettings"]["properties"]["command"]["description"].startswith("Text is run by")
    (q,) = (each for each in DOCUMENT["paths"]["/api/v1/runs"]["get"]["parameters"] if each["name"] == "q")
    assert q["description"].startswith("Text anywhere in a line")


# --- the real service ---


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(FILE)


def test_the_document_has_a_tag_and_is_sent_once(service: Service) -> None:
    status, headers, body = service.fetch(ADDRESS)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["paths"] == DOCUMENT["paths"]
    assert json.loads(body)["info"]["version"] == service.get("/api/v1/status")["version"]
    assert re.fullmatch(r'"[0-9a-f]+"', headers["Etag"])
    status, again, body = service.fetch(ADDRESS, headers={"If-None-Match": headers["Etag"]})
    assert (status, again["Etag"], body) == (304, headers["Etag"], b"")


def test_answers_are_as_described(service: Service) -> None:
    run_id = service.ended(service.run("script0"))["run_id"]
    known = {"name": "script0", "id": run_id, "path": "a.sh", "number": "1"}
    for content in (b"#!/bin/sh\n", b"\xff"):
        service.fetch("/api/v1/files/a.sh", method="PUT", body=content)
    bodies = {
        ("POST", "/api/v1/scripts"): {"name": "new", "command": "echo"},
        ("PUT", "/api/v1/scripts/{name}"): {"command": ["echo"]},
        ("PATCH", "/api/v1/scripts/{name}"): {"every": "1h", "labels": {"team": None}},
        ("POST", "/api/v1/scripts/batch"): {"action": "export"},
        ("POST", "/api/v1/schedule/preview"): {"cron": "@daily"},
    }
    for path, method, operation in sorted(described(), key=lambda each: each[1] == "DELETE"):
        body = json.dumps(bodies[method, path]).encode() if (method, path) in bodies else b""
        address = path.format_map(known)
        status, headers, answer = service.fetch(address, method=method, body=body if method != "GET" else None)
        _check(operation, status, headers, answer if method != "HEAD" else None)
        if (method, path) in bodies:
            assert status in (200, 201), answer


def test_a_head_answers_as_a_get(service: Service) -> None:
    for path, method, _ in described():
        if method == "HEAD" and path != "/login":  # which leads elsewhere, as nobody has to sign in
            address = path.format_map({"name": "script0", "id": "none", "path": "none", "number": "1"})
            status, headers, body = service.fetch(address, method="HEAD")
            assert (status, body) == (service.fetch(address)[0], b"")
            assert headers["Content-Type"] == service.fetch(address)[1]["Content-Type"]


def test_the_parameters_described_are_those_that_are_read(service: Service) -> None:
    for path, method, operation in described():
        names = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
        if method == "GET" and names:
            address = path.format_map({"id": "none", "path": "none", "number": "1"})
            query = "&".join(f"{name}=x&{name}=x" for name in names)
            status, _, body = service.fetch(f"{address}?{query}&no-parameter=x")
            faults = {error["pointer"]: error["message"] for error in json.loads(body)["errors"]}
            assert status == 422
            assert faults == {f"#/{name}": "is given more than once" for name in names} | {
                "#/no-parameter": "is no parameter of this address"
            }


@pytest.fixture
def fuzzed(start_service: Callable[..., Service]) -> Iterator[Fuzz]:
    """Has schemathesis ask a service with scripts, runs and files, as somebody of a role or as a stranger."""
    service = start_service(f"tokens: {json.dumps(fuzzing.TOKENS)}\n{FILE}")
    service.token = fuzzing.TOKEN_OF["edit"]
    runs = [service.ended(service.run(name))["run_id"] for name in fuzzing.SCRIPTS[:5]]
    for path in fuzzing.FILES:
        for number in range(3):
            service.fetch(f"/api/v1/files/{path}", method="PUT", body=f"#!/bin/sh\necho {number}\n".encode())
    (service.folder / "openapi.json").write_bytes(service.fetch(ADDRESS)[2])

    def ask(role: Role | None, examples: int, *options: str) -> None:
        config = service.folder / f"fuzzing-{role}.toml"
        shown = f'[auth.openapi.token]\nbearer = "{fuzzing.TOKEN_OF[role]}"\n' if role else ""
        config.write_text((PARENT / "fuzzing.toml").read_text() + shown)
        asked = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "--config-file", config,
                "run", service.folder / "openapi.json", "--url", service.url, "--exclude-method", "HEAD",
                "--max-examples", str(examples), *options,
            ],
            cwd=service.folder, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(PARENT.parent), fuzzing.RUNS: " ".join(runs)},
        )  # fmt: skip
        assert asked.returncode == 0, asked.stdout + asked.stderr

    yield ask
    assert [line for line in service.errors if " ERROR " in line] == []
    assert service.fetch("/-/healthy")[0] == 200


@pytest.mark.fuzz
def test_no_request_upsets_the_service_or_gets_an_answer_that_is_not_described(fuzzed: Fuzz) -> None:
    fuzzed("edit", 20 * TIMES)


@pytest.mark.fuzz
def test_whatever_is_asked_for_the_role_decides(fuzzed: Fuzz) -> None:
    with ThreadPoolExecutor() as threads:
        examples, options = 2 * TIMES, ("--phases", "fuzzing")
        for asked in [threads.submit(fuzzed, role, examples, *options) for role in (None, *roles.ROLES[:-1])]:
            asked.result()


def test_every_operation_tells_its_role_and_how_to_show_who_asks() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    for path, method, operation in described():
        need = roles.needed(path, method)
        if need == "nothing":
            assert operation["security"] == []
            continue
        assert [[need]] == [*{tuple(each): each for named in operation["security"] for each in named.values()}.values()]
        assert {name for each in operation["security"] for name in each} <= schemes.keys()
        assert {"401", "403"} <= operation["responses"].keys()


def _check(operation: dict[str, Any], status: int, headers: dict[str, str], body: bytes | None) -> None:
    """That an answer has the status, the media type, the headers and the shape that are described."""
    told = f"{operation['operationId']}: {status} {body!r}"
    assert str(status) in operation["responses"], told
    answer = operation["responses"][str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    wanted = {name.lower() for name in answer.get("headers", {})} - {"content-disposition"}  # downloads only
    assert wanted <= {name.lower() for name in headers}, told
    if body is None or "content" not in answer:
        assert not body, told
        return
    media = headers["Content-Type"].partition(";")[0]
    assert media in answer["content"], told
    if "schema" in answer["content"][media]:
        schema = {**answer["content"][media]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(json.loads(body))
