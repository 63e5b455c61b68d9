"""`shortlist compare`: pipelines beside each other, how good, how sure, at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from shortlist.cli.comparing import (
    Batch,
    Data,
    DataFormat,
    Depth,
    FirstStage,
    Measures,
    Prices,
    Qrels,
    Questions,
    Relevant,
    Report,
    StoreAt,
    TopK,
    check_measured,
    collection_at,
    measures_of,
    named,
    pipelines_of,
    runs_of,
    tell,
)
from shortlist.cli.driving import CacheAt, Calls, Money, Seconds, Tokens, runtime_of
from shortlist.cli.options import AsJson
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.evaluation.outcome import Run


def compare(
    data: Data,
    rerankers: Annotated[
        list[str] | None,
        typer.Option("--reranker", "-r", metavar="[NAME=]EXPR", help="A pipeline, perhaps named. May be repeated."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="[NAME=]FILE", help="A run that something else made. May be repeated."),
    ] = None,
    measures: Measures = "nDCG@10,RR",
    baseline: Annotated[
        str | None, typer.Option(help="Name of the run to compare with; the order of the first stage by default.")
    ] = None,
    form: DataFormat = "auto",
    qrels: Qrels = None,
    first_stage: FirstStage = None,
    relevant: Relevant = 1,
    depth: Depth = 100,
    top_k: TopK = None,
    store: StoreAt = None,
    batch: Batch = 16,
    prices: Prices = None,
    cache: CacheAt = None,
    limit_calls: Calls = None,
    limit_tokens: Tokens = None,
    limit_seconds: Seconds = None,
    limit_money: Money = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(min=1, help="Behind each interval and p.")] = 10_000,
    correction: Annotated[str, typer.Option(help="Of p for many tests: holm, benjamini-hochberg or none.")] = "holm",
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    questions: Questions = 0,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Compare pipelines on questions with judgments. The order of the first stage is always one of them.

    A pipeline is a name (`shortlist list`), an expression such as 'lexical[:50] >> mmr(diversity=0.3)', or the path of
    a .json file. With --store, a comparison that was broken off goes on where it was.
    """
    from shortlist.evaluation.comparing import check_names
    from shortlist.evaluation.comparing import compare as compare_runs
    from shortlist.evaluation.comparison import Correction, Method
    from shortlist.evaluation.running import FIRST_STAGE
    from shortlist.evaluation.running import first_stage as order_found

    by = measures_of(measures, report)
    method = Method(confidence, resamples, cast("Correction", correction), seed)
    pipelines = pipelines_of(named(rerankers or ()), prices)
    read = _read(files or ())
    if not pipelines and not read:
        raise InputError("nothing to compare: give a pipeline with -r, or a run with --run")
    check_names([FIRST_STAGE, *pipelines, *(run.name for run in read)], baseline)
    collection = collection_at(data, form, qrels, first_stage, relevant, depth)
    before = [order_found(collection), *read]
    check_measured(by, collection, before)
    runtime = runtime_of(cache, batch, limit_calls, limit_tokens, limit_seconds, limit_money)
    made = runs_of(pipelines, collection, top_k=top_k, runtime=runtime, store=store)
    comparison = compare_runs([before[0], *made, *read], collection, by, baseline=baseline, method=method)
    tell(comparison, as_json=as_json, report=report, questions=questions)


def _read(files: Sequence[str]) -> list[Run]:
    from shortlist.evaluation.runs import read_run

    return [read_run(Path(at), Path(name).stem if name == at else name) for name, at in named(files).items()]
