"""The depth policy's network in torch, for training; `algorithms/dynamic_k.py` says what it is and runs without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.algorithms.dynamic_k import FAR, DepthSizes
from shortlist.algorithms.networks import Array


class DepthBatch(NamedTuple):
    """Lists of one batch, padded.

    Attributes:
        features: shape (b, n, f).
        present: which passages are there, shape (b, n).
    """

    features: Tensor
    present: Tensor


def collate(lists: Sequence[Array]) -> DepthBatch:
    """A batch of feature matrices, as long as the longest."""
    present = np.arange(max(map(len, lists))) < np.array([len(each) for each in lists])[:, None]
    features = np.zeros((*present.shape, lists[0].shape[1]), dtype=np.float32)
    features[present] = np.concatenate(lists)
    return DepthBatch(torch.from_numpy(features), torch.from_numpy(present))


class DepthNetwork(nn.Module):
    """Logits that each passage is needed, shape (b, n); those of padding are minus infinity."""

    centre: Tensor
    scale: Tensor

    def __init__(self, sizes: DepthSizes, rows: Array | None = None) -> None:
        """With `rows`, the features of all passages in training (m, f), it begins with their mean and spread."""
        super().__init__()
        known = np.zeros((1, sizes.features), dtype=np.float32) if rows is None else rows
        spread = known.std(axis=0)
        self.register_buffer("centre", torch.from_numpy(_half(known.mean(axis=0))))
        self.register_buffer("scale", torch.from_numpy(_half(np.where(spread > 1e-4, spread, 1.0))))
        self.first = nn.Linear(sizes.features, sizes.hidden)
        self.second = nn.Linear(2 * sizes.hidden, sizes.hidden)
        self.last = nn.Linear(sizes.hidden, 1)

    def forward(self, batch: DepthBatch) -> Tensor:
        """Logits from features."""
        x = ((batch.features - self.centre) / self.scale).clamp(-FAR, FAR)
        x = functional.relu(self.first(x))
        there = batch.present[..., None]
        mean = x.masked_fill(~there, 0.0).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True)
        x = functional.relu(self.second(torch.cat([x, mean.expand_as(x)], dim=-1)))
        logits: Tensor = self.last(x)[..., 0]
        return logits.masked_fill(~batch.present, -torch.inf)


def _half(values: Array) -> Array:
    """As 16 bits will hold them, so that the network that is kept is the one that was trained."""
    return values.astype(np.float16).astype(np.float32)
