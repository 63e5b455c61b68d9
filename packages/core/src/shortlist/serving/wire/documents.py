"""A document of a request: a text, or an object that carries what rerankers can use beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    Tag,
)
from pydantic_core import PydanticCustomError

from shortlist.errors import InputError
from shortlist.passage import NOTHING, Passage

WIDEST = 65_536
"""Numbers in one embedding, at most."""
LONGEST = 512
"""Characters of a name, at most: reasons repeat the names of others, so that a reply may hold one many times over."""
DEEPEST = 32
"""Levels of metadata, at most: whatever writes it again goes down level by level."""

_LARGEST = 1e30  # the squares of larger numbers leave single precision, and no retriever gives any
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]


def _whole(value: object) -> object:
    """2.0 as 2: JSON has one kind of number, and some languages write every number so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return value
    raise PydanticCustomError("too_deep", "metadata may have {most} levels at most", {"most": DEEPEST})


def _within(value: Any) -> Iterable[Any]:
    """The objects and lists right below."""
    inner = value.values() if isinstance(value, dict) else value
    return (each for each in inner if isinstance(each, (dict, list)))


Metadata: TypeAlias = Annotated[dict[str, Any], AfterValidator(_shallow)]
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
    id: str | None = Field(None, description="The retriever's name for it.", max_length=LONGEST)
    score: Finite | None = Field(None, description="The retriever's score, higher is better.")
    embedding: list[Finite] | None = Field(
        None,
        fail_fast=True,
        description="A vector, of one size in all documents of a request that have one.",
        min_length=1,
        max_length=WIDEST,
    )
    document_id: str | None = Field(None, description="The document that it was cut from.", max_length=LONGEST)
    position: Place | None = Field(None, description="Its place in that document, from 0.")
    metadata: Metadata | None = Field(None, description="Anything else; read only where a pipeline names a key.")


def _kind(value: object) -> str:
    return "an object" if isinstance(value, (dict, Document)) else "a text"


TAGS = frozenset({"an object", "a text"})
"""Steps in the path of a fault that stand for a choice of shape, and are no part of the request."""

DocumentLike: TypeAlias = Annotated[
    Annotated[str, Tag("a text")] | Annotated[Document, Tag("an object")], Discriminator(_kind)
]
# A list of a million wrong items is one fault, not a million.
Documents: TypeAlias = Annotated[list[DocumentLike], FailFast()]


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
