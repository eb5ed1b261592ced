"""The configuration file as JSON Schema (2020-12), for editors and other programs.

Derived from the very structs that `exporter.shapes` reads the file by: what the one accepts, the other describes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec.inspect as mi
from msgspec import Struct, structs

from exporter.events import Instant
from exporter.settings import Account, Duration, Size

REFERENCE = "#/components/schemas/{name}"
"""Where OpenAPI has the schema of a struct."""
_CUSTOM: dict[type, dict[str, Any]] = {
    Duration: {
        "type": ["string", "number"], "pattern": Duration.pattern, "minimum": 0, "maximum": Duration.longest,
        "description": Duration.form,
    },
    Size: {"type": ["string", "integer"], "pattern": Size.pattern, "minimum": 0, "description": Size.form},
    Account: {
        "type": ["string", "integer"], "pattern": Account.pattern, "minimum": 0, "maximum": 999_999_999,
        "description": Account.form,
    },
    Instant: {"type": "string", "format": "date-time"},
    Path: {"type": "string", "minLength": 1},
}  # fmt: skip


def schema(struct: type[Struct]) -> dict[str, Any]:
    """Of a mapping with the keys of a struct.  A key without a value is as if it were absent."""
    required = [field.encode_name for field in structs.fields(struct) if field.required]
    properties = {key: part if key in required else nullable(part) for key, part in schemas(struct).items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def schemas(struct: type[Struct]) -> dict[str, dict[str, Any]]:
    """Of the values of a struct's keys."""
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)
    return {field.encode_name: _schema(field.type) for field in info.fields}


def custom(of: type) -> dict[str, Any]:
    """Of a type that is none of JSON's, for msgspec."""
    return _CUSTOM[of]


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _schema(of: mi.Type) -> dict[str, Any]:
    match of:
        case mi.Metadata(type=inner, extra_json_schema=keywords):
            return {**_schema(inner), **(keywords or {})}
        case mi.CustomType(cls=cls):
            return custom(cls)
        case mi.StrType(pattern=pattern):
            return _known(type="string", pattern=pattern)
        case mi.BoolType():
            return {"type": "boolean"}
        case mi.IntType(ge=least, le=most):
            return _known(type="integer", minimum=least, maximum=most)
        case mi.FloatType(gt=limit):
            return _known(type="number", exclusiveMinimum=limit)
        case mi.LiteralType(values=values):
            return {"enum": [*values]}
        case mi.ListType(item_type=inner, min_length=at_least):
            return _known(type="array", items=_schema(inner), minItems=at_least)
        case mi.DictType(key_type=inner):  # to text, which may be written without quotes
            texts = {"type": ["string", "number", "boolean"]}
            return {"type": "object", "propertyNames": _schema(inner), "additionalProperties": texts}
        case mi.StructType(cls=cls):
            return {"$ref": REFERENCE.format(name=cls.__name__)}
        case mi.UnionType(types=types):
            members = [_schema(each) for each in types if not isinstance(each, mi.NoneType)]
            return members[0] if len(members) == 1 else {"anyOf": members}
    raise NotImplementedError(f"no JSON Schema for {of}")


def _known(**keywords: Any) -> dict[str, Any]:
    return {keyword: value for keyword, value in keywords.items() if value is not None}
