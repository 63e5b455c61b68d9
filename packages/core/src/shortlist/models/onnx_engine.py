"""Texts through an encoder on ONNX Runtime: tokenised once, packed by token budget, one-thread runs side by side."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortlist.algorithms.flops import flops
from shortlist.algorithms.packing import pack
from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Ints, Matrix, Vector
from shortlist.errors import ModelTimeout, WeightsError
from shortlist.models.shapes import shape_of
from shortlist.models.weights import FolderSettings, read_settings
from shortlist.passage import well_formed
from shortlist.plan import Call, Reply

# How many texts are tokenised at a time: an encoding is a hundred times as large as its token ids.
_TOKENISED = 256
# A text is cut to this many characters a token before it is tokenised, so that a text of megabytes costs what one of
# the model's length costs. No token of a real vocabulary is as long.
_CHARACTERS = 64
# A protobuf message cannot be 2 GiB; the weights of a larger model go beside the graph. Some room for the graph itself.
_LARGEST_MESSAGE = 2**31 - 2**24

Input = str | tuple[str, str]


class Encoded(NamedTuple):
    """A text as the model reads it."""

    ids: NDArray[np.int32]
    types: NDArray[np.int32]
    truncated: bool


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What makes one engine differ from another.

    Attributes:
        folder: of the weights.
        head: `classify`, `mean` or `first`.
        precision: `int8` or `fp32`.
        max_length: tokens; None for what the folder says.
        budget: tokens in a batch, padding included.
        threads: batches that run at the same time.
    """

    folder: Path
    head: str
    precision: str
    max_length: int | None
    budget: int
    threads: int


class Engine:
    """A session, a tokenizer, and the threads that run batches."""

    def __init__(self, settings: EngineSettings) -> None:
        """Load tokenizer and graph.

        Raises:
            WeightsError: the folder is not that of a model this can run.
        """
        self.settings = settings
        self.folder: FolderSettings = read_settings(settings.folder)
        self.max_length = min(self.folder.max_length, settings.max_length or self.folder.max_length)
        self._shape = shape_of(self.folder.config)
        self._tokenizer = _tokenizer(settings.folder, self.max_length)
        self._session = _session(settings)
        self._inputs = {each.name for each in self._session.get_inputs()}
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="shortlist-onnx")

    def run(self, texts: Sequence[Input], call: Call) -> list[Reply[Vector] | ModelTimeout]:
        """The output row of each text; texts not reached when the call was over have a timeout in their place."""
        encoded = list(self._encoded(texts))
        replies: list[Reply[Vector] | ModelTimeout] = [ModelTimeout("stopped between two batches")] * len(texts)
        batches = pack([len(each.ids) for each in encoded], self.settings.budget)
        outputs = self._pool.map(partial(self._output, encoded, call), batches)
        for batch, rows in zip(batches, outputs, strict=True):
            if rows is not None:
                call.batches += 1
                for index, row in zip(batch, rows, strict=True):
                    replies[index] = self._reply(encoded[index], row)
        return replies

    def _encoded(self, texts: Sequence[Input]) -> Iterator[Encoded]:
        for start in range(0, len(texts), _TOKENISED):
            chunk = [self._cut(text) for text in texts[start : start + _TOKENISED]]
            encodings = self._tokenizer.encode_batch_fast([text for text, _ in chunk])
            for encoding, (_, cut) in zip(encodings, chunk, strict=True):
                ids, types = np.array(encoding.ids, np.int32), np.array(encoding.type_ids, np.int32)
                yield Encoded(ids, types, cut or bool(encoding.overflowing))

    def _cut(self, text: Input) -> tuple[Input, bool]:
        if isinstance(text, str):
            return cut_to(text, _CHARACTERS * self.max_length)
        (query, q), (passage, p) = (cut_to(each, _CHARACTERS * self.max_length) for each in text)
        return (query, passage), q or p

    def _output(self, encoded: Sequence[Encoded], call: Call, batch: Sequence[int]) -> Matrix | None:
        if call.over:
            return None
        feed = self._feed([encoded[i] for i in batch])
        rows = self._session.run(None, feed)[0]
        return rows if rows.ndim == 2 else self._pooled(rows, feed["attention_mask"])

    def _pooled(self, states: NDArray[np.float32], mask: Ints) -> Matrix:
        """Unit vectors from token states (b, s, d), for exported graphs that leave the pooling to the caller."""
        if self.settings.head == "first":
            return unit_rows(states[:, 0])
        weights = mask[:, :, None].astype(np.float32)
        return unit_rows((states * weights).sum(axis=1))  # a sum and a mean point the same way

    def _feed(self, batch: Sequence[Encoded]) -> dict[str, Ints]:
        shape = (len(batch), max(len(each.ids) for each in batch))
        ids, mask, types = (np.zeros(shape, np.int64) for _ in range(3))
        for row, each in enumerate(batch):
            ids[row, : len(each.ids)] = each.ids
            mask[row, : len(each.ids)] = 1
            types[row, : len(each.types)] = each.types
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return {name: array for name, array in feed.items() if name in self._inputs}

    def _reply(self, encoded: Encoded, row: Vector) -> Reply[Vector]:
        size = len(encoded.ids)
        return Reply(row, size, 0, encoded.truncated, None if self._shape is None else flops(self._shape, size))


def cut_to(text: str, limit: int) -> tuple[str, bool]:
    """The text, or what fits of it when it is longer; runs of white space count as one.

    Half a surrogate pair becomes a question mark: a tokenizer would refuse the whole batch for it.
    """
    text = well_formed(text)
    if len(text) <= limit:
        return text, False
    closed = " ".join(text.split())
    return closed[:limit], len(closed) > limit


_lock = threading.Lock()


def engine(settings: EngineSettings) -> Engine:
    """The engine with these settings; one for the whole process, however many models ask."""
    with _lock:
        return _engine(settings)


@lru_cache(maxsize=8)
def _engine(settings: EngineSettings) -> Engine:
    return Engine(settings)


# The child of a fork has none of its parent's threads: what it inherits of an engine would wait for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_engine.cache_clear)


def _tokenizer(folder: Path, max_length: int) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.exists():
        raise WeightsError(f"{folder.name} has no tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    # Set once, here: setting them on a tokenizer that other threads use is what "Already borrowed" comes from.
    tokenizer.enable_truncation(max_length)
    tokenizer.no_padding()
    return tokenizer


def _session(settings: EngineSettings) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread a batch and many batches beat many threads a batch: no barrier after each matrix product.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    start = partial(onnxruntime.InferenceSession, sess_options=options, providers=["CPUExecutionProvider"])
    if any(settings.folder.glob("model*.safetensors")):
        return _start_built(settings, start)
    exported = [path for path in (settings.folder / "model.onnx", settings.folder / "onnx/model.onnx") if path.exists()]
    if not exported:
        raise WeightsError(f"{settings.folder.name} has neither model.safetensors nor model.onnx")
    return start(str(exported[0]))


def _start_built(settings: EngineSettings, start: Callable[[bytes | str], Any]) -> Any:
    """A session over our own graph, which an exported one is slower than."""
    import onnx

    from shortlist.nets.encoder_graph import Head, build_encoder
    from shortlist.nets.quantise import quantise

    model = build_encoder(settings.folder, Head(settings.head))
    model = quantise(model) if settings.precision == "int8" else model
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < _LARGEST_MESSAGE:
        return start(model.SerializeToString())
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, Path(folder) / "model.onnx", save_as_external_data=True)
        return start(str(Path(folder) / "model.onnx"))
