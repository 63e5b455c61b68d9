"""Markdown: headings, paragraphs, and code that is not cut at its blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shortlist.documents.blocks import Block, Document
from shortlist.documents.encoding import decode

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)


def read(data: bytes) -> Document:
    """The file's blocks; its title is that of the front matter, or the first heading.

    Raises:
        BinaryData: it is no text.
    """
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    titled = _TITLE.search(front[1] or "") if front else None
    document = Document(tuple(_blocks(text[front.end() :] if front else text)))
    return Document(document.blocks, titled[2] if titled else document.first_heading)


def _blocks(text: str) -> Iterator[Block]:
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        opened = _FENCE.match(line)
        if fence or opened:
            lines.append(line)
            fence = _fence_after(fence, line, opened)
        elif heading := _heading(line, lines):
            yield from _paragraph(lines)
            yield heading
            lines = []
        elif line.strip() and not (not lines and _RULE.fullmatch(line)):
            lines.append(line)
        else:
            yield from _paragraph(lines)
            lines = []
    yield from _paragraph(lines)


def _fence_after(fence: str, line: str, opened: re.Match[str] | None) -> str:
    """The fence that is open after the line: one is closed by as many of its marks or more, and nothing else."""
    if not fence:
        return opened[1] if opened else ""
    closing = line.strip()
    return "" if len(closing) >= len(fence) and set(closing) == {fence[0]} else fence


def _heading(line: str, above: list[str]) -> Block | None:
    """The heading that this line is, or that it makes of the lines above, which are then used up."""
    if (match := _HEADING.fullmatch(line)) and match[2]:
        return Block(match[2], len(match[1]))
    underline = _UNDERLINE.fullmatch(line)
    if not underline or not above or _FENCE.match(above[0]):
        return None
    text = " ".join(each.strip() for each in above)
    above.clear()
    return Block(text, 1 if "=" in underline[1] else 2)


def _paragraph(lines: list[str]) -> Iterator[Block]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Block(text)
