"""BERT's uncased tokenizer in plain Python: text in, vocabulary ids out.

Source: Devlin et al. 2019 (BERT) for the text clean-up; Wu et al. 2016, arXiv:1609.08144, for WordPiece.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from itertools import chain

LONGEST_WORD = 100
"""Words with more characters become the unknown token, as in BERT."""

CACHED_WORDS = 200_000

_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Splits text as BERT's uncased tokenizer does, without the special tokens around it.

    Args:
        vocabulary: the tokens; the position of a token is its id. `##` begins a token that continues a word.
        unknown: the token for a word that the vocabulary cannot spell.

    Raises:
        ValueError: the unknown token is not in the vocabulary.

    `[SEP]` and the like inside a text are read as ordinary text: a passage cannot smuggle in a special token.
    Safe to share between threads.
    """

    def __init__(self, vocabulary: Sequence[str], unknown: str = "[UNK]") -> None:
        ids = {token: index for index, token in enumerate(vocabulary)}
        if unknown not in ids:
            raise ValueError(f"the vocabulary has no {unknown}")
        self._pieces = _PieceCache(ids, ids[unknown])

    def encode(self, text: str) -> list[int]:
        """The ids of a text's tokens, in order; empty for a text with no visible character."""
        return list(chain.from_iterable(map(self._pieces.__getitem__, words(text))))


def words(text: str) -> list[str]:
    """Lower-case words and single punctuation marks, with accents and control characters removed."""
    if not text.isascii():
        text = unicodedata.normalize("NFD", text.translate(_CLEAN))
    return text.translate(_FOLD).split()


def pieces(word: str, ids: dict[str, int], unknown: int) -> tuple[int, ...]:
    """Greedy longest-match split of one word; the unknown id alone where a part cannot be matched."""
    if len(word) > LONGEST_WORD:
        return (unknown,)
    found: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            piece = ids.get(prefix + word[start:end])
            if piece is not None:
                break
        else:
            return (unknown,)
        found.append(piece)
        start = end
    return tuple(found)


class _PieceCache(dict[str, tuple[int, ...]]):
    """Word to ids, worked out once per word: text repeats its words, so most look-ups hit."""

    def __init__(self, ids: dict[str, int], unknown: int) -> None:
        super().__init__()
        self._ids = ids
        self._unknown = unknown

    def __missing__(self, word: str) -> tuple[int, ...]:
        found = pieces(word, self._ids, self._unknown)
        if len(self) < CACHED_WORDS and len(word) <= LONGEST_WORD:
            self[word] = found
        return found

    def __reduce__(self) -> tuple[type[_PieceCache], tuple[dict[str, int], int]]:
        return _PieceCache, (self._ids, self._unknown)


class _CharacterMap(dict[int, str]):
    """A table for `str.translate`, filled as characters are met."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str:
        self[code] = replacement = self._replace(chr(code))
        return replacement


def _clean(char: str) -> str:
    """Drop control characters, make every space a plain one, set CJK characters apart."""
    if char == "\ufffd" or _is_control(char):
        return ""
    if char.isspace():
        return " "
    return f" {char} " if _is_cjk(ord(char)) else char


def _fold(char: str) -> str:
    """Drop accents (after NFD), set punctuation apart, lower-case."""
    category = unicodedata.category(char)
    if category == "Mn":
        return ""
    if category.startswith("P") or _is_ascii_symbol(char):
        return f" {char} "
    # Characters of ASCII text come here without having been cleaned.
    return char.lower() if ord(char) >= 128 else _clean(char).lower()


def _is_control(char: str) -> bool:
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")


def _is_cjk(code: int) -> bool:
    return any(first <= code <= last for first, last in _CJK)


def _is_ascii_symbol(char: str) -> bool:
    """BERT counts `$+<=>^`, the backtick, `|` and `~` as punctuation; Unicode counts them as symbols."""
    return char.isascii() and char.isprintable() and not char.isalnum() and not char.isspace()


_CLEAN = _CharacterMap(_clean)
_FOLD = _CharacterMap(_fold)
