"""What the source says of a struct and of its fields, for those who see only the shapes: the page's types, the API."""

from __future__ import annotations

import ast
import inspect
import re
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
        for statement, following in pairwise(_definition(base).body):
            match statement, following:
                case ast.AnnAssign(target=ast.Name(id=field)), ast.Expr(value=ast.Constant(value=str(text))):
                    about_fields[field] = inspect.cleandoc(text)
    return ast.get_docstring(_definition(struct)), about_fields


@cache
def _definition(struct: type[Struct]) -> ast.ClassDef:
    """Of a class that is no part of another.  Parsing all of a module at once would hold up other threads."""
    source = inspect.getsource(sys.modules[struct.__module__])
    text = re.search(rf"^class {struct.__name__}\b.*?(?=^\S|\Z)", source, re.MULTILINE | re.DOTALL)
    assert text is not None
    (definition,) = ast.parse(text[0]).body
    assert isinstance(definition, ast.ClassDef)
    return definition
