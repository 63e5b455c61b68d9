"""The parts of a job, in order, as the one output."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.batch.places import Place
from shortlist.batch.writing import Layout


class _Counted(io.RawIOBase):
    """A file that is written to, its length and what stands for its content."""

    def __init__(self, sink: IO[bytes]) -> None:
        super().__init__()
        self.sink = sink
        self.bytes = 0
        self.found = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sink.write(data)
        self.found.update(data)
        self.bytes += len(data)
        return len(data)

    def told(self, place: Place) -> dict[str, Any]:
        return {"url": place.url, "bytes": self.bytes, "sha256": self.found.hexdigest()}


def join_parquet(output: Place, parts: Iterable[Place], layout: Layout) -> dict[str, Any]:
    """Write the parts as row groups of one file. One part is in memory at a time.

    Returns:
        Where it is, its bytes and its SHA-256.
    """
    with output.writing() as sink:
        counted = _Counted(sink)
        with pq.ParquetWriter(pa.PythonFile(counted, "w"), layout.schema(), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pa.ipc.open_stream(part.read()).read_all())
    return counted.told(output)


def join_lines(output: Place, parts: Iterable[Place]) -> dict[str, Any]:
    """Write the parts one after another.

    Returns:
        Where it is, its bytes and its SHA-256.
    """
    with output.writing() as sink:
        counted = _Counted(sink)
        for part in parts:
            for piece in part.chunks():
                counted.write(piece)
    return counted.told(output)
