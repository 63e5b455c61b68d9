"""`algorithms/graph_network.py` as a torch module, for training: batches of lists, padded to the longest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from shortlist.algorithms.graph_network import INITIAL_SCALE, GraphInputs, GraphSizes, mean_matrix


class GraphBatch(NamedTuple):
    """Lists of up to n passages.

    Attributes:
        query: shape (b, d).
        vectors: shape (b, n, d); padding is zeros.
        mixing: row i of a list takes the weighted mean over the neighbours of passage i, shape (b, n, n).
        present: which places hold a passage, shape (b, n).
    """

    query: Tensor
    vectors: Tensor
    mixing: Tensor
    present: Tensor


def collate(lists: Sequence[GraphInputs]) -> GraphBatch:
    """One batch of one or more lists."""
    n, width = max(map(len, lists)), lists[0].vectors.shape[1]
    vectors = np.zeros((len(lists), n, width), dtype=np.float32)
    mixing = np.zeros((len(lists), n, n), dtype=np.float32)
    present = np.zeros((len(lists), n), dtype=np.bool_)
    for i, each in enumerate(lists):
        size = len(each)
        vectors[i, :size], mixing[i, :size, :size], present[i, :size] = each.vectors, mean_matrix(each), True
    query = np.stack([each.query for each in lists]).astype(np.float32)
    return GraphBatch(*map(torch.from_numpy, (query, vectors, mixing, present)))


class GraphNetwork(nn.Module):
    """G-RAG's network. With a residual it starts as the cosine order: the last layer is zero before training."""

    def __init__(self, sizes: GraphSizes) -> None:
        super().__init__()
        self.sizes = sizes
        pairs = list(zip(sizes.widths, sizes.widths[1:], strict=False))
        self.own = nn.ModuleList(nn.Linear(*pair, bias=i < len(pairs) - 1) for i, pair in enumerate(pairs))
        self.others = nn.ModuleList(nn.Linear(*pair, bias=False) for pair in pairs if sizes.sage)
        if sizes.residual:
            self.scale = nn.Parameter(torch.full((1,), INITIAL_SCALE))
            for parameter in (*self.own[-1].parameters(), *(self.others[-1].parameters() if sizes.sage else ())):
                nn.init.zeros_(parameter)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Scores, shape (b, n); minus infinity where there is no passage."""
        states, last = batch.vectors, self.sizes.layers - 1
        for layer in range(last + 1):
            states = self._layer(layer, states, batch.mixing)
            if layer < last:
                states = dropout(torch.relu(states), self.sizes.dropout, self.training)
        if self.sizes.residual:
            states = states + self.scale * batch.vectors
        scores = torch.einsum("bd,bnd->bn", batch.query, states)
        return scores.masked_fill(~batch.present, float("-inf"))

    def _layer(self, layer: int, states: Tensor, mixing: Tensor) -> Tensor:
        own, means = self.own[layer], mixing @ states
        return cast(Tensor, own(states) + self.others[layer](means) if self.sizes.sage else own(states + means))
