"""A folder of weights, from what names it: the catalogue, a local path, or a hub id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shortlist.errors import InputError, WeightsError, require
from shortlist.models import catalogue

# What is taken from a hub: configuration, tokenizer, and weights that no code has to be run for.
_HUB_FILES = ["*.json", "*.txt", "*.model", "model*.safetensors", "onnx/model.onnx", "onnx/model.onnx_data"]


def check(weights: str) -> None:
    """See that the text can name weights, before anything is loaded.

    Raises:
        InputError: it is no name of the catalogue, no folder, and no hub id.
        MissingExtra: it is a hub id, and the hub's client is not installed.
    """
    if weights in catalogue.catalogue() or Path(weights).expanduser().is_dir():
        return
    if weights.count("/") != 1 or weights.startswith((".", "/", "~")):
        known = ", ".join(catalogue.catalogue())
        raise InputError(f"{weights!r} is no folder, no hub id (owner/name), and none of {known}")
    require("hub", "huggingface_hub")


def locate(weights: str) -> Path:
    """The folder that holds them, fetched from the hub if that is where they are.

    Raises:
        WeightsError: they are not there; the message says how to get them.
    """
    if weights in catalogue.catalogue():
        found = catalogue.find(weights)
        if found is None:
            raise WeightsError(f"the weights of {weights} are not here: run `shortlist models get {weights}`")
        return found
    folder = Path(weights).expanduser()
    return folder.resolve() if folder.is_dir() else _from_hub(weights)


@cache
def _from_hub(name: str) -> Path:
    require("hub", "huggingface_hub")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except Exception as error:
        raise WeightsError(f"could not get {name} from the hub: {error}") from error


@cache
def digest(folder: Path) -> str:
    """What stands for the weights and settings in this folder, in a cache key."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"\0{path.relative_to(folder).as_posix()}\0".encode())
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """What a folder's configuration files say about how its model is used.

    Attributes:
        max_length: tokens that it reads.
        first_token: whether a text's vector is that of its first token, and not the mean.
        query_prefix: text that stands before a query.
        passage_prefix: text that stands before a passage.
        config: the model's own config.json.
    """

    max_length: int
    first_token: bool
    query_prefix: str
    passage_prefix: str
    config: Mapping[str, Any]


@cache
def read_settings(folder: Path) -> FolderSettings:
    """The settings of a Hugging Face or sentence-transformers folder.

    Raises:
        WeightsError: there is no config.json, or its pooling is neither first token nor mean.
    """
    config = _json(folder / "config.json")
    if not config:
        raise WeightsError(f"{folder.name} has no config.json")
    _check_modules(folder)
    pooling = _json(folder / "1_Pooling" / "config.json")
    first = bool(pooling.get("pooling_mode_cls_token")) or pooling.get("pooling_mode") == "cls"
    if pooling and not (first or pooling.get("pooling_mode_mean_tokens") or pooling.get("pooling_mode") == "mean"):
        raise WeightsError(f"{folder.name} pools neither by first token nor by mean")
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return FolderSettings(
        max_length=_max_length(folder, config),
        first_token=first,
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("passage") or prompts.get("document", ""),
        config=config,
    )


def _check_modules(folder: Path) -> None:
    """A sentence-transformers folder may hold layers that are not read here; without them its vectors are others."""
    path = folder / "modules.json"
    modules = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    strange = [kind for kind in kinds if kind not in {"Transformer", "Pooling", "Normalize", ""}]
    if strange:
        raise WeightsError(f"{folder.name} has a layer {strange[0]}, which is not supported")


def _max_length(folder: Path, config: Mapping[str, Any]) -> int:
    """The least of what the files say; a tokenizer without a limit says a very large number."""
    stated = (
        _json(folder / "sentence_bert_config.json").get("max_seq_length"),
        _json(folder / "tokenizer_config.json").get("model_max_length"),
        # RoBERTa's positions start after the padding id.
        config.get("max_position_embeddings", 512) - (2 if "roberta" in str(config.get("model_type")) else 0),
    )
    return min(int(length) for length in stated if length)


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
