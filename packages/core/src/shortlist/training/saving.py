"""From a trained module to the folder that `TrainedNetwork` reads, model card included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from shortlist.algorithms.networks import Array
from shortlist.errors import InputError
from shortlist.models import trained
from shortlist.models.base import PROBE, Embedder, VectorSpace
from shortlist.models.named import model_to_dict
from shortlist.runtime.settings import Runtime
from shortlist.training.vectors import vectors_for

CARD = "README.md"


def tensors_of(network: nn.Module, *, half: bool) -> dict[str, Array]:
    """The module's weights by name, float32; with `half`, at the values that 16 bits can hold.

    Raises:
        InputError: a weight is too large for 16 bits.
    """
    found = {name: tensor.detach().numpy().astype(np.float32) for name, tensor in network.state_dict().items()}
    return {name: _rounded(name, array) for name, array in found.items()} if half else found


def _rounded(name: str, array: Array) -> Array:
    if np.abs(array).max(initial=0.0) > np.finfo(np.float16).max:
        raise InputError(f"the weight {name} is too large for 16 bits: keep 32")
    return array.astype(np.float16).astype(np.float32)


def space_of(embedder: Embedder, also: Sequence[str] = (), runtime: Runtime | None = None) -> VectorSpace:
    """Whose vectors the network reads: what a settings file calls the embedder, its label, and its `also` names."""
    names = dict.fromkeys([*_settings_name(embedder), embedder.label, *also])
    (probe,) = vectors_for([PROBE], "passage", embedder, runtime or Runtime())
    return VectorSpace(tuple(names), embedder.fingerprint, probe)


def _settings_name(embedder: Embedder) -> list[str]:
    try:
        said = model_to_dict(embedder)
    except InputError:  # it is code, and has none
        return []
    return [str(said.get("weights") or said.get("name") or said["model"])]


def save_run(folder: Path, said: trained.Trained, tensors: Mapping[str, Array], card: str, *, half: bool) -> None:
    """Write weights, settings and card."""
    trained.save(folder, said, tensors, half=half)
    (folder / CARD).write_text(card, encoding="utf-8")
    trained.read.cache_clear()  # it may have read what was in this folder before
