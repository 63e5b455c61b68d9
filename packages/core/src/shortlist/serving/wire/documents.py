"""A document of a request: a text, or an object that carries what rerankers can use beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from shortlist.errors import InputError
from shortlist.passage import NOTHING, Passage

WIDEST = 65_536
"""Numbers in one embedding, at most."""

_LARGEST = 1e30  # the squares of larger numbers leave single precision, and no retriever gives any
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]


def _whole(value: object) -> object:
    """2.0 as 2: JSON has one kind of number, and some languages write every number so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_PLACE = Annotated[int, Field(ge=0, le=2**53)]
_COUNT = Annotated[int, Field(ge=1)]
Place: TypeAlias = Annotated[_PLACE, BeforeValidator(_whole, json_schema_input_type=_PLACE)]
Count: TypeAlias = Annotated[_COUNT, BeforeValidator(_whole, json_schema_input_type=_COUNT)]
NOT_EMPTY: dict[str, Any] = {"minItems": 1}
"""Said in the document of the interface; seen to by `check_size`, which has a status of its own for it."""


class Document(BaseModel):
    """A passage with what the retriever knew of it. Only the text is needed."""

    model_config = ConfigDict(strict=True, extra="ignore")

    text: str = Field(description="What is ranked and read.")
    id: str | None = Field(None, description="The retriever's name for it.")
    score: Finite | None = Field(None, description="The retriever's score, higher is better.")
    embedding: list[Finite] | None = Field(
        None,
        description="A vector, of one size in all documents of a request that have one.",
        min_length=1,
        max_length=WIDEST,
    )
    document_id: str | None = Field(None, description="The document that it was cut from.")
    position: Place | None = Field(None, description="Its place in that document, from 0.")
    metadata: dict[str, Any] | None = Field(None, description="Anything else; read only where a pipeline names a key.")


def _kind(value: object) -> str:
    return "an object" if isinstance(value, (dict, Document)) else "a text"


TAGS = frozenset({"an object", "a text"})
"""Steps in the path of a fault that stand for a choice of shape, and are no part of the request."""

DocumentLike: TypeAlias = Annotated[
    Annotated[str, Tag("a text")] | Annotated[Document, Tag("an object")], Discriminator(_kind)
]


def texts_of(documents: Sequence[str | Document]) -> list[str]:
    """What the documents say."""
    return [each if isinstance(each, str) else each.text for each in documents]


def passages_of(documents: Sequence[str | Document]) -> tuple[Passage, ...]:
    """The passages that a request gives, in its order.

    Raises:
        InputError: embeddings differ in size.
    """
    passages = tuple(map(_passage, documents))
    sizes = {len(each.embedding) for each in passages if each.embedding is not None}
    if len(sizes) > 1:
        raise InputError(f"embeddings of one size are needed, not of {sorted(sizes)}")
    return passages


def _passage(document: str | Document) -> Passage:
    if isinstance(document, str):
        return Passage(document)
    vector = None if document.embedding is None else np.asarray(document.embedding, dtype=np.float32)
    return Passage(
        document.text,
        document.id,
        document.score,
        vector,
        document.document_id,
        document.position,
        document.metadata or NOTHING,
    )
