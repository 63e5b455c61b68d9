"""The static embedder's weights: read from a folder, and used to turn texts into vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from shortlist.algorithms.static_embedding import embed_bags
from shortlist.errors import WeightsError
from shortlist.models.wordpiece import WordPiece

WEIGHTS = "static.npz"
VOCABULARY = "vocab.txt"


@dataclass(frozen=True, eq=False, slots=True)
class StaticWeights:
    """A vocabulary and a vector for each of its tokens.

    Attributes:
        vocabulary: the tokens, in the order of the rows.
        vectors: (vocabulary, d) int8.
        scales: (vocabulary,) what a row is multiplied by, its quantisation step.
        tokenizer: splits text into row numbers.
        digest: the first 16 hex digits of the SHA-256 of the two files.
    """

    vocabulary: tuple[str, ...]
    vectors: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    tokenizer: WordPiece
    digest: str


def load_static(folder: Path) -> StaticWeights:
    """Read the weights and the vocabulary in a folder.

    Raises:
        WeightsError: a file is missing or unreadable, or the two do not belong together.
    """
    try:
        vocabulary = tuple((folder / VOCABULARY).read_text(encoding="utf-8").splitlines())
        with (folder / WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            vectors, scales = arrays["vectors"], arrays["scales"]
        tokenizer = WordPiece(vocabulary)
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise WeightsError(f"no readable static embedder in {folder}: {error}") from error
    if vectors.dtype != np.int8 or vectors.shape[:1] != scales.shape or scales.shape != (len(vocabulary),):
        raise WeightsError(f"{folder}: {len(vocabulary)} tokens, vectors {vectors.shape}, scales {scales.shape}")
    return StaticWeights(vocabulary, vectors, scales, tokenizer, _digest(folder))


def encode(weights: StaticWeights, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """A unit vector for each text, (n, d), zero for a text without tokens; and how many tokens each has, (n,)."""
    tokens = [weights.tokenizer.encode(text) for text in texts]
    counts = np.fromiter(map(len, tokens), dtype=np.intp, count=len(tokens))
    return embed_bags(tokens, weights.vectors, weights.scales), counts


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in (VOCABULARY, WEIGHTS):
        total.update((folder / name).read_bytes())
    return total.hexdigest()[:16]
