"""What a model reveals besides its text: how likely labels were where it wrote, and whether it was cut."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, TypeAlias

import numpy as np

from shortlist.models.base import Likelihood
from shortlist.models.remote import finite, part

Positions: TypeAlias = Sequence[tuple[str, Mapping[str, float]]]
"""For each position the token that was written there, and the log-probabilities of the likeliest ones by their text."""

# How tokenizers write the space before a word.
_SPACES = "▁Ġ"

# OpenAI, vLLM and Ollama; Anthropic and Gemini.
_CUT = {"length", "max_tokens"}


def labels_at(tokens: Positions, labels: Sequence[str], after: str = "") -> dict[str, float]:
    """Log-probabilities of labels, each summed over the ways to write it (`A` and ` A`).

    They are those of the first position, or with `after` of the first that begins behind that text; a label that was
    not revealed there is left out, and so are all where no such position was written.

    Raises:
        BadAnswer: a label's log-probability is not a finite number.
    """
    place = _place([token for token, _ in tokens], after)
    top = tokens[place][1] if place < len(tokens) else {}
    wanted, found = {_plain(label) for label in labels}, dict[str, float]()
    for token, logprob in top.items():
        if (plain := _plain(token)) in wanted:
            found[plain] = float(np.logaddexp(found.get(plain, -math.inf), finite(logprob)))
    return {label: found[_plain(label)] for label in labels if _plain(label) in found}


def chat_positions(logprobs: object) -> list[tuple[str, dict[str, Any]]]:
    """Positions from the `logprobs` of a chat completion, wherever it comes from; none where there are none.

    A position of which nothing but the token itself was revealed has that one.
    """
    rows = part(logprobs).get("content")
    return [_position(part(row)) for row in rows] if isinstance(rows, list) else []


def text_positions(logprobs: object) -> list[tuple[str, dict[str, Any]]]:
    """Positions from the `logprobs` of a text completion; none where there are none."""
    columns = [part(logprobs).get(name) for name in ("tokens", "token_logprobs", "top_logprobs")]
    tokens, chosen, tops = (column if isinstance(column, list) else [] for column in columns)
    rows = zip(map(str, tokens), chain(chosen, repeat(None)), chain(tops, repeat(None)), strict=False)
    return [(token, part(top) or {token: logprob}) for token, logprob, top in rows]


def likelihood_of(logprobs: object) -> Likelihood | None:
    """That of all that was written, from the `logprobs` of a chat or a text completion; None where it is not told.

    A token whose log-probability is no finite number makes the sum unknown.
    """
    rows = part(logprobs).get("content")
    columns = part(logprobs).get("token_logprobs")
    told = [part(row).get("logprob") for row in rows] if isinstance(rows, list) else columns
    if not isinstance(told, list) or not told:
        return None
    known = [float(each) for each in told if isinstance(each, int | float) and math.isfinite(each)]
    return Likelihood(sum(known), len(known)) if len(known) == len(told) else None


def was_cut(*reasons: object) -> bool:
    """Whether a reason to stop writing, under any of the names it has, is that there were no tokens left."""
    return any(isinstance(reason, str) and reason.lower() in _CUT for reason in reasons)


def _position(row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    token, tops = str(row.get("token", "")), row.get("top_logprobs")
    rows = [part(each) for each in tops] if isinstance(tops, list) and tops else [row]
    # Two tokens may be written alike: the first is the likelier one.
    return token, {str(each.get("token", "")): each.get("logprob") for each in reversed(rows)}


def _place(texts: Sequence[str], after: str) -> int:
    """The first position that begins behind `after`; one beyond the last where there is none."""
    found = "".join(texts).find(after)
    starts = accumulate((len(text) for text in texts), initial=0)
    return next((i for i, start in enumerate(starts) if found >= 0 and start >= found + len(after)), len(texts))


def _plain(text: str) -> str:
    return text.strip().lstrip(_SPACES).strip()
