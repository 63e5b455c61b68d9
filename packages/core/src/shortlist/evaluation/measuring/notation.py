"""How measures are written: ir-measures' way, `Name(setting=value)@cutoff`, and `Name(other measure)` for ours."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from shortlist.errors import InputError


class Notation(NamedTuple):
    """A measure as it was written.

    Attributes:
        name: of the measure.
        inner: the measure that it is made of, or None.
        settings: those in parentheses.
        cutoff: what stands behind @, or None.
    """

    name: str
    inner: str | None
    settings: Mapping[str, Any]
    cutoff: Any

    def __str__(self) -> str:
        inside = [self.inner] if self.inner else []
        inside += [f"{name}={value!r}" for name, value in self.settings.items()]
        return (
            self.name + (f"({','.join(inside)})" if inside else "") + ("" if self.cutoff is None else f"@{self.cutoff}")
        )


def read(text: str) -> Notation:
    """What was written.

    Raises:
        InputError: it is no measure in this notation.
    """
    try:
        node, cutoff = _parts(ast.parse(text.strip(), mode="eval").body)
        inner, settings = None, dict[str, Any]()
        if isinstance(node, ast.Call):
            (inner,) = map(_inner, node.args) if node.args else (None,)
            settings = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
            node = node.func
        if isinstance(node, ast.Name):
            return Notation(node.id, inner, settings, cutoff)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        pass
    raise InputError(f"{text!r} is not a measure: it is written like nDCG@10 or P(rel=2)@5")


def _inner(node: ast.expr) -> str:
    if isinstance(node, ast.Starred):
        raise TypeError("not a measure")
    return ast.unparse(node)


def _parts(node: ast.expr) -> tuple[ast.expr, Any]:
    """The measure without its cutoff, and the cutoff."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, ast.literal_eval(node.right)
    return node, None
