"""`shortlist batch`: files of queries and passages, on one machine or a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.driving import Calls, Money, Seconds, Tokens
from shortlist.cli.exits import ExitCode
from shortlist.cli.options import AsJson
from shortlist.cli.output import note, print_json

if TYPE_CHECKING:
    from shortlist.batch.settings import BatchSettings
    from shortlist.batch.work import Tally


def batch(
    pipeline: Annotated[str, typer.Argument(help="A .json file, a name (`shortlist list`), or an expression.")],
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="Parquet or JSON lines: a file, a pattern or a folder; a path or a URL."),
    ],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="A .parquet or .jsonl file; a path or a URL.")],
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="How many to keep of each query.")] = None,
    with_query: Annotated[bool, typer.Option("--with-query", help="Write the queries too.")] = False,
    with_text: Annotated[bool, typer.Option("--with-text", help="Write the passages' texts too.")] = False,
    reasons: Annotated[bool, typer.Option("--reasons", help="Write what is behind each score.")] = False,
    dropped: Annotated[bool, typer.Option("--dropped", help="Write the passages that were not kept, and why.")] = False,
    times: Annotated[
        bool, typer.Option("--times", help="Write how long each ranking took: two runs then differ in that.")
    ] = False,
    errors: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write rows that failed here, not to OUTPUT.errors.jsonl.")
    ] = None,
    cache: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep models' answers in this file; each machine has its own.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=0, help="Actors, each with its own models; as many as fit by default. 0: without Ray."),
    ] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="Cores of an actor: 1, or up to 4 where local models use them.")
    ] = None,
    shard_size: Annotated[
        int | None, typer.Option(min=1, help="Rows ranked and written together: 1024, or 256 with models.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster, such as ray://host:10001 or auto; this machine by default.")
    ] = None,
    limit_calls: Calls = None,
    limit_tokens: Tokens = None,
    limit_seconds: Seconds = None,
    limit_money: Money = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look the pipeline and the first rows over, and rank nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rerank a file of queries and passages, on all cores and GPUs of one machine or a Ray cluster.

    A row has a `query` and `passages`, and may have an `id`. The same command goes on after a kill, and gives the same
    bytes. Rows that fail are set aside with the reason; the manifest beside the output tells what was done.
    """
    from shortlist.batch.settings import BatchSettings
    from shortlist.runtime.settings import Limits

    settings = BatchSettings(
        top_k=top_k, with_query=with_query, with_text=with_text, reasons=reasons, dropped=dropped, times=times,
        limits=Limits(limit_calls, limit_tokens, limit_seconds, limit_money), cache=cache, concurrency=concurrency,
        cpus=cpus, shard_size=shard_size, errors=errors, address=address,
    )  # fmt: skip
    failed = (_looked if check else _run)(pipeline, source, output, settings, as_json)
    if failed:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _looked(pipeline: str, source: str, output: str, settings: BatchSettings, as_json: bool) -> int:
    from shortlist import batch as jobs

    told = jobs.check(pipeline, source, output, settings)
    if as_json:
        print_json(told)
    else:
        note(f"{len(told['files'])} files, {len(told['models'])} models, the first {told['read']} rows read")
        for failure in told["failures"]:
            note(f"row {failure['row']}: {failure['message']}")
    return len(told["failures"])


def _run(pipeline: str, source: str, output: str, settings: BatchSettings, as_json: bool) -> int:
    from shortlist import batch as jobs

    try:
        with _progress() as show:
            manifest = jobs.run(pipeline, source, output, settings, progress=show)
    except KeyboardInterrupt:
        note("interrupted: the same command goes on from here")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if as_json:
        print_json(manifest)
    else:
        note(_summary(manifest))
    return int(manifest["counts"]["failed"])


def _summary(manifest: Mapping[str, Any]) -> str:
    counts, seconds = manifest["counts"], manifest["seconds"]["last run"]
    kinds = ", ".join(f"{name} {times}" for name, times in counts["errors"].items())
    failed = f"{counts['failed']} failed ({kinds}), see {manifest['failures']['url']}" if kinds else "none failed"
    return f"{counts['rows']} rows: {counts['ranked']} ranked, {failed}; {seconds:.1f} seconds"


@contextmanager
def _progress() -> Iterator[Callable[[Tally, int], None]]:
    """A bar on stderr, when somebody is looking."""
    if not sys.stderr.isatty():
        yield lambda _done, _rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, rows: bar.update(
            task, completed=done.rows, total=rows, description=f"{done.ranked} ranked, {done.failed} failed"
        )
