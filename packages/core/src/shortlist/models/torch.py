"""Cross-encoders and embedders on torch and transformers: for a GPU, or where no ONNX graph is built here."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from shortlist.algorithms.flops import flops
from shortlist.algorithms.packing import pack
from shortlist.arrays import Matrix, Vector
from shortlist.errors import InputError, ModelTimeout, ShortlistError, require
from shortlist.models.base import Embedder, Pair, PairScorer, Text, as_logit
from shortlist.models.onnx_engine import cut_to
from shortlist.models.shapes import shape_of
from shortlist.models.weights import check, digest, locate, read_settings
from shortlist.plan import Call, Reply

Input: TypeAlias = str | tuple[str, str]
_CHARACTERS = 64  # a token at most, see onnx_engine


@dataclass(frozen=True)
class TorchCrossEncoder(PairScorer):
    """`AutoModelForSequenceClassification` with one logit, or two of which the second is "relevant".

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors, or a hub id.
        device: as torch names it; None for a GPU where there is one.
        dtype: `float32`, `bfloat16` or `float16`.
        max_length: tokens a pair may have, the longer side cut first; None for what the model was made for.
        budget: tokens in a batch, padding included; None for 1,024 on a CPU and 65,536 elsewhere.
    """

    weights: str
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    max_length: int | None = None
    budget: int | None = None

    def __post_init__(self) -> None:
        check_torch(self.weights, self.dtype)

    @property
    def fingerprint(self) -> str:
        """Weights, number format and length."""
        return f"torch-cross-encoder:{digest(locate(self.weights))}:{self.dtype}:{self.max_length}"

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    def warm_up(self) -> None:
        """Load tokenizer and module."""
        _engine(self)

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float] | ShortlistError]:
        """One logit a pair."""
        return [as_logit(reply) for reply in _engine(self).run([(pair.query, pair.text) for pair in payloads], call)]


@dataclass(frozen=True)
class TorchEmbedder(Embedder):
    """`AutoModel` with the pooling and prefixes that the folder's sentence-transformers files say.

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors, or a hub id.
        device: as torch names it; None for a GPU where there is one.
        dtype: `float32`, `bfloat16` or `float16`.
        max_length: tokens a text may have; None for what the model was made for.
        query_prefix: text before a query; None for what the folder says.
        passage_prefix: text before a passage; None for what the folder says.
        budget: tokens in a batch, padding included; None for 1,024 on a CPU and 65,536 elsewhere.
    """

    weights: str
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    max_length: int | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    budget: int | None = None

    def __post_init__(self) -> None:
        check_torch(self.weights, self.dtype)

    @property
    def fingerprint(self) -> str:
        """Weights, number format, length and prefixes."""
        settings = (self.dtype, self.max_length, self.query_prefix, self.passage_prefix)
        return f"torch-embedder:{digest(locate(self.weights))}:{settings}"

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    def warm_up(self) -> None:
        """Load tokenizer and module."""
        _engine(self)

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """One unit vector a text."""
        settings = read_settings(locate(self.weights))
        query = settings.query_prefix if self.query_prefix is None else self.query_prefix
        passage = settings.passage_prefix if self.passage_prefix is None else self.passage_prefix
        texts = [(query if payload.role == "query" else passage) + payload.text for payload in payloads]
        return list(_engine(self).run(texts, call))


TorchModel: TypeAlias = TorchCrossEncoder | TorchEmbedder


class _Engine:
    """A tokenizer and a module on a device."""

    def __init__(self, model: TorchModel, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

        settings = read_settings(folder)
        self.shape = shape_of(settings.config)
        self.pooling = None if isinstance(model, TorchCrossEncoder) else settings.first_token
        self.max_length = min(settings.max_length, model.max_length or settings.max_length)
        self.device = model.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.budget = model.budget or (1_024 if self.device == "cpu" else 65_536)
        kind = AutoModel if self.pooling is not None else AutoModelForSequenceClassification
        options: dict[str, Any] = {"dtype": getattr(torch, model.dtype), "use_safetensors": True}
        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        loaded: Any = kind.from_pretrained(folder, trust_remote_code=False, **options)
        self.module = loaded.eval().to(self.device)
        # One pass at a time: a Hugging Face fast tokenizer keeps its padding and truncation as state.
        self._lock = threading.Lock()

    def run(self, texts: Sequence[Input], call: Call) -> list[Reply[Vector] | ModelTimeout]:
        """The output row of each text; texts not reached when the call was over have a timeout in their place."""
        with self._lock:
            encoded = list(self._encoded(texts))
            replies: list[Reply[Vector] | ModelTimeout] = [ModelTimeout("stopped between two batches")] * len(texts)
            for batch in pack([len(ids["input_ids"]) for ids, _ in encoded], self.budget):
                if call.over:
                    break
                call.batches += 1
                for index, row in zip(batch, self._rows([encoded[i][0] for i in batch]), strict=True):
                    ids, truncated = encoded[index]
                    replies[index] = self._reply(row, len(ids["input_ids"]), truncated=truncated)
            return replies

    def _encoded(self, texts: Sequence[Input]) -> Iterator[tuple[dict[str, list[int]], bool]]:
        """Token ids (and what else the model reads) of each text, and whether it was cut."""
        limit = _CHARACTERS * self.max_length
        for text in texts:
            parts = [cut_to(part, limit) for part in ((text,) if isinstance(text, str) else text)]
            cut = parts[0][0] if isinstance(text, str) else (parts[0][0], parts[1][0])
            # In a list, so that an empty passage is still the second text of a pair.
            whole = self.tokenizer([cut], truncation=False, verbose=False)
            long = len(whole["input_ids"][0]) > self.max_length
            kept = self.tokenizer([cut], truncation=True, max_length=self.max_length) if long else whole
            yield {name: rows[0] for name, rows in kept.items()}, long or any(short for _, short in parts)

    def _reply(self, row: Vector, size: int, *, truncated: bool) -> Reply[Vector]:
        return Reply(row, size, 0, truncated, None if self.shape is None else flops(self.shape, size))

    def _rows(self, batch: Sequence[dict[str, list[int]]]) -> Matrix:
        import torch

        padded = self.tokenizer.pad(list(batch), return_tensors="pt").to(self.device)
        with torch.inference_mode():
            output = self.module(**padded)
            rows = output.logits if self.pooling is None else self._pooled(output.last_hidden_state, padded)
        return np.asarray(rows.float().cpu().numpy())

    def _pooled(self, states: Any, padded: Any) -> Any:
        import torch

        mask = padded["attention_mask"].unsqueeze(-1)
        vectors = states[:, 0] if self.pooling else (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(vectors.float(), dim=-1)


_lock = threading.Lock()


def _engine(model: TorchModel) -> _Engine:
    with _lock:
        return _loaded(model, locate(model.weights))


@lru_cache(maxsize=4)
def _loaded(model: TorchModel, folder: Path) -> _Engine:
    return _Engine(model, folder)


def check_torch(weights: str, dtype: str) -> None:
    """See that what a model on torch needs is installed, and that its weights and number format can be.

    Raises:
        MissingExtra: torch or transformers is not installed.
        InputError: no such number format, or the weights are named by nothing that can be.
    """
    require("torch", "torch", "transformers", "safetensors")
    check(weights)
    if dtype not in ("float32", "bfloat16", "float16"):
        raise InputError(f"dtype is float32, bfloat16 or float16, not {dtype!r}")
