"""Rerankers written down: as the one line that `expression.parse` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import takewhile
from typing import Any, cast

from shortlist.errors import ShortlistError
from shortlist.models.named import as_model, model_to_dict
from shortlist.plan import Model
from shortlist.reranker.base import Reranker
from shortlist.reranker.chain import Chain, Fallback, Top
from shortlist.reranker.expression import parse
from shortlist.reranker.fields import Setting, settings_of, written

_OPERATORS: Mapping[type[Reranker], str] = {Fallback: "|", Chain: ">>"}
"""Those of composites of two, the loosest first."""


def expression_of(reranker: Reranker) -> str | None:
    """The line that says this reranker: `parse` reads an equal one from it. None where no line can.

    Settings that stand at their defaults are left out. What is code, such as a model that is a function, cannot be
    written; `Reranker.to_dict` says of what is at fault.
    """
    try:
        text = _expression(reranker)
        return text if parse(text) == reranker else None
    except ShortlistError:
        return None


def _expression(reranker: Reranker) -> str:
    if type(reranker) in _OPERATORS:
        both = cast(Chain | Fallback, reranker)
        sign = _OPERATORS[type(reranker)]
        looser = tuple(_OPERATORS)[: [*_OPERATORS].index(type(reranker))]
        first, second = _within(both.first, looser), _within(both.second, (*looser, type(reranker)))
        return f"{first} {sign} {second}"
    if isinstance(reranker, Top):
        for inner in (_uncut(reranker.inner), reranker.inner):
            if inner.top(reranker.k) == reranker:
                return f"{_within(inner, tuple(_OPERATORS))}[:{reranker.k}]"
    arguments = ", ".join([*_positional(reranker), *_named(reranker)])
    return f"{reranker.name}({arguments})" if arguments else reranker.name


def _uncut(reranker: Reranker) -> Reranker:
    """A chain without the cut that it told its last stage; anything else as it is."""
    if isinstance(reranker, Chain) and isinstance(reranker.second, Top):
        return replace(reranker, second=reranker.second.inner)
    return reranker


def _within(reranker: Reranker, looser: tuple[type[Reranker], ...]) -> str:
    """In parentheses, where its operator binds no tighter than the one around it."""
    text = _expression(reranker)
    return f"({text})" if isinstance(reranker, looser) else text


def _positional(reranker: Reranker) -> Iterator[str]:
    """Rerankers that need no name: those of a list, or else those that must be given."""
    for name in _unnamed(reranker):
        value = getattr(reranker, name)
        yield from map(_expression, value if isinstance(value, tuple) else (value,))


def _unnamed(reranker: Reranker) -> list[str]:
    holding = [setting for setting in settings_of(type(reranker)) if setting.holds_rerankers]
    if holding and holding[0].several:
        return [holding[0].name]
    return [setting.name for setting in takewhile(lambda setting: setting.required, holding)]


def _named(reranker: Reranker) -> Iterator[str]:
    unnamed = _unnamed(reranker)
    for setting in settings_of(type(reranker)):
        value = getattr(reranker, setting.name)
        if setting.name in unnamed or _is_default(reranker, setting, value):
            continue
        text = _expression(value) if isinstance(value, Reranker) else literal(_written(setting, value))
        yield f"{setting.name}={text}"


def _is_default(reranker: Reranker, setting: Setting, value: object) -> bool:
    """Whether the value is what stands there when nothing is said."""
    field = next(each for each in fields(cast(Any, reranker)) if each.name == setting.name)
    made = field.default_factory() if callable(field.default_factory) else field.default
    return not setting.required and type(made) is type(value) and made == value


def _written(setting: Setting, value: Any) -> Any:
    return _model(setting, value) if isinstance(value, Model) else written(setting.name, value)


def _model(setting: Setting, model: Model[Any, Any]) -> Any:
    """The name that means this model here, or a dict of what is not as usual."""
    told = model_to_dict(model)
    usual = {each.name: each.default for each in fields(cast(Any, model))}
    brief = {name: value for name, value in told.items() if name == "model" or value != usual.get(name)}
    names = [value for value in brief.values() if isinstance(value, str)]
    if len(brief) <= 2 and len(names) == len(brief) and _means(setting, names[-1], model):
        return names[-1]
    return brief


def _means(setting: Setting, name: str, model: Model[Any, Any]) -> bool:
    try:
        return as_model(setting.model_kinds, name) == model
    except ShortlistError:
        return False


def literal(value: Any) -> str:
    """As Python writes it; no subclass of a number has a say in it, and what is not finite has a literal of its own."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{str(key)!r}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float):
        return repr(float(value)).replace("inf", "1e999").replace("nan", "(1e999 - 1e999)")
    return repr(int(value)) if isinstance(value, int) and not isinstance(value, bool) else repr(value)
