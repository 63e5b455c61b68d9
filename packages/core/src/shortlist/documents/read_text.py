"""Plain text: paragraphs are what blank lines part."""

from __future__ import annotations

import re

from shortlist.documents.blocks import Block, Document
from shortlist.documents.encoding import decode

_BLANK = re.compile(r"\n[ \t\f\v]*(?:\n[ \t\f\v]*)+|\f")


def read(data: bytes) -> Document:
    """The file's paragraphs. Plain text says no title and no headings.

    Raises:
        BinaryData: it is no text.
    """
    paragraphs = (each.strip("\n") for each in _BLANK.split(decode(data)))
    return Document(tuple(Block(each) for each in paragraphs if each.strip()))
