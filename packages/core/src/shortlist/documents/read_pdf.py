"""PDF: the text that its pages carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

from shortlist.documents.blocks import Block, Document
from shortlist.errors import require

_BLANK = re.compile(r"\n\s*\n")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")


def read(data: bytes) -> Document:
    """Its paragraphs, as far as blank lines part them, each with its page.

    Raises:
        MissingExtra: pypdf is not installed.
        ValueError: it is encrypted.
    """
    require("search", "pypdf")
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("it is encrypted")
    title = reader.metadata.title if reader.metadata else None
    pages = enumerate(reader.pages, 1)
    return Document(
        tuple(block for number, page in pages for block in _blocks(page.extract_text(), number)), title or None
    )


def _blocks(text: str, page: int) -> Iterator[Block]:
    for paragraph in _BLANK.split(_HYPHENATED.sub("", text)):
        if words := paragraph.split():
            yield Block(" ".join(words), page=page)
