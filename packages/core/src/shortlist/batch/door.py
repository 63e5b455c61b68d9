"""What a program calls. What needs Ray or Arrow is imported only once they are known to be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.batch.settings import BatchSettings
from shortlist.errors import require
from shortlist.reranker.base import Reranker

if TYPE_CHECKING:
    from shortlist.batch.work import Tally


def run(
    pipeline: Reranker | Mapping[Any, Any] | str | Path,
    source: str | Path,
    output: str | Path,
    settings: BatchSettings | None = None,
    *,
    progress: Callable[[Tally, int], None] | None = None,
) -> dict[str, Any]:
    """Rank every row of the input, and write one file, in the order of the input.

    Killed at any point, it goes on when it is called again with the same arguments, and writes the same bytes that it
    would have written. A row that cannot be ranked goes into the file of failures, and the others go on. The columns of
    all files are in `docs/batch.md`.

    Args:
        pipeline: a reranker, its dict, its JSON file, or an expression.
        source: Parquet or JSON lines: a file, a pattern, or a folder; a path or any URL that fsspec knows.
        output: a `.parquet` or `.jsonl` file. Beside it stand the manifest, the failures, and until the end a folder.
        settings: `BatchSettings()` when none are given.
        progress: told after each shard what is done, and how many rows there are.

    Returns:
        The manifest. One that is there already, of the same job, is returned as it is.

    Raises:
        InputError: the input has not the columns that are needed, or the output belongs to another job.
        MissingExtra: Ray, PyArrow or fsspec is not installed, or what the pipeline needs is not.
        WeightsError: weights are not there.
        ModelUnavailable: all rows of a shard failed because a server was away.
        ShortlistError: Ray could not go on.
    """
    chosen = _settled(settings)
    from shortlist.batch.job import Job

    return Job.of(pipeline, source, output, chosen).run(progress or (lambda _done, _rows: None))


def check(
    pipeline: Reranker | Mapping[Any, Any] | str | Path,
    source: str | Path,
    output: str | Path,
    settings: BatchSettings | None = None,
    *,
    first: int = 100,
) -> dict[str, Any]:
    """Look over everything that can be wrong before a job, and rank nothing.

    Returns:
        The pipeline and its models, the input's files, how many of the first rows were read, and those that failed.

    Raises:
        InputError: the input has not the columns that are needed, or the output is no file that can be written.
        MissingExtra: a package is not installed.
        WeightsError: weights are not there.
    """
    _settled(settings)
    from shortlist.batch.first import looked_over

    return looked_over(pipeline, source, output, first)


def _settled(settings: BatchSettings | None) -> BatchSettings:
    chosen = BatchSettings() if settings is None else settings
    require("ray", "pyarrow", "fsspec", *([] if chosen.concurrency == 0 else ["ray"]))
    return chosen
