"""Pipelines in plain words, read off what a run says of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeAlias, TypeGuard

from shortlist.drawing.drawing import clean
from shortlist.evaluation.comparison import Comparison
from shortlist.reranker.description import describe
from shortlist.reranker.registry import registered

Node: TypeAlias = Mapping[str, Any]
_JOINED = {
    "chain": "{first}, then {second}",
    "fallback": "{first}; if that fails, {second}",
    "top": "best {k} of {inner}",
}


def recipe(pipeline: Node | None) -> str:
    """What a pipeline does, step by step: `best 20 of lexical, then cross-encoder`; empty where nobody knows."""
    if pipeline is None or not _is_node(pipeline):
        return ""
    name = str(pipeline["reranker"])
    if name in _JOINED:
        return _JOINED[name].format_map({key: _part(name, each) for key, each in pipeline.items()})
    inner = [recipe(each) for each in _inside(pipeline)]
    told = ", ".join([*_settings(pipeline), *inner])
    return f"{name} ({told})" if told else name


def _part(whole: str, value: Any) -> str:
    """In parentheses where it would be read as more of the whole than it is."""
    if not _is_node(value):
        return str(value)
    compound = value["reranker"] in ("chain", "fallback") and value["reranker"] != whole
    return f"({recipe(value)})" if compound else recipe(value)


def glossary(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Each reranker that is a step of a pipeline, and in a sentence what it does; without those nobody has here."""
    known = registered()
    used = sorted({name for run in comparison.runs for name in _steps(run.pipeline) if name in known})
    return tuple((name, describe(known[name]).summary) for name in used)


def _steps(value: object) -> Iterator[str]:
    if _is_node(value):
        if value["reranker"] not in _JOINED:
            yield str(value["reranker"])
        for each in _inside(value):
            yield from _steps(each)


def _is_node(value: object) -> TypeGuard[Node]:
    return isinstance(value, Mapping) and isinstance(value.get("reranker"), str)


def _inside(pipeline: Node) -> Iterator[Node]:
    for value in pipeline.values():
        yield from (each for each in (value if isinstance(value, list | tuple) else [value]) if _is_node(each))


def _settings(pipeline: Node) -> Iterator[str]:
    """Its models, and the plain settings that are not at their defaults."""
    cls = registered().get(str(pipeline["reranker"]))
    usual = {field.name: field.default for field in fields(cls)} if cls else {}  # type: ignore[arg-type]
    for name, value in pipeline.items():
        if isinstance(value, Mapping) and "model" in value:
            yield str(value.get("weights") or value["model"])
        elif name != "reranker" and isinstance(value, str | int | float) and value != usual.get(name):
            yield f"{name} {clean(str(value), 40)}"
