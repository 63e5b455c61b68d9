"""HybRank's network in torch, for training; `algorithms/hybrank.py` says what it is and reranks without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.algorithms.collaborative import NOISE
from shortlist.algorithms.hybrank import EPSILON, SHARPNESS, HybridInputs, HybridSizes, check_places

# BERT's initialisation, of the places. It is for models hundreds of values wide: in a matrix of a network this small it
# leaves attention so even, and the query's row so like the others, that hundreds of lists do not move it.
_SPREAD = 0.02


class HybridBatch(NamedTuple):
    """Lists of one batch, padded.

    Attributes:
        similarities: to the anchors, lexical then dense, raw, the query first: shape (b, 2, 1 + n, a), float64.
        present: which passages are there, shape (b, n).
        anchors: which anchors are there, shape (b, a).
    """

    similarities: Tensor
    present: Tensor
    anchors: Tensor


def collate(lists: Sequence[HybridInputs]) -> HybridBatch:
    """A batch of lists, as long and as wide as the largest."""
    rows, width = max(map(len, lists)), max(len(each.dense_query) for each in lists)
    similarities = np.zeros((len(lists), 2, 1 + rows, width))
    present, anchors = np.zeros((len(lists), rows), dtype=bool), np.zeros((len(lists), width), dtype=bool)
    for index, each in enumerate(lists):
        n, a = each.dense.shape
        similarities[index, 0, : 1 + n, :a] = np.vstack([each.lexical_query, each.lexical])
        similarities[index, 1, : 1 + n, :a] = np.vstack([each.dense_query, each.dense])
        present[index, :n], anchors[index, :a] = True, True
    return HybridBatch(torch.from_numpy(similarities), torch.from_numpy(present), torch.from_numpy(anchors))


class HybridNetwork(nn.Module):
    """Scores of the passages of each list, shape (b, n); those of padding are minus infinity."""

    def __init__(self, sizes: HybridSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.channels = nn.Linear(2, sizes.hidden)
        self.columns = _Axis(sizes, sizes.column_layers, sizes.positions or 2)
        self.rows = _Axis(sizes, sizes.row_layers, sizes.positions)
        # The bound of He's uniform rule for a tensor of shape (1, 1, hidden), as the reference has it.
        bound = (6.0 / sizes.hidden) ** 0.5
        self.cls = nn.Parameter(torch.empty(sizes.hidden).uniform_(-bound, bound))

    def forward(self, batch: HybridBatch) -> Tensor:
        """Scores from similarities.

        Raises:
            ValueError: there are more texts or anchors than places in the tables.
        """
        lists, _, rows, anchors = batch.similarities.shape
        check_places(self.sizes, rows, anchors)
        x = self.channels(self._scaled(batch).permute(0, 3, 2, 1)).flatten(0, 1)
        x = self.columns(x, _with_first(batch.present).repeat_interleave(anchors, 0))
        x = x.unflatten(0, (lists, anchors)).transpose(1, 2).flatten(0, 1)
        x = torch.cat([self.cls.expand(len(x), 1, -1), x], dim=1)
        x = self.rows(x, _with_first(batch.anchors).repeat_interleave(rows, 0), first=True)
        vectors = functional.normalize(x.unflatten(0, (lists, rows)), dim=-1)
        scores = (vectors[:, 1:] * vectors[:, :1]).sum(dim=-1) * SHARPNESS
        return scores.masked_fill(~batch.present, -torch.inf)

    def _scaled(self, batch: HybridBatch) -> Tensor:
        """Softmax over the anchors, then minimum to -1 and maximum to 1; a constant row is 0, and so is padding."""
        temperatures = (self.sizes.lexical_temperature, self.sizes.dense_temperature)
        divisors = batch.similarities.new_tensor(temperatures)[:, None, None]
        absent = ~batch.anchors[:, None, None, :]
        shares = (batch.similarities / divisors).masked_fill(absent, -torch.inf).softmax(dim=-1)
        low, high = shares.masked_fill(absent, torch.inf).amin(-1, keepdim=True), shares.amax(-1, keepdim=True)
        constant = high - low <= NOISE * high
        mapped = 2.0 * (shares - low) / (high - low).masked_fill(constant, 1.0) - 1.0
        return mapped.masked_fill(constant | absent, 0.0).float()


class _Axis(nn.Module):
    """BERT over sequences of tokens (s, m, hidden); with `first`, no more than the first token of each (s, hidden)."""

    def __init__(self, sizes: HybridSizes, layers: int, places: int) -> None:
        super().__init__()
        spread = _SPREAD if sizes.positions else 1.0  # two rows that say no more than which one is the query's
        self.places = nn.Parameter(torch.empty(places, sizes.hidden).normal_(std=spread)) if places else None
        self.norm = nn.LayerNorm(sizes.hidden, EPSILON)
        self.dropout = nn.Dropout(sizes.dropout)
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(layers))

    def forward(self, x: Tensor, present: Tensor, *, first: bool = False) -> Tensor:
        if self.places is not None:
            x = x + self.places[torch.arange(x.shape[1]).clamp(max=len(self.places) - 1)]
        x = self.dropout(self.norm(x))
        for index, layer in enumerate(self.layers, 1):
            x = layer(x, present, first=first and index == len(self.layers))
        return x[:, 0] if first else x


class _Layer(nn.Module):
    """Attention to the tokens that are present, then a map of each, a norm after both."""

    def __init__(self, sizes: HybridSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.attend = _linear(sizes.hidden, 3 * sizes.hidden)
        self.mix = _linear(sizes.hidden, sizes.hidden)
        self.mix_norm = nn.LayerNorm(sizes.hidden, EPSILON)
        self.expand = _linear(sizes.hidden, sizes.feedforward)
        self.contract = _linear(sizes.feedforward, sizes.hidden)
        self.contract_norm = nn.LayerNorm(sizes.hidden, EPSILON)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, x: Tensor, present: Tensor, *, first: bool) -> Tensor:
        queries, keys, values = self.attend(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if first:
            x, queries = x[:, :1], queries[:, :, :1]
        left_out = self.dropout.p if self.training else 0.0
        mask = present[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(queries, keys, values, mask, left_out)
        x = self.mix_norm(x + self.dropout(self.mix(mixed.transpose(1, 2).flatten(2))))
        expanded = functional.gelu(self.expand(x), approximate="tanh")
        out: Tensor = self.contract_norm(x + self.dropout(self.contract(expanded)))
        return out


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _with_first(present: Tensor) -> Tensor:
    """The same with one more in front, which is there: the query, or the CLS token."""
    return functional.pad(present, (1, 0), value=True)
