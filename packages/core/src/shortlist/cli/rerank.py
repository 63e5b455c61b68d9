"""`shortlist rerank`: a stream of queries with their passages in, a stream of rankings out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from shortlist.cli.driving import CacheAt, Calls, Money, Seconds, Tokens, runtime_of
from shortlist.cli.exits import ExitCode
from shortlist.cli.lines import BadLine, Line, batches, read_lines
from shortlist.cli.options import Expression, chosen
from shortlist.cli.records import Records, last_record, records
from shortlist.errors import InputError, MissingExtra, ShortlistError, WeightsError

if TYPE_CHECKING:
    from shortlist.ranking import Ranking
    from shortlist.reranker.base import Reranker
    from shortlist.runtime.settings import Runtime


def rerank(
    reranker: Expression = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="How many to keep of each query.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here and not to stdout.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last complete line of --output, from the same input.")
    ] = False,
    errors: Annotated[Path | None, typer.Option(help="Write the lines that failed here, as JSON lines.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Queries at a time, merged into shared model batches.")] = 32,
    cache: CacheAt = None,
    limit_calls: Calls = None,
    limit_tokens: Tokens = None,
    limit_seconds: Seconds = None,
    limit_money: Money = None,
) -> None:
    """Rerank JSON lines from stdin to stdout, one ranking a line, in the order of the input.

    A line is {"query": TEXT, "passages": [TEXT or {"text": TEXT, ...}], "id": ANYTHING}; the id may be left out. A line
    that fails is reported with its number, and the others go on.
    """
    ranker = chosen(reranker)
    runtime = runtime_of(cache, batch, limit_calls, limit_tokens, limit_seconds, limit_money)
    source = sys.stdin.buffer
    done = _skipped(source, output, resume=resume)
    with records(output, errors, done) as sink, _progress(sink) as show:
        for lines in batches(read_lines(source, done + 1), batch):
            _write(sink, lines, _ranked(ranker, lines, top_k, runtime))
            show()
    if sink.failed:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _skipped(source: IO[bytes], output: Path | None, *, resume: bool) -> int:
    """Read past the lines that are done already; how many those are."""
    if resume and output is None:
        raise InputError("--resume needs --output")
    if output is None or not output.exists() or output.stat().st_size == 0:
        return 0
    if not resume:
        raise InputError(f"{output} is there already: go on with --resume, or remove it")
    last = last_record(output)
    if last is None:
        return 0
    line = b""
    for _ in range(last["line"]):
        line = source.readline()
    same = next(read_lines([line], last["line"]), None)
    if not isinstance(same, Line) or same.query != last.get("query"):
        raise InputError(f"line {last['line']} of the input is not the one that {output} ends with")
    return int(last["line"])


def _ranked(
    ranker: Reranker, lines: Iterable[Line | BadLine], top_k: int | None, runtime: Runtime
) -> Iterator[Ranking | ShortlistError]:
    """One outcome for each good line. What no line can mend ends the run."""
    requests = [(line.query, line.passages) for line in lines if isinstance(line, Line)]
    for outcome in ranker.rank_many(requests, top_k=top_k, runtime=runtime, return_errors=True):
        if isinstance(outcome, (WeightsError, MissingExtra)):
            raise outcome
        yield outcome


def _write(sink: Records, lines: Iterable[Line | BadLine], outcomes: Iterator[Ranking | ShortlistError]) -> None:
    for line in lines:
        if isinstance(line, BadLine):
            sink.fail({"line": line.number}, line.error)
            continue
        outcome = next(outcomes)
        if isinstance(outcome, ShortlistError):
            sink.fail(line.head, outcome)
            continue
        try:
            sink.write({**line.head, **outcome.to_dict()})
        except (TypeError, ValueError) as error:
            sink.fail(line.head, InputError(f"its ranking holds what JSON cannot: {error}"))


@contextmanager
def _progress(sink: Records) -> Iterator[Callable[[], None]]:
    """Counts on stderr, when somebody is looking."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console

    begin = time.monotonic()
    with Console(stderr=True).status("reading") as status:
        yield lambda: status.update(_counts(sink, time.monotonic() - begin))


def _counts(sink: Records, seconds: float) -> str:
    return f"{sink.ranked} ranked, {sink.failed} failed, {sink.ranked / max(seconds, 1e-9):.1f} queries a second"
