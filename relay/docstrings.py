"""What the source says of a struct and of its fields, for those who see only the shapes: the page's types, the API."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from msgspec import Struct


def docstrings(struct: type[Struct]) -> tuple[str | None, dict[str, str]]:
    """A struct's docstring and those of its fields, inherited ones included: the strings that follow them."""
    about_fields: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if not issubclass(base, Struct) or base is Struct:
            continue
        body = _classes(base.__module__)[base.__name__].body
        for statement, following in pairwise(body):
            match statement, following:
                case ast.AnnAssign(target=ast.Name(id=field)), ast.Expr(value=ast.Constant(value=str(text))):
                    about_fields[field] = inspect.cleandoc(text)
    return ast.get_docstring(_classes(struct.__module__)[struct.__name__]), about_fields


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
