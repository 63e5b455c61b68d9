"""Rerankers written as one line: `lexical[:50] >> cross-encoder(scorer='ms-marco-minilm') | keep-order`."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import InputError
from shortlist.plan import Model
from shortlist.reranker.base import Reranker
from shortlist.reranker.fields import settings_of
from shortlist.reranker.registry import from_dict, make, registered, reranker_class

# A hyphen inside a name is part of it: `cross-encoder` is no subtraction. Text in quotes is left as it is.
_NAME_OR_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z]\w*(?:-[A-Za-z]\w*)+""")


def load(
    spec: Reranker | Mapping[Any, Any] | str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    models: Iterable[Model[Any, Any]] = (),
) -> Reranker:
    """A reranker from whatever says one: itself, a dict, the path of a JSON file, an expression, or a name.

    `settings` go with a name. Model fields that are left open take the first of `models` that is of their kind.

    Raises:
        InputError: it says none, or settings were given with something else than a name.
    """
    spec = str(spec) if isinstance(spec, Path) else spec
    if isinstance(spec, str) and settings and spec.replace("_", "-") in registered():
        return make(spec, settings, models=models)
    if settings:
        raise InputError("settings go with the name of a reranker only")
    if isinstance(spec, Reranker):
        return spec
    if isinstance(spec, Mapping):
        return from_dict(spec, models=models)
    if not isinstance(spec, str):
        raise InputError(f"a {type(spec).__name__} says no reranker")
    return _from_file(spec, models) if spec.endswith(".json") else parse(spec, models=models)


def _from_file(path: str, models: Iterable[Model[Any, Any]]) -> Reranker:
    try:
        return from_dict(json.loads(Path(path).read_text(encoding="utf-8")), models=models)
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"cannot read {path} as a pipeline: {error}") from error


def parse(text: str, *, models: Iterable[Model[Any, Any]] = ()) -> Reranker:
    """The reranker that the expression says.

    Names are those of the registry, with settings in parentheses as keywords; `[:k]`, `>>` and `|` are the operators
    of rerankers, and `fuse(a, b)` takes rerankers. Nothing in it is executed.

    Raises:
        InputError: it is not such an expression, or names what is not there.
    """
    source = _NAME_OR_TEXT.sub(lambda m: m[0] if m[0][0] in "'\"" else m[0].replace("-", "_"), text.strip())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"cannot read {text!r} as a reranker: {error}") from error
    return _Reader(text, tuple(models)).reranker(tree)


class _Reader:
    """Reads the nodes of one expression."""

    def __init__(self, text: str, models: tuple[Model[Any, Any], ...]) -> None:
        self.text = text
        self.models = models

    def reranker(self, node: ast.expr) -> Reranker:
        match node:
            case ast.Name(id=name):
                return make(name, models=self.models)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                return make(name, self._settings(name, args, keywords), models=self.models)
            case ast.BinOp(left=left, op=ast.RShift(), right=right):
                return self.reranker(left) >> self.reranker(right)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.reranker(left) | self.reranker(right)
            case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=ast.Constant(value=int(k)), step=None)):
                return self.reranker(value)[:k]
        raise InputError(f"cannot read {ast.unparse(node)!r} in {self.text!r} as a reranker")

    def _settings(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> dict[str, Any]:
        settings = {keyword.arg or "**": self._value(keyword.value) for keyword in keywords}
        return {**self._positional(name, [self.reranker(arg) for arg in args]), **settings}

    def _positional(self, name: str, given: list[Reranker]) -> dict[str, Any]:
        """Arguments without a name are rerankers, for the settings that hold some: one each, or all for a list."""
        holding = [setting for setting in settings_of(reranker_class(name)) if setting.holds_rerankers]
        if given and holding and holding[0].several:
            return {holding[0].name: tuple(given)}
        if len(given) > len(holding):
            raise InputError(f"{name} takes {len(holding)} rerankers, not {len(given)}, in {self.text!r}")
        return {setting.name: each for setting, each in zip(holding, given, strict=False)}

    def _value(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except ValueError:
            return self.reranker(node)
