"""OpenAI's JSON: what settings become in it, and reading what servers write in it, each with liberties of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shortlist.arrays import Matrix
from shortlist.errors import BadAnswer, InputError
from shortlist.models.base import Message
from shortlist.models.labels import chat_positions, text_positions
from shortlist.models.remote import Price, cost, count, excerpt, part


def read_options(text: str) -> dict[str, Any]:
    """The options that a JSON text holds.

    Raises:
        InputError: it is not a JSON object.
    """
    try:
        options = json.loads(text)
    except ValueError as error:
        raise InputError(f"options are not JSON: {error}") from error
    if not isinstance(options, dict):
        raise InputError("options must be a JSON object")
    return options


def overlaid(body: Mapping[str, Any], options: str) -> dict[str, Any]:
    """The body under the options; null takes a field out."""
    return {name: value for name, value in {**body, **read_options(options)}.items() if value is not None}


def as_token_ids(value: object) -> tuple[tuple[str, int], ...]:
    """Labels and token ids as pairs, from pairs or a mapping.

    Raises:
        InputError: they are neither.
    """
    try:
        ids = dict(value)  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        raise InputError(f"label_ids are no pairs of a label and a token id: {value!r}") from error
    if not all(isinstance(label, str) and type(number) is int for label, number in ids.items()):
        raise InputError(f"label_ids are no pairs of a label and a token id: {value!r}")
    return tuple(ids.items())


def raw_text(messages: Sequence[Message]) -> str | None:
    """The text that goes through no chat template; None for the turns of a chat.

    Raises:
        InputError: there are no messages, or a raw text stands among others.
    """
    if len(messages) == 1 and messages[0].role == "text":
        return messages[0].content
    if not messages or any(each.role == "text" for each in messages):
        raise InputError("a prompt is turns of a chat, or one single raw text")
    return None


def first_choice(answer: Any) -> dict[str, Any]:
    """The choice that the reply holds.

    Raises:
        BadAnswer: it holds none.
    """
    choices = part(answer).get("choices")
    choice = part(choices[0]) if isinstance(choices, list) and choices else {}
    if not choice:
        raise BadAnswer("a reply with no choices")
    return choice


def text_of(choice: Mapping[str, Any]) -> str:
    """What was written: of a chat or of a completion.

    Raises:
        BadAnswer: there is no text, or the model refused.
    """
    if isinstance(choice.get("text"), str):
        return str(choice["text"])
    message, why = part(choice, "message"), choice.get("finish_reason")
    text = message.get("content")
    if not text and message.get("refusal"):
        raise BadAnswer(f"the model refused: {excerpt(message['refusal'])}")
    # A model that spends all its tokens on thinking is cut before its first word, or ends without one.
    thought = message.get("reasoning") or message.get("reasoning_content")
    if text is None and (why == "length" or thought):
        return ""
    if not isinstance(text, str):
        raise BadAnswer(f"a reply with no text, finished because of {excerpt(why)}")
    return text


def positions(choice: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What was revealed of each written position: llama.cpp gives the rows of a chat for a completion too."""
    logprobs = choice.get("logprobs")
    return chat_positions(logprobs) or text_positions(logprobs)


def usage(answer: Any, price: Price | None) -> tuple[tuple[int, int], float | None]:
    """Tokens in and out, and what they cost: not known where the server did not count."""
    told = part(answer, "usage")
    tokens = count(told.get("prompt_tokens")), count(told.get("completion_tokens"))
    return tokens, cost(price, *tokens)


def cached(answer: Any) -> int:
    """Tokens of the prompt that the server had in its cache, where it says so."""
    return count(part(answer, "usage", "prompt_tokens_details").get("cached_tokens"))


def matrix(rows: Sequence[object]) -> Matrix:
    """Vectors of one length, float32.

    Raises:
        BadAnswer: they are not numbers, or not of one length.
    """
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise BadAnswer("vectors of several lengths") from error
    if array.ndim != 2 or array.dtype.kind not in "fi":
        raise BadAnswer("embeddings that are not lists of numbers of one length")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
