"""What the sections' docstrings say of each field, read out of their source when somebody asks."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent


@cache
def field_docs(section: type) -> dict[str, str]:
    """Field -> the string literal that follows it in the class's source; {} where there is no source.

    pydantic can collect these itself (`use_attribute_docstrings`), for 30 ms at every start of the command line.
    """
    try:
        tree = ast.parse(dedent(inspect.getsource(section)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(doc.value.value)
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }
