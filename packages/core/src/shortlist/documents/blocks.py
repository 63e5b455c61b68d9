"""A document as every reader gives it: a title, and blocks of text in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item, a piece of code, or a heading.

    Attributes:
        text: without markup for a heading, as written otherwise.
        level: of a heading, from 1; 0 for what is none.
        page: where it stands, from 1, in a document that has pages.
    """

    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader found in a file.

    Attributes:
        blocks: in order, none empty.
        title: as the file itself says it.
    """

    blocks: tuple[Block, ...]
    title: str | None = None

    @property
    def first_heading(self) -> str | None:
        """The first heading of the first level."""
        return next((block.text for block in self.blocks if block.level == 1), None)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading.

    Attributes:
        path: the headings above the text, outermost first.
        blocks: the text, led by the headings that stand right above it.
    """

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


def sections(document: Document) -> Iterator[Section]:
    """The document cut at its headings. A heading with nothing under it leads the section after it."""
    path: list[Block] = []
    pending: list[Block] = []
    for block in document.blocks:
        if block.level and any(not each.level for each in pending):
            yield Section(_texts(path), tuple(pending))
            pending = []
        if block.level:
            path = [*(above for above in path if above.level < block.level), block]
        pending.append(block)
    if pending:
        yield Section(_texts(path), tuple(pending))


def _texts(path: list[Block]) -> tuple[str, ...]:
    return tuple(block.text for block in path)
