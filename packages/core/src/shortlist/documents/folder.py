"""Every document of a folder, as passages."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from shortlist.documents import read_html, read_markdown, read_pdf, read_text
from shortlist.documents.blocks import Document
from shortlist.documents.chunks import Chunking, passages_of
from shortlist.errors import InputError, MissingExtra
from shortlist.passage import Passage

Reader = Callable[[bytes], Document]
Skipped = Callable[[str, str], None]
"""Is told of each file that gives no passages: its id, and why."""

_READERS: Mapping[str, Reader] = {
    **dict.fromkeys((".md", ".markdown"), read_markdown.read),
    **dict.fromkeys((".txt", ".text", ".rst"), read_text.read),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html.read),
    ".pdf": read_pdf.read,
}
_LARGEST = 64 * 2**20


def read_folder(path: str | Path, chunking: Chunking | None = None, *, skipped: Skipped | None = None) -> list[Passage]:
    """The passages of every Markdown, text, HTML and PDF file under the folder, or of the one file that it names.

    A passage's `document_id` is the file's path in the folder, its `position` the number of the chunk, its `id` both:
    `guide.md#3`; its metadata may say `title`, `heading` and `page`. The order is that of the paths. Hidden files are
    left out, links to folders are not followed, and a file that cannot be read is told to `skipped` and passed over.

    Raises:
        InputError: there is no such folder or file.
        MissingExtra: an HTML or PDF file is there, and the extra `search` is not installed.
    """
    root, tell = Path(path), skipped or _ignored
    if not root.exists():
        raise InputError(f"there is no folder or file {str(path)!r}")
    passages: list[Passage] = []
    for name, file in sorted(_files(root, tell)):
        try:
            document = _read(file)
        except MissingExtra as error:
            raise MissingExtra(f"{name} {error}") from error
        except Exception as error:  # noqa: BLE001 - a parser may raise anything over a damaged file
            tell(name, str(error) or type(error).__name__)
            continue
        found = passages_of(document, name, chunking or Chunking())
        if not found:
            tell(name, "no text in it")
        passages += found
    return passages


def _ignored(name: str, why: str) -> None:
    """Tell nobody."""


def _files(root: Path, tell: Skipped) -> Iterator[tuple[str, Path]]:
    """Ids and paths, in no order."""
    if not root.is_dir():
        yield _name(root.name), root
        return
    for folder, folders, files in os.walk(root, onerror=lambda error: tell(_id(root, error.filename), _why(error))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield _id(root, Path(folder, name)), Path(folder, name)


def _id(root: Path, file: str | Path) -> str:
    return _name(Path(file).relative_to(root).as_posix())


def _name(path: str) -> str:
    """The path as text that can be printed and sent, even where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _read(file: Path) -> Document:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise ValueError("neither Markdown, text, HTML nor PDF")
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("no regular file")
        if status.st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST // 2**20} MiB")
        return reader(file.read_bytes())
    except OSError as error:
        raise ValueError(_why(error)) from error
