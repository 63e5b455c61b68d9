"""The teacher of the static embedder: a transformer whose token states are averaged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

Array = npt.NDArray[np.float32]

LONGEST = 256
BUDGET = 1536
"""Tokens in a batch, padding included."""


class Teacher:
    """Reads texts in batches of like length; keeps what it has read in a folder, when given one."""

    def __init__(self, folder: Path, cache: Path | None) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self._model = AutoModel.from_pretrained(folder, use_safetensors=True).eval()
        self._cache = cache

    def embed(self, texts: Sequence[str]) -> Array:
        """Mean-pooled vectors, not normalised."""
        name = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
        path = self._cache / f"{name}.npy" if self._cache else None
        if path and path.exists():
            return np.load(path, allow_pickle=False)
        vectors = self._read([encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))])
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, vectors)
        return vectors

    def isolated(self, width: int) -> Array:
        """Each token's vector when it is read alone, `[CLS] token [SEP]`."""
        begin, end = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        return self._read([[begin, token, end] for token in range(width)])

    @torch.inference_mode()
    def _read(self, texts: Sequence[Sequence[int]]) -> Array:
        vectors = np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        for rows in batches([len(text) for text in texts]):
            ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(texts[row]) for row in rows], batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(texts[row])) for row in rows], batch_first=True)
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            vectors[rows] = (torch.einsum("btd,bt->bd", states, mask) / mask.sum(dim=1, keepdim=True)).numpy()
        return vectors


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows from short to long, as many together as the budget allows."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[row] * (len(batch) + 1) > BUDGET:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
