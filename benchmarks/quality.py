"""How well the first rerankers rank, how fast they are, and what int8 loses, on judged collections."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures
import numpy as np
from ir_measures import AP, RR, nDCG

from data import Collection, dl19, musique
from shortlist import Blend, CrossEncoder, KeepOrder, Lexical, Ranking, Reranker, Similarity
from shortlist.algorithms.significance import bootstrap_interval
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from table import Table, report, skipped

TITLE = "Quality"
NEEDED = ("ms-marco-minilm", "bge-small", "all-minilm")
FP32, INT8 = "cross-encoder ms-marco-minilm, fp32", "cross-encoder ms-marco-minilm, int8"
BM25_ORDER = 0.5058
"""nDCG@10 that is published for these BM25 lists: a check of the judgments and of the measure."""


@dataclass(frozen=True)
class Run:
    """What a reranker made of a collection.

    Attributes:
        orders: query id to passage ids, best first.
        rate: passages for each CPU second.
    """

    orders: Mapping[str, list[str]]
    rate: float


def rerankers() -> dict[str, Reranker]:
    return {
        "input order": KeepOrder(),
        "lexical": Lexical(),
        "similarity, static (comes with the package)": Similarity(),
        "blend(similarity, prior=0.5), static": Blend(Similarity(), prior=0.5),
        "similarity, all-minilm, fp32 (its teacher)": Similarity(OnnxEmbedder("all-minilm", precision="fp32")),
        "similarity, bge-small, int8": Similarity(OnnxEmbedder("bge-small", precision="int8")),
        FP32: CrossEncoder(OnnxCrossEncoder("ms-marco-minilm", precision="fp32")),
        INT8: CrossEncoder(OnnxCrossEncoder("ms-marco-minilm", precision="int8")),
    }


def run(reranker: Reranker, collection: Collection) -> Run:
    requests = [(text, collection.candidates[qid]) for qid, text in collection.queries.items()]
    reranker.rank(requests[0][0], requests[0][1][:2])
    start = time.process_time()
    rankings = reranker.rank_many(requests)
    seconds = time.process_time() - start
    count = sum(len(candidates) for _, candidates in requests)
    return Run({qid: _ids(r) for qid, r in zip(collection.queries, rankings, strict=True)}, count / seconds)


def _ids(ranking: Ranking) -> list[str]:
    return [str(passage.id) for passage in ranking.passages]


def measured(orders: Mapping[str, list[str]], collection: Collection, measures: Sequence[Any]) -> dict[Any, Any]:
    """The values of each measure, one a query, in the order of the query ids."""
    judged = [ir_measures.Qrel(q, d, g) for q, grades in collection.grades.items() for d, g in grades.items()]
    ranked = [ir_measures.ScoredDoc(q, d, -place) for q, ids in orders.items() for place, d in enumerate(ids)]
    values: dict[Any, dict[str, float]] = {measure: {} for measure in measures}
    for each in ir_measures.iter_calc(measures, judged, ranked):
        values[each.measure][each.query_id] = each.value
    return {measure: np.array([found[q] for q in sorted(orders)]) for measure, found in values.items()}


def all_gold(orders: Mapping[str, list[str]], collection: Collection, k: int) -> float:
    """The share of questions whose needed paragraphs are all among the first k."""
    gold = {q: {d for d, grade in grades.items() if grade} for q, grades in collection.grades.items()}
    return float(np.mean([gold[q] <= set(ids[:k]) for q, ids in orders.items()]))


def interval(differences: Iterable[float]) -> tuple[float, float, float]:
    """The mean, and its paired bootstrap 95 % interval over queries."""
    values = np.array(list(differences))
    low, high = bootstrap_interval(values[:, None], widened=False)[:, 0]
    return float(values.mean()), float(low), float(high)


def loss(name: str, values: Callable[[str], Iterable[float]]) -> str:
    """In words, what int8 changes."""
    mean, low, high = interval(np.array(values(INT8)) - np.array(values(FP32)))
    return f"int8 less fp32, nDCG@10 on {name}: {mean:+.4f}, paired bootstrap 95 % interval [{low:+.4f}, {high:+.4f}]."


def first(collection: Collection, n: int) -> Collection:
    """Its first queries."""
    kept = list(collection.queries)[:n]
    return Collection(
        *({q: each[q] for q in kept} for each in (collection.queries, collection.candidates)),
        {q: collection.grades[q] for q in kept},
    )


def main(*, quick: bool = False) -> Table:
    passages, questions = dl19(), musique()
    if passages is None or questions is None:
        return skipped(TITLE, "The collections (dl19, MuSiQue) were not there; they are not part of the repository.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    if quick:
        passages, questions = first(passages, 2), first(questions, 3)
    measures = [nDCG @ 10, RR(rel=2) @ 10, AP(rel=2)]
    rows, on_dl19, on_musique = [], {}, {}
    for name, reranker in rerankers().items():
        one, two = run(reranker, passages), run(reranker, questions)
        values = measured(one.orders, passages, measures)
        on_dl19[name] = values[measures[0]]
        on_musique[name] = measured(two.orders, questions, measures[:1])[measures[0]]
        means = [float(values[measure].mean()) for measure in measures]
        means += [float(on_musique[name].mean()), all_gold(two.orders, questions, 5)]
        rows.append((name, *(f"{mean:.4f}" for mean in means), f"{one.rate:,.3g}"))
    if not quick and abs(float(on_dl19["input order"].mean()) - BM25_ORDER) > 5e-5:
        raise SystemExit(f"the BM25 order must have nDCG@10 {BM25_ORDER}: judgments or measure are not the known ones")
    return Table(
        TITLE,
        ("reranker", "dl19 nDCG@10", "RR@10", "AP", "MuSiQue nDCG@10", "all gold@5", "passages per CPU second"),
        tuple(rows),
        (
            f"dl19: TREC Deep Learning 2019, {len(passages.queries)} queries, the 100 best of BM25 for each, whose"
            f" order has a published nDCG@10 of {BM25_ORDER}. RR and AP count grades of 2 and above.",
            f"MuSiQue: {len(questions.queries)} questions, 20 paragraphs each; the input order means nothing."
            " All gold@5 is the share of questions whose needed paragraphs, two to four, are all among the first five.",
            loss("dl19", on_dl19.__getitem__),
            loss("MuSiQue", on_musique.__getitem__),
            "The archive that `ms-marco-minilm` and `bge-small` come from has them with 8-bit weights. Fp32 here is the"
            " exact network of those weights, so the loss is that of 8-bit activations, and of our rounding of weights"
            " that have been rounded once; against the original weights it may be larger.",
            "The static embedder's recipe was chosen with dl19 in sight (none of its text was trained on): expect a"
            " little less on other collections.",
            "Passages per CPU second: dl19 through `rank_many`, tokenising included, over all threads.",
        ),
        ("shortlist", "onnxruntime", "tokenizers", "numpy", "ir-measures"),
        ("passages per CPU second",),
    )


if __name__ == "__main__":
    report(main)
