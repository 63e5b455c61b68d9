"""The page itself: files that were built into the package, each at its own path and nothing beside them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from fastapi import APIRouter, Request, Response

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_LEAST = 1024  # bytes that are worth packing


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page.

    Attributes:
        path: that browsers ask for.
        kind: its media type.
        content: as it is.
        packed: the same under gzip; None where that is no smaller.
        tag: of this version.
    """

    path: str
    kind: str
    content: bytes
    packed: bytes | None
    tag: str

    @classmethod
    def of(cls, path: str, content: bytes) -> File:
        """With all that is made of the content."""
        small = gzip.compress(content, mtime=0) if len(content) > _LEAST else content
        packed = small if len(small) < len(content) else None
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        suffix = ".html" if path == "/" else PurePosixPath(path).suffix
        return cls(path, _KINDS.get(suffix, "application/octet-stream"), content, packed, tag)

    def reply(self, request: Request) -> Response:
        """To a browser, which may have it already, or take it packed."""
        # Names under /assets/ hold a digest of what is in them: another version has another name.
        kept = "public, max-age=31536000, immutable" if self.path.startswith("/assets/") else "no-cache"
        headers = {"cache-control": kept, "etag": self.tag, "vary": "accept-encoding"}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if self.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, media_type=self.kind, headers={**headers, "content-encoding": "gzip"})
        return Response(self.content, media_type=self.kind, headers=headers)


def page_files() -> tuple[File, ...]:
    """All files of the page; `/` is its index. None where the page was not built."""
    root = files("shortlist.serving.playground").joinpath("static")
    return tuple(File.of(path, content) for path, content in _contents(root, "/")) if root.is_dir() else ()


def _contents(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _contents(each, f"{prefix}{each.name}/")
        elif not each.name.startswith("."):
            path = "/" if prefix + each.name == "/index.html" else prefix + each.name
            yield path, each.read_bytes()


def add_page(made: APIRouter) -> None:
    """Every file at a path of its own: no path of a client's is ever looked for on a disk."""
    for file in page_files():
        made.add_api_route(file.path, _answer(file), methods=["GET", "HEAD"], include_in_schema=False)


def _answer(file: File) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return file.reply(request)

    return answer
