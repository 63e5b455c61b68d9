"""What a request asks for, whatever shape it came in, and the fields that are ours in every shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.serving.settings import ServingSettings

Include: TypeAlias = Literal["reasons", "dropped", "usage", "trace"]
_MOST = 256  # settings of one request: no pipeline has as many, and each wrong one is told of


def _few(value: Any) -> Any:
    if isinstance(value, dict) and len(value) > _MOST:
        raise PydanticCustomError("too_many", "there may be {most} settings at most", {"most": _MOST})
    return value


Values: TypeAlias = dict[str, bool | int | float | str | None]
Settings: TypeAlias = Annotated[Values, BeforeValidator(_few, json_schema_input_type=Values)]
"""Knobs to turn, by path."""


class EmptyRequest(InputError):
    """There is nothing to rank."""


class TooLarge(InputError):
    """More passages, tokens or query than a request may hold."""


class Extras(BaseModel):
    """Fields that no other server knows. Fields that this one does not know are ignored: clients send many."""

    model_config = ConfigDict(strict=True, extra="ignore")

    include: list[Include] | None = Field(
        None, fail_fast=True, description="What to tell beside the results.", examples=[["reasons", "dropped"]]
    )
    settings: Settings | None = Field(
        None,
        description="Numbers, switches and choices of the pipeline to turn for this request, by their path.",
        examples=[{}],
    )
    timeout: float | None = Field(
        None,
        description="Seconds that this request may take, at most the server's deadline.",
        gt=0,
        examples=[10.0],
    )
    raw_scores: bool = Field(
        default=False, description="Scores as the pipeline gave them; otherwise logits go through the sigmoid."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in the words of the house.

    Attributes:
        model: the name of a pipeline, or None for the default.
        query: what the user asked.
        passages: what was found.
        top_k: how many to keep at most; None keeps all that the pipeline keeps.
        texts: whether the reply repeats the documents.
        extras: the fields that are ours.
    """

    model: str | None
    query: str
    passages: tuple[Passage, ...]
    top_k: int | None
    texts: bool
    extras: Extras

    def wants(self, what: Include) -> bool:
        """Whether the reply should tell of this too."""
        return what in (self.extras.include or ())


def check_size(query: str, texts: Sequence[str], settings: ServingSettings, called: str = "documents") -> None:
    """See that a request is not empty and within the limits, before anything is made of it.

    Args:
        query: what the user asked.
        texts: what is to be ranked.
        settings: where the limits stand.
        called: the word for the texts at this door.

    Raises:
        EmptyRequest: it has no documents.
        TooLarge: too many of them, too long a query, or too many tokens in all, at four bytes a token.
    """
    if not texts:
        raise EmptyRequest(f"there are no {called} to rank: the list must not be empty")
    if len(texts) > settings.max_passages:
        raise TooLarge(f"{len(texts)} {called} are more than the {settings.max_passages} that a request may hold")
    if (long := _bytes(query)) > settings.max_query_bytes:
        raise TooLarge(f"a query of {long} bytes is longer than the {settings.max_query_bytes} that are allowed")
    # A model reads the query once for each document.
    tokens = sum(_bytes(text) // 4 + 1 for text in texts) + len(texts) * (long // 4)
    if tokens > settings.max_tokens:
        raise TooLarge(f"about {tokens} tokens are more than the {settings.max_tokens} that a request may hold")


def _bytes(text: str) -> int:
    """Of a text that may hold half an emoji: clients that cut texts by length send some."""
    return len(text.encode("utf-8", "surrogatepass"))
