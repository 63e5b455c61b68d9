"""Models from what a settings file can hold: a name, a folder, a hub id, or a dict; and back."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast

from shortlist.algorithms.flops import Shape
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, Embedder, LikelihoodModel, ListScorer, PairScorer
from shortlist.plan import Model

# What a dict names under `model`, and where it stands. Imported when asked for, so that no extra is needed before.
_CLASSES = {
    "static": "shortlist.models.static_embedder:StaticEmbedder",
    "onnx-embedder": "shortlist.models.onnx:OnnxEmbedder",
    "onnx-cross-encoder": "shortlist.models.onnx:OnnxCrossEncoder",
    "torch-embedder": "shortlist.models.torch:TorchEmbedder",
    "torch-cross-encoder": "shortlist.models.torch:TorchCrossEncoder",
    "openai-chat": "shortlist.models.openai:OpenAIChat",
    "constant-chat": "shortlist.models.fakes:ConstantChat",
    "openai-likelihood": "shortlist.models.openai_likelihood:OpenAILikelihood",
    "torch-chat": "shortlist.models.torch_language:TorchChat",
    "torch-likelihood": "shortlist.models.torch_language:TorchLikelihood",
    "openai-embedder": "shortlist.models.openai:OpenAIEmbedder",
    "trained-network": "shortlist.models.trained:TrainedNetwork",
    "amrlib": "shortlist.models.amr:AmrlibParser",
    "http-rerank": "shortlist.models.http:HttpRerank",
}

# What a plain text means, by the kind of model that is wanted: the class, and the field that the text fills.
_BY_TEXT = {
    Embedder: ("onnx-embedder", "weights"),
    PairScorer: ("onnx-cross-encoder", "weights"),
    ChatModel: ("openai-chat", "name"),
    LikelihoodModel: ("torch-likelihood", "weights"),
    ListScorer: ("trained-network", "weights"),
}


def default_scorer() -> PairScorer:
    """The cross-encoder that is meant when none is named."""
    return cast(PairScorer, model_from_dict({"model": "onnx-cross-encoder", "weights": "ms-marco-minilm"}))


def as_model(kinds: type[Model[Any, Any]] | tuple[type[Model[Any, Any]], ...], value: object) -> Model[Any, Any]:
    """A model of one of these kinds from a model, a text or a dict. A text names one of the first kind.

    Raises:
        InputError: it is not one, or of another kind.
    """
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    model = _made(several[0], value)
    if not isinstance(model, several):
        raise InputError(f"needs a {' or '.join(kind.__name__ for kind in several)}, not {type(model).__name__}")
    return model


def check_model(kind: type, value: object) -> None:
    """See that a reranker was given the kind of model it asks.

    Raises:
        InputError: it was not; a name or a function is no model yet, and the message says how to make one of it.
    """
    if isinstance(value, kind):
        return
    hint = ""
    if isinstance(value, str):
        maker = _CLASSES[_BY_TEXT[kind][0]].split(":")[1] if kind in _BY_TEXT else None
        hint = f": {maker}({value!r}) makes one of a name" if maker else ""
    elif callable(value):
        hint = ": FunctionEmbedder, FunctionScorer and FunctionChat make one of a function"
    raise InputError(f"needs a {kind.__name__}, not a {type(value).__name__}{hint}")


def _made(kind: type[Model[Any, Any]], value: object) -> object:
    if isinstance(value, str):
        return _from_text(kind, value)
    return model_from_dict(value) if isinstance(value, Mapping) else value


def _from_text(kind: type[Model[Any, Any]], text: str) -> Model[Any, Any]:
    if text == "static":
        return model_from_dict({"model": "static"})
    if kind not in _BY_TEXT:
        raise InputError(f"{text!r} does not name a {kind.__name__}")
    if kind is ChatModel and _is_here(text):
        return model_from_dict({"model": "torch-chat", "weights": text})
    name, field = _BY_TEXT[kind]
    return model_from_dict({"model": name, field: text})


def _is_here(text: str) -> bool:
    """Whether a text names a language model of the catalogue, or a folder; else it is one that a server knows."""
    from shortlist.models.catalogue import catalogue

    named = catalogue().get(text)
    return named.kind == "language model" if named is not None else Path(text, "config.json").exists()


def model_from_dict(data: Mapping[Any, Any]) -> Model[Any, Any]:
    """The model that `model_to_dict` wrote.

    Raises:
        InputError: no such model, or a setting it has not.
    """
    name = str(data.get("model"))
    if name not in _CLASSES:
        raise InputError(f"no model is named {name!r}; there are {', '.join(_CLASSES)}")
    module, cls = _CLASSES[name].split(":")
    settings = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items() if key != "model"}
    try:
        return cast(Model[Any, Any], getattr(importlib.import_module(module), cls)(**settings))
    except TypeError as error:
        raise InputError(f"{name}: {error}") from error


def model_to_dict(model: Model[Any, Any]) -> dict[str, Any]:
    """Name and settings, JSON-ready; keys and secrets are never settings.

    Raises:
        InputError: the model is code: a function, or a framework's object.
    """
    place = f"{type(model).__module__}:{type(model).__qualname__}"
    name = next((name for name, where in _CLASSES.items() if where == place), None)
    if name is None:
        raise InputError(f"{type(model).__name__} holds code and cannot be written down: give it again when loading")
    return {"model": name, **{f.name: _plain(getattr(model, f.name)) for f in fields(cast(Any, model)) if f.init}}


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Shape) else value
