"""Scorers from what a settings file can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from shortlist.errors import InputError
from shortlist.models.base import PairScorer
from shortlist.models.named import as_model, model_to_dict
from shortlist.plan import Model
from shortlist.prompts.spec import prompt
from shortlist.scorers.base import Scorer
from shortlist.scorers.pair_head import PairHead
from shortlist.scorers.prompted import Prompted, model_kind

Models = Sequence[Model[Any, Any]]
_SETTINGS = ("instruction", "check", "temperature", "confidence")


def as_scorer(value: object, models: Models = ()) -> Scorer:
    """A scorer from a scorer, the name of a prompt, a cross-encoder, or the dict that `scorer_to_dict` wrote.

    A prompt without a model takes the first of `models` that can answer it.

    Raises:
        InputError: it is none of these, or no model can answer the prompt.
    """
    if isinstance(value, Scorer):
        return value
    if isinstance(value, PairScorer):
        return PairHead(value)
    if isinstance(value, str):
        return _prompted({"prompt": value}, models)
    if isinstance(value, Mapping):
        return _prompted(value, models) if "prompt" in value else _pair_head(value)
    raise InputError(f"needs a scorer, a prompt's name or a cross-encoder, not a {type(value).__name__}")


def can_answer(name: str, models: Models) -> bool:
    """Whether one of the models can answer the prompt."""
    return any(isinstance(model, model_kind(prompt(name))) for model in models)


def scorer_to_dict(scorer: Scorer) -> dict[str, Any]:
    """A JSON-ready dict.

    Raises:
        InputError: its model is code, or it is a scorer of one's own.
    """
    if isinstance(scorer, PairHead):
        return {"model": model_to_dict(scorer.model)}
    if isinstance(scorer, Prompted):
        model = model_to_dict(cast(Model[Any, Any], scorer.model))
        return {"prompt": scorer.prompt, "model": model, **{name: getattr(scorer, name) for name in _SETTINGS}}
    raise InputError(f"{type(scorer).__name__} cannot be written down: give it again when loading")


def _prompted(data: Mapping[Any, Any], models: Models) -> Prompted:
    unknown = sorted(set(data) - {"prompt", "model", *_SETTINGS})
    if unknown:
        raise InputError(f"a scorer has no setting {unknown[0]!r}; it has prompt, model, {', '.join(_SETTINGS)}")
    name = data["prompt"]
    kind = model_kind(prompt(name))
    given = data.get("model")
    model = as_model(kind, given) if given is not None else next((m for m in models if isinstance(m, kind)), None)
    if model is None:
        raise InputError(f"the prompt {name} needs a {kind.__name__} to answer it")
    return Prompted(cast(Any, model), name, **{key: data[key] for key in _SETTINGS if key in data})


def _pair_head(data: Mapping[Any, Any]) -> PairHead:
    if set(data) != {"model"}:
        raise InputError("a scorer as a dict has a prompt and a model, or, for a cross-encoder, a model alone")
    return PairHead(cast(PairScorer, as_model(cast(Any, PairScorer), data["model"])))
