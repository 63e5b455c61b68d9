"""Files wherever they are: this machine, or any store that fsspec knows."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from shortlist.errors import InputError

_KINDS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "contentHash")
_CHUNK = 1 << 23


def kind_of(place: str) -> str | None:
    """`parquet` or `jsonl`, by the suffix; None for another."""
    return _KINDS.get(os.path.splitext(place)[1].lower())  # noqa: PTH122 - a URL is no path


def output_kind(place: str) -> str:
    """The same for a file that is to be written.

    Raises:
        InputError: the suffix is another.
    """
    kind = kind_of(place)
    if kind is None:
        raise InputError(f"{place} must end in .parquet or .jsonl")
    return kind


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: its store, and its path there."""

    fs: Any
    path: str

    @classmethod
    def of(cls, url: str | Path) -> Place:
        """The place that a path or URL names.

        Raises:
            InputError: no store is known for such URLs, or its package is not installed.
        """
        import fsspec

        try:
            fs, path = fsspec.core.url_to_fs(str(url))
        except (ValueError, ImportError, OSError) as error:
            raise InputError(f"cannot reach {url}: {error}") from error
        return cls(fs, path)

    @property
    def local(self) -> bool:
        """Whether it is on this machine's disks."""
        protocol = self.fs.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    @property
    def url(self) -> str:
        """What `of` finds it by again, on another machine too."""
        return self.path if self.local else str(self.fs.unstrip_protocol(self.path))

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    def __truediv__(self, name: str) -> Place:
        return Place(self.fs, f"{self.path.rstrip('/')}/{name}")

    def beside(self, suffix: str) -> Place:
        """The place with this at the end of its name."""
        return Place(self.fs, f"{self.path.rstrip('/')}{suffix}")

    def exists(self) -> bool:
        """Whether anything is there now."""
        self.fs.invalidate_cache()
        return bool(self.fs.exists(self.path))

    def names(self) -> list[str]:
        """The names of what is in a folder; none where there is no folder."""
        self.fs.invalidate_cache()
        if not self.fs.exists(self.path):
            return []
        return sorted(str(each).rstrip("/").rsplit("/", 1)[-1] for each in self.fs.ls(self.path, detail=False))

    def make(self) -> None:
        """Make the folder, where it is not there."""
        self.fs.makedirs(self.path, exist_ok=True)

    def remove(self) -> None:
        """Remove the file, or the folder with all that is in it."""
        if self.fs.exists(self.path):
            self.fs.rm(self.path, recursive=True)

    def read(self) -> bytes:
        """All of the file."""
        return bytes(self.fs.cat_file(self.path))

    def slice(self, start: int, end: int) -> bytes:
        """These bytes of the file."""
        return bytes(self.fs.cat_file(self.path, start=start, end=end))

    def write(self, data: bytes) -> None:
        """The file with these bytes: whole or not at all."""
        with self.writing() as sink:
            sink.write(data)

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """A file that is there when the block has ended well, and not before.

        On disks it is written under another name and renamed. What stores commit at the end of a transaction, they put
        in one piece.
        """
        if not self.local:
            with self.fs.transaction, self.fs.open(self.path, "wb") as sink:
                yield sink
            return
        target = Path(self.path)
        passing = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with passing.open("wb") as sink:
                yield sink
            passing.replace(target)
        finally:
            passing.unlink(missing_ok=True)

    def open(self) -> Any:
        """The file, to read from anywhere in it."""
        return Path(self.path).open("rb") if self.local else self.fs.open(self.path, "rb")

    def chunks(self) -> Iterator[bytes]:
        """The file, piece by piece."""
        with self.open() as source:
            while piece := source.read(_CHUNK):
                yield piece

    def size(self) -> int:
        """In bytes."""
        return int(self.fs.size(self.path))

    def tag(self) -> str | None:
        """What its store says stands for the content; None where it says nothing."""
        told = {} if self.local else self.fs.info(self.path)
        found = next((told[name] for name in _TAGS if told.get(name)), None)
        return None if found is None else f"etag:{str(found).strip(chr(34))}"

    def digest(self) -> str:
        """The store's tag, or the SHA-256 of the content."""
        if tag := self.tag():
            return tag
        found = hashlib.sha256()
        for piece in self.chunks():
            found.update(piece)
        return f"sha256:{found.hexdigest()}"


def files_of(source: str | Path) -> list[Place]:
    """The files that a path or URL means: one, those of a pattern, or those of a folder at any depth, by name.

    Raises:
        InputError: there is none, or they are not all Parquet or all JSON lines.
    """
    place = Place.of(source)
    found = sorted(filter(_counts, _matching(place)))
    if not found:
        raise InputError(f"{source}: there is no Parquet (.parquet) or JSON lines (.jsonl) file")
    if len(kinds := {kind_of(path) for path in found}) > 1 or None in kinds:
        raise InputError(f"{source}: files must be all Parquet (.parquet) or all JSON lines (.jsonl), by their suffix")
    return [Place(place.fs, path) for path in found]


def _matching(place: Place) -> list[str]:
    from fsspec.core import has_magic

    if place.fs.isdir(place.path):
        return [path for path in place.fs.find(place.path) if kind_of(path)]
    if has_magic(place.path) and not place.fs.exists(place.path):
        return [str(path) for path in place.fs.glob(place.path) if place.fs.isfile(path)]
    return [place.path] if place.fs.exists(place.path) else []


def _counts(path: str) -> bool:
    """Names that begin with a dot or an underscore are what other programs left beside their files."""
    return not path.rsplit("/", 1)[-1].startswith((".", "_"))
