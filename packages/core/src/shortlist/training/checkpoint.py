"""Where a run stands, on disk: one safetensors file, whose header holds what is JSON. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from shortlist.errors import InputError, WeightsError

Tensors = Mapping[str, Tensor]


class Standing(NamedTuple):
    """Where a run stands between two epochs.

    Attributes:
        network: the weights now.
        best: those of the best epoch.
        optimiser: its `state_dict` without the groups, which the recipe says.
        history: what was measured, epoch by epoch, JSON-ready.
    """

    network: Tensors
    best: Tensors
    optimiser: Mapping[int, Tensors]
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A file, and the run that it is of.

    Attributes:
        path: where it is.
        run: what stands for recipe, sizes and data: the file of another run is refused.
    """

    path: Path
    run: str

    def save(self, standing: Standing) -> None:
        """All of it or nothing: a run killed here finds the file of the epoch before."""
        parts = {"network": standing.network, "best": standing.best}
        tensors = {f"{part}/{name}": tensor for part, found in parts.items() for name, tensor in found.items()}
        for index, found in standing.optimiser.items():
            tensors |= {f"optimiser/{index}/{name}": tensor for name, tensor in found.items()}
        # Equal weights may share memory, which the format does not have.
        copies = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        half_done = self.path.with_suffix(".part")
        save_file(copies, half_done, {"run": self.run, "history": json.dumps(standing.history)})
        half_done.replace(self.path)

    def load(self) -> Standing | None:
        """What was saved last; None when nothing was.

        Raises:
            InputError: it is of another run.
            WeightsError: it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                said = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        except SafetensorError as error:
            raise WeightsError(f"cannot read {self.path.name}: {error}") from error
        if said.get("run") != self.run:
            raise InputError(f"{self.path} is of a run with other data or settings: remove it, or go on with those")
        return _standing(tensors, json.loads(said["history"]))


def _standing(tensors: Tensors, history: list[dict[str, Any]]) -> Standing:
    optimiser: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(tensors, "optimiser").items():
        index, field = name.split("/", 1)
        optimiser.setdefault(int(index), {})[field] = tensor
    return Standing(_part(tensors, "network"), _part(tensors, "best"), optimiser, history)


def _part(tensors: Tensors, part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}/"): each for name, each in tensors.items() if name.startswith(f"{part}/")}


def copied(tensors: Tensors) -> dict[str, Tensor]:
    """The same values in memory of their own."""
    with torch.no_grad():
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}
