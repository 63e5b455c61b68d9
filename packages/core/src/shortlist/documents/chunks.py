"""Documents into chunks of about one size, cut where the text itself pauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.algorithms.bm25 import tokenize
from shortlist.documents.blocks import Block, Document, Section, sections
from shortlist.errors import InputError
from shortlist.passage import Passage

# Where a block that is too long may be cut, the best place first. Cuts keep all characters.
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])")
_LINE = re.compile(r"\n+")
_WORD = re.compile(r"\s+")
_PLACES = (_SENTENCE, _LINE, _WORD)
# What has no spaces at all is cut after so many characters; as many count as a word.
_WORD_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Chunking:
    """How to cut.

    Attributes:
        words: of a chunk at most, its headings not counted; a heading begins a new chunk.
        overlap: words that a chunk repeats at most of the one before it under the same heading, in whole sentences.

    Raises:
        InputError: words is not above 0, or overlap not from 0 to half of words.
    """

    words: int = 160
    overlap: int = 24

    def __post_init__(self) -> None:
        if self.words <= 0 or not 0 <= self.overlap <= self.words / 2:
            raise InputError("a chunk needs words above 0, and an overlap from 0 to half of them")


def passages_of(document: Document, document_id: str, chunking: Chunking) -> list[Passage]:
    """The document's chunks as passages: ids `guide.md#0`, `guide.md#1` and so on, with title, heading and page."""
    chunks = [(section, chunk) for section in sections(document) for chunk in _chunks(section.blocks, chunking)]
    return [
        Passage(
            text="\n\n".join(block.text for block in chunk),
            id=f"{document_id}#{position}",
            document_id=document_id,
            position=position,
            metadata=_metadata(document, section, chunk),
        )
        for position, (section, chunk) in enumerate(chunks)
    ]


def _metadata(document: Document, section: Section, chunk: Sequence[Block]) -> dict[str, Any]:
    page = next((block.page for block in chunk if block.page is not None), None)
    found = {"title": document.title, "heading": " > ".join(section.path) or None, "page": page}
    return {name: value for name, value in found.items() if value is not None}


def _chunks(blocks: Sequence[Block], chunking: Chunking) -> Iterator[list[Block]]:
    """Blocks packed in order, as many as go into a chunk; a block that is too long for one is cut first."""
    chunk: list[Block] = []
    room = chunking.words
    for block, length in _pieces(blocks, chunking):
        if length > room and any(not each.level for each in chunk):
            yield chunk
            chunk = _overlap(chunk[-1], min(chunking.overlap, chunking.words - length))
            room = chunking.words - sum(word_count(each.text) for each in chunk)
        chunk.append(block)
        room -= 0 if block.level else length
    if chunk:
        yield chunk


def _pieces(blocks: Sequence[Block], chunking: Chunking) -> Iterator[tuple[Block, int]]:
    """Blocks, or where one is too long its pieces, each of which leaves room for an overlap."""
    for block in blocks:
        fits = word_count(block.text) <= chunking.words
        for text in [block.text] if fits else split(block.text, chunking.words - chunking.overlap):
            yield Block(text, block.level, block.page), word_count(text)


def _overlap(block: Block, words: int) -> list[Block]:
    """The last whole sentences of the block, of so many words at most."""
    taken: list[str] = []
    for sentence in reversed(_cut(block.text, _SENTENCE)):
        words -= max(1, word_count(sentence))
        if words < 0:
            break
        taken.insert(0, sentence)
    text = "".join(taken).strip()
    return [Block(text, page=block.page)] if text else []


def word_count(text: str) -> int:
    """Words, or characters of a script without spaces; a very long word counts as several."""
    return max(len(tokenize(text)), len(text) // _WORD_LENGTH)


def split(text: str, words: int) -> list[str]:
    """The text in pieces of so many words at most: cut between sentences, else between lines, words, characters."""
    if word_count(text) <= words:
        return [text]
    return [piece for piece in map(str.rstrip, _split(text, words, _PLACES)) if piece]


def _split(text: str, words: int, places: Sequence[re.Pattern[str]]) -> list[str]:
    if word_count(text) <= words:
        return [text]
    if not places:
        return [text[start : start + words] for start in range(0, len(text), words)]
    parts = [piece for part in _cut(text, places[0]) for piece in _split(part, words, places[1:])]
    return list(_packed(parts, words))


def _cut(text: str, place: re.Pattern[str]) -> list[str]:
    ends = [match.end() for match in place.finditer(text) if 0 < match.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def _packed(parts: Sequence[str], words: int) -> Iterator[str]:
    """Neighbours joined, as many as go together."""
    joined: list[str] = []
    total = 0
    for part in parts:
        length = word_count(part)
        if joined and total + length > words:
            yield "".join(joined)
            joined, total = [], 0
        joined.append(part)
        total += length
    if joined:
        yield "".join(joined)
