"""Bytes to text."""

from __future__ import annotations

import codecs

# The longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 8192
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b"))


class BinaryData(ValueError):
    """The bytes are no text."""


def decode(data: bytes, declared: str | None = None) -> str:
    """The text, with newlines as line ends.

    The encoding is that of the byte order mark; else the declared one, else UTF-8, where the bytes are valid in it;
    else Windows-1252, which most of what is left is in.

    Raises:
        BinaryData: they are no text.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if marked is None and is_binary(data):
        raise BinaryData("binary data")
    text = _first_valid(data, [marked] if marked else [declared or "utf-8", "utf-8"])
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def is_binary(data: bytes) -> bool:
    """Whether the start has a zero byte, or more than one control character in fifty."""
    start = data[:_LOOKED_AT]
    return b"\0" in start or len(start) - len(start.translate(None, _CONTROLS)) > len(start) / 50


def _first_valid(data: bytes, encodings: list[str]) -> str:
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")
