"""What reads the rows of one shard after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.batch.columns import COLUMNS, open_parquet, rows_of_table
from shortlist.batch.lines import rows_of_lines
from shortlist.batch.places import Place
from shortlist.batch.rows import Rows
from shortlist.batch.shards import Shard

_MOST = 2048  # rows of Parquet that are decoded at a time; a shard of no more is not put together of pieces


class Reader:
    """Reads shards, of which each stands after the one before, or anywhere."""

    def __init__(self, kind: str) -> None:
        """Of Parquet or JSON lines."""
        self._kind = kind
        self._cursor: _Cursor | None = None

    def read(self, shard: Shard) -> Rows:
        """Its rows.

        Raises:
            InputError: the file cannot be read any more.
        """
        if self._kind == "jsonl":
            return rows_of_lines(Place.of(shard.url).slice(shard.start, shard.end), shard.first)
        if self._cursor is None or not self._cursor.reaches(shard):
            self._cursor = _Cursor(shard)
        return rows_of_table(self._cursor.take(shard), shard.first)


class _Cursor:
    """A place in a Parquet file, which moves on only.

    Parquet is decoded from the beginning of a row group, and one group can hold a million rows: reading each shard of
    such a group by itself would decode it over and over. Whoever reads its shards in order decodes it once.
    """

    def __init__(self, shard: Shard) -> None:
        """At the beginning of the row group that holds the first row of the shard."""
        self.url = shard.url
        self.file = open_parquet(Place.of(shard.url))
        group, self.at = _group_of(self.file, shard.start)
        self.begin = self.at
        self._left: pa.Table | None = None
        groups = list(range(group, self.file.num_row_groups))
        names = [name for name in COLUMNS if name in self.file.schema_arrow.names]
        self._pieces: Iterator[Any] = self.file.iter_batches(min(shard.rows, _MOST), row_groups=groups, columns=names)

    def reaches(self, shard: Shard) -> bool:
        """Whether going on from here is the shortest way to the shard."""
        if self.url != shard.url or shard.start < self.at:
            return False
        return _group_of(self.file, shard.start)[1] <= self.at

    def take(self, shard: Shard) -> pa.Table:
        """The rows of the shard."""
        self._skip(shard.start)
        found: list[pa.Table] = []
        while self.at < shard.end:
            piece = self._next()
            found.append(piece.slice(0, shard.end - self.at))
            self._left = piece.slice(shard.end - self.at) if len(piece) > shard.end - self.at else None
            self.at += len(found[-1])
        return pa.concat_tables(found)

    def _skip(self, start: int) -> None:
        while self.at < start:
            piece = self._next()
            ahead = min(len(piece), start - self.at)
            self._left = piece.slice(ahead) if ahead < len(piece) else None
            self.at += ahead

    def _next(self) -> pa.Table:
        piece, self._left = self._left, None
        return pa.Table.from_batches([next(self._pieces)]) if piece is None else piece


def _group_of(file: pq.ParquetFile, row: int) -> tuple[int, int]:
    """The row group that holds this row, and the number of its first row."""
    begin = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < begin + rows:
            return group, begin
        begin += rows
    return file.num_row_groups, begin
