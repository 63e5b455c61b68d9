"""EBCAR's network to be trained: the torch form of `algorithms/ebcar.py`, with the same tensors by the same names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import relu, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence

from shortlist.algorithms.ebcar import EbcarInputs, EbcarSizes, places
from shortlist.arrays import Matrix

# Where a network begins: how much of those around it a state is given, how sharply they are told apart, and how much
# less than usual the feed-forward part says.
_BROUGHT, _ALIKE, _QUIET = 0.3, 0.5, 0.1


class EbcarBatch(NamedTuple):
    """Lists of passages, padded to one length.

    Attributes:
        query: shape (b, d).
        vectors: shape (b, n, d).
        documents: which passages of a list share one, from 0 on, shape (b, n); -1 in the padding.
        positions: the place in the document, shape (b, n); -1 where it is not known.
        present: False in the padding, shape (b, n).
    """

    query: torch.Tensor
    vectors: torch.Tensor
    documents: torch.Tensor
    positions: torch.Tensor
    present: torch.Tensor


def collate(inputs: Sequence[EbcarInputs]) -> EbcarBatch:
    """The lists as one batch."""
    return EbcarBatch(
        query=torch.from_numpy(np.stack([each.query for each in inputs])),
        vectors=_padded([each.vectors for each in inputs], 0.0),
        documents=_padded([each.documents for each in inputs], -1),
        positions=_padded([each.positions for each in inputs], -1),
        present=_padded([np.ones(len(each.vectors), dtype=np.bool_) for each in inputs], 0),
    )


def relabelled(batch: EbcarBatch, generator: torch.Generator, rows: int) -> EbcarBatch:
    """The batch with documents renumbered at random in each list, for training; `rows` is `EbcarSizes.documents`.

    Numbers in the order of first appearance tell the rank that a retriever gave, and leave the last rows of the table
    untrained. Documents of a list get distinct rows; where there are more than rows, those left over get none.
    """
    known = batch.documents.clamp(min=0)
    labels = (known.max(dim=1, keepdim=True).values + 1).clamp(min=rows)
    draws = torch.rand(len(known), int(labels.max()), generator=generator)
    draws[torch.arange(draws.shape[1]) >= labels] = 2.0  # behind all those of the list
    renamed = draws.argsort(dim=1).gather(1, known)
    return batch._replace(documents=torch.where(batch.documents < 0, batch.documents, renamed))


class EbcarNetwork(nn.Module):
    """A batch to its scores, shape (b, n); minus infinity in the padding."""

    places: torch.Tensor

    def __init__(self, sizes: EbcarSizes) -> None:
        super().__init__()
        self.sizes = sizes
        if sizes.use_documents:
            self.documents = nn.Embedding(sizes.documents, sizes.width)
            nn.init.normal_(self.documents.weight, std=0.02)
        if sizes.use_positions:
            table = torch.tensor(places(sizes))
            self.register_buffer("places", table, persistent=False)
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.layers))

    def forward(self, batch: EbcarBatch) -> torch.Tensor:
        """X = [q; p + document + place] through the layers; s = q . p."""
        states = torch.cat([batch.query[:, None], self._placed(batch)], dim=1)
        present = nn.functional.pad(batch.present, (1, 0), value=True)[:, None]
        masks = {"shared": present.expand(-1, states.shape[1], -1), "dedicated": dedicated(batch.documents) & present}
        for layer in self.layers:
            states = layer(states, masks)
        scores = (states[:, 1:] @ batch.query[:, :, None])[..., 0]
        return scores.masked_fill(~batch.present, float("-inf"))

    def _placed(self, batch: EbcarBatch) -> torch.Tensor:
        passages = batch.vectors
        if self.sizes.use_documents:
            ids, rows = batch.documents, self.sizes.documents
            has_row = ((ids >= 0) & (ids < rows))[..., None]
            passages = passages + self.documents(ids.clamp(0, rows - 1)) * has_row
        if self.sizes.use_positions:
            ids, rows = batch.positions, self.sizes.positions
            passages = passages + self.places[torch.where((ids >= 0) & (ids < rows), ids, rows)]
        return passages


def dedicated(documents: torch.Tensor) -> torch.Tensor:
    """What each row of the dedicated attention sees: `dedicated_mask` of a batch, shape (b, n + 1, n + 1)."""
    owners = nn.functional.pad(documents, (1, 0), value=-1)
    sees = owners[:, :, None] == owners[:, None]
    sees[:, :, 0] = True
    sees[:, 0] = True
    return sees


class _Layer(nn.Module):
    """Pre-norm: x + Drop(Shared(LN x) + Dedicated(LN x)), then x + Drop(FFN(LN x))."""

    def __init__(self, sizes: EbcarSizes) -> None:
        super().__init__()
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        self.attentions = sizes.attentions
        for name in sizes.attentions:
            self.add_module(name, _Attention(sizes))
        self.expand = nn.Linear(sizes.width, sizes.feedforward)
        self.contract = nn.Linear(sizes.feedforward, sizes.width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, states: torch.Tensor, masks: dict[str, torch.Tensor]) -> torch.Tensor:
        read = self.attention_norm(states)
        brought = [self.get_submodule(name)(read, masks[name]) for name in self.attentions]
        states = states + self.dropout(torch.stack(brought).sum(dim=0))
        hidden = relu(self.expand(self.feedforward_norm(states)))
        changed: torch.Tensor = states + self.dropout(self.contract(hidden))
        return changed


class _Attention(nn.Module):
    """Multi-head attention whose heads need not fill the width."""

    def __init__(self, sizes: EbcarSizes) -> None:
        super().__init__()
        inner = sizes.heads * sizes.head_size
        self.heads = sizes.heads
        self.qkv = nn.Linear(sizes.width, 3 * inner)
        self.out = nn.Linear(inner, sizes.width)

    def begin_along(self, directions: torch.Tensor, brought: float) -> None:
        """Queries, keys and values along these directions, and back; shape (heads * size, width)."""
        self.qkv.weight.copy_(torch.cat([_ALIKE * directions, _ALIKE * directions, directions]))
        self.out.weight.copy_(brought * directions.T)
        for map_ in (self.qkv, self.out):
            map_.bias.zero_()

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        split = self.qkv(states).unflatten(-1, (3, self.heads, -1))  # (b, n, 3, heads, size)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(queries, keys, values, attn_mask=mask[:, None])
        brought: torch.Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return brought


@torch.no_grad()
def begin_at_vectors(network: EbcarNetwork, vectors: Matrix) -> None:
    """Put an untrained network near the order of the embedder: of our own making, the paper does not say how to begin.

    A random network of so few lists never finds back to what the embedder knew. Here queries, keys and values of each
    attention begin as the vectors' largest principal directions, dealt out over the heads, and the way out leads back
    along them: each state begins as itself with a little of those that are like it and that it may see.

    Args:
        network: changed in place.
        vectors: of passages, shape (m, d).
    """
    inner = network.sizes.heads * network.sizes.head_size
    directions = torch.from_numpy(np.linalg.svd(vectors, full_matrices=False)[2][:inner])
    dealt = directions[torch.arange(inner).reshape(-1, network.sizes.heads).T.flatten() % len(directions)]
    brought = _BROUGHT / len(network.layers) / network.sizes.width**0.5
    for module in network.modules():
        if isinstance(module, _Attention):
            module.begin_along(dealt, brought)
        elif isinstance(module, _Layer):
            module.contract.weight.mul_(_QUIET)
            module.contract.bias.zero_()


def _padded(rows: Sequence[Any], value: float) -> torch.Tensor:
    return pad_sequence([torch.from_numpy(np.asarray(row)) for row in rows], batch_first=True, padding_value=value)
