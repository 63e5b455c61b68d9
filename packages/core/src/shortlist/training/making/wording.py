"""Queries out of a name and a sentence: the words of one, what they are about from elsewhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

_KEYWORDS = ("{name} {words}", "{words} {name}", "{name}: {words}", "{words} of {name}", "{words} in {name}")
_QUESTIONS = (
    "what {words} does {name} have?",
    "which {words} belongs to {name}?",
    "how is {words} with {name}?",
    "what is known of {words} in {name}?",
    "when did {name} {words}?",
    "who {words} {name}?",
    "where is {words} of {name}?",
    "why {words} {name}?",
    "what is the {words} of {name}",
)
_DROPPED = 0.5
_LOWERED = 0.3


class Wording(NamedTuple):
    """A query, and what it is made of.

    Attributes:
        query: as asked.
        words: those that the sentence gave, in its order.
    """

    query: str
    words: tuple[str, ...]


def worded(name: str, sentence: Sequence[str], distinctive: Sequence[str], rng: random.Random) -> Wording:
    """A query about `name` in some of the distinctive words of a sentence, at most half of the sentence's words.

    It looks like keywords, like a question, or like what is left of the sentence once words are dropped.
    """
    most = max(2, min(6, len(sentence) // 2))
    chosen = rng.sample(list(distinctive), min(len(distinctive), rng.randint(2, most)))
    form = rng.choice(("keywords", "question", "fragment"))
    words = (
        _fragment(sentence, chosen, most, rng)
        if form == "fragment"
        else [w for w in dict.fromkeys(sentence) if w in chosen]
    )
    said = rng.sample(words, len(words)) if form == "keywords" and rng.random() < _DROPPED else words
    template = "{name} {words}" if form == "fragment" else rng.choice(_QUESTIONS if form == "question" else _KEYWORDS)
    shown = name.lower() if rng.random() < _LOWERED else name
    return Wording(template.format(name=shown, words=" ".join(said)), tuple(words))


def _fragment(sentence: Sequence[str], chosen: Sequence[str], most: int, rng: random.Random) -> list[str]:
    """The chosen words with some of the others that stand between them."""
    room = most - len(chosen)
    ends = [place for place, word in enumerate(sentence) if word in chosen]
    between = [p for p in range(ends[0], ends[-1]) if sentence[p] not in chosen and rng.random() > _DROPPED]
    kept = set(rng.sample(between, min(len(between), max(0, room))))
    first = {sentence.index(word) for word in chosen}
    return [word for place, word in enumerate(sentence) if place in kept or place in first]
