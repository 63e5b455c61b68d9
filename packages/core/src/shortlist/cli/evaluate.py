"""`shortlist evaluate`: whether one pipeline is better than the order it was given."""

from __future__ import annotations

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
    TopK,
    check_measured,
    collection_at,
    measures_of,
    named,
    pipelines_of,
    runs_of,
    tell,
)
from shortlist.cli.driving import runtime_of
from shortlist.cli.options import AsJson, Expression


def evaluate(
    data: Data,
    reranker: Expression = None,
    measures: Measures = "nDCG@10,RR",
    form: DataFormat = "auto",
    qrels: Qrels = None,
    first_stage: FirstStage = None,
    relevant: Relevant = 1,
    depth: Depth = 100,
    top_k: TopK = None,
    batch: Batch = 16,
    prices: Prices = None,
    questions: Questions = 3,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure one pipeline against the order of the first stage: how much better, how sure, at what cost.

    `shortlist compare` does the same for many pipelines, and can be taken up again where it was broken off.
    """
    from shortlist.evaluation.comparing import compare
    from shortlist.evaluation.running import first_stage as order_found

    by = measures_of(measures, report)
    collection = collection_at(data, form, qrels, first_stage, relevant, depth)
    pipelines = pipelines_of(named([reranker]) if reranker else {"default": None}, prices)
    found = order_found(collection)
    check_measured(by, collection, [found])
    runtime = runtime_of(None, batch, None, None, None, None)
    runs = runs_of(pipelines, collection, top_k=top_k, runtime=runtime, store=None)
    comparison = compare([found, *runs], collection, by)
    tell(comparison, as_json=as_json, report=report, questions=questions)
