"""Texts written token by token, a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from shortlist.models.torch_network import Network, Read
from shortlist.plan import Call


class Wanted(NamedTuple):
    """A text to be written.

    Attributes:
        read: the prompt.
        limit: tokens to write at most.
        temperature: 0 for the likeliest token each time.
        until: a text with which the writing ends; empty to go on to the model's own end.
        weighed: whether the log-probability of what is written is wanted.
        draw: another number, other tokens, above temperature 0.
    """

    read: Read
    limit: int
    temperature: float = 0.0
    until: str = ""
    weighed: bool = False
    draw: int = 0


@dataclass(slots=True)
class Written:
    """What was written so far.

    Attributes:
        wanted: what for.
        tokens: without the one that ends a text.
        done: whether nothing follows.
        cut: whether the limit ended it.
        reached: whether the text with which it should end was written.
        logprobs: natural log-probabilities, before the temperature, of the tokens and of the one that ended the text;
            empty where they are not wanted.
    """

    wanted: Wanted
    tokens: list[int] = field(default_factory=list)
    done: bool = False
    cut: bool = False
    reached: bool = False
    logprobs: list[float] = field(default_factory=list)


def write(
    network: Network,
    batch: Sequence[Wanted],
    ends: Collection[int],
    decode: Callable[[Sequence[int]], str],
    call: Call,
) -> list[Written]:
    """The texts; those that are not done were given up when the call was over."""
    texts = [Written(wanted, cut=wanted.limit <= 0, done=wanted.limit <= 0) for wanted in batch]
    draws = [_draw(wanted) for wanted in batch]
    if all(text.done for text in texts):
        return texts
    state = network.start([wanted.read for wanted in batch])
    while True:
        likeliest = state.logits.argmax(-1).tolist()
        for place, text in enumerate(texts):
            if not text.done:
                draw = draws[place]
                token = likeliest[place] if draw is None else draw(state.logits[place])
                likeliest[place] = token
                if text.wanted.weighed:
                    text.logprobs.append(float(state.logits[place].double().log_softmax(-1)[token]))
                _take(text, token, ends, decode)
        if call.over or all(text.done for text in texts):
            return texts
        state = network.step(state, likeliest)


def _take(text: Written, token: int, ends: Collection[int], decode: Callable[[Sequence[int]], str]) -> None:
    if token in ends:
        text.done = True
        return
    text.tokens.append(token)
    until = text.wanted.until
    # No more tokens than characters, and some to spare: characters of several tokens.
    text.reached = bool(until) and until in decode(text.tokens[-len(until) - 4 :])
    text.cut = len(text.tokens) >= text.wanted.limit and not text.reached
    text.done = text.reached or text.cut


def _draw(wanted: Wanted) -> Callable[[torch.Tensor], int] | None:
    """How a token is drawn: by a generator of the text's own, so that it does not depend on the batch."""
    if wanted.temperature <= 0:
        return None
    drawn_for = (wanted.read, wanted.temperature, *([wanted.draw] if wanted.draw else []))
    seed = hashlib.blake2b(repr(drawn_for).encode(), digest_size=8).digest()
    generator: Any = torch.Generator().manual_seed(int.from_bytes(seed) >> 1)

    def draw(logits: torch.Tensor) -> int:
        chances = torch.softmax(logits.double() / wanted.temperature, dim=-1).cpu()
        return int(torch.multinomial(chances, 1, generator=generator))

    return draw
