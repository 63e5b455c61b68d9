"""Cross-encoders and embedders on ONNX Runtime: a catalogue name, a local folder, or a hub id."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.arrays import Vector
from shortlist.errors import InputError, ShortlistError, require
from shortlist.models.base import Embedder, Pair, PairScorer, Text, as_logit
from shortlist.models.onnx_engine import Engine, EngineSettings, engine
from shortlist.models.weights import check, digest, locate, read_settings
from shortlist.plan import Call, Reply

Precision: TypeAlias = Literal["int8", "fp32"]


@dataclass(frozen=True)
class OnnxCrossEncoder(PairScorer):
    """A sequence classifier with one logit, or two of which the second is "relevant".

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors or ONNX, or a hub id.
        precision: `int8` for speed, `fp32` for the exact network; an ONNX file without safetensors runs as it is.
        max_length: tokens a pair may have, the longer side cut first; None for what the model was made for.
        budget: tokens in a batch, padding included.
        threads: batches at the same time; 0 for one on each core.
    """

    weights: str
    precision: Precision = "int8"
    max_length: int | None = None
    budget: int = 512
    threads: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def fingerprint(self) -> str:
        """Weights, precision and length."""
        return f"onnx-cross-encoder:{digest(locate(self.weights))}:{self.precision}:{self.max_length}"

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    def warm_up(self) -> None:
        """Load tokenizer and graph."""
        engine(_settings(self, "classify"))

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float] | ShortlistError]:
        """One logit a pair."""
        runner = engine(_settings(self, "classify"))
        return [as_logit(reply) for reply in runner.run([(pair.query, pair.text) for pair in payloads], call)]


@dataclass(frozen=True)
class OnnxEmbedder(Embedder):
    """A text encoder; pooling and prefixes are read from the folder's sentence-transformers files.

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors or ONNX, or a hub id.
        precision: `fp32` for the exact network, `int8` for speed; an ONNX file without safetensors runs as it is.
        max_length: tokens a text may have; None for what the model was made for.
        query_prefix: text before a query; None for what the folder says.
        passage_prefix: text before a passage; None for what the folder says.
        budget: tokens in a batch, padding included.
        threads: batches at the same time; 0 for one on each core.
    """

    weights: str
    precision: Precision = "fp32"
    max_length: int | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    budget: int = 512
    threads: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def fingerprint(self) -> str:
        """Weights, precision, length and prefixes."""
        settings = (self.precision, self.max_length, self.query_prefix, self.passage_prefix)
        return f"onnx-embedder:{digest(locate(self.weights))}:{settings}"

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    def warm_up(self) -> None:
        """Load tokenizer and graph."""
        self._engine()

    def _engine(self) -> Engine:
        first = read_settings(locate(self.weights)).first_token
        return engine(_settings(self, "first" if first else "mean"))

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """One unit vector a text."""
        runner = self._engine()
        replies = runner.run([self._prefixed(payload, runner) for payload in payloads], call)
        return list(replies)

    def _prefixed(self, payload: Text, runner: Engine) -> str:
        query = runner.folder.query_prefix if self.query_prefix is None else self.query_prefix
        passage = runner.folder.passage_prefix if self.passage_prefix is None else self.passage_prefix
        return (query if payload.role == "query" else passage) + payload.text


def _check(model: OnnxCrossEncoder | OnnxEmbedder) -> None:
    require("onnx", "onnxruntime", "tokenizers", "onnx", "safetensors")
    check(model.weights)
    if model.precision not in ("int8", "fp32"):
        raise InputError(f"precision is int8 or fp32, not {model.precision!r}")
    if model.budget <= 0 or model.threads < 0 or (model.max_length is not None and model.max_length < 8):
        raise InputError("budget must be above 0, threads 0 or more, and max_length 8 or more")


def _settings(model: OnnxCrossEncoder | OnnxEmbedder, head: str) -> EngineSettings:
    folder, threads = locate(model.weights), model.threads or _cores()
    return EngineSettings(folder, head, model.precision, model.max_length, model.budget, threads)


def _cores() -> int:
    """Cores that this process may use, where the system says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
