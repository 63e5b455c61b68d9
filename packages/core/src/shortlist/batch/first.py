"""The first rows of an input, for a look before the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from shortlist.batch.columns import checked_schema, open_parquet
from shortlist.batch.lines import rows_of_lines
from shortlist.batch.models import fingerprints
from shortlist.batch.places import Place, files_of, kind_of, output_kind
from shortlist.batch.reading import Reader
from shortlist.batch.rows import Rows
from shortlist.batch.shards import Shard
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load


def looked_over(
    pipeline: Reranker | Mapping[Any, Any] | str | Path, source: str | Path, output: str | Path, count: int
) -> dict[str, Any]:
    """What `check` tells.

    Raises:
        InputError: something is wrong with one of the three.
        MissingExtra: a package of the pipeline is not installed.
        WeightsError: weights are not there.
    """
    output_kind(str(output))
    reranker, files = load(pipeline), files_of(source)
    rows = first_rows(files, count)
    return {
        "pipeline": reranker.to_dict(),
        "models": fingerprints(reranker),
        "files": [{"url": file.url, "bytes": file.size()} for file in files],
        "read": len(rows.numbers) + len(rows.failures),
        "failures": [failure.to_dict() for failure in rows.failures],
    }


def first_rows(files: Sequence[Place], count: int) -> Rows:
    """The first rows of the first file, once the columns of all Parquet files have been seen.

    Raises:
        InputError: a file has not the columns that are needed.
    """
    if kind_of(files[0].path) == "jsonl":
        with files[0].open() as source:
            return rows_of_lines(b"".join(islice(source, count)), 0)
    sizes = []
    for place in files:
        with open_parquet(place) as file:
            checked_schema(file.schema_arrow, place.url)
            sizes.append(file.metadata.num_rows)
    rows = min(count, sizes[0])
    return Reader("parquet").read(Shard(0, files[0].url, 0, rows, 0, rows)) if rows else Rows()
