"""Does an answer say what a gold answer says, word for word: exact match and token F1, as SQuAD normalises."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))


def normalised(text: str) -> str:
    """The text in lower case, without punctuation of ASCII and articles, single spaces between its words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 where a gold answer stands in the answer, as whole words; else 0, also for an empty answer.

    DynamicRAG's evaluation looks for the answer in the gold answer, so that an empty one scores 1 and fragments win;
    its reward takes either direction. A gold answer that has no words once normalised is never found.
    """
    said = f" {normalised(answer)} "
    return float(any(f" {words} " in said for gold in golds if (words := normalised(gold))))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of words, for the gold answer where it is highest."""
    return max((_f1(normalised(answer).split(), normalised(gold).split()) for gold in golds), default=0.0)


def _f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    return f_measure((Counter(said) & Counter(wanted)).total(), len(said), len(wanted))


def f_measure(common: int, said: int, wanted: int) -> float:
    """The harmonic mean of common/said and common/wanted; 0 where nothing is common."""
    return 2.0 * common / (said + wanted) if common else 0.0
