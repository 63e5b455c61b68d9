"""The input, cut into pieces that are the same whenever it is cut again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.batch.places import Place, files_of, kind_of
from shortlist.errors import InputError

_NEWLINE = 10


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows that stand one after another in one file.

    Attributes:
        number: of the shard, from 0.
        url: of the file.
        start: where they begin: a row of Parquet, a byte of JSON lines.
        end: where they end; the row or byte there is no longer one of them.
        first: the number of the first row, counted from 0 over the whole input.
        rows: how many there are; of JSON lines, blank ones included.
    """

    number: int
    url: str
    start: int
    end: int
    first: int
    rows: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.number:06d}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of the input.

    Attributes:
        url: where it is.
        bytes: its size.
        digest: `sha256:` or `etag:` and what stands for its content.
        rows: how many it has.
    """

    url: str
    bytes: int
    digest: str
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Source:
    """The input.

    Attributes:
        kind: `parquet` or `jsonl`.
        files: in order.
        shards: in order.
        id_type: of the ids, as Arrow calls it; `string` for JSON lines.
    """

    kind: str
    files: tuple[InputFile, ...]
    shards: tuple[Shard, ...]
    id_type: str

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    @classmethod
    def of(cls, source: str | Path, size: int) -> Source:
        """Look all files over, and cut them into shards of so many rows. A shard is of one file.

        Raises:
            InputError: there are no files, they cannot be read, or they have not the columns that are needed.
        """
        places = files_of(source)
        kind = kind_of(places[0].path) or ""
        id_types = {_id_type(place) for place in places} if kind == "parquet" else {"string"}
        if len(id_types) > 1:
            raise InputError(f"{source}: the column 'id' has several types: {', '.join(sorted(id_types))}")
        files: list[InputFile] = []
        shards: list[Shard] = []
        for place in places:
            file, cuts = (_cut_rows if kind == "parquet" else _cut_lines)(place, size)
            first = sum(each.rows for each in files)
            shards += _shards(place.url, cuts, len(shards), first)
            files.append(file)
        return cls(kind, tuple(files), tuple(shards), id_types.pop())


def _id_type(place: Place) -> str:
    from shortlist.batch.columns import checked_schema, open_parquet

    with open_parquet(place) as file:
        return checked_schema(file.schema_arrow, place.url)


def _shards(url: str, cuts: Iterable[tuple[int, int, int]], number: int, first: int) -> Iterator[Shard]:
    for start, end, rows in cuts:
        yield Shard(number, url, start, end, first, rows)
        number, first = number + 1, first + rows


def _cut_rows(place: Place, size: int) -> tuple[InputFile, list[tuple[int, int, int]]]:
    from shortlist.batch.columns import open_parquet

    with open_parquet(place) as file:
        rows = file.metadata.num_rows
    cuts = [(at, min(at + size, rows), min(size, rows - at)) for at in range(0, rows, size)]
    return InputFile(place.url, place.size(), place.digest(), rows), cuts


def _cut_lines(place: Place, size: int) -> tuple[InputFile, list[tuple[int, int, int]]]:
    """One pass over the file says where lines begin, and what stands for its content."""
    found = hashlib.sha256()
    starts, lines, end = line_starts(_read_by(place, found), size)
    ends = [*starts[1:], end]
    cuts = [(a, b, min(size, lines - i * size)) for i, (a, b) in enumerate(zip(starts, ends, strict=False))]
    return InputFile(place.url, end, place.tag() or f"sha256:{found.hexdigest()}", lines), cuts


def _read_by(place: Place, digest: Any) -> Iterator[bytes]:
    for piece in place.chunks():
        digest.update(piece)
        yield piece


def line_starts(pieces: Iterable[bytes], every: int) -> tuple[Sequence[int], int, int]:
    """Where each `every`-th line begins, from the first; how many lines there are, and how many bytes."""
    starts, lines, offset, last = [0], 0, 0, b"\n"
    for piece in pieces:
        ends = np.flatnonzero(np.frombuffer(piece, np.uint8) == _NEWLINE)
        starts += (ends[every - 1 - lines % every :: every] + offset + 1).tolist()
        lines, offset, last = lines + len(ends), offset + len(piece), piece[-1:]
    return [start for start in starts if start < offset], lines + (last != b"\n"), offset
