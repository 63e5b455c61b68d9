"""HTML: what a reader sees, without menus, scripts and forms."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from shortlist.documents.blocks import Block, Document
from shortlist.documents.encoding import decode
from shortlist.errors import require

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_UNSEEN = ["script", "style", "template", "noscript", "nav", "header", "footer", "aside", "form", "svg", "head"]
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_BLOCKS = [
    *("address", "article", "blockquote", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption"),
    *("figure", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
]
# Marks that the text cannot have: a block's edge, a heading's start, and the newlines and spaces of preformatted text.
_EDGE, _HEADING, _NEWLINE, _SPACE = "\x00", "\x01", "\x02", "\x03"
_MARKS = str.maketrans("", "", _EDGE + _HEADING + _NEWLINE + _SPACE)
_PREFORMATTED = str.maketrans({"\n": _NEWLINE, " ": _SPACE, "\t": _SPACE * 4})
_WRITTEN = str.maketrans({_NEWLINE: "\n", _SPACE: " "})
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)|<\?xml[^>]+encoding=[\"']([\w-]+)", re.IGNORECASE)


def read(data: bytes) -> Document:
    """The page's blocks: those of its `main` element where it has one.

    Raises:
        BinaryData: it is no text.
        MissingExtra: Beautiful Soup is not installed.
    """
    require("search", "bs4")
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of pages that look like XML, or like a file name
        soup = BeautifulSoup(decode(data, _declared(data)).translate(_MARKS), "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else None
    document = Document(_blocks(soup))
    return Document(document.blocks, title or document.first_heading)


def _declared(data: bytes) -> str | None:
    match = _CHARSET.search(data[:2048])
    return (match[1] or match[2]).decode("ascii") if match else None


def _blocks(soup: BeautifulSoup) -> tuple[Block, ...]:
    root = soup.find("main") or soup.find("body") or soup
    _mark(root)
    blocks = (_block(piece) for piece in root.get_text().split(_EDGE))
    return tuple(block for block in blocks if block.text)


def _mark(root: Tag) -> None:
    """Drop what is not seen, and write marks into the tree where blocks begin and end."""
    for tag in root.find_all(_UNSEEN):
        tag.decompose()
    for pre in root.find_all("pre"):
        pre.string = pre.get_text().strip("\n").translate(_PREFORMATTED)
    for line_break in root.find_all("br"):
        line_break.replace_with(_NEWLINE)
    for cell in root.find_all(["td", "th"]):
        cell.insert_before(" ")
    for tag in root.find_all([*_BLOCKS, *_HEADINGS]):
        tag.insert_before(_EDGE)
        tag.insert_after(_EDGE)
        if tag.name in _HEADINGS:
            tag.insert(0, _HEADING + tag.name[1])


def _block(piece: str) -> Block:
    level = 0
    if piece.startswith(_HEADING):
        level, piece = int(piece[1]), piece[2:].replace(_NEWLINE, " ")
    text = " ".join(piece.split()).translate(_WRITTEN)
    return Block(text.strip() if level else text.strip("\n"), level)
