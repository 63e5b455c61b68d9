"""A passage: one piece of what a retriever found."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np

from shortlist.arrays import Matrix, Vector
from shortlist.errors import InputError


class _Nothing(Mapping[str, Any]):
    """An empty mapping that cannot be filled, and that pickles as itself (a MappingProxyType does not)."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __hash__(self) -> int:
        return 0  # a dataclass takes only hashable values as defaults

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Mapping[str, Any] = _Nothing()


@dataclass(frozen=True, init=False, eq=False)
class Passage:
    """A piece of retrieved text (or image), with what the retriever knew of it. Never mutated.

    Attributes:
        text: what is ranked and read.
        id: the retriever's name for it.
        score: the retriever's score, higher is better; None when there was none.
        embedding: a vector, shape (d,); None when the retriever carried none.
        document_id: the document that it was cut from.
        position: its place in that document, counted from 0.
        metadata: anything else; carried along and never read by a reranker unless its settings name a key.
        image: the bytes of an image, where the passage is one.
    """

    text: str
    id: str | None = None
    score: float | None = None
    embedding: Vector | Sequence[float] | None = None
    document_id: str | None = None
    position: int | None = None
    metadata: Mapping[str, Any] = NOTHING
    image: bytes | None = None

    def __init__(
        self,
        text: str,
        id: str | None = None,  # noqa: A002 - what everybody calls it
        score: float | None = None,
        embedding: Vector | Sequence[float] | None = None,
        document_id: str | None = None,
        position: int | None = None,
        metadata: Mapping[str, Any] = NOTHING,
        image: bytes | None = None,
    ) -> None:
        # A hundred are made for every query. The __init__ of a frozen dataclass, which goes through
        # object.__setattr__, takes two and a half times as long as this.
        fields = self.__dict__
        fields["text"] = text
        fields["id"] = id
        fields["score"] = score
        fields["embedding"] = embedding
        fields["document_id"] = document_id
        fields["position"] = position
        fields["metadata"] = metadata
        fields["image"] = image

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Passage) and self._values() == other._values() and self._same_vector(other)

    def __hash__(self) -> int:
        return hash((self.text, self.id, self.document_id, self.position))

    def __reduce__(self) -> tuple[type[Passage], tuple[Any, ...]]:
        fields = (self.text, self.id, self.score, self.embedding, self.document_id, self.position)
        return Passage, (*fields, dict(self.metadata), self.image)

    def _values(self) -> tuple[Any, ...]:
        fields = (self.text, self.id, self.score, self.document_id, self.position)
        return (*fields, dict(self.metadata), self.image)

    def _same_vector(self, other: Passage) -> bool:
        if self.embedding is None or other.embedding is None:
            return self.embedding is other.embedding
        return np.array_equal(self.embedding, other.embedding, equal_nan=True)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of what is set; images become base64 text."""
        # JSON has no NaN: a value that is not finite becomes null, and null reads as NaN.
        floats = None if self.embedding is None else map(float, self.embedding)
        vector = None if floats is None else [x if math.isfinite(x) else None for x in floats]
        image = None if self.image is None else base64.b64encode(self.image).decode()
        fields = {
            "text": self.text,
            "id": self.id,
            "score": None if self.score is None else float(self.score),
            "embedding": vector,
            "document_id": self.document_id,
            "position": None if self.position is None else int(self.position),
            "metadata": dict(self.metadata) or None,
            "image": image,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Passage:
        """The passage that `to_dict` wrote, or any mapping with a `text` and these names.

        Raises:
            InputError: there is no text, or a name that a passage does not have.
        """
        unknown = set(data) - set(cls.__dataclass_fields__)
        if "text" not in data or unknown:
            raise InputError(f"a passage needs 'text' and knows no {sorted(unknown)}")
        image = data.get("image")
        vector = data.get("embedding")
        try:
            read = {
                "metadata": data.get("metadata") or NOTHING,
                "embedding": None if vector is None else np.asarray(vector, dtype=np.float32),
                "image": base64.b64decode(image) if isinstance(image, str) else image,
            }
        except (ValueError, TypeError) as error:
            raise InputError(f"an embedding or image that is none: {error}") from error
        return cls(**{**data, **read})


_TEXT, _SCORE = attrgetter("text"), attrgetter("score")

PassageLike = Passage | str | Mapping[str, Any]


def as_passages(values: Iterable[PassageLike]) -> tuple[Passage, ...]:
    """Passages from passages, plain strings, or mappings, in the order given.

    Raises:
        InputError: something else is among them, or a text is not a string; the message says where.
    """
    if isinstance(values, (str, bytes, Mapping, Passage)) or not isinstance(values, Iterable):
        raise InputError(f"passages must be a sequence of passages, not a {type(values).__name__}")
    passages = tuple(values)
    if {*map(type, passages)} == {Passage} and {*map(type, map(_TEXT, passages))} == {str}:
        return passages  # type: ignore[return-value]
    return tuple(_as_passage(i, value) for i, value in enumerate(passages))


def _as_passage(index: int, value: object) -> Passage:
    passage = _coerced(value)
    if passage is None or not isinstance(passage.text, str):
        raise InputError(f"passage {index} has no text that is a string: {type(value).__name__}")
    return passage


_KINDS: Mapping[str, tuple[type, ...]] = {
    "id": (str, type(None)),
    "score": (float, int, type(None)),
    "document_id": (str, type(None)),
    "position": (int, type(None)),
    "metadata": (Mapping,),
}


def well_typed(passage: Passage) -> Passage:
    """The passage, when its fields are of the kinds that rerankers count on: JSON can hold any kind in any place.

    Raises:
        InputError: one is not.
    """
    for name, kinds in _KINDS.items():
        value = getattr(passage, name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise InputError(f"a passage's {name} cannot be {value!r:.80}")
    return passage


def _coerced(value: object) -> Passage | None:
    if isinstance(value, Passage):
        return value
    if isinstance(value, str):
        return Passage(value)
    return Passage.from_dict(value) if isinstance(value, Mapping) else None


def finite_scores(passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], int]:
    """The passages with scores that are not finite read as missing, and how many those were.

    Raises:
        InputError: a score is not a number.
    """
    # One sum says that all are finite; only when it is not are they looked at one by one.
    try:
        scores = [*map(_SCORE, passages)]
        if math.isfinite(sum(scores if None not in scores else (score for score in scores if score is not None))):
            return tuple(passages), 0
    except TypeError as error:
        raise InputError(f"a passage's score must be a number: {error}") from error
    bad = [i for i, p in enumerate(passages) if p.score is not None and not math.isfinite(p.score)]
    mended = list(passages)
    for i in bad:
        mended[i] = replace(passages[i], score=None)
    return tuple(mended), len(bad)


def well_formed(text: str) -> str:
    """The text with a question mark in the place of each half of a surrogate pair, which is no text to others."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def texts(passages: Iterable[Passage]) -> list[str]:
    """Their texts, in order."""
    return [passage.text for passage in passages]


def stored_embeddings(passages: Sequence[Passage]) -> Matrix | None:
    """The passages' own vectors as one (n, d) float32 array, or None.

    None when a passage has no vector, or one that is not a flat list of finite numbers, or when they differ in size:
    then only an embedder can answer.
    """
    vectors = [p.embedding for p in passages]
    if not vectors or any(v is None for v in vectors):
        return None
    try:
        matrix = np.asarray(vectors, dtype=np.float32)
    except (ValueError, TypeError):
        return None
    return matrix if matrix.ndim == 2 and matrix.shape[1] and np.isfinite(matrix).all() else None
