"""ROUGE (Lin, 2004): how many n-grams, or how long a subsequence, an answer shares with a gold one. F measures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from shortlist.training.rewards.matching import f_measure

# On ASCII as the package rouge-score without stemming; that one drops the letters of all other scripts.
_WORD = re.compile(r"[^\W_]+")


def rouge_n(answer: str, golds: Sequence[str], n: int = 1) -> float:
    """F of the n-grams, for the gold answer where it is highest; 0 where one of the texts has none."""
    said = _grams(_words(answer), n)
    return max((_overlap(said, _grams(_words(gold), n)) for gold in golds), default=0.0)


def rouge_l(answer: str, golds: Sequence[str]) -> float:
    """F of the longest common subsequence of words, for the gold answer where it is highest."""
    said = _words(answer)
    wanted = [_words(gold) for gold in golds]
    return max((f_measure(common_subsequence(said, each), len(said), len(each)) for each in wanted), default=0.0)


def common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of their longest common subsequence, by bits: Hyyro, 2004.

    Bit i of `rows` is 0 where the subsequence grows with word i of `one`.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << i
    full = (1 << len(one)) - 1
    rows = full
    for word in other:
        met = rows & places.get(word, 0)
        rows = ((rows + met) | (rows - met)) & full
    return len(one) - rows.bit_count()


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _overlap(said: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> float:
    return f_measure((said & wanted).total(), said.total(), wanted.total())
