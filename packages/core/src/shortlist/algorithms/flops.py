"""Floating-point operations of a transformer, from its shape and the lengths of what it reads and writes.

Matrix products only, 2 operations for each multiplication and addition: projections, feed-forward layers, and attention
over all positions, as it is computed where a mask hides some of them. Normalisation, activations, embeddings, poolers
and heads of one position are left out; together they are under 2 % of models of any use.

Two forms. `paper` is that of E2R-FLOPs (Peng et al. 2025, arXiv 2507.06223), as `src/utils/calculator.py` of its
authors computes it. Against the operations that the same authors measured it is 1.2 to 1.4 times too low: it counts two
matrices of a gated feed-forward layer, which has three, and divides attention by the number of query heads that share
keys, though sharing saves memory and no product of queries and keys. It also takes heads to be as wide as the model
together. `exact` mends all three. n tokens are the prompt's, m are written, d is the model's width, a that of its heads
together, L its layers; of the m tokens each is read again, the last too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.errors import InputError

Kind: TypeAlias = Literal["encoder", "decoder", "encoder-decoder"]
Mode: TypeAlias = Literal["paper", "exact"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a transformer's matrices.

    Attributes:
        kind: what it is made of.
        layers: of the encoder, or of a decoder alone.
        width: of the states between layers (d).
        ff: of the feed-forward layer.
        heads: of queries.
        vocab: tokens that it knows.
        kv_heads: of keys and values; 0 for as many as of queries.
        head_dim: of one head; 0 for an even share of the width.
        gated: whether the feed-forward layer has three matrices and not two.
        decoder_layers: of the decoder beside an encoder; 0 for as many as that has.
        relative: rows of the table of relative positions that are projected in each layer and met by every query and
            key, as in DeBERTa; 0 for other models.

    Raises:
        InputError: a size that is none, or query heads that cannot share keys evenly.
    """

    kind: Kind
    layers: int
    width: int
    ff: int
    heads: int
    vocab: int
    kv_heads: int = 0
    head_dim: int = 0
    gated: bool = False
    decoder_layers: int = 0
    relative: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("encoder", "decoder", "encoder-decoder"):
            raise InputError(f"kind is encoder, decoder or encoder-decoder, not {self.kind!r}")
        _check_sizes(self)
        both = self.kind == "encoder-decoder"
        object.__setattr__(self, "kv_heads", self.kv_heads or self.heads)
        object.__setattr__(self, "head_dim", self.head_dim or self.width // self.heads)
        object.__setattr__(self, "decoder_layers", (self.decoder_layers or self.layers) if both else 0)
        if self.heads % self.kv_heads:
            raise InputError(f"{self.heads} query heads cannot share {self.kv_heads} heads of keys evenly")

    @property
    def inner(self) -> int:
        """The width of all query heads together (a); not the model's own in T5 and Gemma."""
        return self.heads * self.head_dim

    @property
    def layer_weights(self) -> int:
        """Weights of a layer without cross-attention: queries and outputs, keys and values, feed-forward."""
        keys = self.kv_heads * self.head_dim
        return 2 * self.width * (self.inner + keys) + (3 if self.gated else 2) * self.width * self.ff


def flops(
    shape: Shape, prompt: int, output: int = 0, *, prefix: int = 0, logits: int = 0, mode: Mode = "exact"
) -> float:
    """Of one call.

    Args:
        shape: of the model.
        prompt: tokens that are read.
        output: tokens that are written; an encoder writes none, and none are counted for it.
        prefix: tokens at the prompt's beginning whose keys and values are there already; the others still attend to
            them. Only a decoder alone can use them: the states of an encoder depend on what follows.
        logits: numbers of the output head that are computed, positions times rows; the paper leaves the head out.
        mode: `paper` or `exact`.

    Raises:
        InputError: a negative length, or a prefix longer than the prompt.
    """
    if min(prompt, output, prefix, logits) < 0 or prefix > prompt:
        raise InputError("lengths are 0 or more, and a prefix is a part of its prompt")
    head = 2.0 * shape.width * logits
    if shape.kind == "encoder":
        return head + encoder_flops(shape, prompt, mode)
    if shape.kind == "decoder":
        return head + decoder_flops(shape, prompt, output, prefix, mode)
    return head + encoder_decoder_flops(shape, prompt, output, mode)


def flops_of_calls(
    shape: Shape, calls: int, prompt: int, output: int = 0, *, prefix: int = 0, mode: Mode = "exact"
) -> float:
    """Of calls of one length whose prompts begin with the same `prefix` tokens, which are computed once.

    Raises:
        InputError: a negative number, or a prefix longer than the prompt.
    """
    if calls < 0:
        raise InputError("calls are 0 or more")
    once = flops(shape, prefix, mode=mode) if calls and shape.kind == "decoder" else 0.0
    return once + calls * flops(shape, prompt, output, prefix=prefix, mode=mode)


def encoder_flops(shape: Shape, n: int, mode: Mode = "exact") -> float:
    """Of an encoder over n tokens: a cross-encoder, an embedder, or the first half of an encoder-decoder.

    paper: 2 N_e n + 4 L n^2 d with N_e = 2 d L (2 d + ff).
    exact: 2 P n + 4 L n^2 a with P = L (4 d a + g d ff), and g = 3 gated, 2 plain matrices.
    Relative positions (He et al. 2021, arXiv 2006.03654, eq. 4) add 4 L r a (n + d) for their r rows. In a batch they
    are projected once and not for each text.
    """
    width, inner, rows = shape.width, shape.inner, shape.relative
    if mode == "paper":
        weights = 2 * width * shape.layers * (2 * width + shape.ff)
        return float(2 * weights * n + 4 * shape.layers * n * n * width)
    positions = 4 * rows * inner * (n + width)
    return float(shape.layers * (2 * shape.layer_weights * n + 4 * n * n * inner + positions))


def decoder_flops(shape: Shape, n: int, m: int = 0, prefix: int = 0, mode: Mode = "exact") -> float:
    """Of a decoder that reads n tokens, the first `prefix` of them out of a cache, and writes m.

    paper: 2 N n + 4 L n^2 d / r, and 2 N m + (2 L d / r) (2 m n + m (m - 1)) for what is written, with
    N = 2 d L ((1 + 1/r) d + ff) and r query heads for each head of keys.
    exact: 2 P (n + m) + 4 L a n^2 + 4 L a (m n + m (m - 1) / 2) with P = L (2 d a + 2 d a / r + g d ff).
    With a prefix of p tokens, which the paper does not treat, n tokens through the weights are n - p, and n^2 pairs are
    (n - p) n.
    """
    width, layers = shape.width, shape.layers
    shared = shape.heads / shape.kv_heads
    pairs = (n - prefix) * n + m * n + m * (m - 1) / 2
    if mode == "paper":
        weights = 2 * width * layers * ((1 + 1 / shared) * width + shape.ff)
        return float(2 * weights * (n - prefix + m) + 4 * layers * width / shared * pairs)
    return float(layers * (2 * shape.layer_weights * (n - prefix + m) + 4 * shape.inner * pairs))


def encoder_decoder_flops(shape: Shape, n: int, m: int, mode: Mode = "exact") -> float:
    """Of an encoder that reads n tokens, and a decoder that attends to them and reads and writes m of its own.

    paper: the encoder, 4 L n d^2 for the keys and values of its states, and 2 N_d m + 2 L d (2 m n + m (m - 1)) with
    N_d = 2 d L (3 d + ff).
    exact: the encoder, 4 L n d a, and 2 P_d m + 4 L a (m n + m (m - 1) / 2) with P_d = L (6 d a + g d ff).
    """
    pairs = m * n + m * (m - 1) / 2
    if mode == "paper":
        width, layers = shape.width, shape.layers
        weights = 2 * width * layers * (3 * width + shape.ff)
        crossed = 4 * layers * n * width**2
        return encoder_flops(shape, n, mode) + crossed + 2 * weights * m + 4 * layers * width * pairs
    projected = 2 * shape.width * shape.inner
    each = 2 * projected * n + 2 * (shape.layer_weights + projected) * m + 4 * shape.inner * pairs
    return encoder_flops(shape, n, mode) + shape.decoder_layers * each


def _check_sizes(shape: Shape) -> None:
    needed = {name: getattr(shape, name) for name in ("layers", "width", "ff", "heads", "vocab")}
    others = {name: getattr(shape, name) for name in ("kv_heads", "head_dim", "decoder_layers", "relative")}
    for name, size in {**needed, **others}.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < (name in needed):
            raise InputError(f"{name} cannot be {size!r}")
    if not shape.head_dim and shape.width % shape.heads:
        raise InputError(f"{shape.heads} heads have no even share of {shape.width}")
