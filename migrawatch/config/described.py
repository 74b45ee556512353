"""What the source says of each setting: the string under a field, for the schema and the reference."""

import ast
import inspect
from dataclasses import MISSING, Field
from itertools import pairwise
from textwrap import dedent
from typing import Any


def descriptions(kind: type[Any]) -> dict[str, str]:
    """The docstrings of a class's fields by field name, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        try:
            tree = ast.parse(dedent(inspect.getsource(base)))
        except (OSError, TypeError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for statement, following in pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = _string(following)
                if text:
                    found[statement.target.id] = " ".join(text.split())
    return found


def _string(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else ""
    return ""


def default_of(setting: "Field[Any]") -> Any:
    """A field's default, made if it is made by a factory; MISSING for a field that must be set."""
    if setting.default_factory is not MISSING:
        return setting.default_factory()
    return setting.default
